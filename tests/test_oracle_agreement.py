"""The product and the oracle agree on random small worlds, to the last digit.

A world (`worlds.py`) is settled by both hops on the simulated log in batches of any size, while
periods close, reference is mended and suspended usage is tried again. Then every outcome, every
rated leg, every accrual row with its residue, every amount and every statement must be what the
oracle makes of the same bytes.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.settled import Settling
from tests.worlds import World, make_world, worlds

BATCHES = (1, 3, 20, 1_000)
PERIODS = ("2026-10", "2026-11", "2026-10-25", "2026-10-28", "2026-10-31", "2026-11-01", "2026-13")
SECOND_US = 1_000_000


def live(settling: Settling, random: Random) -> None:
    """Let a world happen: usage in stretches, closes, a mended reference and recycling between."""
    world = settling.world
    while settling.sent < len(world.usage):
        settling.send(random.randint(1, 15))
        if random.random() < 1 / 10 and len(settling.references) == 1:
            settling.mend()
        if random.random() < 1 / 5:
            last_us = world.usage[min(settling.sent, len(world.usage)) - 1].log_time_us
            settling.recycle(last_us + random.choice([1, 700]) * SECOND_US)
        if random.random() < 2 / 3:
            settling.settle()
        for _ in range(random.choice([0, 0, 1, 2])):
            settling.close(random.choice(sorted(world.pools)), random.choice(PERIODS))
    settling.settle()
    if random.random() < 1 / 2:
        settling.recycle(world.usage[-1].log_time_us + 700 * SECOND_US)
        settling.settle()


def settled(world: World, course: int) -> Settling:
    """A world after everything has happened to it, by a course of events with a seed of its own."""
    random = Random(course)
    settling = Settling(
        world, rate_batch=random.choice(BATCHES), accrue_batch=random.choice(BATCHES)
    )
    live(settling, random)
    return settling


@settings(max_examples=30)
@given(world=worlds(), course=st.integers(0, 2**32))
def test_any_world_is_settled_as_the_oracle_settles_it(world: World, course: int) -> None:
    """Whatever comes in and however it is batched, no figure differs from the oracle's."""
    with settled(world, course) as settling:
        assert settling.differences() == []
