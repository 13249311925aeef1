"""The settings of Kafka clients: what they refuse, and what cannot be chosen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.kafka_settings import MESSAGE_BYTES_MAX, KafkaSettings, topic_configuration

SETTINGS = KafkaSettings(brokers="127.0.0.1:9092", slot="3", group_prefix="weir")


def test_names_follow_from_hop_and_slot() -> None:
    """All slots of a hop share its group; each has a transactional id that stays its own."""
    assert SETTINGS.group("rate") == "weir-rate"
    assert SETTINGS.transactional_id("rate") == "weir-rate-3"
    assert SETTINGS.transactional_writer("rate")["transactional.id"] == "weir-rate-3"
    assert SETTINGS.consumer("rate")["client.id"] == "weir-rate-3"


@pytest.mark.parametrize(
    "wrong",
    [
        {"brokers": ""},
        {"slot": ""},
        {"group_prefix": ""},
        {"request_timeout_seconds": 0},
        {"request_timeout_seconds": 30},  # as long as the transaction
        {"transaction_timeout_seconds": 120},  # as long as a poll may take
        {"session_timeout_seconds": 0},
        {"session_timeout_seconds": 120},
    ],
)
def test_refuses_what_does_not_fit(wrong: dict[str, str | int]) -> None:
    """Names are needed, and each time is shorter than the one it is inside of."""
    with pytest.raises(ValueError, match="must"):
        replace(SETTINGS, **wrong)  # type: ignore[arg-type] # any one field


def test_readers_see_committed_messages_from_explicit_positions() -> None:
    """No consumer may see open transactions, jump to another position or commit by itself."""
    for configuration in (SETTINGS.consumer("rate"), SETTINGS.reader("tail")):
        assert configuration["isolation.level"] == "read_committed"
        assert configuration["auto.offset.reset"] == "error"
        assert configuration["enable.auto.commit"] is False
        assert configuration["enable.auto.offset.store"] is False


def test_member_owns_the_same_numbers_of_all_topics() -> None:
    """The assignor is `range`: sticky ones would spread co-partitioned topics independently."""
    assert SETTINGS.consumer("rate")["partition.assignment.strategy"] == "range"


def test_static_member_has_the_name_of_its_slot() -> None:
    """A static member is known by its slot; others have no such name."""
    assert "group.instance.id" not in SETTINGS.consumer("rate")
    static = replace(SETTINGS, static_member=True)
    assert static.consumer("rate")["group.instance.id"] == "weir-rate-3"


def test_message_bound_is_the_same_on_both_sides() -> None:
    """What the writer may send, the topic takes: 16 MiB."""
    assert SETTINGS.writer("x")["message.max.bytes"] == MESSAGE_BYTES_MAX == 16_777_216
    for compacted in (True, False):
        assert topic_configuration(compacted=compacted)["max.message.bytes"] == "16777216"


def test_compression_is_of_what_a_worker_writes() -> None:
    """A worker's blocks go as they are unless asked otherwise; usage sent as single messages does
    not.
    """
    assert SETTINGS.transactional_writer("rate")["compression.type"] == "none"
    asked = replace(SETTINGS, compression="zstd")
    assert asked.transactional_writer("rate")["compression.type"] == "zstd"
    assert asked.writer("appender")["compression.type"] == "lz4"


def test_topics_never_expire() -> None:
    """A topic is compacted or kept for ever; log time is the broker's."""
    assert topic_configuration(compacted=True)["cleanup.policy"] == "compact"
    kept = topic_configuration(compacted=False)
    assert (kept["cleanup.policy"], kept["retention.ms"]) == ("delete", "-1")
    assert kept["message.timestamp.type"] == "LogAppendTime"
