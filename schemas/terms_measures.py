"""What must hold between a measure, the windows of a price and the rest of an item.

The same form as the checks of `schemas/terms.py`, which runs these too: findings, each a path into
the agreement with a sentence that says what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from schemas.agreements import Agreement, Item, items_of
from schemas.codes import Each, MeasureKind, Member, Quantity, Service
from schemas.documents import Finding, Path
from schemas.measures import WINDOWED, Measure
from schemas.prices import BandedPrice, TiersPrice, UnitPrice

RANKED = (MeasureKind.PEAK, MeasureKind.PERCENTILE)
# What only some measures have, by the field as files name it.
FIELDS: Mapping[str, tuple[str, tuple[MeasureKind, ...]]] = {
    "percent": ("percent_nanos", (MeasureKind.PERCENTILE,)),
    "window": ("window", RANKED),
    "direction": ("direction", RANKED),
    "by": ("by_port", RANKED),
    "missing": ("missing", (MeasureKind.PERCENTILE,)),
    "of_what": ("of_what", (MeasureKind.DISTINCT,)),
}
WITH_MEMBER = {
    Member.SUBSCRIBER: (Service.VOICE, Service.SMS, Service.DATA, Service.TRANSACTION),
    Member.INSTANCE: (Service.BANDWIDTH, Service.CIRCUIT, Service.TRANSACTION),
}


def counts_members(item: Item) -> bool:
    """Whether an item counts members and nothing of its service."""
    return item.measure is not None and item.measure.of is MeasureKind.DISTINCT


def check_measures_fit(agreement: Agreement) -> Iterator[Finding]:
    """A measure is of a price by tiers of a period, and has the fields that it needs."""
    for path, item in items_of(agreement):
        price = item.price
        yield from _check_level(path, item)
        if isinstance(price, TiersPrice):
            yield from _check_windows((*path, "price"), item, price)
            if item.measure is not None:
                yield from _check_measure((*path, "measure"), item, item.measure, price)
        elif item.measure is not None:
            yield (*path, "measure"), "is for prices by tiers of a period; write kind: tiers"


def _check_level(path: Path, item: Item) -> Iterator[Finding]:
    """A level in bits a second is what windows are ranked by; nothing else makes one."""
    price = item.price
    if not isinstance(price, UnitPrice | BandedPrice | TiersPrice):
        return
    if price.per.quantity is not Quantity.BITS_PER_SECOND or item.service is not Service.BANDWIDTH:
        return
    if not isinstance(price, TiersPrice) or item.measure is None or item.measure.of not in RANKED:
        advice = "write kind: tiers and measure: {of: percentile, percent: 95}, or per: gigabyte"
        yield (*path, "price", "per"), f"is a level, which only a measure makes; {advice}"
    elif item.count is not None:
        yield (*path, "count"), "is of steps, and a level has none; remove it"


def _check_windows(here: Path, item: Item, price: TiersPrice) -> Iterator[Finding]:
    """Tiers of windows owe nothing where there is no window; only a sum has its tier chosen."""
    is_sum = item.measure is None or item.measure.of is MeasureKind.SUM
    if price.chosen_by is not None and (price.each in WINDOWED or not is_sum):
        yield (*here, "chosen_by"), "chooses the tier of a period's sum; remove it, or the measure"
    if price.each in WINDOWED and price.flat_on_zero:
        yield (*here, "flat_on_zero"), "is of a period, and empty windows owe nothing; remove it"


def _check_measure(
    here: Path, item: Item, measure: Measure, price: TiersPrice
) -> Iterator[Finding]:
    """One measure."""
    for name, (field, kinds) in FIELDS.items():
        if getattr(measure, field) is not None and measure.of not in kinds:
            yield (*here, name), f"is not of a {measure.of.label}; remove it"
    is_level = price.per.quantity is Quantity.BITS_PER_SECOND
    ranks = measure.of is MeasureKind.PERCENTILE or measure.window is not None
    each = (*here[:-1], "price", "each")
    if price.span is not None and measure.of is not MeasureKind.SUM:
        yield each, f"{price.each.label} needs a sum; a {measure.of.label} is of one period"
    elif ranks and price.each in WINDOWED:
        yield each, f"{measure.of.label} of windows is of one period; remove it, or window"
    if measure.of is MeasureKind.PERCENTILE:
        yield from _check_percentile(here, item, measure, is_level=is_level)
    if measure.of is MeasureKind.PEAK:
        yield from _check_peak(here, item, measure, is_level=is_level)
    if is_level and measure.window is Each.DAY:
        yield (*here, "window"), "has 23 or 25 hours now and then; write 5min or hour for a level"
    if measure.of is MeasureKind.DISTINCT:
        yield from _check_distinct(here, item, measure, price)


def _check_percentile(
    here: Path, item: Item, measure: Measure, *, is_level: bool
) -> Iterator[Finding]:
    """A percentile is of levels of bandwidth."""
    if item.service is not Service.BANDWIDTH:
        yield (*here, "of"), f"percentile needs bandwidth usage, not {item.service.label}"
    elif not is_level:
        price = (*here[:-1], "price", "per")
        yield price, "is no level, and a percentile is of levels; write megabit_per_second"
    if measure.percent_nanos is None:
        yield (*here, "percent"), "is missing; write which percentile, for example 95"


def _check_peak(here: Path, item: Item, measure: Measure, *, is_level: bool) -> Iterator[Finding]:
    """A peak is of events, or of windows; levels are of windows."""
    if is_level and measure.window is None:
        yield (*here, "window"), "is missing, and a level is of a window; write 5min"
    if measure.direction is not None and not is_level:
        yield (*here, "direction"), "is of levels; write count: {of: up_bytes}, or remove it"
    if measure.by_port is not None:
        if item.service is not Service.BANDWIDTH:
            yield (*here, "by"), f"is of ports, which {item.service.label} has none of; remove it"
        elif measure.window is None:
            yield (*here, "by"), "is of windows, and no window is said; write window, or remove it"


def _check_distinct(
    here: Path, item: Item, measure: Measure, price: TiersPrice
) -> Iterator[Finding]:
    """Members are counted one by one, of a service that names them."""
    if price.per.name != "unit":
        yield (*here[:-1], "price", "per"), "is not what members are counted in; write unit"
    if item.count is not None:
        yield (*here[:-1], "count"), "is of what is used, and members are counted; remove it"
    if measure.of_what is None:
        yield (*here, "of_what"), "is missing; write subscriber or instance"
    elif item.service not in WITH_MEMBER[measure.of_what]:
        named = measure.of_what.label
        yield (*here, "of_what"), f"{item.service.label} names no {named}; write another measure"


MEASURE_CHECKS: tuple[Callable[[Agreement], Iterable[Finding]], ...] = (check_measures_fit,)
