"""Gauges follow the hops every five seconds of a clock that the test turns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.embedded import Embedded
from ops.gauges import Gauges
from ops.metrics import Metrics
from schemas.topics import PARTY
from streams.settle import Step
from tests.notices import broken
from tests.ops.books import ALL, call, reference, usage_file

IDLE = Step("idle")


class Watched:
    """An embedded run of the books whose loops are watched."""

    def __init__(self, weir: Embedded) -> None:
        self.weir = weir
        self.now = 100.0
        self.metrics = Metrics(lambda: 0)
        self.gauges = Gauges(self.metrics, lambda: self.now)
        for loop in (weir.engine.rate, weir.engine.accrue):
            self.gauges.watch(loop)

    def suspended(self) -> float | None:
        """How many events the metrics say are suspended for an unknown route."""
        return self.metrics.registry.get_sample_value(
            "weir_suspended_events", {"reason": "unknown_route"}
        )

    def rows(self) -> float | None:
        """How many accrual rows the metrics say there are."""
        return self.metrics.registry.get_sample_value("weir_accrual_rows")


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """The books settled: one event waits for its route, and there are twelve accrual rows."""
    with Embedded(tmp_path / "data", reference(tmp_path / "reference")) as weir:
        list(weir.ingest(usage_file(tmp_path / "first.jsonl", ALL)))
        yield Watched(weir)


def test_the_first_step_fills_the_gauges_of_its_hop(watched: Watched) -> None:
    """Each hop's gauges are read at its own steps only: its memory stands still there."""
    watched.gauges.observe("rate", IDLE, 0)
    assert (watched.suspended(), watched.rows()) == (1, 0)
    watched.gauges.observe("accrue", IDLE, 0)
    assert (watched.suspended(), watched.rows()) == (1, 12)


def test_gauges_are_refreshed_every_five_seconds(watched: Watched, tmp_path: Path) -> None:
    """A second event that waits is not shown at 4.9 s, and is at 5 s; then at 10 s again."""
    watched.gauges.observe("rate", IDLE, 0)
    for number, (early, due) in enumerate(((104.9, 105.0), (109.9, 110.0)), 1):
        late = usage_file(tmp_path / f"{number}.jsonl", [call(20 + number, "TX-2")])
        list(watched.weir.ingest(late))
        watched.now = early
        watched.gauges.observe("rate", IDLE, 0)
        assert watched.suspended() == number
        watched.now = due
        watched.gauges.observe("rate", IDLE, 0)
        assert watched.suspended() == number + 1


def test_gaps_are_counted(watched: Watched, tmp_path: Path) -> None:
    """Numbers 1 to 10 arrived, then 14: 11, 12 and 13 are missing."""
    list(watched.weir.ingest(usage_file(tmp_path / "gap.jsonl", [call(14)])))
    watched.gauges.observe("rate", IDLE, 0)
    name = "weir_sequence_missing"
    assert watched.metrics.registry.get_sample_value(name, {"source": "msc-1"}) == 3


def test_every_step_is_counted(watched: Watched) -> None:
    """Whether gauges are due or not: three aborted transactions are three."""
    for _ in range(3):
        watched.gauges.observe("rate", Step("abort"), 0)
    labels = {"hop": "rate", "result": "abort"}
    assert watched.metrics.registry.get_sample_value("weir_txn_total", labels) == 3


def test_a_hop_that_is_not_watched_has_no_gauges() -> None:
    """Its steps are counted all the same."""
    metrics = Metrics(lambda: 0)
    Gauges(metrics, lambda: 0.0).observe("rate", Step("abort"), 0)
    labels = {"hop": "rate", "result": "abort"}
    assert metrics.registry.get_sample_value("weir_txn_total", labels) == 1


def test_open_exceptions_are_counted(watched: Watched) -> None:
    """Two notifications that are none wait under one reason."""
    hop = watched.weir.engine.control
    assert hop is not None
    watched.gauges.watch(hop)
    watched.weir.put(PARTY.name, {0: [(None, broken(1)), (None, broken(2))]})
    watched.gauges.observe("control", IDLE, 0)
    labels = {"reason": "malformed"}
    name = "weir_control_exceptions_open"
    assert watched.metrics.registry.get_sample_value(name, labels) == 2
