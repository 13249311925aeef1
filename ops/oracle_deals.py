"""The oracle's deals: what a period's lines come to together.

Lines are there already. A deal adds one for each version that has it and each statement that bears
on its period: what is asked for everything stated so far, less that itself, less what the deal came
to in the statements before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from ops.oracle_curves import covers_day, days_in_force, midnight_us
from ops.oracle_prices import Deal
from ops.oracle_rating import MICROS, round_micros
from ops.oracle_reference import Reference, Version

ZERO = Fraction(0)

Money = tuple[Fraction, Fraction]  # accrued, and due if the period ended


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


def deal_lines(
    reference: Reference, agreement: str, period: str, lines: Mapping[Place, Money]
) -> dict[Place, tuple[Worth, str]]:
    """The lines of all deals for the usage of a period, with their flow.

    Args:
        reference: for the agreement's versions.
        agreement: the agreement.
        period: the original period.
        lines: what is stated of that period's usage by place, in every statement.
    """
    stated = dict(lines)
    versions = [v for v in reference.agreements[agreement].versions if covers_day(v, period)]
    booked_in = sorted({place.booked for place in lines})
    found: dict[Place, tuple[Worth, str]] = {}
    for name in _in_order(versions):
        having = [(v, d) for v in versions for d in v.deals if d.name == name]
        part = days_in_force([v for v, _ in having], period)
        for number, (version, deal) in enumerate(having):
            owes = part if number == len(having) - 1 else None
            before = Worth(ZERO, ZERO)
            for booked in booked_in:
                place = Place(version.number, name, version.currency, booked)
                members = [_total(stated, having[:n], place) for n in (number, number + 1)]
                now = _stands(version, deal, period, owes, members)
                worth = Worth(now.value - before.value, now.missed - before.missed)
                found[place] = (worth, deal.flow)
                stated[place] = (worth.value, worth.value + worth.missed)
                before = now
    return found


def _total(
    stated: Mapping[Place, Money], having: Sequence[tuple[Version, Deal]], at: Place
) -> Money:
    """What the members of a deal came to in some versions, by a statement: accrued and due."""
    members = [
        money
        for version, deal in having
        for place, money in stated.items()
        if (place.version, place.currency) == (version.number, at.currency)
        and place.item in deal.over
        and place.booked <= at.booked
    ]
    return sum((m[0] for m in members), ZERO), sum((m[1] for m in members), ZERO)


def _in_order(versions: Iterable[Version]) -> list[str]:
    """The names of deals, each after what it is over."""
    return list(dict.fromkeys(deal.name for version in versions for deal in version.deals))


def _stands(
    version: Version, deal: Deal, period: str, part: Fraction | None, members: Sequence[Money]
) -> Worth:
    """What a version's deal comes to by everything stated up to some statement.

    `members` is what the members came to in the versions before, and with this one.
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

    def asked(value: Fraction, *, end: bool) -> Fraction:
        value *= 1 - deal.discount
        if deal.maximum is not None:
            value = min(value, deal.maximum)
        if end and part is not None and deal.minimum:
            value = max(value, deal.minimum * part)
        return rounded(value)

    results = []
    for which in (0, 1):
        below, upto = members[0][which], members[1][which]
        asks = asked(upto, end=which == 1) - asked(below, end=False)
        results.append(asks - (upto - below))
    return Worth(results[0], results[1] - results[0])


def _begins(version: Version, day: str) -> bool:
    """Whether a version is in force when a day begins in its zone."""
    return version.validity.covers(midnight_us(date.fromisoformat(day), version))
