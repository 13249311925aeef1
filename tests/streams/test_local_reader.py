"""Reading the embedded log: bounded, fair, from anywhere, awake at the first news."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.topics import ACCRUALS, CONTRIBUTIONS, RATED, USAGE
from streams import local_reader
from streams.local import LocalStore
from streams.log import Segment

FOREVER_SECONDS = 60


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    """A new log with three usage partitions."""
    with LocalStore(tmp_path, usage_partitions=3) as store:
        yield store


def shape(segments: list[Segment]) -> list[tuple[int, list[int]]]:
    """Partition and offsets of each segment."""
    return [(segment.partition, segment.offsets.tolist()) for segment in segments]


def test_messages_are_bounded(store: LocalStore) -> None:
    """A read never has more messages than asked for, and goes on where it ended."""
    store.append(USAGE.name, 0, [(None, b"%d" % number) for number in range(5)])
    reader = store.tail([USAGE.name])
    found = [shape(reader.read(2, 0)) for _ in range(4)]
    assert found == [[(0, [0, 1])], [(0, [2, 3])], [(0, [4])], []]
    assert reader.positions == {(USAGE.name, 0): 5, (USAGE.name, 1): 0, (USAGE.name, 2): 0}


def test_bytes_are_bounded(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read ends with the message that reaches the bound in bytes, so it always has one."""
    monkeypatch.setattr(local_reader, "READ_BYTES_MAX", 250)
    store.append(USAGE.name, 0, [(None, bytes(100))] * 4)
    store.append(USAGE.name, 1, [(None, bytes(1_000))])
    reader = store.tail([USAGE.name])
    # 3 messages of 100 bytes reach 250, one of 1,000 bytes does at once; turns begin at 1, 2, 0.
    found = [shape(reader.read(100, 0)) for _ in range(3)]
    assert found == [[(1, [0])], [(0, [0, 1, 2])], [(0, [3])]]


def test_backlog_of_one_does_not_starve_others(store: LocalStore) -> None:
    """Partitions take turns to be first, so a long backlog leaves room for news elsewhere."""
    store.append(USAGE.name, 0, [(None, b"old")] * 100)
    store.append(USAGE.name, 2, [(None, b"new")])
    reader = store.tail([USAGE.name])
    partitions = [segment.partition for _ in range(3) for segment in reader.read(10, 0)]
    assert 2 in partitions


def test_a_first_message_may_be_waited_for_less_long(store: LocalStore) -> None:
    """With something else to do, an empty log is left after `wait_seconds`; a batch still fills."""
    reader = store.tail([USAGE.name])
    started = time.monotonic()
    assert reader.read(2, 30, 0.01) == []
    store.append(USAGE.name, 0, [(None, b"a")])
    later = threading.Timer(0.05, lambda: store.append(USAGE.name, 0, [(None, b"b")]))
    later.start()
    assert shape(reader.read(2, 30, 0)) == [(0, [0, 1])]
    assert time.monotonic() - started < 30
    later.join()


def test_recovery_is_bounded(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recovery streams segments of bounded size, by messages and by bytes."""
    store.append(ACCRUALS.name, 0, [(b"%d" % number, bytes(10)) for number in range(25)])
    store.append(RATED.name, 0, [(None, bytes(600))] * 5)
    hop = store.hop("rate", [USAGE.name])
    monkeypatch.setattr(local_reader, "RECOVER_MESSAGES_MAX", 10)
    monkeypatch.setattr(local_reader, "RECOVER_BYTES_MAX", 1_000)
    assert [len(segment) for segment in hop.recover(ACCRUALS.name, 0)] == [10, 10, 5]
    assert [len(segment) for segment in hop.recover(RATED.name, 0)] == [2, 2, 1]


def test_recovery_is_as_of_the_call(store: LocalStore) -> None:
    """A key replaced while recovery is under way is still found at its place of before."""
    hop = store.hop("rate", [USAGE.name])
    store.append(ACCRUALS.name, 0, [(b"x", b"1"), (b"y", b"1")])
    segments = hop.recover(ACCRUALS.name, 0)
    store.append(ACCRUALS.name, 0, [(b"x", b"2"), (b"z", b"1")])
    assert [segment.values for segment in segments] == [[b"1", b"1"]]
    assert [segment.keys for segment in hop.recover(ACCRUALS.name, 0)] == [[b"y", b"x", b"z"]]


def test_abandoned_recovery_holds_nothing_up(store: LocalStore) -> None:
    """A recovery that is not read to its end does not stop the log from going on."""
    hop = store.hop("rate", [USAGE.name])
    store.append(RATED.name, 0, [(None, bytes(10))] * 6_000)
    segments = hop.recover(RATED.name, 0)
    assert len(next(segments)) == 5_000
    store.append(RATED.name, 0, [(None, b"a")])
    assert store.end(RATED.name, 0) == 6_001


def test_tail_from_positions(store: LocalStore) -> None:
    """A tail starts where its caller stood, and elsewhere from the beginning."""
    store.append(USAGE.name, 0, [(None, b"a"), (None, b"b")])
    store.append(USAGE.name, 1, [(None, b"c")])
    reader = store.tail([USAGE.name], {(USAGE.name, 0): 1})
    caught_up = [reader.caught_up]
    assert sorted(shape(reader.read(10, 0))) == [(0, [1]), (1, [0])]
    assert [*caught_up, reader.caught_up] == [False, True]
    reader.seek({(USAGE.name, 1): 0})
    assert shape(reader.read(10, 0)) == [(1, [0])]


def test_tail_of_compacted_topic(store: LocalStore) -> None:
    """A tail passes over what was replaced, ends caught up, and is told of deletions."""
    store.append(ACCRUALS.name, 0, [(b"x", b"1"), (b"y", b"1")])
    reader = store.tail([ACCRUALS.name])
    assert [segment.keys for segment in reader.read(10, 0)] == [[b"x", b"y"]]
    for value in (b"2", b"3", None):
        store.append(ACCRUALS.name, 0, [(b"x", value)])
    [segment] = reader.read(10, 0)
    assert (segment.keys, segment.values, segment.offsets.tolist()) == ([b"x"], [None], [4])
    assert reader.caught_up


def test_all_topics_of_a_read_are_of_one_commit(store: LocalStore) -> None:
    """What one transaction wrote to two topics is seen in both or in none."""
    hop = store.hop("rate", [USAGE.name])
    reader = store.tail([RATED.name, CONTRIBUTIONS.name])
    total = 100

    def produce() -> None:
        for number in range(total):
            hop.begin()
            hop.send(RATED.name, 0, [(None, b"%d" % number)])
            hop.send(CONTRIBUTIONS.name, 0, [(None, b"%d" % number)])
            hop.commit({})

    thread = threading.Thread(target=produce)
    thread.start()
    while reader.positions[RATED.name, 0] < total:
        reader.read(10_000, 0)
        assert reader.positions[RATED.name, 0] == reader.positions[CONTRIBUTIONS.name, 0]
    thread.join()


@pytest.mark.parametrize("read_only", [False, True])
def test_waiting_reader_wakes(store: LocalStore, *, read_only: bool) -> None:
    """A reader that waits for one message is awake as soon as it is committed, in any process."""
    follower = LocalStore(store.directory, read_only=True) if read_only else store
    reader = follower.tail([USAGE.name])
    found: list[Segment] = []
    thread = threading.Thread(target=lambda: found.extend(reader.read(1, FOREVER_SECONDS)))
    thread.start()
    store.append(USAGE.name, 1, [(None, b"a")])
    thread.join(FOREVER_SECONDS / 2)
    assert shape(found) == [(1, [0])]
    follower.close()


@pytest.mark.parametrize("read_only", [False, True])
def test_waiting_ends(store: LocalStore, *, read_only: bool) -> None:
    """When the time to fill up is over, a read returns what there is, or nothing."""
    store.append(USAGE.name, 0, [(None, b"a")])
    follower = LocalStore(store.directory, read_only=True) if read_only else store
    reader = follower.tail([USAGE.name])
    assert shape(reader.read(10, 0.03)) == [(0, [0])]
    assert reader.read(10, 0.03) == []
    follower.close()
