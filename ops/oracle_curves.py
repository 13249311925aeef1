"""The oracle's curves: tiers walked in exact fractions, and what a period owes by itself.

A price of tiers is worked out here from its table as it stands in the file. A table is looked at
twice: once for the stretch of each tier, once for how much of the quantity lies in it. What is
owed without usage is found by going through the days of the period one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from ops.oracle_files import EPOCH, MICROSECOND
from ops.oracle_prices import Price, Tier
from ops.oracle_reference import Item, Reference, Version

NOTHING = Fraction(0)
HALF = Fraction(1, 2)

# A part of an amount: its place (tier, and 0 free, 1 tier, 2 flat, 3 cap), quantity and amount.
Placed = dict[tuple[int, int], tuple[Fraction, Fraction]]


class Owing(NamedTuple):
    """What a period owes by itself: the item of its last version, and of the days those served."""

    version: int
    item: Item
    part: Fraction


def placed_parts(price: Price, quantity: Fraction | int) -> Placed:
    """Everything that F(quantity) is made of, by tier."""
    if quantity < 0:
        return {k: (-q, -a) for k, (q, a) in placed_parts(price, -quantity).items()}
    parts: Placed = {}
    free = min(Fraction(quantity), price.free)
    if free:
        parts[0, 0] = (free, NOTHING)
    rest = quantity - free
    if rest == 0:
        if price.flat_on_zero and price.tiers[0].flat:
            parts[0, 2] = (Fraction(1), price.tiers[0].flat)
        return parts
    lower = NOTHING
    for number, tier in enumerate(price.tiers):
        upper = tier.upto_quantity
        if price.curve == "volume":
            inside = rest if rest > lower and (upper is None or rest <= upper) else NOTHING
        else:
            inside = max(NOTHING, (rest if upper is None else min(rest, upper)) - lower)
        if inside:
            cost = _cost(price, tier, inside)
            parts[number, 1] = (inside, cost)
            if tier.flat:
                parts[number, 2] = (Fraction(1), tier.flat)
            if tier.cap is not None and tier.cap < cost:
                parts[number, 3] = (NOTHING, tier.cap - cost)
        lower = lower if upper is None else upper
    return parts


def _cost(price: Price, tier: Tier, quantity: Fraction) -> Fraction:
    """What a quantity costs in a tier, before its cap."""
    if tier.block:
        blocks = quantity / tier.block
        whole = {"up": ceil(blocks), "down": floor(blocks), "half_up": floor(blocks + HALF)}
        return whole[tier.rounds] * tier.price
    if tier.step:
        quantity = ceil(quantity / tier.step) * Fraction(tier.step)
    return quantity / price.unit * tier.price


def tier_parts(price: Price, quantity: int) -> list[tuple[Fraction, Fraction]]:
    """The part of a quantity in each tier entered, and what that part costs.

    An upper bound belongs to the tier below it.
    """
    return [part for _, part in sorted(placed_parts(price, quantity).items())]


def tier_amount(price: Price, quantity: Fraction | int) -> Fraction:
    """F(quantity): what a price of tiers asks for a whole quantity."""
    return sum((amount for _, amount in placed_parts(price, quantity).values()), NOTHING)


def dearest(price: Price) -> Fraction:
    """The most that one base unit costs in any tier."""
    return max(
        (tier.price / (tier.block or price.unit) for tier in price.tiers), default=Fraction(0)
    )


def owings(reference: Reference, agreement: str, period: str) -> list[Owing]:
    """Who answers for a period: for each price that may owe by itself the last version in it."""
    written = reference.agreements[agreement].versions
    may_owe = {
        (item.name, item.price.quantity)
        for version in written
        for item in version.items
        if item.price.at_least or item.price.flat_on_zero
    }
    versions = [v for v in written if may_owe and covers_day(v, period)]
    counters: dict[tuple[str, str], list[tuple[Version, Item]]] = {}
    for version in versions:
        for item in version.items:
            name = (item.name, item.price.quantity)
            if name in may_owe and item.price.kind == "tiers":
                counters.setdefault(name, []).append((version, item))
    found = []
    for served in counters.values():
        last, item = served[-1]
        found.append(Owing(last.number, item, days_in_force([v for v, _ in served], period)))
    return found


def days_in_force(versions: Sequence[Version], period: str) -> Fraction:
    """The days of a period on which one of some versions is in force, of all its days."""
    days = _calendar(period)
    in_force = [d for d in days if any(_in_force(v, d, versions[-1]) for v in versions)]
    return Fraction(len(in_force), len(days))


def _calendar(period: str) -> list[date]:
    """The days of a month or of a day."""
    if len(period) > len("2026-11"):
        return [date.fromisoformat(period)]
    first = date.fromisoformat(f"{period}-01")
    return [d for n in range(31) if (d := first + timedelta(days=n)).month == first.month]


def covers_day(version: Version, period: str) -> bool:
    """Whether a version has such a period, and is in force at some time of it."""
    if (version.period == "month") is not (len(period) == len("2026-11")):
        return False
    return any(_in_force(version, day, version) for day in _calendar(period))


def _in_force(version: Version, day: date, by: Version) -> bool:
    """Whether a version is in force at some time of a day in another one's zone."""
    start, end = (midnight_us(d, by) for d in (day, day + timedelta(days=1)))
    begins, ends = version.validity.from_us, version.validity.upto_us
    return (begins is None or begins < end) and (ends is None or start < ends)


def midnight_us(day: date, version: Version) -> int:
    """The instant at which a day begins in a version's zone."""
    at = datetime.combine(day, time_of_day(), version.zone)
    return (at - EPOCH) // MICROSECOND


def is_standing(owing: Owing) -> bool:
    """Whether something is owed even when nothing was used."""
    price = owing.item.price
    return bool(price.at_least) or (price.flat_on_zero and price.tiers[0].flat != 0)
