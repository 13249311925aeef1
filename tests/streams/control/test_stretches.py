"""Stretches against a set of moments, which is what they stand for."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streams.control.stretches import Stretch, common, united, without

PARTS = st.lists(st.builds(Stretch, st.integers(0, 12), st.integers(0, 12)), max_size=5)


def moments(parts: Iterable[Stretch]) -> set[int]:
    """All moments that lie in some parts, one by one."""
    return {moment for part in parts for moment in range(part.start, part.end)}


@given(PARTS, PARTS)
def test_stretches_are_sets_of_moments(one: list[Stretch], other: list[Stretch]) -> None:
    """Union, intersection and difference, whatever overlaps, touches or is empty."""
    a, b = united(one), united(other)
    assert moments(a) == moments(one)
    assert moments(common(a, b)) == moments(one) & moments(other)
    assert moments(without(a, b)) == moments(one) - moments(other)
    for found in (a, common(a, b), without(a, b)):
        assert all(before.end < after.start for before, after in pairwise(found))
