"""Generated traffic reaches genuine Kafka: all of it, each source in its partition."""

from __future__ import annotations

import pytest

from ops.generate import send_to_kafka
from schemas.columns import decode
from schemas.topics import USAGE, partition_of
from streams.kafka_admin import KafkaAdmin
from streams.kafka_reader import tail
from streams.kafka_settings import KafkaSettings
from tests.kafka.plugin import JarBroker

PARTITIONS = 3
EVENTS = 3_000


@pytest.mark.kafka
@pytest.mark.parametrize(("envelope_events", "messages_most"), [(1, EVENTS), (200, 150)])
def test_traffic_is_on_the_topic(
    own_broker: JarBroker, envelope_events: int, messages_most: int
) -> None:
    """Every event is there once, under its source's key and in its source's partition.

    In envelopes, 16 sources times six families, the busiest in two, are about a hundred messages.
    """
    settings = KafkaSettings(brokers=own_broker.address)
    KafkaAdmin(settings).create_topics(PARTITIONS, PARTITIONS)
    send_to_kafka(7, EVENTS, own_broker.address, envelope_events=envelope_events)
    events = messages = 0
    with tail(settings, [USAGE.name]) as reader:
        while not reader.caught_up:
            for segment in reader.read(10_000, 1):
                messages += len(segment)
                for key in segment.keys:
                    assert key is not None
                    assert partition_of(key.decode(), PARTITIONS) == segment.partition
                decoded = decode(segment.values)
                assert decoded.refused == ()
                for family in decoded.families:
                    homes = {
                        partition_of(source, PARTITIONS)
                        for source in family.columns["source"].to_pylist()
                    }
                    assert homes == {segment.partition}
                    events += len(family)
    assert events == EVENTS
    assert messages <= messages_most
