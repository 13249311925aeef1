"""What must hold within the price of a deal, and between it and the items that it is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from schemas.agreements import Item, Version
from schemas.codes import DealWindow, Result
from schemas.curves import tier_bound
from schemas.deals import BoundsPrice, CapacityPrice, Deal, DealTiersPrice, FeePrice
from schemas.documents import Finding, Path
from schemas.prices import AMOUNT, TiersPrice
from schemas.terms_chosen import check_chosen_curve, chosen_per

OFFSET_YEARS = range(2000, 2038)


def is_of_money(deal: Deal) -> bool:
    """Whether a deal is over what items come to, and not over what they count."""
    price = deal.price
    if isinstance(price, DealTiersPrice):
        return price.per == AMOUNT
    return isinstance(price, BoundsPrice | FeePrice)


def check_deal_price(here: Path, deal: Deal, version: Version) -> Iterator[Finding]:
    """All that is wrong with the price of a deal, below its path."""
    items = {item.item: item for item in version.items}
    match deal.price:
        case FeePrice() as price:
            yield from _check_fee(here, price, version.period)
        case BoundsPrice() as price:
            yield from _check_bounds(here, price)
        case DealTiersPrice() as price:
            yield from _check_tiers(here, price, items)
            if price.each is DealWindow.HOUR:
                yield from _check_hours(here, deal, price, version.zone, items)
        case CapacityPrice() as price:
            yield from _check_capacity((*here, "tiers"), deal, price, items)


def _check_fee(here: Path, price: FeePrice, period: str) -> Iterator[Finding]:
    """A fee is of the period that is settled, or once."""
    if price.every is not None and price.on is not None:
        yield (*here, "every"), "is not for a fee on one day; keep every or on"
    elif price.every not in (None, period):
        yield (*here, "every"), f"does not fit a settlement by {period}; write {period}"


def _check_bounds(here: Path, price: BoundsPrice) -> Iterator[Finding]:
    """Bounds bound something, and leave room."""
    low, high = price.minimum_nanos, price.maximum_nanos
    if low is None and high is None and not price.discount_nanos:
        yield here, "bounds nothing; write discount_percent, maximum or minimum"
    if low is not None and high is not None and low > high:
        yield (*here, "minimum"), "is above the maximum; exchange the two"


def _check_tiers(here: Path, price: DealTiersPrice, items: Mapping[str, Item]) -> Iterator[Finding]:
    """Tiers fit each other, and what goes with them."""
    for field in ("initial_seconds", "next_seconds"):
        if field in price.model_fields_set:
            yield (*here, field), "is for items, which count; write it there"
    if price.result is Result.REPLACE and price.per != AMOUNT:
        yield (*here, "result"), "replaces money; write per: amount, or remove it"
    yield from check_chosen_curve(here, price, items)


def _check_hours(
    here: Path, deal: Deal, price: DealTiersPrice, zone: str, items: Mapping[str, Item]
) -> Iterator[Finding]:
    """Hours are those of the clock, and what a deal by the hour is over has a price by event."""
    if not _in_whole_hours(zone):
        yield (*here, "each"), f"needs a zone of whole hours, which {zone} is not; remove it"
    for field, said in (("chosen_by", price.chosen_by), ("flat_on_zero", price.flat_on_zero)):
        if said:
            yield (*here, field), "is not for tiers of each hour; remove it"
    for place, name in enumerate(deal.over):
        item = items.get(name)
        if item is None or isinstance(item.price, TiersPrice) or item.allowance is not None:
            told = f"{name!r} has no money by the hour; name items that are priced by the event"
            yield (*here[:-1], "over", place), told


def _in_whole_hours(zone: str) -> bool:
    """Whether the hours of a zone are those of UTC."""
    known = ZoneInfo(zone)
    days = (datetime(year, month, 1, tzinfo=UTC) for year in OFFSET_YEARS for month in range(1, 13))
    offsets = {day.astimezone(known).utcoffset() or timedelta() for day in days}
    return all(offset % timedelta(hours=1) == timedelta() for offset in offsets)


def _check_capacity(
    here: Path, deal: Deal, price: CapacityPrice, items: Mapping[str, Item]
) -> Iterator[Finding]:
    """What a tier has room for rises, item by item, and the last tier has room for anything."""
    if not price.tiers:
        yield here, "is empty; write at least one tier"
    before: dict[str, int] = {}
    for index, tier in enumerate(price.tiers):
        where: Path = (*here, index, "up_to")
        last = index == len(price.tiers) - 1
        if last:
            if tier.up_to is not None:
                yield where, "leaves a gap above the last tier; remove up_to to leave it open"
            continue
        if not tier.up_to:
            yield where, "is missing and overlaps the tiers below; only the last is open"
            continue
        bounds, found = _bounds_of(where, tier.up_to, deal, items)
        yield from found
        for name, bound in bounds.items():
            if bound < before.get(name, 0):
                yield (*where, name), "falls; sort tiers by up_to"
        if bounds and all(bound == before.get(name) for name, bound in bounds.items()):
            yield where, "does not rise; sort tiers by up_to"
        before |= bounds


def _bounds_of(
    where: Path, up_to: Mapping[str, str], deal: Deal, items: Mapping[str, Item]
) -> tuple[dict[str, int], list[Finding]]:
    """What a tier has room for in base units, and what is wrong with it."""
    bounds: dict[str, int] = {}
    found: list[Finding] = []
    for name, text in up_to.items():
        if name not in deal.over or name not in items:
            found.append((where, f"{name!r} is not what the deal is over; add it there"))
            continue
        try:
            bounds[name] = tier_bound(text, chosen_per(name, items) or AMOUNT)
        except ValueError as error:
            found.append(((*where, name), str(error)))
    return bounds, found
