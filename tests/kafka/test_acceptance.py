"""What every other test on Kafka takes for granted of the broker, shown on the broker itself.

Only the client is used here and nothing of Weir but the names of its settings: should one of these
fail, no green test elsewhere means anything.
"""

from __future__ import annotations

import signal
import socket
import struct
import time
import uuid
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined] # re-exported, unsaid
    AdminClient,
    NewTopic,
)

from tests.kafka.plugin import JarBroker

pytestmark = pytest.mark.kafka

PATIENCE_SECONDS = 30
API_VERSIONS_KEY, API_VERSIONS_VERSION, FINALIZED_FEATURES_TAG = 18, 3, 2


class Client:
    """Producers, consumers and topics on one broker, closed together."""

    def __init__(self, address: str) -> None:
        """Nothing is opened yet."""
        self.address = address
        self.admin = AdminClient({"bootstrap.servers": address})
        self._consumers: list[Consumer] = []

    def topic(self, partitions: int = 1, config: dict[str, str] | None = None) -> str:
        """A new topic."""
        name = f"accept-{uuid.uuid4().hex[:12]}"
        self.admin.create_topics([NewTopic(name, partitions, 1, config=config or {})])[
            name
        ].result()
        until(lambda: self.admin.list_topics(name).topics[name].error is None)
        return name

    def producer(self, transactional_id: str | None = None) -> Producer:
        """An idempotent producer, or an initialised transactional one."""
        configuration: dict[str, str | bool] = {
            "bootstrap.servers": self.address,
            "enable.idempotence": True,
        }
        if transactional_id is None:
            return Producer(configuration)
        producer = Producer({**configuration, "transactional.id": transactional_id})
        producer.init_transactions(PATIENCE_SECONDS)
        return producer

    def consumer(self, group: str = "accept", **configuration: str | int) -> Consumer:
        """A read_committed consumer."""
        dotted = {name.replace("_", "."): value for name, value in configuration.items()}
        self._consumers.append(
            Consumer(
                {
                    "bootstrap.servers": self.address,
                    "group.id": group,
                    "isolation.level": "read_committed",
                    "auto.offset.reset": "error",
                    "enable.auto.commit": False,
                    "enable.partition.eof": True,
                    "fetch.wait.max.ms": 10,
                    **dotted,
                }
            )
        )
        return self._consumers[-1]

    def values(self, topic: str) -> list[bytes | None]:
        """What a read_committed reader sees of partition 0, up to the last stable offset."""
        consumer = self.consumer()
        consumer.assign([TopicPartition(topic, 0, 0)])
        found: list[bytes | None] = []
        while True:
            for message in consumer.consume(1000, 0.05):
                error = message.error()
                if error is not None:
                    assert error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001
                    return found
                found.append(message.value())

    def close(self) -> None:
        """Close all consumers."""
        for consumer in self._consumers:
            consumer.close()


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def group_name() -> str:
    """A group that no other test knows."""
    return f"accept-{uuid.uuid4().hex[:12]}"


def join(consumer: Consumer, topic: str) -> None:
    """Subscribe and wait for partitions."""
    consumer.subscribe([topic])
    until(lambda: (consumer.consume(1, 0.05), bool(consumer.assignment()))[1])


@pytest.fixture
def client(brokers: str) -> Iterator[Client]:
    """A client of the run's broker."""
    client = Client(brokers)
    yield client
    client.close()


def test_topics_are_created_and_described(client: Client) -> None:
    """A topic has the partitions it was created with, and one that is not there is not made."""
    topic = client.topic(partitions=3)
    assert len(client.admin.list_topics(topic).topics[topic].partitions) == 3
    absent = client.admin.list_topics("accept-absent").topics["accept-absent"]
    assert absent.error is not None
    assert "accept-absent" not in client.admin.list_topics().topics


def test_features(brokers: str) -> None:
    """Transactions are of version 2 (KIP-890) and groups of version 1 (KIP-848)."""
    features = finalized_features(brokers)
    assert features["transaction.version"] == 2
    assert features["group.version"] == 1


def test_idempotent_produce(client: Client) -> None:
    """A thousand acknowledged messages are there once each and in order."""
    topic, producer = client.topic(), client.producer()
    for number in range(1000):
        producer.produce(topic, b"%d" % number, partition=0)
    assert producer.flush(PATIENCE_SECONDS) == 0
    assert client.values(topic) == [b"%d" % number for number in range(1000)]


def test_two_members_share_a_topic(client: Client) -> None:
    """Two members have two partitions each of four, and one has all when the other has left."""
    topic, group = client.topic(partitions=4), group_name()
    first, second = client.consumer(group), client.consumer(group)
    join(first, topic)
    second.subscribe([topic])

    def counts() -> list[int]:
        for consumer in (first, second):
            consumer.consume(1, 0.05)
        return [len(consumer.assignment()) for consumer in (first, second)]

    until(lambda: counts() == [2, 2])
    second.close()
    until(lambda: (first.consume(1, 0.05), len(first.assignment()))[1] == 4)


def test_watermarks(client: Client) -> None:
    """The ends of a log are 0 and the number of messages; a commit marker takes an offset too."""
    topic, producer = client.topic(), client.producer(group_name())
    place = TopicPartition(topic, 0)
    producer.begin_transaction()
    producer.produce(topic, b"a", partition=0)
    producer.produce(topic, b"b", partition=0)
    producer.commit_transaction()
    consumer = client.consumer()
    # Two messages and one marker.
    until(lambda: consumer.get_watermark_offsets(place, PATIENCE_SECONDS) == (0, 3))


def test_offsets_are_visible_after_commit_only(client: Client) -> None:
    """Offsets sent to a transaction count when it is committed, not before and not if aborted."""
    topic, group, producer = client.topic(), group_name(), client.producer(group_name())
    member = client.consumer(group)
    join(member, topic)

    def committed() -> int:
        return member.committed([TopicPartition(topic, 0)], PATIENCE_SECONDS)[0].offset

    for offset, is_committed in ((1, True), (2, False), (3, True)):
        before = committed()
        producer.begin_transaction()
        producer.send_offsets_to_transaction(
            [TopicPartition(topic, 0, offset)], member.consumer_group_metadata()
        )
        if is_committed:
            producer.commit_transaction()
        else:
            producer.abort_transaction()
        # A read of offsets waits for the transaction's end.
        assert committed() == (offset if is_committed else before)


def test_offsets_of_an_open_transaction_are_waited_for(client: Client) -> None:
    """Who asks for positions under read_committed is not given one that may yet move."""
    topic, group, producer = client.topic(), group_name(), client.producer(group_name())
    member = client.consumer(group)
    join(member, topic)
    producer.begin_transaction()
    producer.send_offsets_to_transaction(
        [TopicPartition(topic, 0, 7)], member.consumer_group_metadata()
    )
    with pytest.raises(KafkaException):
        member.committed([TopicPartition(topic, 0)], 0.5)
    producer.commit_transaction()
    assert member.committed([TopicPartition(topic, 0)], PATIENCE_SECONDS)[0].offset == 7


def test_aborted_messages_are_hidden(client: Client) -> None:
    """A read_committed reader sees what was committed around an aborted transaction."""
    topic, producer = client.topic(), client.producer(group_name())
    for value, is_committed in ((b"a", True), (b"dropped", False), (b"b", True)):
        producer.begin_transaction()
        producer.produce(topic, value, partition=0)
        assert producer.flush(PATIENCE_SECONDS) == 0
        if is_committed:
            producer.commit_transaction()
        else:
            producer.abort_transaction()
    until(lambda: client.values(topic) == [b"a", b"b"])


def test_open_transaction_hides_what_follows(client: Client) -> None:
    """Behind the first message of an open transaction nothing is read, whoever wrote it."""
    topic, plain = client.topic(), client.producer()
    transactional = client.producer(group_name())
    transactional.begin_transaction()
    transactional.produce(topic, b"open", partition=0)
    assert transactional.flush(PATIENCE_SECONDS) == 0
    plain.produce(topic, b"behind", partition=0)
    assert plain.flush(PATIENCE_SECONDS) == 0
    assert client.values(topic) == []
    transactional.commit_transaction()
    until(lambda: client.values(topic) == [b"open", b"behind"])


def test_successor_fences_producer(client: Client) -> None:
    """A second producer with the same transactional id aborts and fences the first."""
    topic, transactional_id = client.topic(), group_name()
    old = client.producer(transactional_id)
    old.begin_transaction()
    old.produce(topic, b"old", partition=0)
    assert old.flush(PATIENCE_SECONDS) == 0
    new = client.producer(transactional_id)
    with pytest.raises(KafkaException) as refused:
        old.commit_transaction()
    assert refused.value.args[0].fatal()
    new.begin_transaction()
    new.produce(topic, b"new", partition=0)
    new.commit_transaction()
    until(lambda: client.values(topic) == [b"new"])


def test_stale_generation_is_refused(client: Client) -> None:
    """Offsets of a member whose generation is over abort their transaction (KIP-447)."""
    topic, group, producer = client.topic(partitions=2), group_name(), client.producer(group_name())
    first, second = client.consumer(group), client.consumer(group)
    join(first, topic)
    stale = first.consumer_group_metadata()
    second.subscribe([topic])
    until(
        lambda: (
            first.consume(1, 0.05),
            second.consume(1, 0.05),
            len(first.assignment()) == len(second.assignment()) == 1,
        )[2]
    )
    producer.begin_transaction()
    with pytest.raises(KafkaException) as refused:
        producer.send_offsets_to_transaction([TopicPartition(topic, 0, 1)], stale)
    assert refused.value.args[0].txn_requires_abort()
    producer.abort_transaction()


def test_acknowledged_messages_survive_kill(own_broker: JarBroker) -> None:
    """What was acknowledged and committed is there after kill -9 of the broker and a restart."""
    client = Client(own_broker.address)
    topic, producer = client.topic(), client.producer(group_name())
    producer.begin_transaction()
    for number in range(100):
        producer.produce(topic, b"%d" % number, partition=0)
    producer.commit_transaction()
    until(lambda: len(client.values(topic)) == 100)
    own_broker.signal(signal.SIGKILL)
    own_broker.start()
    assert client.values(topic) == [b"%d" % number for number in range(100)]
    client.close()


def test_compaction(client: Client) -> None:
    """Of a compacted topic the broker drops replaced values of closed segments, not the latest."""
    topic = client.topic(
        config={
            "cleanup.policy": "compact",
            "segment.bytes": str(1024 * 1024),
            "min.cleanable.dirty.ratio": "0.01",
        }
    )
    producer = client.producer()
    # 4 rounds of 10 keys of 60 kB fill 2.4 MB: two segments of 1 MB are closed.
    for number in range(4):
        for key in range(10):
            producer.produce(topic, b"%d" % number * 60_000, b"%d" % key, 0)
            assert producer.flush(PATIENCE_SECONDS) == 0
    until(lambda: len(client.values(topic)) < 40)
    assert client.values(topic)[-10:] == [b"3" * 60_000] * 10


def finalized_features(address: str) -> dict[str, int]:
    """The broker's finalized feature levels, asked with one ApiVersions request.

    The Python client does not offer this request. Layout: KIP-482 (flexible versions), KIP-584.
    """
    host, port = address.split(":")
    header = struct.pack(">hhih", API_VERSIONS_KEY, API_VERSIONS_VERSION, 1, -1) + b"\0"
    body = b"\x05weir" + b"\x02" + b"1" + b"\0"  # compact strings: length + 1, then the text
    request = header + body
    with socket.create_connection((host, int(port)), PATIENCE_SECONDS) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        with connection.makefile("rb") as answers:
            (size,) = struct.unpack(">i", answers.read(4))
            answer = answers.read(size)
    # Correlation, error, then 7 bytes for each of the listed requests (key, min, max, no tags).
    count, at = varint(answer, 6)
    at += 7 * (count - 1) + 4  # throttle time
    tags, at = varint(answer, at)
    for _ in range(tags):
        tag, at = varint(answer, at)
        length, at = varint(answer, at)
        if tag == FINALIZED_FEATURES_TAG:
            return levels(answer[at : at + length])
        at += length
    return {}


def levels(field: bytes) -> dict[str, int]:
    """Names and maximum levels of a list of features."""
    found = {}
    count, at = varint(field, 0)
    for _ in range(count - 1):
        length, at = varint(field, at)
        name, at = field[at : at + length - 1].decode(), at + length - 1
        (found[name],) = struct.unpack_from(">h", field, at)
        at += 5  # maximum, minimum, no tags
    return found


def varint(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned variable-length integer and where the next field begins."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 0x80:
            return value, at
