"""Where benchmarks measure: a given broker as it is, ports that are free, and never used topics."""

from __future__ import annotations

import socket
from collections.abc import Mapping

import pytest

from ops.bench import broker as module
from ops.bench.broker import USAGE_PARTITIONS, broker, create_topics, free_port
from streams.kafka_settings import KafkaSettings


class Admin:
    """Stands for the administration of a broker; notes the partitions asked for."""

    asked: tuple[int, int] | None = None

    def __init__(self, settings: KafkaSettings) -> None:
        self.settings = settings

    def create_topics(self, usage: int, settlement: int) -> None:
        """Note what is asked for."""
        Admin.asked = (usage, settlement)


def on_it(monkeypatch: pytest.MonkeyPatch, found: Mapping[int, int]) -> None:
    """Let a broker that is not there have these ends of usage."""
    monkeypatch.setattr(Admin, "asked", None)
    monkeypatch.setattr(module, "KafkaAdmin", Admin)
    monkeypatch.setattr(module, "ends", lambda _: dict(found))


def test_a_free_port_has_a_free_one_above_it() -> None:
    """Broker and controller can both listen: the port and the next one take a socket each."""
    port = free_port()
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", port))
        second.bind(("127.0.0.1", port + 1))
        assert second.getsockname()[1] - first.getsockname()[1] == 1


def test_a_given_broker_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is started or wiped where somebody names a broker of their own."""
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(module, "script", lambda *arguments: calls.append(arguments))
    with broker("there:9092") as address:
        assert address == "there:9092"
    assert calls == []


def test_a_started_broker_is_wiped_also_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was started for the run is gone after it, however the run ends."""
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(module, "script", lambda *arguments: calls.append(arguments))
    with pytest.raises(ZeroDivisionError), broker(None) as address:
        raise ZeroDivisionError
    (start, directory, port), wipe = calls
    assert (start, address) == ("start", f"127.0.0.1:{port}")
    assert wipe == ("wipe", directory)


def test_topics_are_made_on_an_empty_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings that come back name the broker and the run's own group."""
    on_it(monkeypatch, dict.fromkeys(range(USAGE_PARTITIONS), 0))
    settings = create_topics("there:9092", "bench-1")
    assert (settings.brokers, settings.group_prefix) == ("there:9092", "bench-1")
    assert Admin.asked == (4, 4)


def test_a_broker_with_usage_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """One message in one partition is enough: it would be measured along."""
    on_it(monkeypatch, {0: 0, 1: 0, 2: 1, 3: 0})
    with pytest.raises(ValueError, match="there:9092 has usage on it"):
        create_topics("there:9092", "bench-1")
