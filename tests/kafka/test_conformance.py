"""The contract of `streams/log.py`, on genuine Kafka: the bodies of `tests/log_conformance.py`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings

from tests.kafka.worlds import KafkaWorld
from tests.log_conformance import SCHEDULES, LogConformance, Step, check_any_schedule
from tests.log_worlds import World

pytestmark = pytest.mark.kafka


class TestKafkaLog(LogConformance):
    """Kafka keeps the contract."""

    @pytest.fixture
    def world(self, brokers: str) -> Iterator[World]:
        """Topics and a group of its own."""
        world = KafkaWorld(brokers)
        yield world
        world.close()


@settings(max_examples=8, derandomize=True)
@given(schedule=SCHEDULES)
def test_any_schedule(brokers: str, schedule: Sequence[Step]) -> None:
    """Copying is exactly once through any schedule of kills, aborts and lost answers."""
    world = KafkaWorld(brokers)
    check_any_schedule(world, schedule)
    world.close()
