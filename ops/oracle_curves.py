"""The oracle's curves: tiers walked in exact fractions, and what a period owes by itself.

A price of tiers is worked out here from its table as it stands in the file. A table is looked at
twice: once for the stretch of each tier, once for how much of the quantity lies in it. What is
owed without usage is found by going through the days of the period one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from ops.oracle_deal_terms import Deal
from ops.oracle_files import EPOCH, MICROSECOND
from ops.oracle_prices import Measure, Price, Tier
from ops.oracle_reference import Item, Reference, Version
from ops.oracle_spans import Span

NOTHING = Fraction(0)
HALF = Fraction(1, 2)

Alike = tuple[str, Measure | None]  # `Price.alike`

Step = tuple[str, int]  # the original period and the version of usage on a scale, lowest first

# A part of an amount: its place (tier, and 0 free, 1 tier, 2 flat, 3 cap), quantity and amount.
Placed = dict[tuple[int, int], tuple[Fraction, Fraction]]


class Owing(NamedTuple):
    """What a period owes by itself: the item of its last version, and of the days those served."""

    version: int
    item: Item
    part: Fraction


def placed_parts(
    price: Price, quantity: Fraction | int, chosen: Fraction | int | None = None
) -> Placed:
    """Everything that F(quantity) is made of, by tier; by volume something else may choose it."""
    if quantity < 0:
        return {k: (-q, -a) for k, (q, a) in placed_parts(price, -quantity, chosen).items()}
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
            size = rest if chosen is None else abs(Fraction(chosen))
            above = size > lower or (number == 0 and size == 0)
            inside = rest if above and (upper is None or size <= upper) else NOTHING
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


def tier_amount(
    price: Price, quantity: Fraction | int, chosen: Fraction | int | None = None
) -> Fraction:
    """F(quantity): what a price of tiers asks for a whole quantity."""
    return sum((amount for _, amount in placed_parts(price, quantity, chosen).values()), NOTHING)


def dearest(price: Price) -> Fraction:
    """The most that one base unit costs in any tier."""
    return max(
        (tier.price / (tier.block or price.unit) for tier in price.tiers), default=Fraction(0)
    )


def dearest_over(item: str, deals: Sequence[Deal]) -> Fraction:
    """The most that deals over what an item counts ask for one base unit of it."""
    over = [deal for deal in deals if item in deal.over]
    asked = [rate for deal in over for rate in deal.rates]
    asked += [dearest(d.tiers) for d in over if d.tiers is not None and d.tiers.per != "amount"]
    return max(asked, default=NOTHING)


def stand_on_sums(
    price: Price,
    step: Step,
    volumes: Mapping[Step, Fraction] | None,
    owing: Owing | None,
    sizes: Mapping[int, int],
) -> tuple[Fraction, Fraction, Placed]:
    """What a step comes to by some volumes: what is accrued, what is due, and the parts.

    Before anything was booked (None) there is nothing, not even what is owed without usage.
    """
    if volumes is None:
        return Fraction(0), Fraction(0), {}
    start = sum((volume for other, volume in volumes.items() if other < step), Fraction(0))
    end, total = start + volumes[step], sum(volumes.values(), Fraction(0))
    # Of nothing nobody owes anything, but where the whole period is at zero and its item says so.
    owes_nothing = end == 0 and not (owing is not None and total == 0 and price.flat_on_zero)
    low, high = None, None
    if price.chosen_by:
        low = sum(n for version, n in sizes.items() if version < step[1])
        high = low + sizes.get(step[1], 0)
    top = {} if owes_nothing else placed_parts(price, end, high)
    parts = dict(difference_of(placed_parts(price, start, low) if start else {}, top))
    value = sum((amount for _, amount in parts.values()), Fraction(0))
    if owing is None or price.at_least == 0:
        return value, value, parts
    least = price.at_least * owing.part
    extra = tier_amount(price, least) - tier_amount(price, total) if least > total else Fraction(0)
    return value, value + extra, parts


def difference_of(
    old: Placed, new: Placed
) -> Iterator[tuple[tuple[int, int], tuple[Fraction, Fraction]]]:
    """What is more in each part of a new state than in an old one."""
    none = (Fraction(0), Fraction(0))
    for place in sorted(old.keys() | new.keys()):
        (q_old, a_old), (q_new, a_new) = old.get(place, none), new.get(place, none)
        if (q_old, a_old) != (q_new, a_new):
            yield place, (q_new - q_old, a_new - a_old)


def owings(reference: Reference, agreement: str, period: str) -> list[Owing]:
    """Who answers for a period: for each price that may owe by itself the last version in it.

    What a span of periods owes falls due in one of them, and is of no other.
    """
    written = reference.agreements[agreement].versions
    may_owe = {
        (item.name, item.price.alike)
        for version in written
        for item in version.items
        if item.price.at_least or item.price.flat_on_zero
    }
    counters: dict[tuple[str, Alike, Span | None], list[tuple[Version, Item]]] = {}
    for version in written if may_owe else ():
        for item in version.items:
            name = (item.name, item.price.alike)
            if name not in may_owe or not item.price.by_period:
                continue
            if item.price.span is not None or covers_day(version, period):
                counters.setdefault((*name, item.price.span), []).append((version, item))
    found = []
    for (_, _, span), having in counters.items():
        stretch = (period,) if span is None else span.covering(period)
        days = [day for part in stretch for day in days_of(part)]
        served = [(v, i) for v, i in having if any(is_in_force(v, day, v) for day in days)]
        if not served:
            continue
        last, item = served[-1]
        if span is not None:
            day = days[-1].isoformat()
            if period != (day[:7] if last.period == "month" else day):
                continue
        found.append(Owing(last.number, item, part_in_force([v for v, _ in served], days)))
    return found


def days_in_force(versions: Sequence[Version], period: str) -> Fraction:
    """The days of a period on which one of some versions is in force, of all its days."""
    return part_in_force(versions, days_of(period))


def part_in_force(versions: Sequence[Version], days: Sequence[date]) -> Fraction:
    """The days on which one of some versions is in force, of all these days."""
    in_force = [d for d in days if any(is_in_force(v, d, versions[-1]) for v in versions)]
    return Fraction(len(in_force), len(days))


def days_of(period: str) -> list[date]:
    """The days of a month or of a day."""
    if len(period) > len("2026-11"):
        return [date.fromisoformat(period)]
    first = date.fromisoformat(f"{period}-01")
    return [d for n in range(31) if (d := first + timedelta(days=n)).month == first.month]


def covers_day(version: Version, period: str) -> bool:
    """Whether a version has such a period, and is in force at some time of it."""
    if (version.period == "month") is not (len(period) == len("2026-11")):
        return False
    return any(is_in_force(version, day, version) for day in days_of(period))


def is_in_force(version: Version, day: date, by: Version) -> bool:
    """Whether a version is in force at some time of a day in another one's zone."""
    start, end = (midnight_us(d, by) for d in (day, day + timedelta(days=1)))
    begins, ends = version.validity.from_us, version.validity.upto_us
    return (begins is None or begins < end) and (ends is None or start < ends)


def midnight_us(day: date, version: Version) -> int:
    """The instant at which a day begins in a version's zone."""
    at = datetime.combine(day, time_of_day(), version.zone)
    return (at - EPOCH) // MICROSECOND


def period_begin_us(version: Version, period: str) -> int:
    """The instant at which a period begins in a version's zone."""
    return midnight_us(days_of(period)[0], version)


def is_standing(owing: Owing) -> bool:
    """Whether something is owed even when nothing was used."""
    price = owing.item.price
    return bool(price.at_least) or (price.flat_on_zero and price.tiers[0].flat != 0)
