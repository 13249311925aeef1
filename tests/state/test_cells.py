"""Cells: sums and maxima by series, member and window, the same however they come in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.cells import (
    NO_CELLS_PLAN,
    CellSet,
    CellStore,
    Members,
    cell_keys,
    cell_parts,
    merged,
)
from state.invariants import InvariantViolation

LARGEST_SERIES = 1  # series 1 keeps maxima, series 0 and 2 keep sums
Given = tuple[int, int, int, int, int]  # series, member, window, up, down
ROWS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 3),
        st.integers(0, 3),
        st.integers(-5, 100),
        st.integers(0, 100),
    ),
    max_size=30,
)


def put_in(store: CellStore, rows: Sequence[Given]) -> None:
    """Plan and apply."""
    columns = np.array(rows, np.int64).reshape(-1, 5)
    keys = cell_keys(*columns[:, :3].T)
    store.apply(store.plan(keys, columns[:, 3:], columns[:, 0] == LARGEST_SERIES))


def expected(rows: Sequence[Given]) -> dict[tuple[int, int, int], list[int]]:
    """What cells have to be, one row after the other."""
    cells: dict[tuple[int, int, int], list[int]] = {}
    for series, member, window, *figures in rows:
        before = cells.get((series, member, window))
        if before is None:
            cells[series, member, window] = figures
        elif series == LARGEST_SERIES:
            cells[series, member, window] = [max(p) for p in zip(before, figures, strict=True)]
        else:
            cells[series, member, window] = [sum(p) for p in zip(before, figures, strict=True)]
    return cells


def found(store: CellStore) -> dict[tuple[int, int, int], list[int]]:
    """The cells of a store."""
    cells = {}
    for series in range(3):
        of = store.of(NO_CELLS_PLAN, series, largest=series == LARGEST_SERIES)
        columns = (of.member, of.window, of.up, of.down)
        for member, window, *figures in zip(*(c.tolist() for c in columns), strict=True):
            cells[series, member, window] = figures
    return cells


@given(rows=ROWS, cuts=st.lists(st.integers(0, 30), max_size=4))
def test_any_batching_gives_the_same_cells(rows: list[Given], cuts: list[int]) -> None:
    """Whatever comes together, and in whatever order it comes."""
    store, other = CellStore(), CellStore()
    edges = [0, *sorted(cuts), len(rows)]
    for low, high in pairwise(edges):
        put_in(store, rows[low:high])
    put_in(other, rows[::-1])
    assert found(store) == found(other) == expected(rows)


@given(rows=ROWS, more=ROWS)
def test_a_plan_shows_what_will_be_and_changes_nothing(
    rows: list[Given], more: list[Given]
) -> None:
    """Cells after a plan are those after it has been applied."""
    store = CellStore()
    put_in(store, rows)
    columns = np.array(more, np.int64).reshape(-1, 5)
    keys = cell_keys(*columns[:, :3].T)
    plan = store.plan(keys, columns[:, 3:], columns[:, 0] == LARGEST_SERIES)
    before = [store.of(plan, series, largest=False).up.tolist() for series in range(3)]
    assert found(store) == expected(rows)
    store.apply(plan)
    assert before == [store.of(NO_CELLS_PLAN, s, largest=False).up.tolist() for s in range(3)]


def test_only_what_changes_is_planned() -> None:
    """A smaller figure leaves a maximum alone, and nothing a sum; a new cell of nothing is one."""
    store = CellStore()
    put_in(store, [(1, 0, 0, 9, 0), (0, 0, 0, 5, 5)])
    keys = cell_keys(*np.array([[1, 0, 0], [0, 0, 0], [2, 0, 0]]).T)
    plan = store.plan(keys, np.array([[8, 0], [0, 0], [0, 0]]), np.array([True, False, False]))
    assert [p.tolist() for p in cell_parts(plan.keys)] == [[2], [0], [0]]


def test_sets_of_several_series_are_merged() -> None:
    """Sums are added where member and window are the same, maxima compared."""
    one, two = np.array([3, 7]), np.array([5, 1])
    window, member = np.array([0, 1]), np.zeros(2, np.int64)
    for largest, up in ((False, [8, 8]), (True, [5, 7])):
        sets = [CellSet(member, window, of, of, largest) for of in (one, two)]
        assert merged(sets).up.tolist() == up
    assert merged(sets[:1]) is sets[0]


def test_members_have_numbers_and_buckets() -> None:
    """Numbers in the order in which they are met; buckets by the name alone."""
    first, second = Members(), Members()
    assert first.numbers(["P1", "P2", "P1"]).tolist() == [0, 1, 0]
    second.numbers(["P2"])
    assert first.buckets(np.array([1])).tolist() == second.buckets(np.array([0])).tolist()


def test_windows_beyond_their_bits_stop_the_hop() -> None:
    """They would be another member's."""
    zero = np.zeros(1, np.int64)
    with pytest.raises(InvariantViolation, match="windows fit"):
        cell_keys(zero, zero, zero + 2**16)
