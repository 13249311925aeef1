"""Tiers that something else chooses: how often, or how much of another item, not how much itself.

By volume one tier prices all of a quantity. As a rule the quantity itself reaches it; with
`chosen_by` the number of events does, or what another item of the version counts. Bounds are then
in that: events, or what the other item is priced per.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schemas.agreements import Agreement, Item
from schemas.codes import CurveKind
from schemas.curves import check_curve
from schemas.documents import Finding, Path
from schemas.prices import (
    AMOUNT,
    PERS,
    DeckPrice,
    Per,
    PeriodTiers,
    ReceivedPrice,
    SharePrice,
    Tiered,
)
from schemas.recurring import RecurringPrice

EVENTS = "events"
"""What chooses a tier when it is how often, not how much."""


def chosen_per(chosen_by: str, items: Mapping[str, Item]) -> Per | None:
    """What the bounds of tiers are in that something else chooses; None when nothing is it.

    Args:
        chosen_by: `events`, or the name of an item.
        items: those of the version.
    """
    if chosen_by == EVENTS:
        return PERS["event"]
    if chosen_by not in items:
        return None
    price = items[chosen_by].price
    if isinstance(price, DeckPrice):
        return PERS["minute"]
    if isinstance(price, RecurringPrice):
        return PERS["unit_day"]
    return AMOUNT if isinstance(price, SharePrice | ReceivedPrice) else price.per


def check_curves(agreement: Agreement) -> Iterator[Finding]:
    """What the prices of items by tiers say fits together."""
    for number, version in enumerate(agreement.versions):
        items = {item.item: item for item in version.items}
        for index, item in enumerate(version.items):
            here: Path = ("versions", number, "items", index, "price")
            if isinstance(item.price, Tiered):
                yield from check_chosen_curve(here, item.price, items)
            if isinstance(item.price, PeriodTiers) and item.price.chosen_by == item.item:
                yield (*here, "chosen_by"), "is the item itself, as without it; remove it"


def check_chosen_curve(here: Path, price: Tiered, items: Mapping[str, Item]) -> Iterator[Finding]:
    """All that is wrong with a price of tiers, below its path, given the items of its version."""
    chosen = price.chosen_by if isinstance(price, PeriodTiers) else None
    bounds = None
    if chosen is not None and isinstance(price, PeriodTiers):
        bounds = chosen_per(chosen, items)
        if bounds is None:
            told = f"there is no item {chosen!r}; write {EVENTS}, or an item's name"
            yield (*here, "chosen_by"), told
        yield from _check_chosen(here, price)
    yield from check_curve(here, price, bounds)


def _check_chosen(here: Path, price: PeriodTiers) -> Iterator[Finding]:
    """What is not for tiers that something else chooses."""
    if price.curve is not CurveKind.VOLUME:
        yield (*here, "chosen_by"), "chooses one tier for all; write curve: volume"
    if price.at_least is not None:
        yield (*here, "at_least"), "cannot be told where something else chooses the tier; remove it"
    if price.flat_on_zero:
        yield (*here, "flat_on_zero"), "is not for tiers that something else chooses; remove it"
