"""Interval sets against plain sets of numbers, which cannot be wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from state import seen as module
from state.seen import (
    SEQUENCE_BITS,
    Counter,
    Counters,
    Seen,
    gaps,
    ranges_from_bytes,
    ranges_to_bytes,
)

LAST = 2**SEQUENCE_BITS - 2  # the highest sequence number there is
SEQUENCES = st.integers(0, 40) | st.integers(LAST - 3, LAST)
KEYS = st.sets(
    st.builds(lambda counter, n: counter << SEQUENCE_BITS | n, st.integers(0, 3), SEQUENCES)
)


def of(keys: set[int]) -> Seen:
    """What was seen, from a set."""
    return Seen.empty().add(np.array(sorted(keys), np.int64))


def members(seen: Seen) -> set[int]:
    """Every key in the ranges, written out."""
    pairs = zip(seen.first.tolist(), seen.last.tolist(), strict=True)
    return {key for first, last in pairs for key in range(first, last + 1)}


@given(KEYS, KEYS)
def test_adding_and_joining_are_union(before: set[int], new: set[int]) -> None:
    """Keys added in any batches, overlapping or not, are all there and no other."""
    added = of(before).add(np.array(sorted(new), np.int64))
    assert members(added) == members(of(before).join(of(new))) == before | new


@given(KEYS, KEYS)
def test_contains_is_membership(keys: set[int], asked: set[int]) -> None:
    """A key is contained exactly when it was added."""
    probes = sorted(keys | asked)
    found = of(keys).contains(np.array(probes, np.int64)).tolist()
    assert found == [key in keys for key in probes]


@given(KEYS)
def test_ranges_are_sorted_and_never_touch(keys: set[int]) -> None:
    """Memory is a range for each gap: neighbours that touch have become one."""
    seen = of(keys)
    assert (seen.first[1:] > seen.last[:-1] + 1).all()
    assert (seen.first <= seen.last).all()


@given(KEYS, st.integers(0, 3))
def test_one_counter_survives_the_changelog(keys: set[int], counter: int) -> None:
    """The ranges of a counter, written and read again, are its numbers."""
    ranges = of(keys).of(counter)
    back = ranges_from_bytes(counter, ranges_to_bytes(ranges))
    assert members(back) == {key for key in keys if key >> SEQUENCE_BITS == counter}


@given(KEYS, st.sets(st.integers(0, 3)))
def test_without_forgets_counters_whole(keys: set[int], gone: set[int]) -> None:
    """A partition that moves away takes its counters along and leaves the others alone."""
    kept = {key for key in keys if key >> SEQUENCE_BITS not in gone}
    assert members(of(keys).without(gone)) == kept


def test_adding_changes_nothing_that_was_there() -> None:
    """A batch whose transaction aborts can be thrown away: the old set is as it was."""
    old = of({1, 2})
    old.add(np.array([3], np.int64))
    assert members(old) == {1, 2}


def test_gaps_lie_between_ranges() -> None:
    """Seen 1-2, 5 and 9-10 of counter 1: 3-4 and 6-8 are missing, nothing before or after."""
    base = 1 << SEQUENCE_BITS
    ranges = of({base + n for n in (1, 2, 5, 9, 10)}).of(1)
    assert gaps(ranges) == [(3, 4), (6, 8)]


def test_counters_keep_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A counter has one number for ever; more counters than numbers is an error, not a mix-up."""
    monkeypatch.setattr(module, "COUNTERS_MAX", 2)
    counters = Counters()
    first, other = Counter("msc-1", 0, False), Counter("msc-1", 0, True)  # noqa: FBT003
    assert [counters.number(c) for c in (first, other, first)] == [0, 1, 0]
    assert counters.name(1) == other
    with pytest.raises(OverflowError):
        counters.number(Counter("msc-2", 0, False))  # noqa: FBT003
