"""Topics as they must exist, and messages from outside, on genuine Kafka."""

from __future__ import annotations

import uuid

import pytest

from schemas.topics import Topic
from streams.kafka_admin import KafkaAdmin, KafkaAppender, TopicError
from streams.kafka_reader import tail
from streams.kafka_settings import KafkaSettings
from streams.log import LogError
from tests.kafka.worlds import create_topic, settings_of

pytestmark = pytest.mark.kafka


@pytest.fixture
def settings(brokers: str) -> KafkaSettings:
    """Settings for the run's broker."""
    return settings_of(brokers, "admin")


def topics() -> list[Topic]:
    """Two topics of this test: usage, and compacted settlement."""
    name = uuid.uuid4().hex[:12]
    return [
        Topic(f"{name}.usage", "usage", keeps="all", key="-", about="of a test"),
        Topic(f"{name}.state", "settlement", keeps="latest", key="-", about="of a test"),
    ]


def test_creates_what_is_missing(settings: KafkaSettings) -> None:
    """Topics get the count of their axis; a second run finds them and creates nothing."""
    admin, (usage, state) = KafkaAdmin(settings), topics()
    assert admin.create_topics(3, 2, topics=[usage]) == (usage.name,)
    assert admin.create_topics(3, 2, topics=[usage, state]) == (state.name,)
    assert admin.create_topics(3, 2, topics=[usage, state]) == ()
    counts = admin.partition_counts()
    assert (counts[usage.name], counts[state.name]) == (3, 2)


def test_refuses_another_count(settings: KafkaSettings) -> None:
    """A topic that is there with another count is named, and nothing is created beside it."""
    admin, (usage, state) = KafkaAdmin(settings), topics()
    admin.create_topics(3, 2, topics=[usage])
    with pytest.raises(TopicError, match=f"{usage.name} has 3 partitions, 4 are wanted"):
        admin.create_topics(4, 2, topics=[usage, state])
    assert state.name not in admin.partition_counts()


def test_refuses_another_cleanup(settings: KafkaSettings) -> None:
    """State in a topic that expires instead of being compacted would be lost: refused."""
    admin, (usage, _) = KafkaAdmin(settings), topics()
    admin.create_topics(1, 1, topics=[usage])
    compacted = Topic(usage.name, "usage", keeps="latest", key="-", about="of a test")
    with pytest.raises(TopicError, match=r"cleanup\.policy delete, compact is wanted"):
        admin.create_topics(1, 1, topics=[compacted])


def test_no_broker_is_said() -> None:
    """Nobody at the address is an error of the log, not of the client."""
    settings = KafkaSettings(
        brokers="127.0.0.1:1", request_timeout_seconds=1, transaction_timeout_seconds=2
    )
    with pytest.raises(LogError, match="cannot list topics"):
        KafkaAdmin(settings).partition_counts()
    appender = KafkaAppender(settings)
    with pytest.raises(LogError, match="not confirmed"):
        appender.append("usage.v1", 0, [(None, b"a")])


def test_append_is_durable_and_ordered(settings: KafkaSettings) -> None:
    """Keys, values and deletions arrive in the partition and order given, once each."""
    topic = create_topic(settings, 2)
    messages = [(b"%d" % number, b"v") for number in range(500)]
    with KafkaAppender(settings) as appender:
        appender.append(topic, 1, [*messages, (b"gone", None), (None, b"")])
        appender.send(topic, 0, [(None, b"queued")])
    with tail(settings, [topic]) as reader:
        found: dict[int, list[tuple[bytes | None, bytes | None]]] = {0: [], 1: []}
        while not reader.caught_up:
            for segment in reader.read(1000, 0.1):
                found[segment.partition] += zip(segment.keys, segment.values, strict=True)
    assert found == {1: [*messages, (b"gone", None), (None, b"")], 0: [(None, b"queued")]}


def test_append_says_what_was_refused(settings: KafkaSettings) -> None:
    """A message for a partition that is not there is not dropped in silence."""
    topic = create_topic(settings, 1)
    appender = KafkaAppender(settings)
    with pytest.raises(LogError, match=r"\[9\]"):
        appender.append(topic, 9, [(None, b"a")])
    with pytest.raises(LogError, match="cannot send"):
        appender.send(topic, 0, [(None, bytes(17 * 1024 * 1024))])
    appender.append(topic, 0, [(None, bytes(15 * 1024 * 1024))])
