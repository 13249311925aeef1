"""What cells come to: ranks, peaks, windows and members, and what a curve makes of them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from schemas.codes import CurveKind, Each, MeasureKind, Member, Missing, Way
from state.cells import CellSet
from state.curves import Curve, Step
from state.measures import MeasureInfo
from streams.accrual import Row
from streams.contribution import Series
from streams.measures import MeasuredPricing, Value

MBPS_BYTES = 37_500_000  # 1 Mbit/s for five minutes
SERIES = Series("T", 1, "port", "", "EUR", "2026-11", "2026-11")
P95 = MeasureInfo(
    MeasureKind.PERCENTILE,
    window=Each.FIVE_MINUTES,
    part=Fraction(95, 100),
    way=Way.HIGHER,
    by_port=True,
    is_level=True,
)
ONE = Curve(CurveKind.GRADUATED, (Step(None, 10**9),), 10**6)  # 1 for a Mbit/s
UNITS = Curve(CurveKind.GRADUATED, (Step(None, 10**8),), 1)  # 0.10 for one


def row(*cells: tuple[int, int, int, int], largest: bool = False) -> Row:
    """A row with cells: member, window, up, down."""
    columns = np.array(cells, np.int64).reshape(-1, 4).T
    member, window, up, down = columns
    found = CellSet(member, window, up, down, largest, ["P1", "P2"])
    return Row(SERIES, 0, 0, 0, 0, cells=found)


def port(levels: list[int], number: int = 0) -> list[tuple[int, int, int, int]]:
    """Samples of a port, in Mbit/s up; and none down."""
    return [(number, window, mbps * MBPS_BYTES, 0) for window, mbps in enumerate(levels)]


@pytest.mark.parametrize(
    ("levels", "rank", "level"),
    [
        (list(range(1, 101)), 95, 95),  # the five highest of 100 are dropped
        ([900] * 432 + [100] * 8_208, 8_208, 100),  # 36 of 720 hours are free
        ([900] * 433 + [100] * 8_207, 8_208, 900),  # and five minutes more are not
        (list(range(1, 20)), 19, 19),  # of 19 none is dropped
        (list(range(1, 21)), 19, 19),  # of 20 one
        ([7], 1, 7),
    ],
)
def test_the_percentile_of_samples(levels: list[int], rank: int, level: int) -> None:
    """Rank n - floor(n / 20), counted from the lowest."""
    pricing = MeasuredPricing(ONE, P95)
    [found] = pricing.values([row(*port(levels))])
    assert (found.samples, found.rank, found.amount) == (len(levels), rank, level * 10**6)
    assert pricing.exact([row(*port(levels))]) == level


@pytest.mark.parametrize(
    ("days", "hours", "rank"),
    [(28, 672, 7_661), (29, 696, 7_935), (30, 720, 8_208), (31, 744, 8_482), (31, 745, 8_493)],
)
def test_the_rank_in_months_of_all_lengths(days: int, hours: int, rank: int) -> None:
    """As the usual table of the trade has it; the last is a month with a day of 25 hours."""
    assert hours // 24 == days
    [found] = MeasuredPricing(ONE, P95).values([row(*port([1] * (hours * 12)))])
    assert (found.samples, found.rank) == (hours * 12, rank)


def test_each_direction_is_ranked_by_itself() -> None:
    """Up 1 to 20, down 20 to 1 and a bit: higher is down's 19th, sum is that of windows."""
    cells = [(0, n, (n + 1) * MBPS_BYTES, (20 - n) * MBPS_BYTES + 3) for n in range(20)]
    found = {}
    for way in Way:
        pricing = MeasuredPricing(ONE, replace(P95, way=way))
        [value] = pricing.values([row(*cells)])
        found[way] = (value.amount, value.way)
    more = Fraction(3 * 8, 300)
    assert found == {
        Way.UP: (19_000_000, Way.UP),
        Way.DOWN: (19_000_000 + more, Way.DOWN),
        Way.HIGHER: (19_000_000 + more, Way.DOWN),
        Way.SUM: (21_000_000 + more, Way.SUM),
    }


def test_ports_are_priced_apart_or_together() -> None:
    """Two ports of 30 and 40: 70 either way at one price; with 50 free each, or once."""
    cells = [*port([30] * 3), *port([40, 40], 1)]
    free = replace(ONE, free=35 * 10**6)
    apart, together = (MeasuredPricing(free, replace(P95, by_port=by)) for by in (True, False))
    assert [v.member for v in apart.values([row(*cells)])] == ["P1", "P2"]
    assert apart.exact([row(*cells)]) == 5
    # The windows of both are 70, 70 and 30, of which 35 are free once.
    assert [(v.samples, v.amount) for v in together.values([row(*cells)])] == [(3, 70 * 10**6)]
    assert together.exact([row(*cells)]) == 35


@pytest.mark.parametrize(
    ("missing", "samples", "level"),
    [(Missing.DROP, 3, 50), (Missing.ZERO, 10, 0), (Missing.REPEAT, 8, 10)],
)
def test_windows_without_a_sample(missing: Missing, samples: int, level: int) -> None:
    """50 in window 2, 10 in 4, 90 in 9 of ten windows; half of them are dropped.

    Dropped: 10, 50, 90. With zeros seven are 0. Repeated: 50, 50, then 10 five times, and 90.
    """
    measure = replace(P95, part=Fraction(1, 2), missing=missing)
    cells = [(0, at, mbps * MBPS_BYTES, 0) for at, mbps in ((9, 90), (2, 50), (4, 10))]
    [found] = MeasuredPricing(ONE, measure, 10).values([row(*cells)])
    assert (found.samples, found.amount) == (samples, level * 10**6)


def test_a_commitment_to_a_level() -> None:
    """260 over 200: 300 + 120; 150 miss 50 at 1.5; without any port 200 at 1.5 are owed."""
    steps = (Step(200 * 10**6, 1_500_000_000), Step(None, 2_000_000_000))
    pricing = MeasuredPricing(Curve(CurveKind.GRADUATED, steps, 10**6), P95)
    least = Fraction(200 * 10**6)
    assert pricing.exact([row(*port([260]))]) == 420
    assert pricing.missed([row(*port([260]))], least) == 0
    assert pricing.missed([row(*port([150]))], least) == 75
    assert pricing.missed([row()], least) == 300
    assert pricing.missed([row(*port([150]), *port([100], 1))], least) == 75 + 150


def test_peaks_of_windows_are_priced_apart() -> None:
    """9 and 10 at 0.10 are 1.9; the larger one of two rows counts."""
    pricing = MeasuredPricing(UNITS, MeasureInfo(MeasureKind.PEAK, Each.HOUR))
    rows = [row((0, 0, 9, 0), (0, 1, 4, 0), largest=True), row((0, 1, 10, 0), largest=True)]
    assert pricing.exact(rows) == Fraction("1.9")
    assert sum(part.amount for part in pricing.parts(rows)) == Fraction("1.9")
    assert pricing.exact(rows[::-1]) == Fraction("1.9")
    whole = MeasuredPricing(UNITS, MeasureInfo(MeasureKind.PEAK))
    assert whole.exact([row((0, 0, 10, 0), largest=True)]) == 1


def test_windows_without_usage_owe_nothing() -> None:
    """Two windows of 3 and 0 commit to 5 each; the others of the month are not there."""
    pricing = MeasuredPricing(UNITS, MeasureInfo(MeasureKind.SUM, Each.HOUR))
    assert pricing.missed([row((0, 3, 3, 0), (0, 9, 0, 0))], Fraction(5)) == Fraction("0.7")
    assert pricing.missed([row()], Fraction(5)) == 0
    assert pricing.missed([], Fraction(5)) == 0
    assert pricing.on_zero([]) == ()


def test_the_largest_window_of_sums() -> None:
    """Sums of 9, 10 and 2: the largest one of the period, 10, is priced once."""
    measure = MeasureInfo(MeasureKind.PEAK, window=Each.HOUR)
    cells = row((0, 0, 9, 0), (0, 1, 10, 0), (0, 7, 2, 0))
    assert MeasuredPricing(UNITS, measure).values([cells]) == [Value(10, 1, "", 3, 3)]


def test_members_are_counted_once() -> None:
    """Three subscribers in two rows, one of them in both, are 3; by windows 2 and 2."""
    first = row((0, 0, 1, 0), (1, 0, 1, 0), largest=True)
    by_day = MeasureInfo(MeasureKind.DISTINCT, Each.DAY, member=Member.SUBSCRIBER)
    rows = [first, row((1, 4, 1, 0), (2, 4, 1, 0), largest=True)]
    assert MeasuredPricing(UNITS, by_day).values(rows) == [Value(2, 2)]
    whole = MeasureInfo(MeasureKind.DISTINCT, member=Member.SUBSCRIBER)
    rows = [first, row((1, 0, 1, 0), (2, 0, 1, 0), largest=True)]
    assert MeasuredPricing(UNITS, whole).exact(rows) == Fraction("0.3")


def test_nothing_comes_to_nothing() -> None:
    """Without cells there are no values, no money and no parts; a flat on zero is due once."""
    flat = replace(UNITS, steps=(Step(None, 10**8, 3 * 10**9),), flat_on_zero=True)
    pricing = MeasuredPricing(flat, MeasureInfo(MeasureKind.PEAK))
    assert not pricing.values([])
    assert not pricing.parts([])
    assert pricing.exact([]) == 0
    assert [part.amount for part in pricing.on_zero([row()])] == [3]
    assert pricing.on_zero([row((0, 0, 2, 0), largest=True)]) == ()
