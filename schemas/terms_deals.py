"""What must hold between the deals of a version and what they are over.

The prices of deals are checked beside (`schemas/terms_deal_prices.py`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from schemas.agreements import Agreement, Version
from schemas.codes import Flow
from schemas.deals import OF_ANOTHER, CapacityPrice, Deal, DealTiersPrice, FeePrice, SwapPrice
from schemas.documents import Finding, Path
from schemas.prices import CountedPrice, Per
from schemas.terms_deal_prices import check_deal_price, is_of_money


@dataclass(frozen=True)
class Known:
    """What a deal may be over: how it flows, and of an item that only counts what it counts."""

    flow: Flow
    counted: Per | None = None


def check_deals(agreement: Agreement) -> Iterator[Finding]:
    """Deals have names of their own, and are over what is listed before them, one way."""
    for number, version in enumerate(agreement.versions):
        here: Path = ("versions", number)
        yield from _check_version((*here, "deals"), version)
        if agreement.pool is None:  # else a deal of another agreement may be over what counts
            yield from _check_counted((*here, "items"), version)
    yield from _check_declared(agreement)


def _check_version(here: Path, version: Version) -> Iterator[Finding]:
    known = {
        item.item: Known(
            item.flow, item.price.per if isinstance(item.price, CountedPrice) else None
        )
        for item in version.items
    }
    later = [deal.deal for deal in version.deals]
    for index, deal in enumerate(version.deals):
        if deal.deal in known:
            yield (*here, index, "deal"), f"{deal.deal!r} is given twice; choose another name"
        yield from _check_flow((*here, index, "flow"), deal)
        yield from _check_over((*here, index), deal, known, later)
        yield from check_deal_price((*here, index, "price"), deal, version)
        known[deal.deal] = Known(Flow.RECEIVABLE)
        for name, flow in deal.lines.items():
            known[name] = Known(flow)
        if isinstance(deal.price, SwapPrice):
            del known[deal.deal]


def _check_declared(agreement: Agreement) -> Iterator[Finding]:
    """A figure that a swap takes means the same in every version that has its name."""
    first: dict[str, tuple[object, ...]] = {}
    taken = {
        deal.deal
        for version in agreement.versions
        for deal in version.deals
        if isinstance(deal.price, SwapPrice) and deal.price.declared
    }
    for number, version in enumerate(agreement.versions):
        here: Path = ("versions", number)
        for index, item in enumerate(version.items):
            if item.item in taken:
                told = f"{item.item!r} is what a swap's figure is declared under; rename it"
                yield (*here, "items", index, "item"), told
        in_version = set[str]()
        for index, deal in enumerate(version.deals):
            if deal.deal not in taken:
                continue
            where: Path = (*here, "deals", index)
            if deal.deal in in_version:
                yield (*where, "deal"), f"{deal.deal!r} is given twice; choose another name"
                continue
            in_version.add(deal.deal)
            meant = _means(deal, version)
            if first.setdefault(deal.deal, meant) != meant:
                told = (
                    "is of another side, quantity, currency, zone or period than in another version"
                )
                yield (*where, "price", "declared"), f"{told}; give the swap another name"


def _means(deal: Deal, version: Version) -> tuple[object, ...]:
    """What a figure that is declared under a deal's name is of."""
    price = deal.price
    if not isinstance(price, SwapPrice):
        return ("no swap",)
    quantity = price.per.quantity
    return price.declared, quantity, version.currency, version.period, version.zone


def _check_flow(here: Path, deal: Deal) -> Iterator[Finding]:
    if isinstance(deal.price, SwapPrice):
        if deal.flow is not None:
            yield here, "is not for a swap, which has a line each way; remove it"
    elif deal.flow is None:
        yield here, "is missing; add it"


def _check_over(
    here: Path, deal: Deal, known: Mapping[str, Known], later: list[str]
) -> Iterator[Finding]:
    """What a deal is over is there, once, before it, and flows the same way."""
    price = deal.price
    if isinstance(price, FeePrice):
        if deal.over:
            yield (*here, "over"), "a fee is over nothing; remove it"
        return
    if isinstance(price, SwapPrice):
        if deal.over:
            yield (*here, "over"), "is said by in and out; remove it"
        sides: dict[Path, tuple[str, ...]] = {
            ("price", "in"): price.in_,
            ("price", "out"): price.out,
        }
    else:
        sides = {("over",): deal.over}
    seen: list[str] = []
    for side, names in sides.items():
        if not names:
            yield (*here, *side), "is empty; name the items that the deal is over"
        for place, name in enumerate(names):
            where: Path = (*here, *side, place)
            if name in seen:
                yield where, f"{name!r} is given twice; keep one"
            elif name in known:
                yield from check_member(where, name, deal, known[name])
            else:
                yield from _unknown(where, name, known, later)
            seen.append(name)


def _unknown(
    where: Path, name: str, known: Mapping[str, Known], later: list[str]
) -> Iterator[Finding]:
    if OF_ANOTHER in name:
        return  # of another agreement; checked in `schemas/terms_pools.py`
    if f"{name}:{Flow.RECEIVABLE.label}" in known:
        ways = " or ".join(f"{name}:{flow.label}" for flow in Flow)
        yield where, f"{name!r} has a line each way; write {ways}"
    elif name in later:
        yield where, f"{name!r} is a later deal; list it before"
    else:
        close = difflib.get_close_matches(name, known, 1)
        advice = f"write {close[0]}" if close else "name an item of this version"
        yield where, f"there is no item {name!r}; {advice}"


def check_member(where: Path, name: str, deal: Deal, member: Known) -> Iterator[Finding]:
    """Money is priced of what has money, one way; quantities of items that count the same."""
    price, counts = deal.price, member.counted
    if is_of_money(deal):
        if counts is not None:
            yield where, f"{name!r} only counts; name what comes to money"
        elif deal.flow is not None and member.flow is not deal.flow:
            words = f"{member.flow.label}, the deal {deal.flow.label}"
            yield where, f"{name!r} is {words}; a deal goes one way"
    elif counts is None:
        yield where, f"{name!r} has money of its own; this deal prices items of kind: counted"
    elif isinstance(price, DealTiersPrice | SwapPrice):
        if counts.quantity is not price.per.quantity:
            told = f"{name!r} counts {counts.quantity.label}, the deal {price.per.quantity.label}"
            yield where, f"{told}; a deal counts one quantity"
    elif isinstance(price, CapacityPrice) and not any(name in (t.up_to or ()) for t in price.tiers):
        yield where, f"{name!r} has no bound in any tier; add one, or remove it"


def _check_counted(here: Path, version: Version) -> Iterator[Finding]:
    """Whatever only counts is priced by some deal."""
    priced = {name for deal in version.deals for name in deal.members}
    for index, item in enumerate(version.items):
        if isinstance(item.price, CountedPrice) and item.item not in priced:
            message = "only counts, and no deal of this version is over it; add one, or a price"
            yield (*here, index, "price"), message
