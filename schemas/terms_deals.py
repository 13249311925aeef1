"""What must hold between the deals of a version and what they are over."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from schemas.agreements import Agreement, Version
from schemas.codes import Flow
from schemas.deals import Deal, FeePrice
from schemas.documents import Finding, Path


def check_deals(agreement: Agreement) -> Iterator[Finding]:
    """Deals have names of their own, and are over what is listed before them, one way."""
    for number, version in enumerate(agreement.versions):
        yield from _check_version(("versions", number, "deals"), version)


def _check_version(here: Path, version: Version) -> Iterator[Finding]:
    known = {item.item: item.flow for item in version.items}
    later = [deal.deal for deal in version.deals]
    for index, deal in enumerate(version.deals):
        if deal.deal in known:
            yield (*here, index, "deal"), f"{deal.deal!r} is given twice; choose another name"
        yield from _check_over((*here, index), deal, known, later)
        yield from _check_price((*here, index, "price"), deal, version.period)
        known[deal.deal] = deal.flow


def _check_over(
    here: Path, deal: Deal, known: dict[str, Flow], later: list[str]
) -> Iterator[Finding]:
    """What a deal is over is there, once, before it, and flows the same way."""
    if isinstance(deal.price, FeePrice):
        if deal.over:
            yield (*here, "over"), "a fee is over nothing; remove it"
        return
    if not deal.over:
        yield (*here, "over"), "is empty; name the items that the deal is over"
    for place, name in enumerate(deal.over):
        where: Path = (*here, "over", place)
        if name in deal.over[:place]:
            yield where, f"{name!r} is given twice; keep one"
        elif name not in known:
            if name in later:
                yield where, f"{name!r} is a later deal; list it before"
                continue
            close = difflib.get_close_matches(name, known, 1)
            advice = f"write {close[0]}" if close else "name an item of this version"
            yield where, f"there is no item {name!r}; {advice}"
        elif known[name] is not deal.flow:
            words = f"{known[name].label}, the deal {deal.flow.label}"
            yield where, f"{name!r} is {words}; a deal goes one way"


def _check_price(here: Path, deal: Deal, period: str) -> Iterator[Finding]:
    """Bounds bound something, and leave room; a fee is of the period that is settled, or once."""
    price = deal.price
    if isinstance(price, FeePrice):
        if price.every is not None and price.on is not None:
            yield (*here, "every"), "is not for a fee on one day; keep every or on"
        elif price.every not in (None, period):
            yield (*here, "every"), f"does not fit a settlement by {period}; write {period}"
        return
    low, high = price.minimum_nanos, price.maximum_nanos
    if low is None and high is None and not price.discount_nanos:
        yield here, "bounds nothing; write discount_percent, maximum or minimum"
    if low is not None and high is not None and low > high:
        yield (*here, "minimum"), "is above the maximum; exchange the two"
