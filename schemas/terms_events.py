"""What must hold between the parts of a price of one event: counts, limits, fees and factors.

The same form as the checks of `schemas/terms.py`, which runs these too: findings, each a path into
the agreement with a sentence that says what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from schemas.agreements import Agreement, Item, items_of
from schemas.codes import CountRound, Quantity
from schemas.counts import Count
from schemas.documents import Finding, Path
from schemas.money import NANOS
from schemas.prices import (
    QUANTITIES,
    VOLUMES,
    BandedPrice,
    Counting,
    DeckPrice,
    EventPrice,
    ReceivedPrice,
    SharePrice,
    UnitPrice,
    counted,
)
from schemas.quantities import AMOUNTS
from schemas.recurring import RecurringPrice
from schemas.terms_sessions import check_sessions_fit

EACH_BAND = "the increments of each band"


def check_counts_fit(agreement: Agreement) -> Iterator[Finding]:
    """A count counts what the price is per, in steps that are said once and can be rounded."""
    for path, item in items_of(agreement):
        if item.count is not None:
            yield from _check_count((*path, "count"), item, item.count)


def _counted_by(price: Counting) -> Quantity:
    """The quantity that a price is for."""
    if isinstance(price, SharePrice | RecurringPrice):
        return price.quantity
    return price.per.quantity


def _check_count(here: Path, item: Item, count: Count) -> Iterator[Finding]:
    price = item.price
    if isinstance(price, DeckPrice | BandedPrice):
        if count.model_fields_set != {"as_one"}:
            whose = "the deck's own increments" if isinstance(price, DeckPrice) else EACH_BAND
            yield here, f"is said by {whose}; remove it"
        return
    if isinstance(price, ReceivedPrice):
        return
    quantity = _counted_by(price)
    if count.of is not None and count.of not in QUANTITIES[item.service]:
        yield (*here, "of"), f"{item.service.label} has no {count.of.label}; write another quantity"
    elif count.of is not None and count.of is not quantity and not _alike(count.of, quantity):
        yield (*here, "of"), f"is not what the price is per; write {quantity.label}"
    if quantity is Quantity.EVENTS:
        yield here, "has nothing to count beside the event; remove it"
    for field, beside in (("initial", "initial_seconds"), ("following", "next_seconds")):
        if getattr(count, field) is not None and beside in price.model_fields_set:
            name = Count.model_fields[field].alias or field
            yield (*here, name), f"is also said by price.{beside}; keep one"
    if count.round is not CountRound.UP and len(set(counted(item.count, price))) > 1:
        yield (*here, "round"), "needs steps of one size; write the same initial and next"


def _alike(one: Quantity, other: Quantity) -> bool:
    """Whether a price per one quantity can be of the other: volumes both, or amounts of money."""
    return {one, other} <= VOLUMES or {one, other} <= AMOUNTS


def check_limits_fit(agreement: Agreement) -> Iterator[Finding]:
    """The least that an event costs is not above the most, and an attempt is possible."""
    for path, item in items_of(agreement):
        price, here = item.price, (*path, "price")
        per = price.per.quantity if isinstance(price, UnitPrice | BandedPrice) else None
        if isinstance(price, EventPrice):
            yield from _check_limits(here, price, per)
        elif isinstance(price, BandedPrice):
            for band, rate in price.bands.prices.items():
                yield from _check_limits((*here, "bands", "prices", band), rate, per)


def _check_limits(here: Path, price: EventPrice, per: Quantity | None) -> Iterator[Finding]:
    if price.maximum_nanos is not None and price.maximum_nanos < price.minimum_nanos:
        yield (*here, "maximum"), "is below minimum; exchange the two"
    if per is Quantity.EVENTS and price.attempt_fee_nanos:
        yield (*here, "attempt_fee"), "is never due, for an event always counts one; remove it"


def check_factors_fit(agreement: Agreement) -> Iterator[Finding]:
    """A deck is priced by a factor or by a percentage less, and not for nothing."""
    for path, item in items_of(agreement):
        price, here = item.price, (*path, "price")
        if not isinstance(price, DeckPrice):
            continue
        if price.factor_nanos != NANOS and price.less_percent_nanos:
            yield (*here, "less_percent"), "is also said by factor; keep one"
        elif price.factor == 0:
            field = "less_percent" if price.less_percent_nanos else "factor"
            yield (*here, field), "leaves nothing of the deck's prices; write another one"


EVENT_CHECKS: tuple[Callable[[Agreement], Iterable[Finding]], ...] = (
    check_counts_fit,
    check_limits_fit,
    check_factors_fit,
    check_sessions_fit,
)
