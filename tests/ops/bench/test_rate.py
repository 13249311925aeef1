"""The benchmark of the whole path settles exactly, and its check can tell when it did not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ops.bench import rate, workload
from ops.bench.broker import create_topics
from ops.bench.rate import Setting, check, measure
from streams.kafka_settings import KafkaSettings
from tests.kafka.plugin import JarBroker

KEY = ("P055", "voice", "in", 497_220)
SETTINGS = KafkaSettings(brokers="there:9092")


def found(
    monkeypatch: pytest.MonkeyPatch,
    table: Mapping[workload.Key, tuple[int, int, int]],
    suspended: int,
) -> str:
    """What the check says of 1,000 messages when this is found on the broker."""
    latest = {str(n).encode(): b"" for n in range(suspended)}
    monkeypatch.setattr(rate, "accrued", lambda _: table)
    monkeypatch.setattr(rate, "latest", lambda *_: latest)
    return check(SETTINGS, Setting(1_000))


def test_the_check_finds_every_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """A micro, a row too few, a row too many or a suspended event too few: none is exact.

    As published, 1,000 messages have 4 suspended events, and this key has 3 events of 204 seconds
    for 1,309,543 micros.
    """
    table = dict(workload.expected(1_000).table)
    assert found(monkeypatch, table, 4) == "exact"
    assert found(monkeypatch, table, 3) == "3 suspended instead of 4"
    wrong = {**table, KEY: (3, 204, 1_309_544)}
    said = "1 rows differ, as ('P055', 'voice', 'in', 497220): "
    right = "(3, 204, 1309543)"
    assert found(monkeypatch, wrong, 4) == f"{said}(3, 204, 1309544) instead of {right}"
    missing = {key: row for key, row in table.items() if key != KEY}
    assert found(monkeypatch, missing, 4) == f"{said}None instead of {right}"
    more = {**table, ("P999", "sms", "out", 1): (1, 1, 1)}
    assert "(1, 1, 1) instead of None" in found(monkeypatch, more, 4)


@pytest.mark.kafka
@pytest.mark.slow
def test_a_measured_run_is_exact(own_broker: JarBroker) -> None:
    """Ceiling and settlement of 20,000 events, each in its own process, on genuine Kafka.

    The broker has usage on it then, so it is refused for another run.
    """
    report = measure(own_broker.address, Setting(20_000))
    assert report["checked"] == "exact"
    # Repeats and suspended events are read, too: each of the 20,000 messages counts.
    assert report["events"] == 20_000
    assert report["transactions"]["rate"] >= 1
    assert report["transactions"]["accrue"] >= 1
    ratio = report["events_per_second"] / report["ceiling_events_per_second"]
    assert report["ratio_to_ceiling"] == round(ratio, 3)
    assert len(report["state_hash"]) == 64
    with pytest.raises(ValueError, match="has usage on it"):
        create_topics(own_broker.address, "another")
