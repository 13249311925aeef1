"""From Kafka messages to segments: the one place that touches every single message in Python.

Librdkafka hands over a list of message objects in runs, one run a fetched record batch. Whatever
is asked of each of them costs tens of nanoseconds, so little is: its partition, whether it is an
error, its key and value. Offsets are asked of the first and the last message of a partition only:
a log's offsets rise, so when their distance equals the count there is no hole between them, and
otherwise all are asked. The message objects are let go of at once where possible: memory that is
used again at once is still in the processor's cache.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, KafkaError, Message

from streams.log import LogError, Segment, TopicPartition

# Larger calls are slower a message: the objects of one call no longer fit the processor's cache.
CONSUME_MESSAGES = 1000

_ERROR = Message.error
_KEY = Message.key
_OFFSET = Message.offset
_PARTITION = Message.partition
_TOPIC = Message.topic
_VALUE = Message.value


@dataclass
class _Gathered:
    """What has been taken from one topic partition so far."""

    next_offset: int = 0
    timestamp_us: int = 0
    offsets: list[npt.NDArray[np.int64]] = field(default_factory=list)
    keys: list[bytes | None] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    # For each run its first index, and its log time where one holds for all, else its messages.
    starts: list[int] = field(default_factory=list)
    times: list[int | list[Message]] = field(default_factory=list)

    def time_of(self, index: int) -> int:
        """The log time of one message in microseconds: dear, so asked of few."""
        run = bisect_right(self.starts, index) - 1
        time = self.times[run]
        return time if isinstance(time, int) else _time_us(time[index - self.starts[run]])


class Collector:
    """Gathers the messages of one read by topic partition.

    Messages that stand for an error are handed to `on_error`, which raises when reading cannot go
    on.
    """

    def __init__(
        self, topics: Sequence[str], on_error: Callable[[KafkaError, Message], None]
    ) -> None:
        self._topics: dict[str | None, int] = {topic: code for code, topic in enumerate(topics)}
        self._on_error = on_error
        self._gathered: dict[TopicPartition, _Gathered] = {}
        self.count = 0

    def add(self, messages: list[Message], owned: Container[int]) -> None:
        """Take the messages of one call, leaving out partition numbers that are not owned."""
        if any(map(_ERROR, messages)):
            messages = self._without_errors(messages)
        if not messages:
            return
        for run in self._runs(messages):
            self._take(run, owned)

    def drop(self) -> None:
        """Forget everything gathered: the partitions it came from are no longer owned."""
        self._gathered.clear()
        self.count = 0

    def segments(self) -> list[Segment]:
        """What was gathered, one segment a topic partition."""
        return [
            Segment(
                topic=topic,
                partition=partition,
                offsets=np.concatenate(taken.offsets),
                keys=taken.keys,
                values=taken.values,
                next_offset=taken.next_offset,
                timestamp_us=taken.timestamp_us,
                time_of=taken.time_of,
            )
            for (topic, partition), taken in self._gathered.items()
        ]

    def _without_errors(self, messages: list[Message]) -> list[Message]:
        """The messages that are messages; the others are reported."""
        good: list[Message] = []
        for message in messages:
            error = message.error()
            if error is None:
                good.append(message)
            else:
                self._on_error(error, message)
        return good

    def _runs(self, messages: list[Message]) -> list[list[Message]]:
        """The messages by topic partition, each list in the order of its log."""
        partitions = list(map(_PARTITION, messages))
        is_uniform = partitions.count(partitions[0]) == len(partitions)
        column = np.empty(0, np.int64)
        if len(self._topics) > 1:
            topics = list(map(_TOPIC, messages))
            is_uniform = is_uniform and topics.count(topics[0]) == len(topics)
            if not is_uniform:
                codes = map(self._topics.__getitem__, topics)
                column = np.fromiter(codes, np.int64, len(messages))
                column += np.array(partitions, np.int64) * len(self._topics)
        elif not is_uniform:
            column = np.array(partitions, np.int64)
        if is_uniform:
            return [messages]
        order = np.argsort(column, kind="stable")
        grouped = [messages[index] for index in order.tolist()]
        bounds = [0, *(np.flatnonzero(np.diff(column[order])) + 1).tolist(), len(grouped)]
        return [grouped[start:stop] for start, stop in pairwise(bounds)]

    def _take(self, run: list[Message], owned: Container[int]) -> None:
        """Add messages of one topic partition, in offset order."""
        head, tail = run[0], run[-1]
        topic, partition, first, last = head.topic(), head.partition(), head.offset(), tail.offset()
        if topic is None or partition is None or first is None or last is None:
            message = "Invariant: a consumed message has a topic, a partition and an offset"
            raise LogError(message)
        if partition not in owned:
            return
        taken = self._gathered.setdefault((topic, partition), _Gathered())
        if first < taken.next_offset:
            message = (
                f"Invariant: offsets rise; {topic}[{partition}] gave {first}"
                f" after {taken.next_offset - 1}"
            )
            raise LogError(message)
        if last - first + 1 == len(run):
            taken.offsets.append(np.arange(first, last + 1, dtype=np.int64))
        else:
            taken.offsets.append(np.fromiter(map(_OFFSET, run), np.int64, len(run)))
        time = _time_us(tail)
        taken.starts.append(len(taken.values))
        taken.times.append(time if _is_at_once(head, tail) else run)
        taken.keys.extend(map(_KEY, run))
        taken.values.extend(map(_VALUE, run))
        taken.next_offset = last + 1
        taken.timestamp_us = max(taken.timestamp_us, time)
        self.count += len(run)


def _time_us(message: Message) -> int:
    """The log time of a message in microseconds."""
    return message.timestamp()[1] * 1000


def _is_at_once(head: Message, tail: Message) -> bool:
    """Whether the broker stamped a run with one time, so that its messages need not be kept.

    A broker stamps whole batches as it appends them, so equal ends enclose equal times, unless its
    clock went back and forth in between. Producers' own times may be anything: those are kept.
    """
    times = (head.timestamp(), tail.timestamp())
    return times[0] == times[1] and times[0][0] == TIMESTAMP_LOG_APPEND_TIME
