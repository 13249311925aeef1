"""Distinct values and combined keys, against numpy's sorting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.distinct import PLACES_A_ROW, PLACES_FREE, combine, distinct

# Narrow ranges use a table of flags, wide ones are sorted; both occur, far from zero too.
INTEGERS = st.one_of(
    st.integers(-3, 3),
    st.integers(-(2**40), 2**40),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(2**63 - 9, 2**63 - 1),
    st.integers(-(2**63), -(2**63) + 9),
)
COLUMNS = st.integers(1, 4).flatmap(
    lambda wide: st.lists(
        st.tuples(*[st.integers(-2, 2) | st.integers(-(2**40), 2**40)] * wide), max_size=30
    ).map(lambda rows: np.array(rows, np.int64).reshape(len(rows), wide))
)


@given(st.lists(INTEGERS, max_size=40) | st.lists(st.integers(2**62, 2**62 + 20), max_size=40))
def test_distinct_is_what_sorting_finds(values: list[int]) -> None:
    """The same values, rising, and the same place for every row."""
    column = np.array(values, np.int64)
    found, places = distinct(column)
    expected, inverse = np.unique(column, return_inverse=True)
    assert {found.dtype, places.dtype} == {np.dtype(np.int64)}
    assert found.tolist() == expected.tolist()
    assert places.tolist() == inverse.tolist()


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.int32, np.uint8])
def test_small_integers_do_not_overflow(kind: type[np.integer]) -> None:
    """Values further apart than the type's maximum, as -96 and 95 are in eight bits."""
    low, high = int(np.iinfo(kind).min) * 3 // 4, int(np.iinfo(kind).max) * 3 // 4
    values, places = distinct(np.array([high, low, high], kind))
    assert values.tolist() == [low, high]
    assert places.tolist() == [1, 0, 1]


@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_where_a_table_of_flags_ends(beyond: int) -> None:
    """Two rows pay for 2 * 8 + 262,144 places; one less, as many and one more are all right."""
    last = PLACES_A_ROW * 2 + PLACES_FREE - 1 + beyond
    values, places = distinct(np.array([last + 5, 5], np.int64))
    assert values.tolist() == [5, last + 5]
    assert places.tolist() == [1, 0]


@given(COLUMNS)
def test_combined_keys_are_equal_where_all_columns_are(rows: np.ndarray[tuple[int, int]]) -> None:
    """Rows have the same key exactly if they are the same row, in ranges beyond 64 bits too."""
    key = combine(list(rows.T))
    assert key.dtype == np.int64
    same = {tuple(row): number for row, number in zip(rows.tolist(), key.tolist(), strict=True)}
    assert [same[tuple(row)] for row in rows.tolist()] == key.tolist()
    assert len(set(key.tolist())) == len(same)


def test_keys_of_three_wide_columns_do_not_collide() -> None:
    """Ranges of 2**40 each make 2**120 together; only places of a key are carried on then."""
    wide = 2**40
    rows = np.array([[a, b, c] for a in (0, wide) for b in (0, wide) for c in (0, -wide)])
    assert len(set(combine(list(rows.T)).tolist())) == 8
