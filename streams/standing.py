"""Standing: which version answers for a period or span, and for how much of it.

A commitment, and a flat amount that is due on zero usage, are owed for the period as a whole, or
for the span of periods that tiers go on over. They are owed by the last version that is in force in
it, once, and a commitment in proportion to the days: those on which any version with the item is in
force, of all days. They fall due in the last period of a span, whenever the version ended: nothing
is booked behind that period before it is closed.
Days are those of the calendar in that version's zone, so that a day of 23 or 25 hours is one day.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np

from schemas.money import MICROS
from schemas.spans import months_of
from state.calendar import Periods
from state.tables import VersionInfo

SERVED_KEPT = 10_000
Bounds = tuple[int, int]  # the first microsecond, and the first one after


class Served(NamedTuple):
    """How a period or span is covered: by the last of the given versions, on days of days.

    `last` is that version's place among the given ones; `due`, of a span, the label of the period
    in which what is owed falls due.
    """

    last: int
    days: int
    days_of_period: int
    due: str = ""


class Validity(NamedTuple):
    """What of a version decides how it covers a stretch of time."""

    periods: Periods
    zone: str
    valid_from_s: int
    valid_upto_s: int


def served(versions: Sequence[VersionInfo], label: str) -> Served | None:
    """How versions (rising) cover the period of a label; None when none of them is in force.

    A version with another kind of period has no period of that label.
    """
    return _period_served(tuple(map(_validity, versions)), label)


@lru_cache(maxsize=SERVED_KEPT)
def _period_served(versions: Sequence[Validity], label: str) -> Served | None:
    """The same; agreements are many, but their versions begin and end on few days."""

    def bounds(version: Validity) -> Bounds | None:
        try:
            return version.periods.bounds(version.periods.parse(label))
        except ValueError:
            return None

    return _served(versions, bounds)


def _validity(version: VersionInfo) -> Validity:
    return Validity(version.periods, version.zone, version.valid_from_s, version.valid_upto_s)


def span_served(versions: Sequence[VersionInfo], span: str) -> Served | None:
    """The same for a span, by its label; what is owed falls due in its last period."""

    def bounds(version: Validity) -> Bounds:
        return _bounds(span, version.zone)

    found = _served([*map(_validity, versions)], bounds)
    if found is None:
        return None
    known = versions[found.last]
    due = known.periods.label(_index(known.periods, _bounds(span, known.zone)[1] - 1))
    return found._replace(due=due)


@cache
def periods_of(span: str, periods: Periods) -> tuple[str, ...]:
    """The labels of the periods of a span, in order."""
    start, upto = _bounds(span, periods.zone)
    indexes = range(_index(periods, start), _index(periods, upto - 1) + 1)
    return tuple(map(periods.label, indexes))


def _bounds(span: str, zone: str) -> Bounds:
    """The first microsecond of a span, and the first one after it."""
    months = Periods.of(zone, "month")
    first, last = map(months.parse, months_of(span))
    return months.bounds(first)[0], months.bounds(last)[1]


def _served(
    versions: Sequence[Validity], bounds: Callable[[Validity], Bounds | None]
) -> Served | None:
    """How versions cover a stretch of time that each of them bounds in its own zone."""
    spans: list[Bounds] = []
    last, within = None, (0, 0)
    for at, version in enumerate(versions):
        found = bounds(version)
        if found is None:
            continue
        start, upto = found
        from_us, upto_us = version.valid_from_s * MICROS, version.valid_upto_s * MICROS
        if from_us < upto and start < upto_us:
            spans.append((from_us, upto_us))
            last, within = at, found
    if last is None:
        return None
    known = versions[last]
    start, upto = within
    days = Periods.of(known.zone, "day")
    clipped = [(max(a, start), min(b, upto)) for a, b in spans]
    in_force = {
        day for a, b in clipped if a < b for day in range(_index(days, a), _index(days, b - 1) + 1)
    }
    return Served(last, len(in_force), _index(days, upto - 1) - _index(days, start) + 1)


def _index(periods: Periods, instant_us: int) -> int:
    """The index of the day or period of an instant."""
    return int(periods.index_of(np.array([instant_us], np.int64))[0])
