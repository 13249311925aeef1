"""The oracle's deals: what a period's lines come to together.

Lines are there already. A deal adds one for each version that has it and each statement that bears
on its period: what is asked for everything stated or counted so far, less what an earlier version
would have been asked for, less that itself where it is replaced, less what the deal came to in the
statements before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from ops.oracle_curves import covers_day, days_in_force, midnight_us, tier_amount
from ops.oracle_deal_terms import Deal
from ops.oracle_declared import Figure, known_by
from ops.oracle_reference import Reference, Version
from ops.oracle_rounding import MICROS, round_micros

ZERO = Fraction(0)

NO_VERSION = -1  # and below: of another agreement, whose versions are not this one's

Money = tuple[Fraction, Fraction]  # accrued, and due if the period ended
Having = tuple[Version, Deal]


class Place(NamedTuple):
    """Where a line stands, as far as deals tell lines apart."""

    version: int
    item: str
    currency: str
    booked: str


class Worth(NamedTuple):
    """What a deal comes to in a statement: accrued, and what its minimum adds."""

    value: Fraction
    missed: Fraction


@dataclass
class Used:
    """What was counted at a place, in all and by hour: quantity, money in micros, events."""

    quantity: int = 0
    events: int = 0
    hours: dict[int, tuple[int, Fraction, int]] = field(default_factory=dict)


@dataclass
class Seen:
    """What the members of a deal have come to; `hours` by hour and version.

    `declared` is what the partner says of one side of a swap.
    """

    accrued: Fraction = ZERO
    due: Fraction = ZERO
    chosen: int = 0
    declared: int | None = None
    counted: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    hours: dict[int, dict[int, tuple[Fraction, int]]] = field(
        default_factory=lambda: defaultdict(dict)
    )


def deal_lines(
    reference: Reference,
    agreement: str,
    period: str,
    lines: Mapping[Place, Money],
    used: Mapping[Place, Used] | None = None,
    figures: Sequence[Figure] = (),
) -> dict[Place, tuple[Worth, str]]:
    """The lines of all deals of one period for the usage of a period, with their flow.

    Args:
        reference: for the agreement's versions.
        agreement: the agreement.
        period: the original period.
        lines: what is stated of that period's usage by place, in every statement.
        used: what was counted of it.
        figures: what the partner of the agreement has declared for swaps.
    """
    stated = dict(lines)
    versions = [v for v in reference.agreements[agreement].versions if covers_day(v, period)]
    booked_in = sorted({place.booked for place in lines})
    found: dict[Place, tuple[Worth, str]] = {}
    for name in _in_order(versions):
        having = [(v, d) for v in versions for d in v.deals if d.name == name and d.span is None]
        part = days_in_force([v for v, _ in having], period)
        for number, (version, deal) in enumerate(having):
            owes = part if number == len(having) - 1 else None
            alike = [(v, d) for v, d in having if d.alike == deal.alike]
            money, counts = _in_version(having[-1][0].number, stated, used or {})
            earlier = [(v, d) for v, d in alike if v.number < version.number]
            before = Worth(ZERO, ZERO)
            for booked in booked_in:
                place = Place(version.number, name, version.currency, booked)
                sums = [
                    seen_of(money, counts, of, deal, place)
                    for of in (earlier, [*earlier, (version, deal)], alike)
                ]
                sums[1].declared = known_by(figures, deal, period, booked)
                now = stands_by(version, deal, period, owes, sums)
                worth = Worth(now.value - before.value, now.missed - before.missed)
                found[place] = (worth, deal.flow)
                stated[place] = (worth.value, worth.value + worth.missed)
                before = now
    return found


def _in_version(
    last: int, stated: Mapping[Place, Money], used: Mapping[Place, Used]
) -> tuple[dict[Place, Money], dict[Place, Used]]:
    """The same where usage of other agreements is that of the last version with a deal."""
    money: dict[Place, Money] = {}
    counts = {place: use for place, use in used.items() if place.version > NO_VERSION}
    for place, (accrued, due) in stated.items():
        at = place if place.version > NO_VERSION else place._replace(version=last)
        have = money.get(at, (ZERO, ZERO))
        money[at] = (have[0] + accrued, have[1] + due)
    for place, use in used.items():
        if place not in counts:
            have_used = counts.setdefault(place._replace(version=last), Used())
            have_used.quantity += use.quantity
            have_used.events += use.events
    return money, counts


def seen_of(
    stated: Mapping[Place, Money],
    used: Mapping[Place, Used],
    having: Sequence[Having],
    deal: Deal,
    at: Place,
) -> Seen:
    """What the members of a deal came to in some versions, by a statement."""
    seen = Seen()
    over = {(version.number, name) for version, of in having for name in of.over}
    numbers = {version.number for version, _ in having}
    for place, (accrued, due) in stated.items():
        if (place.version, place.item) in over and _is_by(place, at):
            seen.accrued += accrued
            seen.due += due
    for place, use in used.items():
        if place.version not in numbers or not _is_by(place, at):
            continue
        if deal.chosen_by != "events" and place.item == deal.chosen_by:
            seen.chosen += use.quantity
        if (place.version, place.item) not in over:
            continue
        seen.counted[place.item] += use.quantity
        seen.chosen += use.events if deal.chosen_by == "events" else 0
        for hour, (quantity, money, events) in use.hours.items():
            amount = money if _is_of_money(deal) else Fraction(quantity)
            have = seen.hours[hour].get(place.version, (ZERO, 0))
            seen.hours[hour][place.version] = (have[0] + amount, have[1] + events)
    return seen


def _is_by(place: Place, at: Place) -> bool:
    return place.currency == at.currency and place.booked <= at.booked


def _is_of_money(deal: Deal) -> bool:
    return deal.tiers is not None and deal.tiers.per == "amount"


def _in_order(versions: Iterable[Version]) -> list[str]:
    """The names of deals, each after what it is over."""
    deals = (deal for version in versions for deal in version.deals)
    return list(dict.fromkeys(deal.name for deal in deals if deal.span is None))


def stands_by(
    version: Version, deal: Deal, period: str, part: Fraction | None, sums: Sequence[Seen]
) -> Worth:
    """What a version's deal comes to by everything stated up to some statement.

    `sums` is what the members came to in the versions before, with this one, and in all.
    """

    def rounded(value: Fraction) -> Fraction:
        if version.rounding.place == "statement":
            return value
        return Fraction(round_micros(value, version.rounding), MICROS)

    if deal.kind == "fee":
        if deal.on:
            is_due = period in (deal.on, deal.on[:7]) and _begins(version, deal.on)
            return Worth(rounded(deal.amount) if is_due else ZERO, ZERO)
        share = ZERO if part is None else part if deal.prorate else Fraction(1)
        return Worth(rounded(deal.amount * share), ZERO)
    below, upto, all_ = sums
    replaces = deal.kind == "bounds" or deal.result == "replace"
    value = rounded(_asked(deal, upto, upto.accrued, part)) - rounded(
        _asked(deal, below, below.accrued, None)
    )
    if deal.by_hour:
        end = _asked_by_hour(deal, version.number, upto, all_)
    else:
        end = _asked_at_end(deal, upto, part)
    due = rounded(end) - rounded(_asked(deal, below, below.due, None))
    if replaces:
        value -= upto.accrued - below.accrued
        due -= upto.due - below.due
    return Worth(value, due - value)


def _asked(deal: Deal, seen: Seen, money: Fraction, part: Fraction | None) -> Fraction:
    """What a deal asks for what its members have come to, in currency units."""
    if deal.kind == "bounds":
        money *= 1 - deal.discount
        return money if deal.maximum is None else min(money, deal.maximum)
    if deal.kind == "swap":
        mine, theirs = (_side(deal, side, seen, part is not None) for side in deal.sides)
        return min(mine, theirs) * deal.rates[0] + max(mine - theirs, 0) * deal.rates[1]
    if deal.kind == "capacity":
        fits = [
            price
            for bounds, price in deal.rooms
            if not any(abs(seen.counted.get(n, 0)) > bound for n, bound in bounds.items())
        ]
        return fits[0] if any(seen.counted.values()) else ZERO
    if deal.tiers is None:
        raise ValueError(f"Invariant: a deal of kind {deal.kind} has tiers")
    if deal.by_hour:
        whole = (sum((a for a, _ in of.values()), ZERO) for of in seen.hours.values())
        return sum((tier_amount(deal.tiers, amount) for amount in whole), ZERO)
    base = money * MICROS if _is_of_money(deal) else Fraction(sum(seen.counted.values()))
    if base == 0 and not (part is not None and deal.tiers.flat_on_zero):
        return ZERO
    return tier_amount(deal.tiers, base, seen.chosen if deal.chosen_by else None)


def _side(deal: Deal, side: tuple[str, ...], seen: Seen, is_last: bool) -> int:  # noqa: FBT001 - which version
    """What one side of a swap sent; the last version of a period takes the partner's word."""
    if is_last and side == deal.declared and seen.declared is not None:
        return seen.declared
    return sum(seen.counted.get(name, 0) for name in side)


def _asked_at_end(deal: Deal, seen: Seen, part: Fraction | None) -> Fraction:
    """The same at the end of the period: no less than what is owed by then."""
    asked = _asked(deal, seen, seen.due, part)
    if part is None:
        return asked
    if deal.kind == "bounds":
        return max(asked, deal.minimum * part) if deal.minimum else asked
    if deal.tiers is None or not deal.tiers.at_least:
        return asked
    base = seen.due * MICROS if _is_of_money(deal) else Fraction(sum(seen.counted.values()))
    least = deal.tiers.at_least * part
    return tier_amount(deal.tiers, least) if base < least else asked


def _asked_by_hour(deal: Deal, version: int, seen: Seen, all_: Seen) -> Fraction:
    """The same hour by hour: the last version that has usage in an hour owes what it missed."""
    if deal.tiers is None:
        raise ValueError("Invariant: a deal by the hour has tiers")
    total = ZERO
    for hour, of in seen.hours.items():
        amount = sum((a for a, _ in of.values()), ZERO)
        in_use = [number for number, (_, events) in all_.hours[hour].items() if events]
        if in_use and max(in_use) == version:
            amount = max(amount, deal.tiers.at_least)
        total += tier_amount(deal.tiers, amount)
    return total


def _begins(version: Version, day: str) -> bool:
    """Whether a version is in force when a day begins in its zone."""
    return version.validity.covers(midnight_us(date.fromisoformat(day), version))
