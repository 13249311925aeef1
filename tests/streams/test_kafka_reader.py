"""Reading outside a group, on genuine Kafka: tails, recovery and positions outside the log."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from confluent_kafka import Producer

from streams.kafka_admin import KafkaAppender
from streams.kafka_errors import PositionError
from streams.kafka_reader import Bounds, KafkaTail, check_position, read_through, tail
from streams.kafka_settings import KafkaSettings
from streams.log import LogError
from tests.kafka.worlds import create_topic, settings_of

PLACE = ("usage.v1", 0)


@pytest.fixture
def settings(brokers: str) -> KafkaSettings:
    """Settings for the run's broker."""
    return settings_of(brokers, "reader")


@pytest.fixture
def appender(settings: KafkaSettings) -> Iterator[KafkaAppender]:
    """Somebody who writes."""
    with KafkaAppender(settings) as appender:
        yield appender


def transaction(settings: KafkaSettings, topic: str, values: list[bytes]) -> Producer:
    """A producer whose transaction is open, with these values sent to partition 0."""
    producer = Producer(settings.transactional_writer(topic))
    producer.init_transactions(30)
    producer.begin_transaction()
    for value in values:
        producer.produce(topic, value, partition=0)
    assert producer.flush(30) == 0
    return producer


def recovered(
    settings: KafkaSettings,
    topic: str,
    since: int = 0,
    *,
    reading: KafkaSettings | None = None,
) -> list[bytes | None]:
    """All values of partition 0, read to its end as of now, with other settings if need be."""
    place = (topic, 0)
    bounds = Bounds(settings, "test").of([place])[place]
    segments = read_through(reading or settings, place, bounds, since)
    return [v for segment in segments for v in segment.values]


def values_of(reader: KafkaTail) -> list[bytes | None]:
    """The values of one read."""
    return [value for segment in reader.read(1000, 0.1) for value in segment.values]


def test_positions_inside_the_log() -> None:
    """Position 0 is wherever the log begins; others stay where they are, the end included."""
    assert check_position(PLACE, 0, (0, 9)) == 0
    assert check_position(PLACE, 0, (4, 9)) == 4
    assert check_position(PLACE, 4, (4, 9)) == 4
    assert check_position(PLACE, 9, (4, 9)) == 9


def test_positions_outside_the_log() -> None:
    """Messages that are gone or were never there are said, with how many and where."""
    with pytest.raises(PositionError, match=r"usage\.v1\[0\] begins at 4.*1 messages are gone"):
        check_position(PLACE, 3, (4, 9))
    with pytest.raises(PositionError, match="truncated"):
        check_position(PLACE, 10, (4, 9))


@pytest.mark.kafka
def test_tail_catches_up_and_follows(settings: KafkaSettings, appender: KafkaAppender) -> None:
    """A tail reads all topics and partitions from their beginning, knows when it has, goes on."""
    first, second = create_topic(settings, 2), create_topic(settings, 1)
    appender.append(first, 0, [(None, b"a")])
    appender.append(first, 1, [(None, b"b")])
    appender.append(second, 0, [(None, b"c")])
    with tail(settings, [first, second]) as reader:
        found = []
        while not reader.caught_up:
            found += values_of(reader)
        assert sorted(value for value in found if value) == [b"a", b"b", b"c"]
        assert reader.positions == {(first, 0): 1, (first, 1): 1, (second, 0): 1}
        appender.append(first, 1, [(None, b"d")])
        found = []
        while not found:
            found = values_of(reader)
        assert found == [b"d"]


@pytest.mark.kafka
def test_tail_of_nothing_has_caught_up(settings: KafkaSettings) -> None:
    """Empty topics are read to their end at once."""
    with tail(settings, [create_topic(settings, 3)]) as reader:
        assert reader.caught_up


@pytest.mark.kafka
def test_tail_from_positions(settings: KafkaSettings, appender: KafkaAppender) -> None:
    """Where a partition's next offset is given, reading goes on from there."""
    topic = create_topic(settings, 2)
    for partition in (0, 1):
        appender.append(topic, partition, [(None, b"old"), (None, b"%d" % partition)])
    with tail(settings, [topic], {(topic, 0): 1}) as reader:
        found = []
        while not reader.caught_up:
            found += values_of(reader)
    assert sorted(value for value in found if value) == [b"0", b"1", b"old"]


@pytest.mark.kafka
def test_tail_catches_up_over_what_is_never_seen(settings: KafkaSettings) -> None:
    """An aborted transaction at the end of a log is passed without a message."""
    topic = create_topic(settings, 1)
    transaction(settings, topic, [b"dropped"]).abort_transaction()
    with tail(settings, [topic]) as reader:
        while not reader.caught_up:
            assert values_of(reader) == []


@pytest.mark.kafka
def test_recovery_waits_for_open_transaction(settings: KafkaSettings) -> None:
    """State that a predecessor is just committing is part of what a new owner loads."""
    topic = create_topic(settings, 1)
    producer = transaction(settings, topic, [b"a", b"b"])
    with ThreadPoolExecutor(1) as pool:
        recovery = pool.submit(recovered, settings, topic)
        with pytest.raises(TimeoutError):
            recovery.result(0.5)
        producer.commit_transaction()
        assert recovery.result(30) == [b"a", b"b"]


@pytest.mark.kafka
def test_recovery_of_aborted_transaction(settings: KafkaSettings) -> None:
    """What was open and is aborted does not appear, and does not hold recovery up for longer."""
    topic = create_topic(settings, 1)
    producer = transaction(settings, topic, [b"a"])
    with ThreadPoolExecutor(1) as pool:
        recovery = pool.submit(recovered, settings, topic)
        producer.abort_transaction()
        assert recovery.result(30) == []


@pytest.mark.kafka
@pytest.mark.slow
def test_recovery_gives_up_on_a_transaction_that_stays_open(settings: KafkaSettings) -> None:
    """After twice the time a transaction may take and a request, waiting ends with the place."""
    topic = create_topic(settings, 1)
    producer = transaction(settings, topic, [b"a"])
    impatient = replace(settings, transaction_timeout_seconds=2, request_timeout_seconds=1)
    with pytest.raises(LogError, match=rf"{topic}\[0\] cannot be read past 0, its end is 1"):
        recovered(settings, topic, reading=impatient)
    producer.abort_transaction()


@pytest.mark.kafka
def test_recovery_ends_where_the_log_ended(
    settings: KafkaSettings, appender: KafkaAppender
) -> None:
    """What is appended after the question is not part of the answer."""
    topic = create_topic(settings, 1)
    place = (topic, 0)
    appender.append(topic, 0, [(None, b"a"), (None, b"b")])
    bounds = Bounds(settings, "test").of([place])[place]
    appender.append(topic, 0, [(None, b"later")])
    segments = list(read_through(settings, place, bounds, 0))
    assert [(s.values, s.next_offset) for s in segments] == [([b"a", b"b"], 2)]
    assert recovered(settings, topic, 1) == [b"b", b"later"]
    assert recovered(settings, topic, 3) == []


@pytest.mark.kafka
def test_topic_that_is_not_there(settings: KafkaSettings) -> None:
    """A missing topic is named with the command that creates it."""
    with pytest.raises(LogError, match=r"absent-topic.*weir topics create"):
        tail(replace(settings, request_timeout_seconds=1), ["absent-topic"])
