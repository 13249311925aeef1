"""What is said to Faust, and what it is not left to decide; the rest is tried on genuine Kafka."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import faust
import pytest
from faust.types.tuples import TP, ConsumerMessage

from schemas.topics import PARTY
from streams.control.changes import Place
from streams.control.control_hop import ControlHop
from streams.control.faust_app import HeldTopic, _app, place_of, run
from streams.kafka_settings import KafkaSettings
from streams.log import LogError

NOBODY = KafkaSettings(
    brokers="127.0.0.1:1, 127.0.0.1:2",
    request_timeout_seconds=1,
    transaction_timeout_seconds=2,
)


def message(value: bytes | None) -> Any:  # noqa: ANN401 - Faust's own
    """A message as Faust has it; the broker's time is 1,764,547,200.123 s."""
    place = TP(PARTY.name, 0)
    return ConsumerMessage(
        *(PARTY.name, 0, 17, 1_764_547_200.123, 1, [], b"key", value, None, 3, len(value or b"")),
        place,
    )


def app(directory: Path, settings: KafkaSettings = NOBODY) -> Any:  # noqa: ANN401
    """Faust's application as a worker makes it."""
    return _app(settings, directory)


def test_a_place_is_told_to_the_thousandth_of_a_second() -> None:
    """Seconds as Faust has them are no exact number; the thousandths that the broker told are."""
    place = Place("party.v1", 0, 17, 0, 1_764_547_200_123_000)
    assert place_of(message(b"{}")) == place


def test_faust_chooses_nothing(tmp_path: Path) -> None:
    """No topics are made, no page is served, no transactions; positions begin at the beginning."""
    made = app(tmp_path)
    conf = made.conf
    assert (conf.id, conf.processing_guarantee.value) == ("weir-control", "at_least_once")
    assert [conf.web_enabled, conf.topic_allow_declare, conf.autodiscover] == [False] * 3
    assert (conf.topic_partitions, conf.consumer_auto_offset_reset) == (1, "earliest")
    assert [url.port for url in conf.broker] == [1, 2]
    assert not conf.consumer_group_instance_id
    assert list(Path.cwd().glob("*control-data")) == []


def test_a_slot_keeps_its_topics_over_a_restart_when_asked(tmp_path: Path) -> None:
    """As with the other hops, this is a choice of the deployment."""
    static = KafkaSettings(brokers="127.0.0.1:1", slot="a", static_member=True)
    assert app(tmp_path, static).conf.consumer_group_instance_id == "weir-control-a"


@pytest.mark.parametrize("value", [b"\xff{", None])
def test_every_message_has_one_more_holder(tmp_path: Path, value: bytes | None) -> None:
    """Letting go once, as Faust does with what it skips, acknowledges nothing; bytes stay bytes."""

    async def decoded() -> tuple[Any, Any]:
        topic = app(tmp_path).topic(*ControlHop.inputs, value_type=bytes, value_serializer="raw")
        assert isinstance(topic, HeldTopic)
        held = message(value)
        held.incref()  # by Faust, for the one stream that the message goes to
        return held, await topic.decode(held, propagate=True)

    held, event = asyncio.run(decoded())
    assert isinstance(event, faust.Event)
    assert (held.refcount, held.value, held.acked) == (2, value, False)
    assert held.decref() == 1


def test_without_brokers_it_ends() -> None:
    """At once and saying so, where Faust would try for ever."""
    with pytest.raises(LogError, match="cannot ask for topic"):
        run(NOBODY, threading.Event(), lambda *_: None)
