"""Whose partitions: what the loop is told, and what it is spared, through rebalances."""

from __future__ import annotations

import numpy as np

from streams.kafka_ownership import Ownership
from streams.log import Assignment, Segment

SOURCE = "usage.v1"


def at(*positions: int) -> dict[int, dict[str, int]]:
    """Committed positions of partitions 0, 1, 2 ..."""
    return {number: {SOURCE: position} for number, position in enumerate(positions)}


def segment(number: int, next_offset: int) -> Segment:
    """A segment of one message that ends at an offset."""
    offsets = np.array([next_offset - 1])
    return Segment(SOURCE, number, offsets, [None], [b""], next_offset, 1)


def member(*positions: int) -> Ownership:
    """A member that has been told of its first assignment."""
    ownership = Ownership()
    ownership.assign(at(*positions))
    assert ownership.changes() == Assignment(at(*positions), frozenset())
    return ownership


def test_first_assignment_is_told_once() -> None:
    """A gain is reported with its committed positions, and then no more."""
    ownership = member(5, 0)
    assert ownership.numbers == {0, 1}
    assert 1 in ownership
    assert ownership.changes() is None
    assert ownership.starts() == {(SOURCE, 0): 5, (SOURCE, 1): 0}


def test_kept_partition_goes_on_where_it_was() -> None:
    """What comes back as it was left is no change; reading goes on behind what was handed out."""
    ownership = member(5, 0)
    ownership.delivered([segment(0, 9)])
    ownership.revoke()
    assert ownership.numbers == frozenset()
    assert ownership.changes() is None
    ownership.assign(at(5, 0))
    assert ownership.numbers == {0, 1}
    assert ownership.changes() is None
    assert ownership.starts() == {(SOURCE, 0): 9, (SOURCE, 1): 0}


def test_own_commits_are_known() -> None:
    """A partition that comes back at the position this member committed has been kept."""
    ownership = member(5)
    ownership.committed({(SOURCE, 0): 8})
    ownership.revoke()
    ownership.assign(at(8))
    assert ownership.changes() is None


def test_partition_given_away_is_lost() -> None:
    """What does not come back is lost, and only that."""
    ownership = member(5, 0)
    ownership.revoke()
    ownership.assign({1: {SOURCE: 0}})
    assert ownership.changes() == Assignment({}, frozenset({0}))
    assert ownership.missing({(SOURCE, 0): 6, (SOURCE, 1): 1}) == [(SOURCE, 0)]


def test_partition_that_others_worked_on_is_loaded_anew() -> None:
    """A position that moved without this member is a loss and a gain."""
    ownership = member(5, 0)
    ownership.delivered([segment(0, 9)])
    ownership.revoke()
    ownership.assign(at(7, 0))
    assert ownership.changes() == Assignment({0: {SOURCE: 7}}, frozenset({0}))
    assert ownership.starts()[SOURCE, 0] == 7


def test_loss_that_was_overslept() -> None:
    """What others were given meanwhile is lost even when it comes back as it was."""
    ownership = member(5)
    ownership.lose()
    assert ownership.numbers == frozenset()
    ownership.assign(at(5))
    assert ownership.changes() == Assignment(at(5), frozenset({0}))


def test_gain_that_was_lost_before_it_was_told() -> None:
    """What came and went between two questions was never there."""
    ownership = Ownership()
    ownership.assign(at(5))
    ownership.lose()
    assert ownership.changes() is None


def test_refresh_after_abort() -> None:
    """After an abort reading goes back, and the loop is told nothing if nothing moved."""
    ownership = member(5, 0)
    ownership.delivered([segment(0, 9)])
    ownership.refresh(at(5, 0), is_certain=True)
    assert ownership.changes() is None
    assert ownership.starts()[SOURCE, 0] == 5


def test_refresh_finds_that_others_were_here() -> None:
    """Positions that another member has moved are reported even after a certain abort."""
    ownership = member(5, 0)
    ownership.refresh(at(6, 0), is_certain=True)
    assert ownership.changes() == Assignment({0: {SOURCE: 6}}, frozenset({0}))


def test_refresh_after_unknown() -> None:
    """After an unknown outcome everything is loaded anew, moved or not."""
    ownership = member(5, 0)
    ownership.refresh(at(5, 0), is_certain=False)
    assert ownership.changes() == Assignment(at(5, 0), frozenset({0, 1}))


def test_rewind_while_nothing_is_owned() -> None:
    """An abort in the middle of a rebalance sends a kept partition back as well."""
    ownership = member(5)
    ownership.delivered([segment(0, 9)])
    ownership.revoke()
    ownership.rewind()
    ownership.assign(at(5))
    assert ownership.starts() == {(SOURCE, 0): 5}


def test_some_position_is_a_committed_one() -> None:
    """What a commit without positions repeats is committed, not merely read."""
    ownership = member(5)
    ownership.delivered([segment(0, 9)])
    assert ownership.some_position() == {(SOURCE, 0): 5}
    assert Ownership().some_position() == {}
