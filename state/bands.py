"""Time bands on the hot path: which band holds at an instant, and where in UTC the next one begins.

The band of an instant is the one that the plan gives to the date and time which a wall clock in the
agreement's zone shows then. Clocks are put forward and back, so a day is not 24 hours and a band's
start not at the same UTC time all year. `Bands` therefore lays a plan over a zone once, for all the
years that usage can be of: the UTC microseconds at which the band changes, by *stretch*. A start
within an hour that is skipped takes effect when the clock jumps over it; in an hour that comes
twice, the wall clock decides both times. Then a batch is answered by one search.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from schemas.bands import DAYS, HOLIDAY, BandPlan, Holidays
from state.invariants import invariant

Int8 = npt.NDArray[np.int8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

NO_BANDS = -1
DAY_S = 86_400
SECOND_US = 1_000_000

_EPOCH = date(1970, 1, 1)
_FROM_DAY = (date(1999, 12, 25) - _EPOCH).days
_UPTO_DAY = (date(2102, 1, 10) - _EPOCH).days
"""The days, in UTC, that bands are known for: usage begins in the years 2000 to 2099, and no leg
that is split is longer than a month."""


@dataclass(frozen=True)
class Bands:
    """A plan in a zone; `names` are its bands in the order of their numbers.

    `edges_us` has the UTC microsecond at which each stretch begins, and behind them the one where
    the last ends; `band` has each stretch's band. Neighbours differ in band.
    """

    plan: str
    zone: str
    names: tuple[str, ...]
    edges_us: Int64 = field(repr=False, compare=False)
    band: Int8 = field(repr=False, compare=False)

    @staticmethod
    def build(plan: BandPlan, holidays: Collection[date], zone: str) -> Bands:
        """A checked plan, with the dates of its calendar, in an IANA time zone."""
        local_s, local_band = _by_wall_clock(plan, holidays)
        seconds: list[Int64] = []
        bands: list[Int8] = []
        starts, offsets = _offsets(zone)
        for start, upto, offset in zip(starts[:-1], starts[1:], offsets, strict=True):
            first, last = np.searchsorted(local_s, [start + offset, upto + offset], side="left")
            held = np.searchsorted(local_s, start + offset, side="right") - 1
            seconds += [np.array([start], np.int64), local_s[first:last] - offset]
            bands += [local_band[held : held + 1], local_band[first:last]]
        edges, band = np.concatenate(seconds), np.concatenate(bands)
        changes = np.append([True], band[1:] != band[:-1])
        edges_us = np.append(edges[changes], starts[-1]) * SECOND_US
        return Bands(plan.plan, zone, plan.names, edges_us, band[changes])

    def at(self, instants_us: Int64) -> Int8:
        """The number of the band at each UTC microsecond."""
        return self.band[self._stretch_at(instants_us)]

    def cross(self, start_us: Int64, end_us: Int64) -> tuple[Int64, Int64]:
        """The first and the last stretch of each span, which ends before `end_us`.

        A span that is empty lies in the stretch it begins in.
        """
        first = self._stretch_at(start_us)
        return first, self._stretch_at(np.maximum(end_us - 1, start_us))

    def stretch(self, index: Int64) -> tuple[Int64, Int8]:
        """Where each stretch ends, which is where the next one begins, and its band."""
        return self.edges_us[index + 1], self.band[index]

    def _stretch_at(self, instants_us: Int64) -> Int64:
        """The stretch that each instant lies in."""
        if instants_us.size == 0:
            return np.zeros(0, np.int64)
        earliest, latest = instants_us.min(), instants_us.max()
        invariant(
            bool(self.edges_us[0] <= earliest and latest < self.edges_us[-1]),
            "usage lies in the years that bands are known for",
            earliest=earliest,
            latest=latest,
        )
        return np.searchsorted(self.edges_us, instants_us, side="right") - 1


def lay_out(
    plans: Sequence[BandPlan],
    calendars: Sequence[Holidays],
    wanted: Sequence[tuple[str, str] | None],
) -> tuple[tuple[Bands, ...], Int32]:
    """Plans in the zones that they are wanted in.

    Args:
        plans: all of them.
        calendars: the holidays that plans name.
        wanted: for each item the name of its plan and its zone; None for one without bands.

    Returns:
        The bands, each plan and zone once, and for each item its place among them, else -1.
    """
    of_name = {plan.plan: plan for plan in plans}
    dates = {calendar.name: calendar.dates for calendar in calendars}
    codes = {pair: code for code, pair in enumerate(dict.fromkeys(w for w in wanted if w))}
    bands = tuple(
        Bands.build(of_name[plan], dates.get(of_name[plan].holidays or "", ()), zone)
        for plan, zone in codes
    )
    return bands, np.array(
        [codes.get(pair, NO_BANDS) if pair else NO_BANDS for pair in wanted], np.int32
    )


def _by_wall_clock(plan: BandPlan, holidays: Collection[date]) -> tuple[Int64, Int8]:
    """Every start of every day: the second since 1970 that a wall clock shows, and its band."""
    number = {name: code for code, name in enumerate(plan.names)}
    of_day = [plan.starts(day) for day in DAYS]
    longest = max(len(starts) for starts in of_day)
    minutes = np.full((len(DAYS), longest), -1, np.int64)
    bands = np.zeros((len(DAYS), longest), np.int8)
    for day, starts in enumerate(of_day):
        for place, start in enumerate(starts):
            minutes[day, place], bands[day, place] = start.from_minutes, number[start.band]
    days = np.arange(_FROM_DAY - 2, _UPTO_DAY + 2)  # a zone's date may be the day before or after
    kind = (days + _EPOCH.weekday()) % 7
    kind[np.isin(days, [(day - _EPOCH).days for day in holidays])] = DAYS.index(HOLIDAY)
    seconds = days[:, np.newaxis] * DAY_S + minutes[kind] * 60
    is_start = minutes[kind] >= 0
    return seconds[is_start], bands[kind][is_start]


@cache
def _offsets(zone: str) -> tuple[list[int], list[int]]:
    """The seconds at which a zone's clocks change, and how far they are ahead of UTC from there.

    The first is the beginning of all known days, and one more second, their end, closes the list.
    """
    place = ZoneInfo(zone)
    midnights = range(_FROM_DAY * DAY_S, _UPTO_DAY * DAY_S + 1, DAY_S)
    at_midnight = [_offset_s(place, second) for second in midnights]
    starts, offsets = [midnights[0]], [at_midnight[0]]
    for midnight, (before, after) in zip(midnights, pairwise(at_midnight), strict=False):
        if before != after:
            starts.append(_change_s(place, midnight, before))
            offsets.append(after)
    return [*starts, midnights[-1]], offsets


def _change_s(place: ZoneInfo, midnight: int, before: int) -> int:
    """The second of a day, from one midnight in UTC to the next, at which the clocks change."""

    def is_changed(second: int) -> bool:
        """Whether the clocks are no longer what they were."""
        return _offset_s(place, second) != before

    seconds = range(midnight, midnight + DAY_S + 1)
    return seconds[bisect_left(seconds, x=True, key=is_changed)]


def _offset_s(place: ZoneInfo, second: int) -> int:
    """How many seconds a zone's clocks are ahead of UTC."""
    offset = datetime.fromtimestamp(second, place).utcoffset()
    invariant(offset is not None, "a zone has an offset at every instant", zone=str(place))
    return (offset or timedelta()) // timedelta(seconds=1)
