"""Genuine Kafka as a world of `tests/log_worlds.py`: the same test bodies, on the broker itself."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined] # re-exported, unsaid
    AdminClient,
    OffsetSpec,
)

from schemas.topics import Topic
from streams.kafka import KafkaLog
from streams.kafka_admin import KafkaAdmin, KafkaAppender
from streams.kafka_settings import KafkaSettings
from streams.log import Log, Message
from tests.log_worlds import HOP, PARTITIONS, Stored

# A marker follows its commit within this time on an idle broker, with room for a busy machine.
MARKER_SECONDS = 1.0


def settings_of(brokers: str, prefix: str, slot: str = "0") -> KafkaSettings:
    """Settings with short times; a static member, so that a successor need not wait for them."""
    return KafkaSettings(
        brokers=brokers,
        slot=slot,
        group_prefix=prefix,
        session_timeout_seconds=6,
        transaction_timeout_seconds=20,
        request_timeout_seconds=5,
        static_member=True,
    )


def create_topic(settings: KafkaSettings, partitions: int, *, compacted: bool = False) -> str:
    """A new topic, made as Weir's own are."""
    topic = Topic(
        f"topic-{uuid.uuid4().hex[:12]}",
        "usage",
        "latest" if compacted else "all",
        "-",
        "of a test",
    )
    KafkaAdmin(settings).create_topics(partitions, partitions, topics=[topic])
    return topic.name


class LostAnswer:
    """A producer whose commit's answer is lost, after the broker has applied it or before.

    Everything else is the genuine producer's.
    """

    def __init__(self, producer: Producer, *, happens: bool) -> None:
        """Stand before a producer."""
        self._producer = producer
        self._happens = happens

    def __getattr__(self, name: str) -> object:
        return getattr(self._producer, name)

    def __len__(self) -> int:
        return len(self._producer)

    def commit_transaction(self) -> None:
        """Commit or not, and say that nobody knows."""
        if self._happens:
            self._producer.commit_transaction()
        timed_out = KafkaError._TIMED_OUT  # noqa: SLF001 - librdkafka's own codes are named so
        raise KafkaException(KafkaError(timed_out, "simulated", retriable=True))


class KafkaWorld:
    """A hop on genuine Kafka with topics and a group of its own.

    `kill` abandons a member: its threads live on as a zombie's would, until a successor in the same
    slot fences it. What a true kill -9 does is tried in `tests/kafka/test_processes.py`.
    """

    linger_seconds = 0.1

    def __init__(self, brokers: str) -> None:
        """Create the topics."""
        prefix = f"world-{uuid.uuid4().hex[:12]}"
        self.settings = settings_of(brokers, prefix)
        self.source, self.second, self.output = (
            create_topic(self.settings, PARTITIONS) for _ in range(3)
        )
        self.table = create_topic(self.settings, PARTITIONS, compacted=True)
        self._admin = AdminClient(self.settings.client("eye"))
        self._appender = KafkaAppender(self.settings)
        self._logs: list[KafkaLog] = []
        self._eye = Consumer(
            {
                **self.settings.reader("eye"),
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 5,
            }
        )

    def append(self, topic: str, partition: int, messages: Sequence[Message]) -> None:
        """Write outside the hop."""
        self._appender.append(topic, partition, messages)

    def open(self) -> Log:
        """A member in the one slot."""
        log = KafkaLog(self.settings, HOP, [self.source, self.second])
        self._logs.append(log)
        return log

    def kill(self, log: Log) -> None:
        """Abandon the member as it is."""

    def visible(self, topic: str, partition: int) -> list[Stored]:
        """Read committed messages from the beginning to the last stable offset."""
        self._settle(topic, partition)
        self._eye.assign([TopicPartition(topic, partition, 0)])
        found: list[Stored] = []
        while True:
            for message in self._eye.consume(1000, 0.02):
                error, offset = message.error(), message.offset()
                if error is not None:
                    assert error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001
                    return found
                assert offset is not None
                found.append((offset, message.key(), message.value()))

    def _settle(self, topic: str, partition: int) -> None:
        """Wait for the marker of a transaction that has ended.

        A commit is answered when it is certain; readers see it some milliseconds later. An open
        transaction looks the same and is not waited for longer than that.
        """
        place = TopicPartition(topic, partition)
        deadline = time.monotonic() + MARKER_SECONDS
        while time.monotonic() < deadline:
            ends = [
                self._admin.list_offsets(
                    {place: OffsetSpec.latest()},  # type: ignore[no-untyped-call]
                    isolation_level=level,
                )[place]
                .result()
                .offset
                for level in (IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED)
            ]
            if ends[0] == ends[1]:
                return

    def lose_answer(self, log: Log, *, happens: bool) -> None:
        """Lose the answer of the next commit."""
        assert isinstance(log, KafkaLog)
        writer = log._writer  # noqa: SLF001 - a fault is put where the network would put it
        assert writer._producer is not None  # noqa: SLF001
        faulty = LostAnswer(writer._producer, happens=happens)  # noqa: SLF001
        vars(writer)["_producer"] = faulty

    def close(self) -> None:
        """End the world and everybody in it."""
        for log in self._logs:
            log.close()
        self._appender.close()
        self._eye.close()
