"""Metrics: names that promtool accepts, and what each step of a loop adds."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter as Tally
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from ops.metrics import Metrics
from schemas.codes import Outcome, Reason
from schemas.topics import COMMANDS, CONTRIBUTIONS, PARTY, USAGE
from state.invariants import InvariantViolation, invariant
from state.usage_memory import Delta
from streams.contribution import Block, Sums, to_bytes
from streams.control.changes import Place
from streams.control.taking import Memory
from streams.log import Segment
from streams.settle import Step, Stopwatch, Work
from tests.notices import broken, told

NOW_US = 10_000_000
LABELLED = {
    "weir_build_info": {"version", "python", "confluent_kafka"},
    "weir_txn_total": {"hop", "result"},
    "weir_txn_duration_seconds": {"hop"},
    "weir_station_seconds_total": {"hop", "station"},
    "weir_reference_refused_total": set(),
    "weir_rated_losses_total": set(),
    "weir_invariant_violations_total": {"invariant"},
    "weir_events_consumed_total": set(),
    "weir_events_outcome_total": {"outcome", "reason"},
    "weir_batch_events": set(),
    "weir_event_e2e_seconds": {"stage"},
    "weir_watermark_timestamp_seconds": {"source"},
    "weir_sequence_missing": {"source"},
    "weir_suspended_events": {"reason"},
    "weir_quarantined_events": {"reason"},
    "weir_control_read_total": {"topic", "result"},
    "weir_control_refused_total": {"reason"},
    "weir_control_exceptions_open": {"reason"},
    "weir_accrual_rows": set(),
    "weir_sessions_open": set(),
    "weir_sse_clients": set(),
    "weir_sse_dropped_total": set(),
    "weir_http_requests_total": {"route", "method", "code"},
}


@pytest.fixture
def metrics() -> Metrics:
    """Metrics whose clock stands at ten seconds."""
    return Metrics(lambda: NOW_US)


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """The value of one series; None where there is no such series."""
    return metrics.registry.get_sample_value(name, labels)


def segment(topic: str, timestamp_us: int, values: list[bytes | None] | None = None) -> Segment:
    """A segment whose newest message was logged at a time."""
    held = values or [b""]
    return Segment(
        topic, 0, np.arange(len(held), dtype=np.int64), [None] * len(held), held, 1, timestamp_us
    )


def rate_step(**outcomes: int) -> Step:
    """A committed step of the rate hop: names are reasons, `rated` for none."""
    tally = Tally(
        {
            (Reason[name.upper()].outcome, Reason[name.upper()]): count
            for name, count in outcomes.items()
        }
    )
    delta = Delta(outcomes={0: tally}, watermarks={0: {"MSC-1": 4_500_000}})
    segments = [segment(USAGE.name, 9_000_000), segment(USAGE.name, 9_500_000)]
    return Step("commit", segments, Work(delta))


def control_step() -> Step:
    """A committed step of the control hop: one change twice, and bytes that are none."""
    place = Place(PARTY.name, 0, 0, 0, 1)
    delta = Memory().take([(value, place) for value in (told("1"), told("1"), broken(1))])
    return Step("commit", [segment(PARTY.name, 1)], Work(delta))


def block(log_time_us: int) -> bytes:
    """An empty contribution block of usage logged at a time."""
    none = np.zeros(0, np.int64)
    sums = Sums(
        pa.array([], pa.string()), none.astype(np.int32), none.astype(np.int32), *[none] * 5
    )
    return to_bytes(Block(sums, (), {}, "r", log_time_us))


def exercise(metrics: Metrics) -> None:
    """Let everything happen once, so that every metric has a series."""
    watch = Stopwatch(iter(range(0, 10**9, 1000)).__next__)
    metrics.watch("rate", watch)
    watch.lap("commit")
    metrics.observe_step("rate", rate_step(none=1, test=1), 0.1)
    metrics.observe_step(
        "accrue", Step("commit", [segment(CONTRIBUTIONS.name, 1, [block(1)])], Work({})), 1
    )
    metrics.observe_served(1)
    metrics.observe_request("/", "GET", 200)
    metrics.observe_streams(1)
    metrics.set_outcomes(
        {
            (Outcome.SUSPENDED, Reason.NO_RATE): 3,
            (Outcome.QUARANTINED, Reason.UNDECODABLE): 2,
            (Outcome.RATED, Reason.NONE): 9,
        }
    )
    metrics.set_missing({("MSC-1", 0): [(3, 5)]})
    metrics.set_accrual_rows(5)
    metrics.observe_step("control", control_step(), 1)
    metrics.set_exceptions({"malformed": 1})
    with pytest.raises(InvariantViolation):
        invariant(False, "two and two are four")  # noqa: FBT003


def test_every_name_unit_and_label(metrics: Metrics) -> None:
    """The list above is the list that dashboards and alerts are written against."""
    exercise(metrics)
    found = {}
    for family in metrics.registry.collect():
        suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
        labels = {name for sample in family.samples for name in sample.labels}
        found[family.name + suffix] = labels - {"le"}
        assert family.documentation.endswith(".")
    assert found == LABELLED


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_has_nothing_to_say(metrics: Metrics) -> None:
    """Prometheus' own linter accepts names, units, types and help."""
    exercise(metrics)
    text, media_type = metrics.exposition()
    assert media_type == "text/plain; version=0.0.4; charset=utf-8"
    run = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")


def test_a_rate_step_counts_outcomes(metrics: Metrics) -> None:
    """Every event is consumed once and has its outcome; the age is that of the oldest input."""
    metrics.observe_step("rate", rate_step(none=5, test=2, unknown_route=1), 0.2)
    assert value(metrics, "weir_events_consumed_total") == 8
    assert value(metrics, "weir_events_outcome_total", outcome="rated", reason="none") == 5
    assert value(metrics, "weir_events_outcome_total", outcome="excluded", reason="test") == 2
    assert value(metrics, "weir_watermark_timestamp_seconds", source="MSC-1") == 4.5
    assert value(metrics, "weir_txn_total", hop="rate", result="commit") == 1
    # Ten seconds less nine: the older of two segments.
    assert value(metrics, "weir_event_e2e_seconds_sum", stage="committed") == 1
    assert value(metrics, "weir_batch_events_sum") == 8


def test_usage_tried_again_is_not_consumed_again(metrics: Metrics) -> None:
    """From suspended to rated: one more outcome, and no event more."""
    metrics.observe_step("rate", rate_step(none=1, unknown_route=-1), 0.2)
    assert value(metrics, "weir_events_consumed_total") == 0
    assert value(metrics, "weir_events_outcome_total", outcome="rated", reason="none") == 1
    labels = {"outcome": "suspended", "reason": "unknown_route"}
    assert value(metrics, "weir_events_outcome_total", **labels) is None


def test_an_accrue_step_tells_the_age_of_usage(metrics: Metrics) -> None:
    """The first block of each partition is the oldest; commands have no age."""
    segments = [
        segment(CONTRIBUTIONS.name, 9_900_000, [block(7_000_000), block(9_000_000)]),
        segment(COMMANDS.name, 1),
    ]
    metrics.observe_step("accrue", Step("commit", segments, Work({})), 0.2)
    assert value(metrics, "weir_event_e2e_seconds_sum", stage="accrued") == 3
    metrics.observe_step("accrue", Step("commit", segments[1:], Work({})), 0.2)
    assert value(metrics, "weir_event_e2e_seconds_count", stage="accrued") == 1


def test_what_did_not_commit_counts_no_events(metrics: Metrics) -> None:
    """An abort, an unknown end and a fencing are counted as such; an idle turn is nothing."""
    for result in ("abort", "unknown"):
        step = rate_step(none=5)
        metrics.observe_step("rate", Step(result, step.segments, step.work), 0.2)
    metrics.observe_fenced("rate")
    metrics.observe_step("rate", Step("idle"), 0.2)
    for result in ("abort", "unknown", "fenced"):
        assert value(metrics, "weir_txn_total", hop="rate", result=result) == 1
    assert value(metrics, "weir_txn_duration_seconds_count", hop="rate") == 2
    assert value(metrics, "weir_events_consumed_total") == 0


def test_losses_are_counted(metrics: Metrics) -> None:
    """Those of batches that are committed."""
    step = rate_step(none=3)
    assert step.work is not None
    step.work.delta.losses = 2
    metrics.observe_step("rate", step, 0.1)
    metrics.observe_step("rate", replace(step, result="abort"), 0.1)
    assert value(metrics, "weir_rated_losses_total") == 2


def test_a_control_step_counts_what_was_told(metrics: Metrics) -> None:
    """One of each result, and the reason of what was refused."""
    metrics.observe_step("control", control_step(), 0.1)
    for result in ("taken", "repeated", "refused"):
        assert value(metrics, "weir_control_read_total", topic="party.v1", result=result) == 1
    assert value(metrics, "weir_control_refused_total", reason="malformed") == 1
    assert value(metrics, "weir_txn_total", hop="control", result="commit") == 1


def test_closed_exceptions_are_counted_no_more(metrics: Metrics) -> None:
    """A reason without open exceptions has no series."""
    metrics.set_exceptions({"malformed": 2, "no_id": 1})
    metrics.set_exceptions({"malformed": 1})
    assert value(metrics, "weir_control_exceptions_open", reason="malformed") == 1
    assert value(metrics, "weir_control_exceptions_open", reason="no_id") is None


def test_stations_come_from_the_stopwatch(metrics: Metrics) -> None:
    """Only what was spent since it is watched counts; a transaction lasts from send to commit."""
    nanoseconds = iter([0, 1_000_000_000, 3_000_000_000, 4_000_000_000, 4_500_000_000])
    watch = Stopwatch(nanoseconds.__next__)
    watch.lap("read")
    metrics.watch("rate", watch)
    watch.lap("read")
    watch.lap("send")
    watch.lap("commit")
    metrics.observe_step("rate", rate_step(none=1), 99)
    assert value(metrics, "weir_station_seconds_total", hop="rate", station="read") == 2
    assert value(metrics, "weir_txn_duration_seconds_sum", hop="rate") == 1.5


def test_gaps_that_close_disappear(metrics: Metrics) -> None:
    """Numbers are counted over the epochs of a source; a source without gaps has no series."""
    metrics.set_missing({("MSC-1", 0): [(3, 5), (9, 9)], ("MSC-1", 1): [(0, 0)]})
    assert value(metrics, "weir_sequence_missing", source="MSC-1") == 5
    metrics.set_missing({})
    assert value(metrics, "weir_sequence_missing", source="MSC-1") is None


def test_a_checkout_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weir runs from a bare checkout too, and says that it does not know its version."""
    monkeypatch.setattr("ops.metrics.DISTRIBUTION", "not-a-distribution")
    text, _ = Metrics(lambda: NOW_US).exposition()
    assert b"weir_build_info{" in text
    assert b'version="unknown"' in text


def test_what_is_open_now_is_a_gauge(metrics: Metrics) -> None:
    """Suspended and quarantined are told by reason; what is rated is not among them."""
    exercise(metrics)
    assert value(metrics, "weir_suspended_events", reason="no_rate") == 3
    assert value(metrics, "weir_quarantined_events", reason="undecodable") == 2
    metrics.set_outcomes({(Outcome.SUSPENDED, Reason.NO_RATE): 0})
    assert value(metrics, "weir_suspended_events", reason="no_rate") == 0


def test_a_violated_invariant_is_counted_by_its_sentence(metrics: Metrics) -> None:
    """Whoever is woken reads which rule did not hold."""
    exercise(metrics)
    labels = {"invariant": "two and two are four"}
    assert value(metrics, "weir_invariant_violations_total", **labels) == 1


def test_streams_and_requests_are_counted(metrics: Metrics) -> None:
    """Open streams are a gauge, dropped ones and requests counters."""
    metrics.observe_streams(3)
    metrics.observe_streams(2, dropped=1)
    metrics.observe_request("/v1/accruals", "GET", 304)
    assert value(metrics, "weir_sse_clients") == 2
    assert value(metrics, "weir_sse_dropped_total") == 1
    labels = {"route": "/v1/accruals", "method": "GET", "code": "304"}
    assert value(metrics, "weir_http_requests_total", **labels) == 1


def test_a_clock_behind_the_log_makes_no_negative_age() -> None:
    """A message from the future is new, not of negative age."""
    metrics = Metrics(lambda: 0)
    metrics.observe_served(5)
    assert value(metrics, "weir_event_e2e_seconds_sum", stage="served") == 0
