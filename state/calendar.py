"""Settlement periods: the months or days of an agreement's time zone, as instants.

A period belongs to a zone: November in Sydney starts 13 hours before November in Lisbon, and a day
on which clocks change has 23 or 25 hours. A period is therefore never computed by dividing, but
looked up among boundaries: the UTC microsecond at which each period of the years 2000 to 2100
starts in that zone. An index counts periods from 2000-01 (or 2000-01-01); a label, "2026-11" or
"2026-11-23", is how people and topics name it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from schemas.moments import midnight_us
from state.invariants import invariant

Kind = Literal["month", "day"]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

FIRST_YEAR = 2000
LAST_YEAR = 2100

# The period before index 0 exists too: the year 2000 begins earlier in UTC than in the Americas.
_FIRST_INDEX = -1

# A batch that spans at most this many periods is split by comparing, which beats searching.
_COMPARED_PERIODS_MAX = 4


@dataclass(frozen=True)
class Periods:
    """The periods of one kind in one zone; `starts_us[k]` is the start of index k - 1."""

    zone: str
    kind: Kind
    starts_us: Int64 = field(repr=False, compare=False)

    @staticmethod
    def of(zone: str, kind: Kind) -> Periods:
        """The periods of this zone and kind, computed once per process."""
        return _periods(zone, kind)

    def index_of(self, instants_us: Int64) -> Int32:
        """The period index of each UTC microsecond; all must lie in the years 2000 to 2100."""
        if instants_us.size == 0:
            return np.zeros(0, np.int32)
        earliest, latest = instants_us.min(), instants_us.max()
        invariant(
            bool(self.starts_us[0] <= earliest and latest < self.starts_us[-1]),
            f"usage lies in the years {FIRST_YEAR} to {LAST_YEAR}",
            earliest=earliest,
            latest=latest,
        )
        first, last = np.searchsorted(self.starts_us, [earliest, latest], side="right") - 1
        if last - first > _COMPARED_PERIODS_MAX:
            found = np.searchsorted(self.starts_us, instants_us, side="right") - 1
            return (found + _FIRST_INDEX).astype(np.int32)
        index = np.full(instants_us.size, first + _FIRST_INDEX, np.int32)
        for start in self.starts_us[first + 1 : last + 1]:
            index += instants_us >= start
        return index

    def label(self, index: int) -> str:
        """The period's name: "2026-11" for a month, "2026-11-23" for a day."""
        self._check(index)
        first_day = _first_day(self.kind, index)
        return first_day.strftime("%Y-%m" if self.kind == "month" else "%Y-%m-%d")

    def parse(self, label: str) -> int:
        """The index of the period with this label; ValueError says what a label looks like."""
        example = "2026-11" if self.kind == "month" else "2026-11-23"
        message = f"{label!r} is not a {self.kind} from 2000 to 2100; write it like {example}"
        try:
            day = date.fromisoformat(f"{label}-01" if self.kind == "month" else label)
        except ValueError:
            raise ValueError(message) from None
        index = _index_of_day(self.kind, day)
        known = _FIRST_INDEX <= index < self.starts_us.size - 1 + _FIRST_INDEX
        if not known or self.label(index) != label:
            raise ValueError(message)
        return index

    def bounds(self, index: int) -> tuple[int, int]:
        """The first microsecond of the period and the first one after it, in UTC."""
        self._check(index)
        position = index - _FIRST_INDEX
        return int(self.starts_us[position]), int(self.starts_us[position + 1])

    def _check(self, index: int) -> None:
        """Stop at an index outside the years that the boundaries cover."""
        known = _FIRST_INDEX <= index < self.starts_us.size - 1 + _FIRST_INDEX
        invariant(known, f"periods lie in the years {FIRST_YEAR} to {LAST_YEAR}", index=index)


@cache
def _periods(zone: str, kind: Kind) -> Periods:
    """All boundaries of a zone, from the period before 2000 to the end of 2100."""
    place = ZoneInfo(zone)
    after = _index_of_day(kind, date(LAST_YEAR + 1, 1, 1))
    days = [_first_day(kind, index) for index in range(_FIRST_INDEX, after + 1)]
    return Periods(zone, kind, np.array([midnight_us(place, day) for day in days], np.int64))


def _first_day(kind: Kind, index: int) -> date:
    """The first day of a period."""
    if kind == "day":
        return date(FIRST_YEAR, 1, 1) + timedelta(days=index)
    return date(FIRST_YEAR + index // 12, index % 12 + 1, 1)


def _index_of_day(kind: Kind, day: date) -> int:
    """The index of the period that holds this day."""
    if kind == "day":
        return (day - date(FIRST_YEAR, 1, 1)).days
    return (day.year - FIRST_YEAR) * 12 + day.month - 1
