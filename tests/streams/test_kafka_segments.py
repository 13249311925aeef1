"""From messages to segments: grouping, offsets with and without holes, errors and strangers."""

from __future__ import annotations

import numpy as np
import pytest
from confluent_kafka import KafkaError, Message
from hypothesis import given
from hypothesis import strategies as st

from streams.kafka_segments import Collector
from streams.log import LogError, Segment

A, B = "usage.v1", "recycle.v1"


def message(topic: str, partition: int, offset: int, ms: int = 1) -> Message:
    """A message whose key and value say where it is from."""
    return Message(
        topic=topic,
        partition=partition,
        offset=offset,
        key=None if offset % 2 else b"%d" % partition,
        value=f"{topic}-{partition}-{offset}".encode(),
        timestamp=(1, ms),
    )


def collector(*topics: str) -> Collector:
    """A collector that takes no errors."""

    def refuse(error: KafkaError, failed: Message) -> None:
        raise LogError(f"{error} at {failed.offset()}")

    return Collector(topics, refuse)


def flat(segments: list[Segment]) -> dict[tuple[str, int], list[int]]:
    """Offsets by topic partition, with the values checked to belong to them."""
    for segment in segments:
        assert segment.offsets.dtype == np.int64
        assert segment.values == [
            f"{segment.topic}-{segment.partition}-{offset}".encode()
            for offset in segment.offsets.tolist()
        ]
        assert segment.next_offset == segment.offsets[-1] + 1
    return {(s.topic, s.partition): s.offsets.tolist() for s in segments}


def test_dense_run() -> None:
    """Messages of one partition without holes become one segment with all they had."""
    gathered = collector(A)
    gathered.add([message(A, 1, offset, ms=offset) for offset in (5, 6, 7)], {1})
    (segment,) = gathered.segments()
    assert (segment.topic, segment.partition, segment.next_offset) == (A, 1, 8)
    assert segment.offsets.tolist() == [5, 6, 7]
    assert segment.keys == [None, b"1", None]
    assert segment.timestamp_us == 7_000
    assert gathered.count == 3


def test_log_time_of_each_message() -> None:
    """A message's log time is its own, whether its batch was stamped at once or one by one."""
    at_once = [
        Message(topic=A, partition=0, offset=offset, value=b"", timestamp=(2, 7))
        for offset in (0, 1, 2)
    ]
    one_by_one = [
        Message(topic=A, partition=0, offset=offset, value=b"", timestamp=(2, ms))
        for offset, ms in ((3, 8), (4, 9))
    ]
    # Producers' times may be anything between equal ends.
    by_producer = [message(A, 0, offset, ms) for offset, ms in ((5, 9), (6, 3), (7, 9))]
    gathered = collector(A)
    for run in (at_once, one_by_one, by_producer):
        gathered.add(run, {0})
    (segment,) = gathered.segments()
    times_ms = [segment.log_time_us(index) // 1000 for index in range(len(segment))]
    assert times_ms == [7, 7, 7, 8, 9, 9, 3, 9]
    assert segment.timestamp_us == 9_000


def test_holes_are_seen() -> None:
    """Offsets with a hole, as a commit marker leaves one, are all kept as they are."""
    gathered = collector(A)
    gathered.add([message(A, 0, offset) for offset in (5, 6, 8)], {0})
    assert flat(gathered.segments()) == {(A, 0): [5, 6, 8]}


def test_holes_filled_by_another_partition_are_seen() -> None:
    """First and last offset fit the count here only because a stranger stands in the hole."""
    gathered = collector(A)
    gathered.add([message(A, 0, 10), message(A, 1, 3), message(A, 0, 12)], {0, 1})
    assert flat(gathered.segments()) == {(A, 0): [10, 12], (A, 1): [3]}


def test_calls_are_joined() -> None:
    """Messages of several calls make one segment a topic partition; `drop` begins anew."""
    gathered = collector(A, B)
    gathered.add([message(A, 0, 0), message(A, 0, 1)], {0})
    gathered.add([message(B, 0, 4), message(A, 0, 3)], {0})
    assert flat(gathered.segments()) == {(A, 0): [0, 1, 3], (B, 0): [4]}
    gathered.drop()
    assert gathered.segments() == []
    assert gathered.count == 0


def test_strangers_are_left_out() -> None:
    """Messages of partitions that are not owned do not appear and do not count."""
    gathered = collector(A)
    gathered.add([message(A, 0, 0), message(A, 1, 0)], {1})
    gathered.add([message(A, 0, 1)], {1})
    assert flat(gathered.segments()) == {(A, 1): [0]}
    assert gathered.count == 1


def test_errors_are_reported_and_left_out() -> None:
    """An error among the messages goes to the one who decides; the messages stay."""
    seen: list[int] = []

    def note(error: KafkaError, failed: Message) -> None:
        assert failed.topic() == A
        seen.append(error.code())

    gathered = Collector([A], note)
    failed = Message(topic=A, partition=0, error=KafkaError(KafkaError.UNKNOWN))
    gathered.add([message(A, 0, 0), failed, message(A, 0, 1)], {0})
    gathered.add([failed], {0})
    assert seen == [KafkaError.UNKNOWN] * 2
    assert flat(gathered.segments()) == {(A, 0): [0, 1]}


def test_falling_offsets_stop_everything() -> None:
    """A message from before the last one would be counted twice: stop."""
    gathered = collector(A)
    gathered.add([message(A, 0, 5)], {0})
    with pytest.raises(LogError, match="offsets rise"):
        gathered.add([message(A, 0, 5)], {0})


@given(
    st.lists(st.tuples(st.sampled_from([A, B]), st.integers(0, 2), st.integers(1, 3)), max_size=60),
    st.integers(1, 7),
)
def test_any_interleaving(steps: list[tuple[str, int, int]], size: int) -> None:
    """However partitions interleave and calls are cut, each gets its own in order.

    A step is a topic, a partition and how far its offset moves: 1 is dense, more leaves a hole.
    """
    ends: dict[tuple[str, int], int] = {}
    expected: dict[tuple[str, int], list[int]] = {}
    messages = []
    for topic, partition, distance in steps:
        offset = ends.get((topic, partition), -1) + distance
        ends[topic, partition] = offset
        expected.setdefault((topic, partition), []).append(offset)
        messages.append(message(topic, partition, offset))
    gathered = collector(A, B)
    for start in range(0, len(messages), size):
        gathered.add(messages[start : start + size], range(3))
    assert flat(gathered.segments()) == expected
    assert gathered.count == len(messages)
