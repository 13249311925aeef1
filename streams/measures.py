"""Measures: what cells come to, as the quantities that a curve is asked for.

The cells of some rows are merged, and then reduced: to the sum or the peak of each window, to the
number of different members, or to the window at a rank among all windows, by port or of all ports
together. Each quantity found is priced for itself by the same curve, and the prices are added up.
So a measure is a function of a set of cells, and through them of a set of events.

The rank of the p-th percentile of n windows is n - floor(n (100 - p) / 100), counted from 1: the
highest windows are dropped and the next one counts. A peak is the last of all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.codes import MeasureKind, Missing, Way
from schemas.money import MICROS
from state.cells import CellSet, merged
from state.curves import Curve, Exact, Part
from state.measures import WINDOW_SECONDS, MeasureInfo, level_of
from streams.accrual import Row
from streams.terms import Terms

Ints = npt.NDArray[np.int64]
ZERO = Fraction(0)


class Value(NamedTuple):
    """A quantity that is priced for itself, so many times over.

    Of ranked windows `member` is the port (empty for all together), `samples` how many windows
    there are, `rank` which of them it is, and `way` of which bytes.
    """

    amount: Exact
    times: int = 1
    member: str = ""
    samples: int = 0
    rank: int = 0
    way: Way | None = None


@dataclass(frozen=True)
class MeasuredPricing:
    """The curve at every value of a measure; see `streams.pricings.Pricing`.

    `windows` is how many the whole period has, where those without a sample count too.
    """

    curve: Curve
    measure: MeasureInfo
    windows: int = 0

    def values(self, rows: Sequence[Row]) -> list[Value]:
        """What the cells of some rows come to; nothing without cells."""
        sets = [row.cells for row in rows if row.cells is not None and len(row.cells)]
        if not sets:
            return []
        cells = merged(sets)
        if self.measure.is_ranked:
            found = _ranked(cells, self.measure, self.windows)
            return sorted(found, key=lambda value: value.member)
        amounts = _by_window(cells, self.measure)
        return [Value(*pair) for pair in zip(*map(Ints.tolist, amounts), strict=True)]

    def measured(self, rows: Sequence[Row]) -> Exact:
        """What the curve prices of these rows, all values together, in base units."""
        return sum((value.amount * value.times for value in self.values(rows)), 0)

    def exact(self, rows: Sequence[Row]) -> Fraction:
        """What these rows come to together; of nothing used, nothing."""
        found = (self.curve.exact(v.amount) * v.times for v in self.values(rows) if v.amount)
        return sum(found, ZERO)

    def parts(self, rows: Sequence[Row]) -> tuple[Part, ...]:
        """What that is made of, value by value; parts of one tier are not added up."""
        return tuple(
            part._replace(quantity=part.quantity * v.times, amount=part.amount * v.times)
            for v in self.values(rows)
            if v.amount
            for part in self.curve.parts(v.amount)
        )

    def on_zero(self, rows: Sequence[Row]) -> tuple[Part, ...]:
        """What is due because nothing was used in the period; of windows, nothing."""
        if self.measure.is_windowed or self.measured(rows):
            return ()
        return self.curve.parts(0)

    def missed(self, rows: Sequence[Row], at_least: Fraction) -> Fraction:
        """What is due on top, for each value by itself.

        Windows that nothing was used in owe nothing; a period without any port owes for one.
        """
        values = self.values(rows)
        if not values and not self.measure.is_windowed:
            values = [Value(0)]
        committed = self.curve.exact(at_least)
        return sum(
            (
                (committed - self.curve.exact(v.amount)) * v.times
                for v in values
                if v.amount < at_least
            ),
            ZERO,
        )


def windows_of(terms: Terms, original: str) -> int:
    """How many windows a period has, where those without a sample count; else 0."""
    measure, periods = terms.item.measure, terms.version.periods
    if measure is None or measure.missing is Missing.DROP:
        return 0
    start, upto = periods.bounds(periods.parse(original))
    return -(-(upto - start) // (WINDOW_SECONDS[measure.window] * MICROS))


def _by_window(cells: CellSet, measure: MeasureInfo) -> tuple[Ints, Ints]:
    """The distinct values of windows, and how many windows have each."""
    _, of_window = np.unique(cells.window, return_inverse=True)
    if measure.kind is MeasureKind.DISTINCT:
        values: Ints = np.bincount(of_window).astype(np.int64)
    else:
        values = cells.up  # such cells have no members, so a window is one cell
    found, times = np.unique(values, return_counts=True)
    return found, times.astype(np.int64)


def _ranked(cells: CellSet, measure: MeasureInfo, of_period: int) -> Iterator[Value]:
    """The window at the measure's rank, of each port or of all."""
    if not measure.by_port:
        yield _at_rank(*_filled(*_together(cells), measure.missing, of_period), "", measure)
        return
    order = np.argsort(cells.member, kind="stable")
    members, starts = np.unique(cells.member[order], return_index=True)
    for member, at in zip(members.tolist(), np.split(order, starts[1:]), strict=True):
        own = cells.window[at], cells.up[at], cells.down[at]
        yield _at_rank(*_filled(*own, measure.missing, of_period), cells.names[member], measure)


def _filled(
    window: Ints, up: Ints, down: Ints, missing: Missing, of_period: int
) -> tuple[Ints, Ints]:
    """Figures of windows, with those of the period that have none.

    A window before the first one with a sample has nothing to repeat and stays away.
    """
    if missing is Missing.DROP:
        return up, down
    end = max(of_period, int(window.max()) + 1)
    if missing is Missing.ZERO:
        empty = np.zeros(end - len(window), np.int64)
        return np.concatenate([up, empty]), np.concatenate([down, empty])
    order = np.argsort(window, kind="stable")
    times = np.diff(window[order], append=end)
    return np.repeat(up[order], times), np.repeat(down[order], times)


def _together(cells: CellSet) -> tuple[Ints, Ints, Ints]:
    """The windows, and the bytes of all members in each."""
    windows, of_window = np.unique(cells.window, return_inverse=True)
    up, down = np.zeros(len(windows), np.int64), np.zeros(len(windows), np.int64)
    np.add.at(up, of_window, cells.up)
    np.add.at(down, of_window, cells.down)
    return windows, up, down


def _at_rank(up: Ints, down: Ints, member: str, measure: MeasureInfo) -> Value:
    """The value at the rank among some windows."""
    count = len(up)
    rank = count - floor(count * (1 - measure.part))
    if not measure.is_level:
        return Value(_nth(up, rank), 1, member, count, rank)
    ways = {Way.UP: up, Way.DOWN: down, Way.SUM: up + down}
    if measure.way is Way.HIGHER:
        found = {way: _nth(ways[way], rank) for way in (Way.UP, Way.DOWN)}
        way = max(found, key=lambda w: (found[w], w is Way.UP))
        counted = found[way]
    else:
        way, counted = measure.way, _nth(ways[measure.way], rank)
    return Value(level_of(counted, measure.window), 1, member, count, rank, way)


def _nth(values: Ints, rank: int) -> int:
    """The value at a rank, counted from 1 and from the lowest."""
    return int(np.partition(values, rank - 1)[rank - 1])
