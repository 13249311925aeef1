"""Conditions on the time of day: the bands in one of which an event has to begin.

A plan of time bands says which band holds when. A condition names a plan and some of its bands; it
holds for an event that begins in one of them, by the clock of the zone of the item's version. The
plans are the same ones that prices by time band use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from state.bands import NO_BANDS, Bands
from state.distinct import distinct
from state.items import ItemInfo

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class BandConditions:
    """For each item row its plan among `bands`, `NO_BANDS` where it has no condition.

    `allowed` has a row for each item that has one, at `row_of`, and a column for each number of a
    band.
    """

    bands: tuple[Bands, ...]
    plan_of: Int32
    row_of: Int32
    allowed: Marks

    @staticmethod
    def of(items: Sequence[ItemInfo], plan_of: Int32, bands: tuple[Bands, ...]) -> BandConditions:
        """The conditions of items, given the place of each one's plan among the bands."""
        rows = np.flatnonzero(plan_of != NO_BANDS)
        row_of = np.full(len(items), NO_BANDS, np.int32)
        row_of[rows] = np.arange(len(rows))
        width = max((len(one.names) for one in bands), default=0)
        allowed = np.zeros((len(rows), width), np.bool_)
        for place, row in enumerate(rows.tolist()):
            where, names = items[row].where, bands[int(plan_of[row])].names
            if where is not None and where.band is not None:
                allowed[place, [names.index(name) for name in where.band.bands]] = True
        return BandConditions(bands, plan_of, row_of, allowed)

    def asked(self, item: Int32) -> Int64:
        """Which of some items have a condition."""
        if not len(self.allowed):
            return np.zeros(0, np.int64)
        return np.flatnonzero(self.plan_of[item] != NO_BANDS)

    def met(self, item: Int32, started_us: Int64) -> Marks:
        """Whether the conditions of items that have one hold for events that begin then."""
        found = np.zeros(len(item), np.bool_)
        plan = self.plan_of[item]
        for number in distinct(plan)[0].tolist():
            at = np.flatnonzero(plan == number)
            band = self.bands[number].at(started_us[at])
            found[at] = self.allowed[self.row_of[item[at]], band]
        return found

    def name(self, item: int, started_us: int) -> str:
        """The band of an item's plan at an instant."""
        bands = self.bands[int(self.plan_of[item])]
        return bands.names[int(bands.at(np.array([started_us], np.int64))[0])]
