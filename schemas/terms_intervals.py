"""What must hold of an item that counts how long something was in service.

Time is cut where a settlement period or a version ends, and each piece is counted for itself. So
nothing that is of a whole event may be said of it: no fee, no limit, no step. The same form as the
checks of `schemas/terms.py`, which runs these too: findings, each a path into the agreement with a
sentence that says what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from schemas.agreements import Agreement, Item, items_of
from schemas.codes import TIMES, Every, MeasureKind, Quantity
from schemas.counts import Count
from schemas.documents import Finding, Path
from schemas.measures import WINDOWED
from schemas.prices import (
    AVERAGE,
    QUANTITIES,
    BandedPrice,
    CountedPrice,
    StepsPrice,
    Tiered,
    TiersPrice,
    UnitPrice,
)
from schemas.recurring import CALENDAR, FITTING, RecurringPrice

# What a price of one event may say, and a price of time may not.
OF_AN_EVENT = ("connect_fee", "minimum", "maximum", "attempt_fee")
OF_TIME = (MeasureKind.SUM, MeasureKind.AVERAGE)
STEPS = ("initial", "following", "minimum", "round")


def counts_time(item: Item) -> bool:
    """Whether an item counts how long something was in service."""
    match item.price:
        case RecurringPrice():
            return True
        case UnitPrice(per=per) | BandedPrice(per=per) | Tiered(per=per) | CountedPrice(per=per):
            return per.quantity in TIMES
        case _:
            return False


def check_time_fits(agreement: Agreement) -> Iterator[Finding]:
    """An item that counts time says nothing that is of a whole event."""
    for path, item in items_of(agreement):
        if counts_time(item):
            yield from _check_item(path, item)


def _check_item(path: Path, item: Item) -> Iterator[Finding]:
    price, here = item.price, (*path, "price")
    if item.surcharge:
        yield (*path, "surcharge"), "is added to an event, and time is cut into pieces; remove it"
    if item.split is not None:
        yield (*path, "split"), "divides an event, and time is cut into pieces; remove it"
    if isinstance(price, BandedPrice):
        yield (*here, "bands"), f"split no {price.per.name}; write a price per event or unit"
        return
    if isinstance(price, StepsPrice):
        yield (*here, "each"), f"prices an event, and {price.per.name} is of a period; remove it"
    yield from _check_windows(path, item)
    for name, field in type(price).model_fields.items():
        said = field.alias or name
        if said in OF_AN_EVENT and name in price.model_fields_set:
            yield (*here, said), "is of an event, and time is cut into pieces; remove it"
    for name in STEPS:
        if item.count is not None and name in item.count.model_fields_set:
            said = Count.model_fields[name].alias or name
            yield (*path, "count", said), "is of an event, and time is cut into pieces; remove it"


def _check_windows(path: Path, item: Item) -> Iterator[Finding]:
    """Time has a sum, or an average over the period."""
    price = item.price
    if isinstance(price, TiersPrice) and price.each in WINDOWED:
        yield (
            (*path, "price", "each"),
            "is of windows, and time has none; remove it",
        )
    if item.measure is not None and item.measure.of not in OF_TIME:
        message = f"{item.measure.of.label} is of events, and time is none; write average"
        yield (*path, "measure", "of"), message


def check_recurring_fits(agreement: Agreement) -> Iterator[Finding]:
    """A recurring price is of circuits, and for something that its settlement period fits into."""
    for path, item in items_of(agreement):
        price, here = item.price, (*path, "price")
        if not isinstance(price, RecurringPrice):
            continue
        service, period = item.service, agreement.versions[int(path[1])].period
        if Quantity.UNIT_DAYS not in QUANTITIES[service]:
            message = f"{service.label} is not in service for days; use a unit price"
            yield (*here, "kind"), message
        if price.every not in FITTING[period]:
            message = f"{price.every.label} does not fit a settlement by {period}; write {period}"
            yield (*here, "every"), message
        if price.basis != CALENDAR and price.every in (Every.DAY, Every.WEEK):
            message = f"is of months, quarters and years, and a {price.every.label} has its days"
            yield (*here, "basis"), f"{message}; remove it"


def check_averages_fit(agreement: Agreement) -> Iterator[Finding]:
    """An average is priced by tiers of a period, per average unit and nothing else."""
    yield from _check_not_summed(agreement)
    for path, item in items_of(agreement):
        price = item.price
        asked = item.measure is not None and item.measure.of is MeasureKind.AVERAGE
        is_level = getattr(price, "per", None) == AVERAGE
        if is_level and not (asked and isinstance(price, TiersPrice)):
            message = "is a level over a period; write kind: tiers and measure: {of: average}"
            yield (*path, "price", "per"), message
        elif is_level and isinstance(price, TiersPrice) and price.span is not None:
            message = "is of sums, and an average is a level of one period; remove it"
            yield (*path, "price", "each"), message
        elif asked and isinstance(price, TiersPrice) and not is_level:
            message = "is no level, and an average is one; write average_unit"
            yield (*path, "price", "per"), message


def _check_not_summed(agreement: Agreement) -> Iterator[Finding]:
    """A level is neither a sum that a deal is over, and it chooses no tier."""
    for number, version in enumerate(agreement.versions):
        here: Path = ("versions", number)
        levels = {i.item for i in version.items if getattr(i.price, "per", None) == AVERAGE}
        for index, deal in enumerate(version.deals):
            if getattr(deal.price, "per", None) == AVERAGE:
                message = "is a level over a period, and deals are over sums; write another"
                yield (*here, "deals", index, "price", "per"), message
        for index, item in enumerate(version.items):
            chosen = getattr(item.price, "chosen_by", None)
            if chosen in levels:
                message = "is of sums, and an average is a level; remove it"
                yield (*here, "items", index, "price", "chosen_by"), message


INTERVAL_CHECKS: tuple[Callable[[Agreement], Iterable[Finding]], ...] = (
    check_time_fits,
    check_recurring_fits,
    check_averages_fit,
)
