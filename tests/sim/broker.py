"""A log broker in memory with Kafka's transactions, so that exactly-once can be tested by the seed.

What it keeps of Kafka is what a settlement can go wrong on. Messages of an open transaction are in
the log already: they take offsets, hide everything behind them from readers of committed messages
(the last stable offset), and stay as holes when they are aborted. A transactional id belongs to its
newest user: acquiring it bumps its epoch, settles what was left open and fences the user before.
The answer to a commit can be lost, and a commit can arrive late, as long as no newer epoch is
known. What follows from waiting (the broker aborts transactions that stay open too long) happens at
once when somebody would wait for it. Every choice comes from one seeded generator.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from schemas.topics import TOPICS, Topic
from streams.log import Fenced, Message, Segment, TopicPartition
from tests.sim.group import Group

TICK_US = 1_000


class Point(Enum):
    """Where in a transaction something can go wrong."""

    BEGIN = "before begin"
    SEND = "after send"
    COMMIT = "before commit"
    COMMITTED = "after commit, before apply"


class Fault(Enum):
    """What goes wrong. The last three are answers to a commit and go with `Point.COMMIT` only."""

    CRASH = "the process is killed"
    ABORT = "the broker refuses the transaction"
    LOST_APPLIED = "it is committed, but the answer is lost"
    LOST_DROPPED = "the request is lost"
    LOST_LATE = "the request is under way and may arrive at any later time"


LOST = frozenset({Fault.LOST_APPLIED, Fault.LOST_DROPPED, Fault.LOST_LATE})


@dataclass
class Entry:
    """One offset of a partition: a message, or the marker (no message) that ends a transaction."""

    message: Message | None
    logged_at_us: int
    is_aborted: bool = False


@dataclass
class Writer:
    """What the broker knows of one transactional id.

    `epoch` is the one that may write; `acquired_epoch` is its user's, and differs when the broker
    has timed out that user's transaction; `late_epoch` belongs to a commit that is under way.
    """

    epoch: int = 0
    acquired_epoch: int = 0
    late_epoch: int | None = None
    touched: dict[TopicPartition, list[int]] = field(default_factory=dict)
    pending: dict[tuple[str, TopicPartition], int] = field(default_factory=dict)


class SimulatedBroker:
    """Topics, groups and transactional ids; members of a hop are `tests.sim.log.SimulatedLog`."""

    def __init__(
        self,
        seed: int = 0,
        *,
        usage_partitions: int = 1,
        settlement_partitions: int = 1,
        topics: Sequence[Topic] = TOPICS,
        is_compacting: bool = False,
        is_ragged: bool = False,
    ) -> None:
        """An empty broker.

        Args:
            seed: decides everything that is left to chance.
            usage_partitions: of the usage topics.
            settlement_partitions: of the settlement topics.
            topics: the topics that exist.
            is_compacting: recovery of compacted topics sees the latest message of a key only.
            is_ragged: reads return a random part of what they could.
        """
        self.random = random.Random(seed)
        self.is_compacting = is_compacting
        self.is_ragged = is_ragged
        self.now_us = 1_700_000_000_000_000
        counts = {"usage": usage_partitions, "settlement": settlement_partitions, "control": 1}
        self.topics = {topic.name: topic for topic in topics}
        self._counts = {topic.name: counts[topic.axis] for topic in topics}
        self._entries: dict[TopicPartition, list[Entry]] = {
            (name, number): [] for name, count in self._counts.items() for number in range(count)
        }
        self._writers: dict[str, Writer] = {}
        self._groups: dict[str, Group] = {}
        self._positions: dict[tuple[str, TopicPartition], int] = {}
        self._planned: list[tuple[Point, Fault, str | None]] = []
        self._chances: dict[tuple[Point, Fault], int] = {}

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""
        if topic not in self._counts:
            raise ValueError(f"there is no topic {topic!r}")
        return self._counts[topic]

    def entries(self, place: TopicPartition) -> list[Entry]:
        """The log of one topic partition; the index of an entry is its offset."""
        if place not in self._entries:
            raise ValueError(f"there is no partition {place[1]} of a topic {place[0]!r}")
        return self._entries[place]

    def check(self, topic: str, partition: int, messages: Iterable[Message]) -> None:
        """Refuse what a genuine broker refuses."""
        self.entries((topic, partition))
        if self.topics[topic].compacted and any(key is None for key, _ in messages):
            raise ValueError(f"{topic} is compacted: a message needs a key")

    def append(self, topic: str, partition: int, messages: Sequence[Message]) -> int:
        """Write messages outside transactions; returns the next offset."""
        self.check(topic, partition, messages)
        return self._extend((topic, partition), messages)

    def end(self, topic: str, partition: int) -> int:
        """The high watermark: the next offset, open transactions counted."""
        return len(self.entries((topic, partition)))

    def stable_end(self, place: TopicPartition) -> int:
        """The last stable offset: the first one of an open transaction, else the end."""
        writers = self._writers.values()
        opened = [writer.touched[place][0] for writer in writers if place in writer.touched]
        return min(opened, default=len(self.entries(place)))

    def segment(self, place: TopicPartition, start: int, messages_max: int) -> Segment:
        """Committed messages from an offset on; may be empty, with a `next_offset` further on."""
        upto = max(start, self.stable_end(place))
        offsets: list[int] = []
        messages: list[Message] = []
        times_us: list[int] = []
        for offset in range(start, upto):
            entry = self._entries[place][offset]
            if entry.message is None or entry.is_aborted:
                continue
            offsets.append(offset)
            messages.append(entry.message)
            times_us.append(entry.logged_at_us)
            if len(offsets) == messages_max:
                upto = offset + 1
                break
        keys = [key for key, _ in messages]
        values = [value for _, value in messages]
        return Segment(
            topic=place[0],
            partition=place[1],
            offsets=np.array(offsets, np.int64),
            keys=keys,
            values=values,
            next_offset=upto,
            timestamp_us=max(times_us, default=0),
            time_of=times_us.__getitem__,
        )

    def group(self, hop: str, partitions: int) -> Group:
        """The group of a hop's members, made at the first call."""
        return self._groups.setdefault(hop, Group(partitions))

    def position(self, hop: str, place: TopicPartition) -> int:
        """The committed position of a hop; a commit of it that is pending is waited for."""
        self.wait_for(lambda writer: (hop, place) in writer.pending)
        return self._positions.get((hop, place), 0)

    def acquire(self, transactional_id: str, acquired_epoch: int | None = None) -> int:
        """Become the only user of a transactional id, by a new epoch, which is returned.

        Args:
            transactional_id: whose transactions these are.
            acquired_epoch: what the caller acquired before, when it is not new here.

        Raises:
            Fenced: somebody else has acquired it since.
        """
        writer = self._writers.setdefault(transactional_id, Writer())
        if acquired_epoch not in (None, writer.acquired_epoch):
            raise Fenced(f"{transactional_id} has another user")
        if self.random.random() < 1 / 2:
            self._deliver(writer)  # a late commit may win the race against this request
        self._end(writer, is_commit=False)
        writer.epoch += 1
        writer.acquired_epoch = writer.epoch
        return writer.epoch

    def produce(
        self, transactional_id: str, epoch: int, place: TopicPartition, messages: Sequence[Message]
    ) -> None:
        """Add messages to the open transaction, opening it when there is none."""
        writer = self._current(transactional_id, epoch)
        if messages:
            upto = self._extend(place, messages)
            writer.touched.setdefault(place, []).extend(range(upto - len(messages), upto))

    def add_positions(
        self, transactional_id: str, epoch: int, hop: str, positions: Mapping[TopicPartition, int]
    ) -> None:
        """Add a hop's positions to the open transaction."""
        writer = self._current(transactional_id, epoch)
        writer.pending.update({(hop, place): offset for place, offset in positions.items()})

    def finish(self, transactional_id: str, epoch: int, *, is_commit: bool) -> None:
        """End the open transaction: positions take effect, markers close it in every partition."""
        self._end(self._current(transactional_id, epoch), is_commit=is_commit)

    def delay(self, transactional_id: str, epoch: int) -> None:
        """A commit has left its sender and is under way; see `deliver`."""
        self._current(transactional_id, epoch).late_epoch = epoch

    def deliver(self) -> None:
        """Let commits that are under way arrive; nobody hears whether they are refused.

        One whose sender went on with the same epoch commits *whatever is open now*. That is Kafka's
        protocol, and why a sender must acquire a new epoch before it goes on.
        """
        for writer in self._writers.values():
            self._deliver(writer)

    def expire(self, transactional_id: str) -> None:
        """A transaction has been open for too long: abort it and fence its user."""
        writer = self._writers[transactional_id]
        self._end(writer, is_commit=False)
        writer.epoch += 1

    def wait_for(self, concerns: Callable[[Writer], bool]) -> None:
        """Wait until transactions are over: a late commit arrives, or time runs out for them."""
        for transactional_id, writer in self._writers.items():
            if not concerns(writer):
                continue
            if self.random.random() < 1 / 2:
                self._deliver(writer)
            if concerns(writer):
                self.expire(transactional_id)

    def fail_at(self, point: Point, fault: Fault = Fault.CRASH, slot: str | None = None) -> None:
        """Let a fault happen once, when a member (of that slot) next passes a point."""
        self._check_fault(point, fault)
        self._planned.append((point, fault, slot))

    def disturb(self, chances_per_mille: Mapping[tuple[Point, Fault], int]) -> None:
        """Let faults happen by chance from now on; an empty mapping ends it."""
        for point, fault in chances_per_mille:
            self._check_fault(point, fault)
        self._chances = dict(chances_per_mille)

    def fault(self, point: Point, slot: str) -> Fault | None:
        """What happens to a member that passes a point."""
        for plan in self._planned:
            if plan[0] is point and plan[2] in (None, slot):
                self._planned.remove(plan)
                return plan[1]
        for (at, fault), per_mille in self._chances.items():
            if at is point and self.random.randrange(1_000) < per_mille:
                return fault
        return None

    @staticmethod
    def _check_fault(point: Point, fault: Fault) -> None:
        if fault is not Fault.CRASH and point is not Point.COMMIT:
            raise ValueError(f"{fault.name} can happen at {Point.COMMIT} only")

    def _extend(self, place: TopicPartition, messages: Iterable[Message | None]) -> int:
        entries = self.entries(place)
        self.now_us += TICK_US
        entries.extend(Entry(message, self.now_us) for message in messages)
        return len(entries)

    def _current(self, transactional_id: str, epoch: int) -> Writer:
        writer = self._writers[transactional_id]
        if epoch != writer.epoch:
            raise Fenced(f"{transactional_id} is at epoch {writer.epoch}, not at {epoch}")
        return writer

    def _deliver(self, writer: Writer) -> None:
        if writer.late_epoch == writer.epoch:
            self._end(writer, is_commit=True)
        writer.late_epoch = None

    def _end(self, writer: Writer, *, is_commit: bool) -> None:
        for place, offsets in writer.touched.items():
            for offset in offsets:
                self._entries[place][offset].is_aborted = not is_commit
            self._extend(place, [None])
        if is_commit:
            self._positions.update(writer.pending)
        writer.touched = {}
        writer.pending = {}
