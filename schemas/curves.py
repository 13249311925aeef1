"""What a table of tiers may say: bounds that rise and end open, and fields that fit each other.

The models of `schemas/prices.py` say what one field may be. Here is what they may be together, and
how a text in the unit of the price becomes a whole quantity: `up_to: 1000` under `per: minute` are
60,000 seconds, `up_to: 10 second` are ten. A mistake is a path below the price with a sentence that
says what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schemas.codes import Quantity
from schemas.documents import Finding, Path
from schemas.money import NANOS, NANOS_DECIMALS, parse_decimal
from schemas.prices import AVERAGE, PERS, Per, PeriodTiers, Tier, Tiered

# A bound must fit a column of quantities with room to add.
TIER_QUANTITY_MAX = 2**62


def tier_bound(text: str, per: Per) -> int:
    """A tier's bound, given in `per`, as a quantity: 1000 minutes are 60,000 seconds."""
    return _quantity(text, per, "bound")


def block_size(text: str, per: Per) -> int:
    """The size of a block, given in `per`, as a quantity."""
    return _quantity(text, per, "block")


def quantity_of(text: str, per: Per) -> int:
    """A free or committed quantity, given in `per`, as a quantity."""
    return _quantity(text, per, "quantity")


def _scaled(text: str, per: Per) -> int:
    """A quantity in `per`, or in another unit that it names, in nanos of the base quantity."""
    number, _, name = text.partition(" ")
    if not name:
        return parse_decimal(text, NANOS_DECIMALS) * per.unit
    alike = [other.name for other in PERS.values() if other.quantity is per.quantity]
    if per == AVERAGE:
        alike = [per.name]  # a level is no length of time, though that is what it is made of
    elif AVERAGE.name in alike:
        alike.remove(AVERAGE.name)
    if name not in alike:
        raise ValueError(f"{name!r} is not known; write one of {', '.join(alike)}, or no unit")
    return parse_decimal(number, NANOS_DECIMALS) * PERS[name].unit


def _quantity(text: str, per: Per, what: str) -> int:
    quantity, rest = divmod(_scaled(text, per), NANOS)
    if rest or not 0 < quantity < TIER_QUANTITY_MAX:
        one = per.name if per == AVERAGE else per.quantity.label
        raise ValueError(
            f"{text!r} is not a possible {what}; write a positive number of whole {one}"
        )
    return quantity


def check_curve(here: Path, price: Tiered, bounds: Per | None = None) -> Iterator[Finding]:
    """All that is wrong with a price of tiers, below the path of the price.

    Args:
        here: the path of the price.
        price: the price.
        bounds: what bounds of tiers are in; by default what the price is per.
    """
    if not price.tiers:
        yield (*here, "tiers"), "is empty; write at least one tier"
    yield from _check_bounds((*here, "tiers"), price.tiers, bounds or price.per)
    for index, tier in enumerate(price.tiers):
        yield from _check_tier((*here, "tiers", index), tier, price.per)
    at_least = price.at_least if isinstance(price, PeriodTiers) else None
    for field, text in (("free", price.free), ("at_least", at_least)):
        if text is not None:
            yield from _refused((*here, field), text, price.per, "quantity")


def _check_bounds(here: Path, tiers: Sequence[Tier], per: Per) -> Iterator[Finding]:
    """Tiers begin at nothing, rise, and only the last one is open: no gap and no overlap."""
    bound, said = 0, "0"
    for index, tier in enumerate(tiers):
        last = index == len(tiers) - 1
        where = (*here, index, "up_to")
        if tier.from_ is not None:
            yield from _check_from((*here, index, "from"), tier.from_, index, bound, said, per)
        if tier.up_to is None:
            if not last:
                yield where, "is missing and overlaps the tiers below; only the last is open"
            continue
        if last:
            yield where, "leaves a gap above the last tier; remove up_to to leave it open"
        try:
            upto = tier_bound(tier.up_to, per)
        except ValueError as error:
            yield where, str(error)
            continue
        if upto <= bound:
            yield where, "does not rise and overlaps the tier above; sort tiers by up_to"
        elif upto > bound:
            bound, said = upto, tier.up_to


def _check_from(
    where: Path, text: str, index: int, bound: int, said: str, per: Per
) -> Iterator[Finding]:
    """A tier that says where it begins says what the tier below it says of its end."""
    try:
        start = 0 if _scaled(text, per) == 0 else tier_bound(text, per)
    except ValueError as error:
        yield where, str(error)
        return
    if index == 0 and start:
        yield where, f"leaves a gap below the first tier (0 to {text}); write 0, or remove it"
    elif start > bound:
        yield where, f"leaves a gap after tier {index} ({said} to {text}); repeat its up_to"
    elif start < bound:
        yield where, f"overlaps tier {index} ({text} to {said}); repeat its up_to"


def _check_tier(here: Path, tier: Tier, per: Per) -> Iterator[Finding]:
    """One tier has one price, and counts its part in one way."""
    if tier.price_nanos is None and tier.percent_nanos is None:
        yield (*here, "price"), "is missing; add it"
    if tier.percent_nanos is not None:
        if tier.price_nanos is not None:
            yield (*here, "percent"), "is a second price; keep price or percent"
        if per.quantity is not Quantity.AMOUNT_MICROS:
            yield (*here, "percent"), "is of money; write per: amount, or a price"
        if tier.block is not None:
            yield (*here, "block"), "has a price, not a percentage; write price"
    if tier.block is not None:
        if tier.step is not None:
            yield (*here, "block"), "sells whole blocks, step counts them; keep one"
        yield from _refused((*here, "block"), tier.block, per, "block")
    elif tier.rounds is not None:
        yield (*here, "round"), "rounds blocks; write block, or remove it"


def _refused(where: Path, text: str, per: Per, what: str) -> Iterator[Finding]:
    try:
        _quantity(text, per, what)
    except ValueError as error:
        yield where, str(error)
