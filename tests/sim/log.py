"""One member of a hop on the simulated broker: the `Log` that the loop is tested on.

It does what a member on Kafka does, at the same places: ownership changes inside `read`, messages
reach the broker when they are sent, positions are refused when the generation is stale, a lost
answer makes the outcome unknown until `rewind` has acquired a new epoch. `kill` ends the member as
kill -9 would: nothing is aborted, given back or said to anyone, whatever the program still tries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from streams.log import (
    Aborted,
    Assignment,
    Fenced,
    LogError,
    Messages,
    Segment,
    TopicPartition,
    Unknown,
    made,
)
from tests.sim.broker import LOST, Fault, Point, SimulatedBroker


class SimulatedCrash(BaseException):
    """The process of a member has ended: only the scheduler of a simulation may handle it."""


class SimulatedLog:
    """A hop's view of the simulated broker; see `streams.log.Log` for each method."""

    def __init__(
        self, broker: SimulatedBroker, hop: str, inputs: Sequence[str], slot: str = "0"
    ) -> None:
        """Join the group of a hop and fence whoever used the slot before."""
        counts = {broker.partitions(topic) for topic in inputs}
        if len(counts) != 1:
            raise ValueError(f"the inputs of a hop need one partition count: {', '.join(inputs)}")
        self._broker = broker
        self._hop = hop
        self._inputs = tuple(inputs)
        self._slot = slot
        self._transactional_id = f"{hop}-{slot}"
        self._epoch = broker.acquire(self._transactional_id)
        self._group = broker.group(hop, counts.pop())
        self.member = self._group.join(slot)
        self._generation = -1
        self._held: frozenset[int] = frozenset()
        self._next: dict[TopicPartition, int] = {}
        self._gained: dict[int, dict[str, int]] = {}
        self._lost: set[int] = set()
        self._is_open = False
        self._is_uncertain = False
        self._is_fenced = False
        self._is_dead = False

    def read(self, messages_max: int, linger_seconds: float) -> list[Segment]:
        """New committed messages of owned partitions, the partitions in random order."""
        self._check_alive()
        self._follow_group()
        if self._broker.is_ragged:
            messages_max = self._broker.random.randint(1, messages_max)
        places = sorted(self._next)
        self._broker.random.shuffle(places)
        segments: list[Segment] = []
        for place in places:
            if messages_max == 0:
                break
            found = self._broker.segment(place, self._next[place], messages_max)
            self._next[place] = found.next_offset
            messages_max -= len(found)
            if len(found):
                segments.append(found)
        return segments

    def changes(self) -> Assignment | None:
        """What was lost and gained since the last call; a number may be both."""
        self._check_alive()
        if not self._gained and not self._lost:
            return None
        assignment = Assignment(self._gained, frozenset(self._lost))
        self._gained, self._lost = {}, set()
        return assignment

    @property
    def owned(self) -> frozenset[int]:
        """What this member believes to own."""
        return self._held

    def begin(self) -> None:
        """Open a transaction; the broker hears of it with the first message."""
        self._check_alive()
        self._check_fenced()
        if self._is_open:
            raise LogError("a transaction is open already")
        if self._is_uncertain:
            raise LogError("the last outcome is unknown: rewind first")
        self._crash_at(Point.BEGIN)
        self._is_open = True

    def send(self, topic: str, partition: int, messages: Messages) -> None:
        """Add messages to the open transaction; they are in the log from now on."""
        messages = made(messages)
        self._check_open()
        self._broker.check(topic, partition, messages)
        with self._fencing():
            self._broker.produce(self._transactional_id, self._epoch, (topic, partition), messages)
        self._crash_at(Point.SEND)

    def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """Commit messages and positions, unless something goes wrong."""
        self._check_open()
        self._is_open = False
        fault = self._broker.fault(Point.COMMIT, self._slot)
        with self._fencing():
            if fault is Fault.ABORT or not self._may_commit(positions):
                self._broker.finish(self._transactional_id, self._epoch, is_commit=False)
                raise Aborted(fault.value if fault else "this member's generation is over")
            if fault is not Fault.CRASH or self._broker.random.random() < 1 / 2:
                self._broker.add_positions(
                    self._transactional_id, self._epoch, self._hop, positions
                )
            if fault is Fault.CRASH:
                self.kill()
                raise SimulatedCrash(Point.COMMIT.value)
            if fault is Fault.LOST_LATE:
                self._broker.delay(self._transactional_id, self._epoch)
            elif fault is not Fault.LOST_DROPPED:
                self._broker.finish(self._transactional_id, self._epoch, is_commit=True)
        if fault in LOST:
            self._is_uncertain = True
            raise Unknown(fault.value)
        self._crash_at(Point.COMMITTED)

    def abort(self) -> None:
        """Give up the open transaction."""
        if self._is_open and not self._is_dead:
            self._is_open = False
            with self._fencing():
                self._broker.finish(self._transactional_id, self._epoch, is_commit=False)

    def rewind(self) -> None:
        """Read from the committed positions again; settle an unknown outcome by a new epoch."""
        self._check_alive()
        self._check_fenced()
        self.abort()
        was_uncertain, self._is_uncertain = self._is_uncertain, False
        if was_uncertain:
            with self._fencing():
                self._epoch = self._broker.acquire(self._transactional_id, self._epoch)
            self._lost |= self._held
        for number in self._held:
            found = self._start(number)
            if was_uncertain:
                self._gained[number] = found

    def recover(self, topic: str, partition: int, from_offset: int = 0) -> Iterator[Segment]:
        """Everything committed in one partition; transactions open in it are waited for."""
        self._check_alive()
        place = (topic, partition)
        self._broker.wait_for(lambda writer: place in writer.touched)
        upto = self._broker.end(topic, partition)
        segments: list[Segment] = []
        while from_offset < upto:
            step = self._broker.random.randint(1, 1_000)
            segments.append(self._broker.segment(place, from_offset, step))
            from_offset = segments[-1].next_offset
        if self._broker.is_compacting and self._broker.topics[topic].compacted:
            segments = _compacted(segments)
        return iter([segment for segment in segments if len(segment)])

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""
        return self._broker.partitions(topic)

    def close(self) -> None:
        """Abort what is open and leave the group; a dead member leaves nothing behind it."""
        if not self._is_dead:
            self.abort()
            self._group.remove(self.member)
            self.kill()

    def kill(self) -> None:
        """End the process at this moment; the group and open transactions stay as they are."""
        self._is_dead = True

    def expire(self) -> None:
        """The group declares this member dead: it was silent for too long, whether alive or not."""
        self._group.remove(self.member)

    def _follow_group(self) -> None:
        """Learn what the group decided; what was held by an expired member is lost for certain."""
        if self.member not in self._group.members:
            self._drop(self._held)
            self.member = self._group.join(self._slot)
        self._generation, held = self._group.sync(self.member)
        self._drop(self._held - held)
        for number in sorted(held - self._held):
            self._gained[number] = self._start(number)
        self._held = held

    def _drop(self, numbers: frozenset[int]) -> None:
        self._held -= numbers
        self._lost |= numbers
        for number in numbers:
            self._gained.pop(number, None)
            for topic in self._inputs:
                del self._next[topic, number]

    def _start(self, number: int) -> dict[str, int]:
        """Stand at the committed positions of a partition number."""
        found = {topic: self._broker.position(self._hop, (topic, number)) for topic in self._inputs}
        self._next.update({(topic, number): position for topic, position in found.items()})
        return found

    def _may_commit(self, positions: Mapping[TopicPartition, int]) -> bool:
        numbers = {number for _, number in positions}
        return numbers <= self._held and self._group.is_current(self.member, self._generation)

    def _crash_at(self, point: Point) -> None:
        if self._broker.fault(point, self._slot) is not None:
            self.kill()
            raise SimulatedCrash(point.value)

    def _check_alive(self) -> None:
        if self._is_dead:
            raise SimulatedCrash("this process has ended")

    def _check_fenced(self) -> None:
        if self._is_fenced:
            raise Fenced("this member was fenced")

    def _check_open(self) -> None:
        self._check_alive()
        self._check_fenced()
        if not self._is_open:
            raise LogError("no transaction is open")

    @contextmanager
    def _fencing(self) -> Iterator[None]:
        """Once fenced, always fenced, and no transaction is open then."""
        try:
            yield
        except Fenced:
            self._is_fenced = True
            self._is_open = False
            raise


def _compacted(segments: Sequence[Segment]) -> list[Segment]:
    """The same segments with the latest message of each key only."""
    newest: dict[bytes | None, int] = {}
    for segment in segments:
        newest.update(zip(segment.keys, segment.offsets.tolist(), strict=True))
    return [_kept(segment, newest) for segment in segments]


def _kept(segment: Segment, newest: Mapping[bytes | None, int]) -> Segment:
    offsets = segment.offsets.tolist()
    kept = [
        index
        for index, (key, offset) in enumerate(zip(segment.keys, offsets, strict=True))
        if newest[key] == offset
    ]
    times_us = [segment.log_time_us(index) for index in kept]
    return replace(
        segment,
        time_of=times_us.__getitem__,
        offsets=segment.offsets[np.array(kept, np.int64)],
        keys=[segment.keys[index] for index in kept],
        values=[segment.values[index] for index in kept],
    )
