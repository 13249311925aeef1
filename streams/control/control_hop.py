"""The control hop: what masters tell in, changes and exceptions out.

It reads the six topics that masters write to and sends what is new to `reference.v1` and
`exceptions.v1`, in one transaction with its positions. It stands before the rate hop but is tied to
it by nothing: usage is settled by what was so at its own time, so it does not matter which of the
two is ahead. This hop runs in a data directory; on Kafka the same memory takes the same messages
in by way of Faust (`faust_app.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from schemas.topics import EXCEPTIONS, NOTIFIED, REFERENCE
from streams.control.changes import Place
from streams.control.taking import Delta, Kept, Memory
from streams.log import Log, Segment
from streams.settle import Stopwatch, Work

PARTITION = 0


class ControlHop:
    """Memory and computation of the hop before the first one."""

    name = "control"
    inputs = tuple(topic.name for topic in NOTIFIED)

    def __init__(self, stopwatch: Stopwatch) -> None:
        self.memory = Memory()
        self.counts: Counter[str] = Counter()  # since the process began, by word of `RESULTS`
        self._watch = stopwatch

    def assign(self, partition: int, positions: Mapping[str, int], log: Log) -> None:
        """Recover what was told so far."""
        self.memory = Memory()
        self.memory.recover(
            kept(log.recover(REFERENCE.name, partition)),
            kept(log.recover(EXCEPTIONS.name, partition)),
        )

    def revoke(self, partitions: frozenset[int]) -> None:
        """Forget what was told."""
        if PARTITION in partitions:
            self.memory = Memory()

    def prepare(self, segments: Sequence[Segment]) -> None:
        """Nothing: a notification is read when it is its turn."""

    def compute(self, segments: Sequence[Segment], prepared: None) -> Work:
        """Outputs and delta of one batch; changes nothing."""
        delta = self.memory.take(notifications(segments))
        work = Work(delta=delta, events=sum(map(len, segments)))
        if delta.reference:
            work.send(REFERENCE.name, PARTITION, *delta.reference.items())
        if delta.refused:
            work.send(EXCEPTIONS.name, PARTITION, *delta.refused.items())
        for segment in segments:
            work.positions[(segment.topic, segment.partition)] = segment.next_offset
        self._watch.lap("changes")
        return work

    def apply(self, work: Work) -> None:
        """Take over what has been committed."""
        delta: Delta = work.delta
        self.memory.apply(delta)
        for (_, result), count in delta.counts.items():
            self.counts[result] += count
        self._watch.lap("apply")


def notifications(segments: Sequence[Segment]) -> Iterator[tuple[bytes | None, Place]]:
    """The messages of segments with the place of each."""
    for segment in segments:
        for index, value in enumerate(segment.values):
            offset, known_us = int(segment.offsets[index]), segment.log_time_us(index)
            yield value, Place(segment.topic, segment.partition, offset, 0, known_us)


def kept(segments: Iterable[Segment]) -> Iterator[Kept]:
    """The messages of segments of a compacted topic."""
    for segment in segments:
        for key, value in zip(segment.keys, segment.values, strict=True):
            if key is not None:
                yield key, value
