"""The log on genuine Kafka where it differs from others: groups, holes, silence, lost positions.

What every log must do is tried in `tests/kafka/test_conformance.py`, what happens to processes in
`tests/kafka/test_processes.py`.
"""

from __future__ import annotations

import signal
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.kafka import KafkaLog
from streams.kafka_admin import KafkaAppender
from streams.kafka_errors import PositionError
from streams.log import Aborted, Assignment, LogError, Message, Segment, Unknown
from tests.kafka.plugin import JarBroker
from tests.kafka.worlds import create_topic, settings_of

pytestmark = pytest.mark.kafka

READS_MAX = 400


class Hop:
    """Two input topics with four partitions, an output, and the members of one group."""

    def __init__(self, brokers: str) -> None:
        """Create the topics."""
        prefix = f"hop-{uuid.uuid4().hex[:12]}"
        self.settings = replace(settings_of(brokers, prefix), static_member=False)
        self.source, self.second, self.output = (create_topic(self.settings, 4) for _ in range(3))
        self.appender = KafkaAppender(self.settings)
        self.members: list[KafkaLog] = []

    def member(self, slot: str = "0", *, overlap: bool = False) -> KafkaLog:
        """A member that has not read yet."""
        settings = replace(self.settings, slot=slot)
        inputs = [self.source, self.second]
        self.members.append(KafkaLog(settings, "hop", inputs, overlap=overlap))
        return self.members[-1]

    def owner(self, *, overlap: bool = False) -> KafkaLog:
        """A member that owns all partitions and has asked for that."""
        log = self.member(overlap=overlap)
        assert gained(log).keys() == {0, 1, 2, 3}
        return log

    def append(self, partition: int, *values: bytes) -> None:
        """Write to the first input."""
        self.appender.append(self.source, partition, [(None, value) for value in values])

    def close(self) -> None:
        """Everybody leaves."""
        for log in self.members:
            log.close()
        self.appender.close()


@pytest.fixture
def hop(brokers: str) -> Iterator[Hop]:
    """A hop of its own."""
    hop = Hop(brokers)
    yield hop
    hop.close()


def change_of(*logs: KafkaLog) -> list[Assignment]:
    """Let members read by turns until each has had a change of ownership, and nothing to read."""
    changes, read = change_and_segments(*logs)
    assert not any(read)
    return changes


def change_and_segments(*logs: KafkaLog) -> tuple[list[Assignment], list[list[Segment]]]:
    """Let members read by turns until each has had a change; what each has read until then.

    A member that has its partitions before the others know of theirs may read at once.
    """
    changes: list[Assignment | None] = [None] * len(logs)
    read: list[list[Segment]] = [[] for _ in logs]
    for _ in range(READS_MAX):
        for index, log in enumerate(logs):
            read[index] += log.read(100, 0.05)
            changes[index] = changes[index] or log.changes()
        found = [change for change in changes if change is not None]
        if len(found) == len(logs):
            return found, read
    message = f"no change of ownership: {changes}"
    raise AssertionError(message)


def gained(log: KafkaLog) -> dict[int, dict[str, int]]:
    """The next gain of a member alone."""
    (change,) = change_of(log)
    return {number: dict(positions) for number, positions in change.gained.items()}


def read(log: KafkaLog, messages_max: int = 1000) -> list[Segment]:
    """The next segments, of one read."""
    for _ in range(READS_MAX):
        segments = log.read(messages_max, 0.05)
        if segments:
            return segments
    message = "nothing to read"
    raise AssertionError(message)


def commit(log: KafkaLog, segments: list[Segment], output: str) -> None:
    """Copy segments to the output and commit their positions."""
    log.begin()
    for segment in segments:
        log.send(output, segment.partition, [(None, value) for value in segment.values])
    log.commit({(s.topic, s.partition): s.next_offset for s in segments})


def output_of(log: KafkaLog, hop: Hop, partition: int = 0) -> list[bytes | None]:
    """What is committed in a partition of the output."""
    return [v for segment in log.recover(hop.output, partition) for v in segment.values]


def test_offsets_have_the_holes_of_transactions(hop: Hop) -> None:
    """A commit marker takes an offset that no message has.

    Two transactions of two messages: offsets 0, 1, marker 2, offsets 3, 4, marker 5.
    """
    log = hop.owner()
    for _ in range(2):
        log.begin()
        log.send(hop.output, 0, [(None, b"a"), (b"k", None)])
        log.commit({})
    segments = list(log.recover(hop.output, 0))
    assert [offset for s in segments for offset in s.offsets.tolist()] == [0, 1, 3, 4]
    assert [value for s in segments for value in s.values] == [b"a", None] * 2


def test_read_is_bounded(hop: Hop) -> None:
    """A read hands out at most what it was asked for, and the next one goes on behind it."""
    log = hop.owner()
    hop.append(0, *[b"%d" % number for number in range(25)])
    sizes: list[int] = []
    while sum(sizes) < 25:
        sizes += [len(segment) for segment in read(log, 10)]
    assert max(sizes) <= 10
    assert sum(sizes) == 25


def test_inputs_must_be_co_partitioned(hop: Hop) -> None:
    """Ownership is by number over all inputs, so these must have equally many partitions."""
    other = create_topic(hop.settings, 3)
    with pytest.raises(ValueError, match="one partition count"):
        KafkaLog(hop.settings, "hop", [hop.source, other])


def test_members_own_the_same_numbers_of_all_inputs(hop: Hop) -> None:
    """Partitions of co-partitioned topics move together, and those that stay are not touched.

    Slot 0 sorts before slot 1, so it keeps 0 and 1 when slot 1 comes, and goes on reading them
    behind what it has read and not committed yet.
    """
    first = hop.owner()
    hop.append(0, b"a")
    hop.append(3, b"d")
    segments: list[Segment] = []
    while sum(map(len, segments)) < 2:
        segments += read(first)
    second = hop.member("1")
    (change, beginning), (none, early) = change_and_segments(first, second)
    assert none == []
    assert change == Assignment({}, frozenset({2, 3}))
    at_start = {hop.source: 0, hop.second: 0}
    assert beginning == Assignment({2: at_start, 3: at_start}, frozenset())
    assert first.owned == {0, 1}
    assert second.owned == {2, 3}
    hop.append(0, b"b")
    assert read(first)[0].values == [b"b"]
    assert (early or read(second))[0].values == [b"d"]
    lost = [s for s in segments if s.partition == 3]
    with pytest.raises(Aborted, match="not owned"):
        commit(first, lost, hop.output)
    kept = [s for s in segments if s.partition == 0]
    commit(first, kept, hop.output)
    assert output_of(first, hop, 3) == []
    assert output_of(first, hop, 0) == [b"a"]


def test_partition_that_comes_back_is_gained_anew(hop: Hop) -> None:
    """What another member has worked on comes back with the position it was left at."""
    first = hop.owner()
    second = hop.member("1")
    change_of(first, second)
    hop.append(2, b"a")
    commit(second, read(second), hop.output)
    second.close()
    assert gained(first) == {
        2: {hop.source: 1, hop.second: 0},
        3: {hop.source: 0, hop.second: 0},
    }
    assert output_of(first, hop, 2) == [b"a"]


def test_gained_positions_wait_for_a_pending_commit(hop: Hop) -> None:
    """Positions that a predecessor has sent and not yet committed are waited for."""
    configuration = hop.settings.consumer("hop")
    predecessor = Consumer({**configuration, "client.id": "predecessor"})
    predecessor.subscribe([hop.source, hop.second])
    while not predecessor.assignment():
        predecessor.consume(1, 0.05)
    hop.append(0, b"a", b"b", b"c")
    producer = Producer({"bootstrap.servers": hop.settings.brokers, "transactional.id": hop.output})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.send_offsets_to_transaction(
        [TopicPartition(hop.source, 0, 2)], predecessor.consumer_group_metadata()
    )
    predecessor.close()
    timer = threading.Timer(1.0, producer.commit_transaction)
    timer.start()
    assert gained(hop.member())[0] == {hop.source: 2, hop.second: 0}
    timer.join()


def test_position_behind_the_end_stops(hop: Hop) -> None:
    """A committed position beyond its log means that the log was lost: never read on silently."""
    log = hop.owner()
    log.begin()
    log.commit({(hop.source, 1): 5})
    log.close()
    with pytest.raises(PositionError, match=r"\[1\] ends at 0, position 5"):
        gained(hop.member())


def test_position_before_the_beginning_stops(hop: Hop) -> None:
    """Messages deleted before they were settled are said, with how many they are."""
    hop.append(1, b"a", b"b", b"c")
    log = hop.owner()
    log.begin()
    log.commit({(hop.source, 1): 1})
    log.close()
    admin = AdminClient({"bootstrap.servers": hop.settings.brokers})
    deletion = admin.delete_records([TopicPartition(hop.source, 1, 3)])
    for future in deletion.values():
        future.result()
    with pytest.raises(PositionError, match=r"\[1\] begins at 3.*2 messages are gone"):
        gained(hop.member())


def test_new_group_begins_where_the_log_begins(hop: Hop) -> None:
    """Where nothing was ever committed, a log that was trimmed is read from what is left."""
    hop.append(1, b"a", b"b", b"c")
    admin = AdminClient({"bootstrap.servers": hop.settings.brokers})
    for future in admin.delete_records([TopicPartition(hop.source, 1, 2)]).values():
        future.result()
    log = hop.owner()
    assert read(log)[0].values == [b"c"]


def test_member_without_partitions_cannot_commit(hop: Hop) -> None:
    """Who owns nothing has nothing to commit."""
    log = hop.member()
    log.begin()
    log.send(hop.output, 0, [(None, b"a")])
    with pytest.raises(Aborted, match="no partition is owned"):
        log.commit({})
    assert output_of(log, hop) == []


def test_messages_are_made_beside_the_commit(hop: Hop) -> None:
    """In the background a function is asked after all else was sent, in a thread of its own."""
    log = hop.owner(overlap=True)
    makers: list[int] = []

    def made() -> list[Message]:
        makers.append(threading.get_ident())
        return [(None, b"made")]

    log.begin()
    log.send(hop.output, 0, made)
    log.abort()
    log.begin()
    log.send(hop.output, 0, made)
    log.send(hop.output, 0, [(None, b"first")])
    assert makers == []
    outcome = log.commit({})
    assert outcome is not None
    outcome()
    assert output_of(log, hop) == [b"first", b"made"]
    assert len(makers) == 1
    assert makers[0] != threading.get_ident()


def test_messages_that_cannot_be_made_are_not_committed(hop: Hop) -> None:
    """What only we can cause stops the process at the outcome; nothing of the batch is visible."""
    log = hop.owner(overlap=True)

    def broken() -> list[Message]:
        msg = "Invariant: a block can be packed"
        raise ValueError(msg)

    log.begin()
    log.send(hop.output, 0, [(None, b"first")])
    log.send(hop.output, 0, broken)
    outcome = log.commit({})
    assert outcome is not None
    with pytest.raises(ValueError, match="can be packed"):
        outcome()
    log.abort()
    assert output_of(log, hop) == []


def test_large_message_is_refused_here(hop: Hop) -> None:
    """A message above 16 MiB stops the loop, whose transaction is not left open."""
    log = hop.owner()
    log.begin()
    with pytest.raises(LogError, match="produce to"):
        log.send(hop.output, 0, [(None, bytes(17 * 1024 * 1024))])
    log.begin()
    log.abort()


@pytest.mark.slow
@pytest.mark.parametrize("at", ["send_offsets_to_transaction", "commit_transaction"])
def test_silent_broker_leaves_the_outcome_unknown(
    own_broker: JarBroker, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """A broker that sleeps in the middle of a commit leaves exactly one outcome in the end.

    It is stopped right before a request and wakes after more than the request timeout, when
    librdkafka has repeated the request unseen. The call is not trusted; the new producer of the
    next epoch settles what happened, and the loop goes on from there without loss or double.
    """
    hop = Hop(own_broker.address)
    hop.settings = replace(hop.settings, request_timeout_seconds=1, transaction_timeout_seconds=15)
    log = hop.owner()
    hop.append(0, b"a")
    segments = read(log)
    writer = log._writer  # noqa: SLF001 - the moment of the fault is inside a commit
    genuine = writer._call  # noqa: SLF001

    def call(name: str, function: object) -> None:
        if name == at:
            own_broker.signal(signal.SIGSTOP)
            threading.Timer(2.5, own_broker.signal, [signal.SIGCONT]).start()
        genuine(name, function)  # type: ignore[arg-type] # handed through

    monkeypatch.setattr(writer, "_call", call)
    with pytest.raises(Unknown):
        commit(log, segments, hop.output)
    monkeypatch.undo()
    log.rewind()
    change = log.changes()
    assert change is not None
    assert change.lost == change.gained.keys() == {0, 1, 2, 3}
    if change.gained[0][hop.source] == 0:
        assert output_of(log, hop) == []
        commit(log, read(log), hop.output)
    assert output_of(log, hop) == [b"a"]
    hop.append(0, b"b")
    commit(log, read(log), hop.output)
    assert output_of(log, hop) == [b"a", b"b"]
    hop.close()


@pytest.mark.slow
def test_restarted_broker_is_survived(own_broker: JarBroker) -> None:
    """A broker killed between transactions and started again costs time, nothing else.

    Killed before the markers of a transaction are written, a broker alone in its cluster may skip
    them after its restart and leave the transaction open for good (seen with Apache Kafka 4.4.0:
    "these partitions are likely deleted already"). So both markers are waited for: that of the
    output by recovering it, that of the positions by reading them in `rewind`.
    """
    hop = Hop(own_broker.address)
    log = hop.owner()
    hop.append(0, b"a")
    commit(log, read(log), hop.output)
    assert output_of(log, hop) == [b"a"]
    log.rewind()
    own_broker.signal(signal.SIGKILL)
    own_broker.start()
    hop.append(0, b"b")
    while output_of(log, hop) != [b"a", b"b"]:
        try:
            commit(log, read(log), hop.output)
        except (Aborted, Unknown):
            log.rewind()
        log.changes()
    hop.close()
