"""Standing: which version answers for a period, and for how much of it.

A commitment, and a flat amount that is due on zero usage, are owed for the period as a whole. They
are owed by the last version that is in force in it, once, and a commitment in proportion to the
days: those on which any version with the item is in force, of all days of the period. Days are
those of the calendar in that version's zone, so that a day of 23 or 25 hours is one day.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from schemas.money import MICROS
from state.calendar import Periods
from state.tables import VersionInfo


class Served(NamedTuple):
    """How a period is covered: the last version's place among the given ones, and days of days."""

    last: int
    days: int
    days_of_period: int


def served(versions: Sequence[VersionInfo], label: str) -> Served | None:
    """How versions (rising) cover the period of a label; None when none of them is in force.

    A version with another kind of period has no period of that label.
    """
    spans: list[tuple[int, int]] = []
    last = None
    for at, version in enumerate(versions):
        try:
            start, upto = version.periods.bounds(version.periods.parse(label))
        except ValueError:
            continue
        from_us, upto_us = version.valid_from_s * MICROS, version.valid_upto_s * MICROS
        if from_us < upto and start < upto_us:
            spans.append((from_us, upto_us))
            last = at
    if last is None:
        return None
    known = versions[last]
    start, upto = known.periods.bounds(known.periods.parse(label))
    days = Periods.of(known.zone, "day")
    clipped = [(max(a, start), min(b, upto)) for a, b in spans]
    in_force = {
        day for a, b in clipped if a < b for day in range(_day(days, a), _day(days, b - 1) + 1)
    }
    return Served(last, len(in_force), _day(days, upto - 1) - _day(days, start) + 1)


def _day(days: Periods, instant_us: int) -> int:
    """The index of the day of an instant."""
    return int(days.index_of(np.array([instant_us], np.int64))[0])
