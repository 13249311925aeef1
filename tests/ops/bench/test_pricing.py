"""The benchmark of prices settles exactly, by both references, and its check can tell."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ops.bench import pricing
from ops.bench.pricing import MIX, PLAIN, Figures, Key, check, expected, measure
from streams.kafka_settings import KafkaSettings
from tests.kafka.plugin import JarBroker

SETTINGS = KafkaSettings(brokers="there:9092")


def found(monkeypatch: pytest.MonkeyPatch, table: Mapping[Key, Figures], suspended: int) -> str:
    """What the check says of 1,000 messages when this is found on the broker."""
    latest = {str(n).encode(): b"" for n in range(suspended)}
    monkeypatch.setattr(pricing, "accrued", lambda _: table)
    monkeypatch.setattr(pricing, "latest", lambda *_: latest)
    return check(SETTINGS, 1_000, PLAIN)


def test_the_check_finds_every_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """A micro more or a suspended event too few is not exact."""
    want, suspended = expected(1_000, PLAIN)
    assert found(monkeypatch, want, suspended) == "exact"
    assert "suspended instead of" in found(monkeypatch, want, suspended - 1)
    key = min(want)
    events, quantity, charge = want[key]
    wrong = {**want, key: (events, quantity, charge + 1)}
    assert found(monkeypatch, wrong, suspended).startswith(f"1 rows differ, as {key}")


def test_the_mix_has_legs_for_every_style() -> None:
    """Of 20,000 events there are some of each item, and more legs than with plain prices."""
    plain, mix = (expected(20_000, prices)[0] for prices in (PLAIN, MIX))
    items = {item for _, item, _ in mix}
    assert {"voice-in", "voice-in-near", "voice-out-far", "voice-out-origin", "data-in"} <= items
    assert sum(row[0] for row in mix.values()) > sum(row[0] for row in plain.values())


@pytest.mark.kafka
@pytest.mark.slow
def test_a_measured_run_of_the_mix_is_exact(own_broker: JarBroker) -> None:
    """20,000 events by all elements over 1,000,000 prefixes, on genuine Kafka."""
    assert measure(own_broker.address, 20_000, MIX)["checked"] == "exact"
