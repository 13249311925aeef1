"""Tests of repeatable chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.generate_draws import Draws, scalar_below

N = 100_000


def draws(count: int = N, seed: int = 7) -> Draws:
    """Draws for the events from 0."""
    return Draws(seed, np.arange(count, dtype=np.int64))


@given(st.integers(0, 2**64), st.integers(1, 2**32), st.integers(0, 10**12))
def test_a_draw_depends_on_its_own_index_alone(seed: int, bound: int, index: int) -> None:
    """An event draws the same number alone and among others, so blocks can be made apart."""
    among = Draws(seed, np.arange(index, index + 5, dtype=np.int64)).below("a", bound)
    alone = Draws(seed, np.array([index + 3], np.int64)).below("a", bound)
    assert among[3] == alone[0]
    assert 0 <= alone[0] < bound


def test_names_and_seeds_are_different_draws() -> None:
    """What one name draws says nothing about another name or seed."""
    one = draws().below("a", 2).astype(bool)
    for other in (draws().below("b", 2), draws(seed=8).below("a", 2)):
        agreeing = int((one == other.astype(bool)).sum())
        assert abs(agreeing - N // 2) < N // 100


def test_numbers_are_spread_evenly() -> None:
    """Of a hundred thousand draws from ten, each number takes about ten thousand."""
    counts = np.bincount(draws().below("a", 10), minlength=10)
    assert counts.sum() == N
    assert abs(counts - N // 10).max() < 500


def test_between_starts_at_its_lower_bound() -> None:
    """Both ends of the range are met, and nothing outside."""
    assert set(draws().between("a", 5, 8).tolist()) == {5, 6, 7}


def test_chances_are_in_a_million() -> None:
    """A chance of 20,000 in a million is one in fifty: about 2,000 of a hundred thousand."""
    assert abs(int(draws().chance("a", 20_000).sum()) - 2_000) < 200
    assert not draws().chance("a", 0).any()
    assert draws().chance("a", 1_000_000).all()


def test_picks_follow_their_weights() -> None:
    """Three to one, and nothing of what has no weight."""
    counts = np.bincount(draws().pick("a", [3, 0, 1]), minlength=3)
    assert counts[1] == 0
    assert abs(int(counts[0]) - 75_000) < 1_000


def test_heavy_sizes_double_evenly() -> None:
    """From 2^4 to below 2^8: as many from 16 to 31 as from 128 to 255."""
    sizes = draws().heavy("a", 4, 8)
    assert (sizes.min(), sizes.max()) == (16, 255)
    assert abs(int(((sizes >= 16) & (sizes < 32)).sum()) - N // 4) < 1_000
    assert abs(int((sizes >= 128).sum()) - N // 4) < 1_000


@pytest.mark.parametrize("bound", [0, -1, 2**32 + 1])
def test_impossible_bounds_are_refused(bound: int) -> None:
    """There is no number below zero to draw, and 32 bits are drawn from."""
    with pytest.raises(ValueError, match="a bound from 1 to"):
        scalar_below(7, "a", bound)


def test_draws_are_the_same_for_ever() -> None:
    """Recorded once: another value here means that every seed now makes other traffic."""
    assert draws(4).below("example", 1_000_000).tolist() == RECORDED
    assert scalar_below(7, "example", 1_000_000) == RECORDED_SCALAR


RECORDED = [509317, 447512, 913439, 529115]
RECORDED_SCALAR = 156504
