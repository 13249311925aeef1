"""What happens to processes: kill -9, a rebalance, a zombie. Each copies its input exactly once.

The member is `tests/kafka/member.py`; a reader beside it follows the output all the time and must
never see anything but a prefix of the input.
"""

from __future__ import annotations

import random
import signal
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from streams.kafka_admin import KafkaAppender
from streams.kafka_reader import KafkaTail, tail
from streams.kafka_settings import KafkaSettings
from tests.kafka.member import FENCED_STATUS, Process
from tests.kafka.worlds import create_topic

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

PARTITIONS = 4
PATIENCE_SECONDS = 60


class Stage:
    """An input, its copy, the members at work and a reader who watches the copy."""

    def __init__(self, brokers: str) -> None:
        """Create the topics and begin to watch."""
        prefix = f"copy-{uuid.uuid4().hex[:12]}"
        self.settings = KafkaSettings(
            brokers=brokers,
            group_prefix=prefix,
            session_timeout_seconds=3,
            transaction_timeout_seconds=6,
            request_timeout_seconds=4,
        )
        self.source = create_topic(self.settings, PARTITIONS)
        self.output = create_topic(self.settings, PARTITIONS)
        self.inputs: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
        self.copies: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
        self.members: list[Process] = []
        self._appender = KafkaAppender(self.settings)
        self._watcher: KafkaTail = tail(self.settings, [self.output])

    def member(self, slot: str, *, stop_at: int = 0, is_static: bool = False) -> Process:
        """Start a member in a slot."""
        settings = replace(self.settings, slot=slot, static_member=is_static)
        self.members.append(Process(settings, self.source, self.output, stop_at=stop_at))
        return self.members[-1]

    def feed(self, count: int) -> None:
        """Append so many messages to every partition."""
        for number, written in enumerate(self.inputs):
            added = [b"%d" % index for index in range(len(written), len(written) + count)]
            written.extend(added)
            self._appender.append(self.source, number, [(None, value) for value in added])

    def watch(self) -> None:
        """Look at the copy: it is a prefix of the input at every moment."""
        for segment in self._watcher.read(10_000, 0.05):
            copy, written = self.copies[segment.partition], self.inputs[segment.partition]
            copy += [value for value in segment.values if value is not None]
            assert copy == written[: len(copy)]

    def watch_for(self, seconds: float) -> None:
        """Go on watching for a while."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.watch()

    def watch_all(self) -> None:
        """Watch until everything is copied, and a little longer for what must not follow."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.copies != self.inputs:
            assert time.monotonic() < deadline, [len(copy) for copy in self.copies]
            self.watch()
        self.watch_for(0.3)
        assert self.copies == self.inputs

    def close(self) -> None:
        """Nobody is left."""
        self._watcher.close()
        self._appender.close()
        for member in self.members:
            if member.process.poll() is None:
                member.process.kill()
                member.wait()


@pytest.fixture
def stage(brokers: str) -> Iterator[Stage]:
    """A stage of its own."""
    stage = Stage(brokers)
    yield stage
    stage.close()


def test_killed_members_copy_exactly_once(stage: Stage) -> None:
    """Six processes killed with kill -9 at random moments leave neither a hole nor a double.

    The seventh process finishes; as static members they follow each other without waiting.
    """
    moments = random.Random(11)
    for _ in range(6):
        stage.feed(200)
        member = stage.member("0", is_static=True)
        member.wait_for("committed", moments.randint(1, 4))
        stage.watch_for(moments.uniform(0, 0.05))
        assert member.end(signal.SIGKILL) == -signal.SIGKILL
    last = stage.member("0", is_static=True)
    stage.watch_all()
    assert last.end() == 0


def test_members_share_and_take_over(stage: Stage) -> None:
    """A second member takes half of the partitions and gives them back; nothing is lost or double.

    By the range assignor, sorted by slot: slot 0 has partitions 0 and 1, slot 1 has 2 and 3.
    """
    first = stage.member("0")
    first.wait_for("owns 0,1,2,3")
    stage.feed(200)
    second = stage.member("1")
    second.wait_for("owns 2,3")
    first.wait_for("owns 0,1")
    stage.feed(200)
    stage.watch_all()
    assert second.end() == 0
    stage.feed(200)
    first.wait_for("owns 0,1,2,3", 2)
    stage.watch_all()
    assert first.end() == 0
    assert "aborted" not in second.words


def test_member_that_slept_through_a_rebalance_is_refused(stage: Stage) -> None:
    """A process stopped inside a transaction past its session does not get to commit it.

    It is stopped for less than the transaction may take, so that the group alone refuses it: its
    generation is over. It then goes on as an ordinary member.
    """
    settings = replace(stage.settings, transaction_timeout_seconds=50)
    stage.settings = settings
    zombie = stage.member("0", stop_at=3)
    stage.feed(200)
    zombie.wait_stopped()
    other = stage.member("1")
    other.wait_for("owns 0,1,2,3")
    zombie.send(signal.SIGCONT)
    zombie.wait_for("aborted")
    zombie.wait_for("owns 0,1")
    stage.watch_all()
    assert zombie.words.index("aborted") >= 3  # owns, committed, committed
    assert (zombie.end(), other.end()) == (0, 0)


def test_member_that_slept_through_its_transaction_is_fenced(stage: Stage) -> None:
    """A process stopped past the transaction's time is fenced for good and exits saying so."""
    zombie = stage.member("0", stop_at=3)
    stage.feed(200)
    zombie.wait_stopped()
    other = stage.member("1")
    # The copy is complete only after the broker has given the open transaction up.
    stage.watch_all()
    zombie.send(signal.SIGCONT)
    assert zombie.wait() == FENCED_STATUS
    assert zombie.words[-1] == "fenced"
    stage.feed(50)
    stage.watch_all()
    assert other.end() == 0


@pytest.mark.parametrize("is_static", [True, False])
def test_successor_in_the_same_slot_fences(stage: Stage, *, is_static: bool) -> None:
    """A second process started in a slot wins at once; the first may not write any more."""
    zombie = stage.member("0", stop_at=2, is_static=is_static)
    stage.feed(200)
    zombie.wait_stopped()
    successor = stage.member("0", is_static=is_static)
    successor.wait_for("committed")
    zombie.send(signal.SIGCONT)
    assert zombie.wait() == FENCED_STATUS
    stage.watch_all()
    assert successor.end() == 0
