"""The oracle's deals that go on over several settlement periods.

Such a deal has a line for each version, each period of the span and each statement that bears on
it: what is asked for everything up to and with that version's part of the period, less what would
be asked for everything below it, as of that statement, less the same as of the statement before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from ops.oracle_curves import covers_day, days_of, is_in_force, part_in_force
from ops.oracle_deal_terms import Deal
from ops.oracle_deals import Money, Place, Seen, Used, Worth, seen_of, stands_by
from ops.oracle_reference import Reference, Version

NOTHING = Worth(Fraction(0), Fraction(0))


class Step(NamedTuple):
    """A part of a span's usage: of a period, under a version and its deal; lower ones first."""

    period: str
    version: Version
    deal: Deal


def span_deal_lines(
    reference: Reference,
    agreement: str,
    lines: Mapping[str, Mapping[Place, Money]],
    used: Mapping[str, Mapping[Place, Used]],
) -> dict[tuple[str, Place], tuple[Worth, str]]:
    """The lines of all deals over spans, by original period and place, with their flow.

    Args:
        reference: for the agreement's versions.
        agreement: the agreement.
        lines: what is stated of each original period by place, deals of one period included.
        used: what was counted of each.
    """
    stated = {period: dict(of) for period, of in lines.items()}
    versions = reference.agreements[agreement].versions
    found: dict[tuple[str, Place], tuple[Worth, str]] = {}
    names = dict.fromkeys(d.name for v in versions for d in v.deals if d.span is not None)
    for name in names:
        having = [(v, d) for v in versions for d in v.deals if d.name == name]
        steps = [
            Step(period, version, deal)
            for period in sorted(stated)
            for version, deal in having
            if deal.span is not None and _has_line(Step(period, version, deal), having)
        ]
        for step in steps:
            found.update(_lines_of(step, steps, having, stated, used))
    return found


def _lines_of(
    step: Step,
    steps: Sequence[Step],
    having: Sequence[tuple[Version, Deal]],
    stated: Mapping[str, dict[Place, Money]],
    used: Mapping[str, Mapping[Place, Used]],
) -> dict[tuple[str, Place], tuple[Worth, str]]:
    """The lines of one step, in every statement from that of its own period on."""
    span, version, deal = step.deal.span, step.version, step.deal
    if span is None:
        return {}
    alike = [
        s
        for s in steps
        if (s.deal.alike, s.deal.span) == (deal.alike, span) and span.holds(step.period, s.period)
    ]
    key = (step.period, version.number)
    below = [s for s in alike if (s.period, s.version.number) < key]
    owes = _owes(step, having)
    booked_in = {p.booked for s in alike for p in stated[s.period] if p.booked >= step.period}
    found, before = {}, NOTHING
    for booked in sorted(booked_in):
        place = Place(version.number, deal.name, version.currency, booked)
        sums = [_seen(of, deal, place, stated, used) for of in (below, [*below, step], alike)]
        now = stands_by(version, deal, step.period, owes, sums)
        worth = Worth(now.value - before.value, now.missed - before.missed)
        found[step.period, place] = (worth, deal.flow)
        stated[step.period][place] = (worth.value, worth.value + worth.missed)
        before = now
    return found


def _seen(
    steps: Sequence[Step],
    deal: Deal,
    at: Place,
    stated: Mapping[str, Mapping[Place, Money]],
    used: Mapping[str, Mapping[Place, Used]],
) -> Seen:
    """What the members of a deal came to in some steps, by a statement."""
    total = Seen()
    for step in steps:
        of = [(step.version, step.deal)]
        one = seen_of(stated[step.period], used.get(step.period, {}), of, deal, at)
        total.accrued += one.accrued
        total.due += one.due
        total.chosen += one.chosen
        for name, quantity in one.counted.items():
            total.counted[name] += quantity
    return total


def _owes(step: Step, having: Sequence[tuple[Version, Deal]]) -> Fraction | None:
    """The share of the span's days in force, if this step is what answers for the span."""
    if step.deal.span is None:
        return None
    having = [(v, d) for v, d in having if d.span == step.deal.span]
    days = [day for month in step.deal.span.covering(step.period) for day in days_of(month)]
    served = [v for v, _ in having if any(is_in_force(v, day, v) for day in days)]
    if not served or served[-1].number != step.version.number:
        return None
    return part_in_force(served, days) if step.period == _label(step.version, days[-1]) else None


def _has_line(step: Step, having: Sequence[tuple[Version, Deal]]) -> bool:
    """Whether a version is in force in a period, or answers in it for the whole span."""
    return covers_day(step.version, step.period) or _owes(step, having) is not None


def _label(version: Version, day: date) -> str:
    """The settlement period of a day."""
    return day.isoformat()[:7] if version.period == "month" else day.isoformat()
