"""A loop of fakes: a hop and a log that write down what they are asked, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from state.invariants import invariant
from streams.log import Assignment, Log, LogError, Messages, Outcome, Segment, made
from streams.settle import Loop, Step, Stopwatch, Work

IN, OUT = "in", "out"


def segment(*values: bytes, partition: int = 0, start: int = 0) -> Segment:
    """Messages of one partition, dense from an offset."""
    offsets = np.arange(start, start + len(values))
    upto = start + len(values)
    return Segment(IN, partition, offsets, [None] * len(values), values, upto, 0)


class FakeHop:
    """A hop that writes down what it is asked; each message becomes one output message."""

    name = "fake"
    inputs = (IN,)

    def __init__(self, calls: list[str]) -> None:
        """Nothing owned yet."""
        self._calls = calls
        self.events = 0
        self.is_right = True
        self.computing: Callable[[], object] = lambda: None

    def assign(self, partition: int, positions: Mapping[str, int], log: Log) -> None:
        """Note which partition starts where."""
        self._calls.append(f"assign {partition} at {positions[IN]}")

    def revoke(self, partitions: frozenset[int]) -> None:
        """Note which partitions go, if any."""
        self._calls += [f"revoke {sorted(partitions)}"] if partitions else []

    def prepare(self, segments: Sequence[Segment]) -> int:
        """How many messages there are."""
        return sum(map(len, segments))

    def compute(self, segments: Sequence[Segment], prepared: int) -> Work:
        """Copy messages and positions."""
        assert prepared == sum(map(len, segments))
        self._calls.append("compute")
        self.computing()
        invariant(self.is_right, "the hop is right")
        work = Work(delta=None, events=self.events)
        for each in segments:
            work.send(OUT, each.partition, *((None, value) for value in each.values))
            work.positions[IN, each.partition] = each.next_offset
        return work

    def apply(self, work: Work) -> None:
        """Note it."""
        self._calls.append("apply")


class FakeLog:
    """A log that gives what a test put in, and ends commits as the test says."""

    def __init__(self, calls: list[str]) -> None:
        """Nothing to read; no change of ownership."""
        self._calls = calls
        self.batches: list[list[Segment]] = []
        self.assignments: list[Assignment | None] = []
        self.endings: list[LogError] = []
        self.outcome: Outcome | None = None
        self.asked: list[int] = []
        self.lingers: list[float] = []

    def read(self, messages_max: int, linger_seconds: float) -> list[Segment]:
        """The next batch."""
        self._calls.append("read")
        self.asked.append(messages_max)
        self.lingers.append(linger_seconds)
        return self.batches.pop(0) if self.batches else []

    def changes(self) -> Assignment | None:
        """The next change."""
        self._calls.append("changes")
        return self.assignments.pop(0) if self.assignments else None

    @property
    def owned(self) -> frozenset[int]:
        """Not asked by the loop."""
        return frozenset()

    def begin(self) -> None:
        """Note it."""
        self._calls.append("begin")

    def send(self, topic: str, partition: int, messages: Messages) -> None:
        """Note where to and how many."""
        self._calls.append(f"send {topic} {partition} {len(made(messages))}")

    def commit(self, positions: Mapping[tuple[str, int], int]) -> Outcome | None:
        """Note the positions, and end as the test says."""
        self._calls.append(f"commit {sorted(positions.items())}")
        if self.endings:
            raise self.endings.pop(0)
        return self.outcome

    def abort(self) -> None:
        """Note it."""
        self._calls.append("abort")

    def rewind(self) -> None:
        """Note it."""
        self._calls.append("rewind")

    def recover(self, topic: str, partition: int, from_offset: int = 0) -> Iterator[Segment]:
        """Nothing was written before."""
        return iter(())

    def partitions(self, topic: str) -> int:
        """Two of every topic."""
        return 2

    def close(self) -> None:
        """Note it."""
        self._calls.append("close")


class Bench:
    """A loop of the fakes, and everything that was called, in order."""

    def __init__(self, batch_events: int = 1_000) -> None:
        """A loop that owns nothing yet."""
        self.calls: list[str] = []
        self.hop, self.log = FakeHop(self.calls), FakeLog(self.calls)
        self.loop = Loop(self.hop, self.log, Stopwatch(lambda: 0), batch_events, 0)

    def step(self, *batch: Segment, change: Assignment | None = None) -> tuple[Step, list[str]]:
        """One step on a batch: what it returned, and what it called."""
        self.log.batches.append(list(batch))
        self.log.assignments.append(change)
        self.calls.clear()
        return self.loop.step(), list(self.calls)
