"""Amounts divided by hand, and against the oracle's unit-by-unit way for any weights and sign."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import oracle_splits
from ops.oracle_rounding import round_units
from schemas.codes import Allot, RoundingMode
from state.splits import Splits
from state.tables import NONE
from state.versions import AsOf
from streams.shares import Shares, divide

UNITS_MAX = 10**15
Amount = tuple[int, RoundingMode, int]  # units, how they are rounded, the split


def splits_of(*given: tuple[Allot, list[Fraction]]) -> Splits:
    """Splits by rule and parts."""
    wholes = [math.lcm(*(part.denominator for part in parts)) for _, parts in given]
    count = sum(len(parts) for _, parts in given)
    weights = [int(p * w) for (_, parts), w in zip(given, wholes, strict=True) for p in parts]
    return Splits(
        split_of=np.arange(len(given), dtype=np.int32),
        rule=np.array([rule for rule, _ in given], np.int8),
        whole=np.array(wholes, np.int64),
        first=np.cumsum([0, *(len(parts) for _, parts in given)]),
        weight=np.array(weights, np.int64),
        receiver=np.full(count, NONE, np.int32),
        receivers=AsOf.build([], [], [], [], 0),
    )


def rounded(mode: RoundingMode, part: Fraction) -> int:
    """As the oracle rounds."""
    return round_units(part, mode.label)


def divided(
    units: list[int], modes: list[RoundingMode], of: list[int], splits: Splits
) -> list[list[int]]:
    """The parts of each amount."""
    columns = np.array(units, np.int64), np.array(modes, np.int8), np.array(of, np.int32)
    pairs, parts = divide(*columns, splits)
    return [parts[pairs.amount == at].tolist() for at in range(len(units))]


def one(rule: Allot, parts: str, units: int, mode: RoundingMode = RoundingMode.HALF_UP) -> object:
    """The parts of one amount."""
    splits = splits_of((rule, [Fraction(part) for part in parts.split()]))
    return divided([units], [mode], [0], splits)[0]


LARGEST, FIRST, REST = Allot.LARGEST_REMAINDER, Allot.FIRST_PARTS, Allot.REST_TO_LAST


@pytest.mark.parametrize(
    ("rule", "parts", "units", "expected"),
    [
        # 12, 1.2 and 1.8 are cut to 12, 1 and 1; the one left goes to the largest cut, 0.8.
        (LARGEST, "4/5 2/25 3/25", 15, [12, 1, 2]),
        (LARGEST, "4/5 2/25 3/25", -15, [-12, -1, -2]),
        (LARGEST, "3/4 1/4", 9_999, [7_499, 2_500]),  # 7499.25 and 2499.75
        (LARGEST, "1/3 1/3 1/3", 100, [34, 33, 33]),  # equal cuts: the first goes first
        (LARGEST, "1/2 1/2", 0, [0, 0]),
        (LARGEST, "0 1", 7, [0, 7]),
        (FIRST, "1/2 1/2 0", 15, [8, 7, 0]),  # 7.5 and 7.5
        (FIRST, "0 1/2 1/2", 15, [0, 8, 7]),  # who has no part has nothing left over either
        (FIRST, "4/5 2/25 3/25", 15, [13, 1, 1]),
        (REST, "3/10 7/10", 645, [194, 451]),  # 193.5 is rounded to 194
        (REST, "3/10 7/10", -645, [-194, -451]),
        (REST, "1/2 1/2 0", 1, [1, 0, 0]),  # half a unit is one; for the second nothing is left
        (REST, "1", 3, [3]),
    ],
)
def test_amounts_are_divided(rule: Allot, parts: str, units: int, expected: list[int]) -> None:
    """Each rule hands out what cutting to whole units leaves."""
    assert one(rule, parts, units) == expected


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (RoundingMode.HALF_UP, [[3, 2], [4, 3]]),  # half of 5 and 7: 2.5 and 3.5
        (RoundingMode.HALF_EVEN, [[2, 3], [4, 3]]),
        (RoundingMode.UP, [[3, 2], [4, 3]]),
        (RoundingMode.DOWN, [[2, 3], [3, 4]]),
        (RoundingMode.CEILING, [[3, 2], [4, 3]]),
        (RoundingMode.FLOOR, [[2, 3], [3, 4]]),
    ],
)
def test_rest_to_last_rounds_by_the_agreements_mode(
    mode: RoundingMode, expected: list[list[int]]
) -> None:
    """Also half to even, which looks at the whole units."""
    assert [one(REST, "1/2 1/2", units, mode) for units in (5, 7)] == expected
    assert one(REST, "1/2 1/2", -5, mode) == [-part for part in expected[0]]


PARTS = st.lists(st.integers(0, 50), min_size=1, max_size=6).filter(any)


@st.composite
def many(draw: st.DrawFn) -> tuple[Splits, list[tuple[Allot, list[Fraction]]], list[Amount]]:
    """Some splits, and amounts with a mode and a split each."""
    of: list[tuple[Allot, list[Fraction]]] = []
    for _ in range(draw(st.integers(1, 4))):
        weights = draw(PARTS)
        whole = [Fraction(weight, sum(weights)) for weight in weights]
        of.append((draw(st.sampled_from(list(Allot))), whole))
    amounts = draw(
        st.lists(
            st.tuples(
                st.one_of(st.integers(-200, 200), st.integers(-UNITS_MAX, UNITS_MAX)),
                st.sampled_from(list(RoundingMode)),
                st.integers(0, len(of) - 1),
            ),
            min_size=1,
            max_size=8,
        )
    )
    return splits_of(*of), of, amounts


@given(drawn=many())
def test_parts_add_up_and_are_the_oracles(
    drawn: tuple[Splits, list[tuple[Allot, list[Fraction]]], list[Amount]],
) -> None:
    """For any parts, rules, signs and modes, all amounts together as each by itself."""
    splits, of, amounts = drawn
    units, modes, of_split = zip(*amounts, strict=True)
    found = divided(list(units), list(modes), list(of_split), splits)
    for (amount, mode, split), parts in zip(amounts, found, strict=True):
        rule, weights = of[split]
        parties = tuple(oracle_splits.Party("", "", weight) for weight in weights)
        said = oracle_splits.Split(rule.label, parties)
        assert sum(parts) == amount
        assert all(part * amount >= 0 for part in parts)
        assert parts == oracle_splits.divide(amount, said, partial(rounded, mode))


def test_the_largest_amount_and_the_finest_parts_fit() -> None:
    """A thousand million in millionths, by parts of 2^31: products stay within 64 bits."""
    whole = 2**31
    parts = [Fraction(1, whole), Fraction(whole - 1, whole)]
    # 10^15 / 2^31 = 465,661.287...: the larger part is cut by 0.713 and gets the unit that is left.
    expected = [465_661, UNITS_MAX - 465_661]
    fine = splits_of((LARGEST, parts))
    assert divided([UNITS_MAX], [RoundingMode.HALF_UP], [0], fine) == [expected]


def test_shares_are_taken_and_added() -> None:
    """Legs keep their numbers when some are taken; shares come behind."""
    shares = Shares.none(2).with_whole(np.array([1]), np.array([50])).and_of(np.array([1, 1]))
    assert shares.sender.tolist() == [NONE, NONE, 1, 1]
    kept = shares.take(np.array([1, 3]))
    assert (kept.leg.tolist(), kept.sender.tolist()) == ([1, 3], [NONE, 1])
    assert (kept.divided.tolist(), kept.whole_micros.tolist()) == ([True, False], [50, 0])
