"""A larger reference comes in while events are sent, and every event arrives."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.bench.mix_reference import RATES
from ops.bench.swap import swap
from tests.kafka.plugin import JarBroker


@pytest.mark.kafka
@pytest.mark.slow
def test_decks_are_swapped_in(own_broker: JarBroker, tmp_path: Path) -> None:
    """One small deck, at 500 events a second for 8 seconds, on genuine Kafka."""
    decks = tmp_path / "larger" / "decks"
    decks.mkdir(parents=True)
    (decks / "ONE.prefixes.csv").write_text("prefix,zone\n49,DE\n", encoding="utf-8")
    (decks / "ONE.rates.csv").write_text(f"{RATES}\nDE,0.01,1,1,0,,\n", encoding="utf-8")
    report = swap(own_broker.address, tmp_path / "larger", rate=500, seconds=8)
    assert report["swapped"] is True
    assert report["swap_arrived"] == "4000 of 4000"
