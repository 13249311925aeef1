"""Kafka for those who run Weir: topics as they must exist, and messages from outside any hop.

Partition counts are part of the data: a source's duplicates are found in its partition and a
pool's money is counted in its own, so a topic with another count than is wanted is refused, never
altered. Mediation and commands write through `KafkaAppender`, which is idempotent but takes no
part in a hop's transactions.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as KafkaMessage
from confluent_kafka.admin import (  # type: ignore[attr-defined] # re-exported, unsaid
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from schemas.topics import TOPICS, Topic
from streams.kafka_settings import KafkaSettings, topic_configuration
from streams.log import Closeable, LogError, Message

LOGGER = logging.getLogger("weir.kafka")

QUEUE_FULL_SECONDS = 0.05
ASK_AGAIN_SECONDS = 0.05


class TopicError(LogError):
    """A topic exists and is not what Weir needs."""


class KafkaAdmin:
    """Creates and checks topics."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._timeout_seconds = settings.request_timeout_seconds
        self._admin = AdminClient(settings.client("admin"), logger=LOGGER)

    def create_topics(
        self,
        usage_partitions: int,
        settlement_partitions: int,
        *,
        replication_factor: int = -1,
        topics: Sequence[Topic] = TOPICS,
    ) -> tuple[str, ...]:
        """Create the topics that are missing and check those that are there.

        Args:
            usage_partitions: the count of topics partitioned by source.
            settlement_partitions: the count of topics partitioned by pool.
            replication_factor: copies of each partition; -1 takes the broker's default.
            topics: what must exist.

        Returns:
            The names of the topics created; none when all were there.

        Raises:
            TopicError: a topic has another partition count or cleanup policy.
            LogError: the brokers do not answer or refuse.
        """
        counts = {"usage": usage_partitions, "settlement": settlement_partitions, "control": 1}
        wanted = {topic.name: counts[topic.axis] for topic in topics}
        there = self.partition_counts()
        wrong = [
            f"{name} has {there[name]} partitions, {count} are wanted"
            for name, count in wanted.items()
            if name in there and there[name] != count
        ]
        wrong += self._wrong_policies([topic for topic in topics if topic.name in there])
        if wrong:
            raise TopicError("; ".join(wrong))
        missing = [topic for topic in topics if topic.name not in there]
        if missing:
            self._create(missing, wanted, replication_factor)
            self._await({topic.name: wanted[topic.name] for topic in missing})
        return tuple(topic.name for topic in missing)

    def partition_counts(self) -> dict[str, int]:
        """The partition count of every topic on the brokers."""
        try:
            found = self._admin.list_topics(timeout=self._timeout_seconds).topics
        except KafkaException as exception:
            message = f"cannot list topics: {exception}"
            raise LogError(message) from exception
        return {name: len(topic.partitions) for name, topic in found.items()}

    def _await(self, wanted: Mapping[str, int]) -> None:
        """Wait until new topics are known: a broker hears of them a little later."""
        deadline = time.monotonic() + self._timeout_seconds
        while True:
            there = self.partition_counts()
            absent = [name for name in wanted if name not in there]
            # Another process may have created one at the same time.
            wrong = [name for name in wanted if there.get(name, wanted[name]) != wanted[name]]
            if wrong:
                message = f"created by somebody else with other counts: {', '.join(wrong)}"
                raise TopicError(message)
            if not absent:
                return
            if time.monotonic() > deadline:
                message = f"created, but not known after a while: {', '.join(absent)}"
                raise LogError(message)
            time.sleep(ASK_AGAIN_SECONDS)

    def _wrong_policies(self, topics: Sequence[Topic]) -> list[str]:
        """Topics that would lose what Weir needs: compacted that must not be, or the reverse."""
        if not topics:
            return []
        resources = {ConfigResource(ResourceType.TOPIC, topic.name): topic for topic in topics}
        futures = self._admin.describe_configs(
            list(resources), request_timeout=self._timeout_seconds
        )
        wrong = []
        for resource, future in futures.items():
            topic = resources[resource]
            try:
                policy = future.result()["cleanup.policy"].value
            except KafkaException as exception:
                message = f"cannot describe {topic.name}: {exception}"
                raise LogError(message) from exception
            needed = topic_configuration(compacted=topic.compacted)["cleanup.policy"]
            if policy != needed:
                wrong.append(f"{topic.name} has cleanup.policy {policy}, {needed} is wanted")
        return wrong

    def _create(
        self, topics: Sequence[Topic], counts: Mapping[str, int], replication_factor: int
    ) -> None:
        """Create topics; one that another process has just created is fine."""
        futures = self._admin.create_topics(
            [
                NewTopic(
                    topic.name,
                    counts[topic.name],
                    replication_factor,
                    config=dict(topic_configuration(compacted=topic.compacted)),
                )
                for topic in topics
            ],
            operation_timeout=self._timeout_seconds,
        )
        for name, future in futures.items():
            try:
                future.result()
            except KafkaException as exception:
                error = exception.args[0]
                if error.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    message = f"cannot create {name}: {error}"
                    raise LogError(message) from exception


class KafkaAppender(Closeable):
    """A plain idempotent producer to explicit partitions: mediation, generators, commands."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._failures: list[str] = []
        self._timeout_seconds = settings.transaction_timeout_seconds
        self._producer = Producer(
            {**settings.writer("append"), "on_delivery": self._on_delivery}, logger=LOGGER
        )

    def append(self, topic: str, partition: int, messages: Sequence[Message]) -> None:
        """Write messages and wait until they are durable.

        Raises:
            LogError: some were refused or not confirmed in time; they may or may not be there.
        """
        self.send(topic, partition, messages)
        self.flush()

    def send(self, topic: str, partition: int, messages: Sequence[Message]) -> None:
        """Queue messages, waiting whenever the queue is full; `flush` confirms them."""
        produce = self._producer.produce
        for key, value in messages:
            while True:
                try:
                    produce(topic, value, key, partition)
                    break
                except BufferError:
                    self._producer.poll(QUEUE_FULL_SECONDS)
                except KafkaException as exception:
                    message = f"cannot send to {topic}[{partition}]: {exception}"
                    raise LogError(message) from exception
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait until everything sent is durable.

        Raises:
            LogError: some messages were refused or not confirmed in time.
        """
        left = self._producer.flush(self._timeout_seconds)
        failures, self._failures = self._failures, []
        if left or failures:
            first = failures[0] if failures else "no answer"
            message = f"{left + len(failures)} messages were not confirmed: {first}"
            raise LogError(message)

    def close(self) -> None:
        """Confirm what was sent and free the producer."""
        self.flush()

    def _on_delivery(self, error: KafkaError | None, message: KafkaMessage) -> None:
        """Librdkafka reports a message that could not be delivered."""
        if error is not None:
            self._failures.append(f"{message.topic()}[{message.partition()}]: {error}")
