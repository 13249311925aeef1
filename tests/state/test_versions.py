"""As-of lookup: what a plain scan over the intervals would say, for any intervals and probes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.moments import OPEN_FROM_S, OPEN_UPTO_S
from state.invariants import InvariantViolation
from state.versions import NOT_IN_FORCE, AsOf

Row = tuple[int, int, int, int]


def as_of(rows: list[Row], size: int) -> AsOf:
    """A table of rows (code, valid_from, valid_upto, value)."""
    columns = [[row[place] for row in rows] for place in range(4)]
    return AsOf.build(columns[0], columns[1], columns[2], columns[3], size)


def ask(table: AsOf, probes: list[tuple[int, int]]) -> list[int]:
    """The values at pairs of code and second."""
    codes = np.array([code for code, _ in probes], np.int32)
    seconds = np.array([second for _, second in probes], np.int64)
    found = table.lookup(codes, seconds)
    assert found.dtype == np.int32
    return [int(value) for value in found]


def scan(rows: list[Row], code: int, second: int) -> int:
    """The definition of what is in force."""
    for of_code, start, end, value in rows:
        if of_code == code and start <= second < end:
            return value
    return NOT_IN_FORCE


@st.composite
def tables_of_rows(draw: st.DrawFn) -> tuple[list[Row], int]:
    """Disjoint intervals for a few codes, in any order, with gaps and open ends."""
    size = draw(st.integers(0, 6))
    rows: list[Row] = []
    for code in range(size):
        edges = draw(st.lists(st.integers(0, 60), unique=True, max_size=12).map(sorted))
        spans = list(zip(edges[0::2], edges[1::2], strict=False))
        if draw(st.booleans()):
            # Neighbours without a gap between them.
            spans = list(itertools.pairwise(edges))
        if draw(st.booleans()):
            spans = [(OPEN_FROM_S if s == min(edges) else s, e) for s, e in spans]
            spans = [(s, OPEN_UPTO_S if e == max(edges) else e) for s, e in spans]
        rows.extend((code, *span, draw(st.integers(-2, 1_000))) for span in spans)
    return draw(st.permutations(rows)), size


@given(tables_of_rows(), st.data())
def test_a_lookup_is_a_scan(table: tuple[list[Row], int], data: st.DataObject) -> None:
    """Whatever the intervals, each probe finds the value of the one that holds it, or nothing."""
    rows, size = table
    probe = st.tuples(st.integers(-1, size - 1), st.integers(-1, 62))
    probes = data.draw(st.lists(probe))
    assert ask(as_of(rows, size), probes) == [scan(rows, *probe) for probe in probes]


def test_an_end_is_exclusive() -> None:
    """The second in which one version ends belongs to the next."""
    table = as_of([(0, 10, 20, 7), (0, 20, 30, 8)], 1)
    assert ask(table, [(0, 9), (0, 10), (0, 19), (0, 20), (0, 29), (0, 30)]) == [-1, 7, 7, 8, 8, -1]


def test_no_code_finds_nothing() -> None:
    """Code -1 is what earlier lookups give for unknown keys; the last code is not meant by it."""
    table = as_of([(0, OPEN_FROM_S, OPEN_UPTO_S, 7)], 1)
    assert ask(table, [(-1, 5), (0, 5)]) == [-1, 7]
    assert ask(as_of([], 0), [(-1, 5)]) == [-1]


def test_minus_two_is_a_value() -> None:
    """Keys of the operator itself have it, and it is not the same as nothing."""
    assert ask(as_of([(0, 10, 20, -2)], 1), [(0, 10), (0, 20)]) == [-2, -1]


def test_a_long_history_is_searched_to_its_end() -> None:
    """A code with a thousand intervals, beside one with two."""
    rows = [(0, 10 * number, 10 * number + 10, number) for number in range(1_000)]
    rows += [(1, 0, 5, 1), (1, 7, 9, 2)]
    probes = [(0, 9_999), (0, 0), (0, 5_005), (0, 10_000), (1, 6), (1, 8), (1, 9)]
    assert ask(as_of(rows, 2), probes) == [999, 0, 500, -1, -1, 2, -1]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([(0, 10, 20, 1), (0, 19, 30, 2)], "do not overlap"),
        ([(0, 20, 20, 1)], "ends after it starts"),
        ([(1, 10, 20, 1)], "codes lie between"),
        ([(-1, 10, 20, 1)], "codes lie between"),
        ([(0, 10, 20, -(2**31))], "not the mark"),
    ],
)
def test_impossible_tables_are_not_built(rows: list[Row], sentence: str) -> None:
    """Reference is checked when it is loaded; what is wrong here is our mistake."""
    with pytest.raises(InvariantViolation, match=sentence):
        as_of(rows, 1)
