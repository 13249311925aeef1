"""What must hold between a deal and items of other agreements that it is over.

Both agreements are of one pool, because a deal is worked out where all its rows lie. Their versions
that can be in force together have zone, currency and period alike, so that a period of one is that
of the other. What only counts is priced by some deal at all times.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from schemas.agreements import Agreement, Item, Version
from schemas.deals import BoundsPrice, Deal, DealTiersPrice
from schemas.documents import Finding, Path
from schemas.prices import CountedPrice
from schemas.terms_deals import Known, check_member

Told = tuple[Agreement, Finding]


def check_pools(agreements: Sequence[Agreement], names: Collection[str]) -> Iterator[Told]:
    """What deals say of other agreements, each finding with the agreement that says it.

    `names` are those of all agreements, also of one with mistakes, which are told where it stands.
    """
    known = {agreement.agreement: agreement for agreement in agreements}
    for agreement in agreements:
        for number, version in enumerate(agreement.versions):
            for index, deal in enumerate(version.deals):
                here: Path = ("versions", number, "deals", index)
                for finding in _check_deal(here, agreement, version, deal, (known, names)):
                    yield agreement, finding
    for agreement in agreements if {*known} >= {*names} else ():
        if agreement.pool is not None:
            for finding in _check_counted(agreement, agreements):
                yield agreement, finding


def _check_deal(
    here: Path,
    agreement: Agreement,
    version: Version,
    deal: Deal,
    of: tuple[Mapping[str, Agreement], Collection[str]],
) -> Iterator[Finding]:
    """What a deal is over of other agreements is there, is of its pool, and goes together."""
    known, names = of
    if not deal.pooled:
        return
    price = deal.price
    if not isinstance(price, BoundsPrice | DealTiersPrice):
        yield (*here, "price", "kind"), "is over one agreement only; write bounds or tiers"
        return
    if isinstance(price, DealTiersPrice) and price.chosen_by is not None:
        yield (*here, "price", "chosen_by"), "is not for a deal over several agreements; remove it"
    for place, name in enumerate(deal.over):
        where: Path = (*here, "over", place)
        for other, item in deal.pooled:
            if name != f"{other}/{item}":
                continue
            if other in known:
                beside = known[other]
                yield from _check_agreement(where, agreement, version, beside)
                yield from _check_items(where, name, deal, (version, beside, item))
                yield from _check_edges(where, name, deal, (agreement, version, beside))
            elif other not in names:
                yield where, f"there is no agreement {other!r}; add it"


def _check_agreement(
    where: Path, agreement: Agreement, version: Version, other: Agreement
) -> Iterator[Finding]:
    """The other agreement can be settled together with this one."""
    name = other.agreement
    if name == agreement.agreement:
        yield where, f"{name} is this agreement itself; write the item alone"
        return
    if other.pool is None or other.pool != agreement.pool:
        yield where, f"{name} is in another pool; name one pool for both"
    for owner in (agreement, other):
        prices = (deal.price for v in owner.versions for deal in v.deals)
        if any(isinstance(price, DealTiersPrice) and price.span for price in prices):
            told = f"{owner.agreement} has a deal that goes on over several periods"
            yield where, f"{told}, which no other agreement can be joined with; remove one"
    if not any(_overlap(version, v) for v in other.versions):
        yield where, f"{name} has no version in force together with this one; remove it"
    for v in other.versions if name != agreement.agreement else ():
        if _overlap(version, v):
            for field in ("zone", "currency", "period"):
                if getattr(v, field) != getattr(version, field):
                    yield where, f"{name} has another {field}; a deal needs them alike"


def _check_items(
    where: Path, name: str, deal: Deal, of: tuple[Version, Agreement, str]
) -> Iterator[Finding]:
    """Every version of the other agreement has the item, and it is what the deal prices."""
    version, other, item_name = of
    for v in other.versions:
        if not _overlap(version, v):
            continue
        item = next((item for item in v.items if item.item == item_name), None)
        if item is None:
            yield where, f"version {v.version} of {other.agreement} has no item {item_name!r}"
            continue
        if getattr(item.price, "span", None) is not None:
            yield where, f"{name!r} counts over several periods by itself; remove it"
        yield from check_member(where, name, deal, _known(item))


def _known(item: Item) -> Known:
    counts = item.price.per if isinstance(item.price, CountedPrice) else None
    return Known(item.flow, counts)


def _check_edges(
    where: Path, name: str, deal: Deal, of: tuple[Agreement, Version, Agreement]
) -> Iterator[Finding]:
    """A deal begins and ends with a period, where the other agreement was and is in force."""
    agreement, version, other = of
    beside = [v for v in agreement.versions if any(_is_alike(deal, d, name) for d in v.deals)]
    begins, ends = version.valid_from_s, version.valid_upto_s
    if any(v.valid_from_s < begins <= v.valid_upto_s for v in other.versions) and not (
        any(v.valid_upto_s == begins for v in beside) or _is_edge(version, begins)
    ):
        yield where, f"{name!r} is in a period that this version begins in; begin with a period"
    if any(v.valid_from_s <= ends < v.valid_upto_s for v in other.versions) and not (
        any(v.valid_from_s == ends for v in beside) or _is_edge(version, ends)
    ):
        yield where, f"{name!r} is in a period that this version ends in; end with a period"


def _is_alike(deal: Deal, other: Deal, name: str) -> bool:
    """Whether another version's deal goes on where this one ends."""
    return (deal.deal, deal.price.kind) == (other.deal, other.price.kind) and name in other.over


def _is_edge(version: Version, second: int) -> bool:
    """Whether a period of a version begins at an instant."""
    local = datetime.fromtimestamp(second, ZoneInfo(version.zone))
    is_midnight = (local.hour, local.minute, local.second) == (0, 0, 0)
    return is_midnight and (version.period == "day" or local.day == 1)


def _check_counted(agreement: Agreement, agreements: Sequence[Agreement]) -> Iterator[Finding]:
    """Whatever only counts is priced by a deal of its own agreement, or always by others."""
    for number, version in enumerate(agreement.versions):
        own = {name for deal in version.deals for name in deal.members}
        for index, item in enumerate(version.items):
            if not isinstance(item.price, CountedPrice) or item.item in own:
                continue
            name = f"{agreement.agreement}/{item.item}"
            spans = [
                (v.valid_from_s, v.valid_upto_s)
                for other in agreements
                for v in other.versions
                if any(name in deal.over for deal in v.deals)
            ]
            if not _covers(spans, version):
                told = "only counts, and no deal is over it all the time"
                advice = "add one to this version, or a price"
                yield ("versions", number, "items", index, "price"), f"{told}; {advice}"


def _covers(spans: Sequence[tuple[int, int]], version: Version) -> bool:
    """Whether stretches of time cover that of a version without a gap."""
    within = sorted(s for s in spans if s[0] < version.valid_upto_s and s[1] > version.valid_from_s)
    if not within:
        return False
    has_gap = any(upto < since for (_, upto), (since, _) in pairwise(within))
    reach = max(upto for _, upto in within)
    return not has_gap and within[0][0] <= version.valid_from_s and reach >= version.valid_upto_s


def _overlap(version: Version, other: Version) -> bool:
    """Whether two versions can be in force together."""
    first = max(version.valid_from_s, other.valid_from_s)
    return first < min(version.valid_upto_s, other.valid_upto_s)
