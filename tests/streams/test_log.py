"""The contract of `streams/log.py`, on the embedded and on the simulated log.

The bodies are in `tests/log_conformance.py`; genuine Kafka runs the same ones under `tests/kafka/`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.log import Segment
from tests.log_conformance import SCHEDULES, LogConformance, Step, check_any_schedule
from tests.log_worlds import LocalWorld, SimulatedWorld, World


class TestLocalLog(LogConformance):
    """The embedded log keeps the contract."""

    @pytest.fixture(params=[False, True], ids=["at once", "in the background"])
    def world(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
        """A log in a directory of its own."""
        world = LocalWorld(tmp_path, overlap=request.param)
        yield world
        world.close()

    @given(schedule=SCHEDULES, overlap=st.booleans())
    def test_any_schedule(self, schedule: Sequence[Step], *, overlap: bool) -> None:
        """Copying is exactly once through any schedule of kills, aborts and lost answers."""
        with tempfile.TemporaryDirectory() as directory:
            world = LocalWorld(Path(directory), overlap=overlap)
            check_any_schedule(world, schedule)
            world.close()


class TestSimulatedLog(LogConformance):
    """The simulated log keeps the contract, so what is proven on it is worth something."""

    @pytest.fixture(params=range(5))
    def world(self, request: pytest.FixtureRequest) -> World:
        """A broker of its own, with a seed."""
        return SimulatedWorld(request.param)

    @given(schedule=SCHEDULES, seed=st.integers(0, 2**32))
    def test_any_schedule(self, schedule: Sequence[Step], seed: int) -> None:
        """Copying is exactly once through any schedule of kills, aborts and lost answers."""
        check_any_schedule(SimulatedWorld(seed), schedule)


def test_log_time_of_one_message() -> None:
    """A segment knows each message's log time, or the newest one stands for all."""
    times_us = [5, 9]
    segment = Segment("usage.v1", 0, np.array([0, 1]), [None] * 2, [b"a", b"b"], 2, 9)
    assert [segment.log_time_us(index) for index in range(2)] == [9, 9]
    exact = replace(segment, time_of=times_us.__getitem__)
    assert [exact.log_time_us(index) for index in range(2)] == [5, 9]


def test_segment_length_is_its_messages() -> None:
    """A segment is as long as it has messages, holes in its offsets notwithstanding."""
    segment = Segment("usage.v1", 0, np.array([3, 7]), [None, b"k"], [b"a", None], 9, 1)
    assert len(segment) == 2
