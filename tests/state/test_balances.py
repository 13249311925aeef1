"""Running sums in columns against a dictionary, batch by batch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.balances import (
    BALANCE_MAX,
    BOOK_BITS,
    COLUMNS,
    SERIES_BITS,
    SLOT_BITS,
    START_ROWS,
    Balances,
    Numbers,
    compose,
    decompose,
    join_residue,
    split_residue,
    stack,
)
from state.invariants import InvariantViolation

Rows = list[tuple[int, tuple[int, ...]]]
KEYS = st.builds(
    lambda book, slot, series: (book << SLOT_BITS | slot) << SERIES_BITS | series,
    st.integers(0, 2),
    st.sampled_from([0, 1, 2**SLOT_BITS - 1]),
    st.integers(0, 3),
)
VALUES = st.tuples(*[st.integers(-(2**40), 2**40)] * len(COLUMNS))
BATCHES = st.lists(st.lists(st.tuples(KEYS, VALUES), max_size=8), max_size=5)


def columns(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Keys and values of rows."""
    values = np.array([v for _, v in rows], np.int64).reshape(-1, len(COLUMNS))
    return np.array([k for k, _ in rows], np.int64), values


def added(model: dict[int, tuple[int, ...]], rows: Rows) -> dict[int, tuple[int, ...]]:
    """A dictionary with rows added to it."""
    after = dict(model)
    for key, values in rows:
        before = after.get(key, (0,) * len(COLUMNS))
        *sums, high, low = (a + b for a, b in zip(before, values, strict=True))
        # The low part of a residue keeps 32 bits; what is above them moves to the high part.
        after[key] = (*sums, high + low // 2**32, low % 2**32)
    return after


def held(balances: Balances) -> dict[int, tuple[int, ...]]:
    """All rows as a dictionary."""
    keys, values = balances.rows()
    return {k: tuple(v) for k, v in zip(keys.tolist(), values.tolist(), strict=True)}


@given(BATCHES)
def test_batches_add_up_as_in_a_dictionary(batches: list[Rows]) -> None:
    """After every batch the rows are what a dictionary holds, sorted by key."""
    balances, model = Balances(), dict[int, tuple[int, ...]]()
    for rows in batches:
        balances.apply(balances.plan(*columns(rows)))
        model = added(model, rows)
        assert held(balances) == model
        assert balances.keys.tolist() == sorted(model)
        assert len(balances) == len(model)


@given(BATCHES, st.lists(st.tuples(KEYS, VALUES), max_size=8))
def test_a_plan_tells_the_future_and_changes_nothing(batches: list[Rows], rows: Rows) -> None:
    """Groups and values after a plan are the dictionary's; until it is applied nothing changes."""
    balances, model = Balances(), dict[int, tuple[int, ...]]()
    for batch in batches:
        balances.apply(balances.plan(*columns(batch)))
        model = added(model, batch)
    plan, after = balances.plan(*columns(rows)), added(model, rows)
    probes = sorted({*after, 0, 2**62})
    told = balances.after(plan, np.array(probes, np.int64)).tolist()
    assert told == [list(after.get(key, (0,) * len(COLUMNS))) for key in probes]
    groups = sorted({key >> SERIES_BITS for key in [*after, 5 << SERIES_BITS]})
    keys, values, offsets = balances.groups(plan, np.array(groups, np.int64))
    assert dict(zip(keys.tolist(), map(tuple, values.tolist()), strict=True)) == after
    for group, start, upto in zip(groups, offsets[:-1], offsets[1:], strict=True):
        assert keys[start:upto].tolist() == sorted(k for k in after if k >> SERIES_BITS == group)
    assert held(balances) == model


@given(BATCHES, st.lists(st.tuples(KEYS, VALUES), max_size=8))
def test_recovery_sets_rows_and_the_last_one_counts(batches: list[Rows], rows: Rows) -> None:
    """A changelog is a list of absolute values: whatever stood before, the newest stays."""
    balances, model = Balances(), dict[int, tuple[int, ...]]()
    for batch in [*batches, rows]:
        balances.put(*columns(batch))
        model |= dict(batch)
    assert held(balances) == model


def test_rows_outgrow_the_first_columns() -> None:
    """More rows than there was room for at first lose nothing."""
    rows: Rows = [(key, (1, key, 0, 0, 0)) for key in range(3 * START_ROWS)]
    balances = Balances()
    for start in range(0, len(rows), 1_000):
        balances.apply(balances.plan(*columns(rows[start : start + 1_000])))
    assert held(balances) == dict(rows)


def test_a_balance_never_wraps() -> None:
    """A sum that reaches 2^62 stops the process before anything of it is kept."""
    balances = Balances()
    balances.apply(balances.plan(*columns([(1, (1, BALANCE_MAX - 1, 0, 0, 0))])))
    with pytest.raises(InvariantViolation, match="62 bits"):
        balances.plan(*columns([(1, (0, 1, 0, 0, 0))]))
    assert held(balances) == {1: (1, BALANCE_MAX - 1, 0, 0, 0)}


@given(
    st.integers(0, 2**BOOK_BITS - 1),
    st.integers(0, 2**SLOT_BITS - 1),
    st.integers(0, 2**SERIES_BITS - 1),
)
def test_keys_come_apart_as_they_were_put_together(book: int, slot: int, series: int) -> None:
    """Book, slot and series share 63 bits without touching one another."""
    parts = [np.array([part], np.int64) for part in (book, slot, series)]
    key = compose(parts[0], parts[1], parts[2])
    assert key[0] >= 0
    assert [int(part[0]) for part in decompose(key)] == [book, slot, series]


def test_names_have_numbers_in_the_order_they_are_met() -> None:
    """A name keeps its number; more names than bits is an error, not a mix-up."""
    numbers: Numbers[str] = Numbers(2)
    assert [numbers.number(name) for name in ("b", "a", "b")] == [0, 1, 0]
    assert numbers.names == ["b", "a"]
    with pytest.raises(InvariantViolation):
        numbers.number("c")


def test_columns_stack_into_rows() -> None:
    """Values stand in the order of the columns; no rows are still five columns wide."""
    one = [np.array([n], np.int64) for n in range(len(COLUMNS))]
    assert stack(one).tolist() == [[0, 1, 2, 3, 4]]
    assert stack([np.zeros(0, np.int64)]).shape == (0, len(COLUMNS))


def test_residues_grow_beyond_64_bits() -> None:
    """The low part carries into the high one, so that sums of residues never reach a limit.

    Three residues of 2^61 are 3 * 2^61, which is 3 * 2^29 in the high part.
    """
    balances = Balances()
    high, low = split_residue(np.array([2**61, -1], np.int64))
    for _ in range(3):
        row = (0, 0, 0, int(high[0]), int(low[0]))
        balances.apply(balances.plan(*columns([(1, row)])))
    assert held(balances) == {1: (0, 0, 0, 3 * 2**29, 0)}
    # -1 is -2^32 + (2^32 - 1): the high part is negative, the low one never is.
    assert (int(high[1]), int(low[1])) == (-1, 2**32 - 1)
    assert join_residue(int(high[1]), int(low[1])) == -1
