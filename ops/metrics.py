"""Metrics: every Prometheus name, unit and label of Weir in one list.

A metric is here because an alert, a panel or a question stands behind it. Units are base units
(seconds, events), counters end in `_total`, and moments are exported as timestamps rather than
ages, so that a process that has stopped shows as ageing. Labels are bounded: sources, hops and
routes are, subscribers and events are not. Every `Metrics` has a registry of its own.

Counters start at zero with the process. What is kept over restarts (how much is suspended now) is a
gauge, set from the hop's memory.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from schemas.codes import Outcome
from schemas.topics import CONTRIBUTIONS
from state.invariants import observe
from state.usage_memory import Delta, OutcomeKey
from streams.contribution import from_bytes
from streams.control.taking import Delta as ControlDelta
from streams.settle import Step, Stopwatch

DISTRIBUTION = "weir-settlement"
MICROSECONDS = 1_000_000
NANOSECONDS = 1_000_000_000

# From a transaction on an idle machine to the longest that Kafka lets one be open.
TXN_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
# The objective is one second; what lies behind a backlog may be hours old.
E2E_SECONDS = (0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 30, 60, 300, 3_600)
BATCH_EVENTS = (1, 10, 100, 1_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000)

# The transaction itself, among the stations of a step; the rest of the step is computing.
TXN_STATIONS = ("send", "commit")


class Metrics:
    """All metrics of one process, and how what happens becomes one."""

    def __init__(self, now_us: Callable[[], int]) -> None:
        """Make the metrics.

        Args:
            now_us: the wall clock in microseconds since the epoch, to tell how old messages are.
        """
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._now_us = now_us
        self._watches: dict[str, Stopwatch] = {}
        self._stations: dict[str, dict[str, int]] = {}
        self.registry = CollectorRegistry()
        self._define_run()
        self._define_usage()
        self._define_control()
        self._define_memory()
        self._define_serving()
        observe(lambda sentence: self.invariant_violations.labels(sentence).inc())

    def _define_run(self) -> None:
        """What the process is and how its loops turn."""
        registry = self.registry
        build = Info("weir_build", "The version that runs.", registry=registry)
        build.info(
            {
                "version": _version(DISTRIBUTION),
                "python": platform.python_version(),
                "confluent_kafka": _version("confluent-kafka"),
            }
        )
        self.txn = Counter(
            "weir_txn_total",
            "Transactions by how they ended: commit, abort, unknown or fenced.",
            ["hop", "result"],
            registry=registry,
        )
        self.txn_duration = Histogram(
            "weir_txn_duration_seconds",
            "Time from the first message sent in a transaction to its commit.",
            ["hop"],
            buckets=TXN_SECONDS,
            registry=registry,
        )
        self.station = Counter(
            "weir_station_seconds_total",
            "Time spent in each station of a hop.",
            ["hop", "station"],
            registry=registry,
        )
        self.reference_refused = Counter(
            "weir_reference_refused_total",
            "Times that changed reference files were refused; those in force stayed.",
            registry=registry,
        )
        self.invariant_violations = Counter(
            "weir_invariant_violations_total",
            "Times that Weir was wrong about itself and stopped; must stay 0.",
            ["invariant"],
            registry=registry,
        )

    def _define_usage(self) -> None:
        """What was read, and what became of it."""
        registry = self.registry
        self.consumed = Counter(
            "weir_events_consumed_total", "Usage events read and committed.", registry=registry
        )
        self.outcome = Counter(
            "weir_events_outcome_total",
            "Usage events by outcome and reason; one that is tried again counts again.",
            ["outcome", "reason"],
            registry=registry,
        )
        self.losses = Counter(
            "weir_rated_losses_total",
            "Usage events that the operator pays more for than it is owed.",
            registry=registry,
        )
        self.batch_events = Histogram(
            "weir_batch_events",
            "Usage events in one transaction of the rate hop.",
            buckets=BATCH_EVENTS,
            registry=registry,
        )
        self.e2e = Histogram(
            "weir_event_e2e_seconds",
            "Age of a batch's oldest usage when rated (stage committed) and when in an accrual"
            " (accrued); age of an accrual when it can be queried (served).",
            ["stage"],
            buckets=E2E_SECONDS,
            registry=registry,
        )
        self.watermark = Gauge(
            "weir_watermark_timestamp_seconds",
            "Newest event time that each source has reported.",
            ["source"],
            registry=registry,
        )
        self.sequence_missing = Gauge(
            "weir_sequence_missing",
            "Numbers of each source that never arrived although later ones did.",
            ["source"],
            registry=registry,
        )
        self.suspended = Gauge(
            "weir_suspended_events",
            "Usage events that are suspended now, by reason.",
            ["reason"],
            registry=registry,
        )
        self.quarantined = Gauge(
            "weir_quarantined_events",
            "Records quarantined since the data directory or topics began, by reason.",
            ["reason"],
            registry=registry,
        )

    def _define_control(self) -> None:
        """What masters told, and what became of it."""
        registry = self.registry
        self.control_read = Counter(
            "weir_control_read_total",
            "Changes that masters told, by topic and result: taken, repeated, refused, ignored.",
            ["topic", "result"],
            registry=registry,
        )
        self.control_refused = Counter(
            "weir_control_refused_total",
            "Notifications, or parts of them, that were refused, by reason.",
            ["reason"],
            registry=registry,
        )
        self.control_exceptions = Gauge(
            "weir_control_exceptions_open",
            "Refused notifications that wait to be mended and sent again, by reason.",
            ["reason"],
            registry=registry,
        )

    def _define_memory(self) -> None:
        """What is held in memory."""
        registry = self.registry
        self.sessions = Gauge(
            "weir_sessions_open",
            "Sessions whose partial records are remembered.",
            registry=registry,
        )
        self.accrual_rows = Gauge(
            "weir_accrual_rows", "Accrual rows held in memory.", registry=registry
        )

    def _define_serving(self) -> None:
        """What is asked of page and API."""
        registry = self.registry
        self.sse_clients = Gauge(
            "weir_sse_clients", "Live streams that are open now.", registry=registry
        )
        self.sse_dropped = Counter(
            "weir_sse_dropped_total",
            "Live streams ended because the client did not read.",
            registry=registry,
        )
        self.http_requests = Counter(
            "weir_http_requests_total",
            "Requests answered, by route.",
            ["route", "method", "code"],
            registry=registry,
        )

    def watch(self, hop: str, stopwatch: Stopwatch) -> None:
        """Take the stations of a hop from its stopwatch at each step from now on."""
        self._watches[hop] = stopwatch
        self._stations[hop] = dict(stopwatch.stations)

    def observe_step(self, hop: str, step: Step, seconds: float) -> None:
        """Count one turn of a loop: its transaction, its stations and what it settled.

        Args:
            hop: control, rate or accrue.
            step: what the turn did.
            seconds: how long it took, waiting included; taken as the transaction's duration only
                where no stopwatch of the hop is watched.
        """
        spent = self._laps(hop)
        if step.result == "idle":
            return
        self.txn.labels(hop, step.result).inc()
        if hop in self._watches:
            seconds = sum(spent.get(s, 0) for s in TXN_STATIONS) / NANOSECONDS
        self.txn_duration.labels(hop).observe(seconds)
        if step.result != "commit" or step.work is None:
            return
        if isinstance(step.work.delta, ControlDelta):
            self.observe_control(step.work.delta)
        elif isinstance(step.work.delta, Delta):
            self._observe_rate(step, step.work.delta)
        else:
            self._observe_accrue(step)

    def _laps(self, hop: str) -> dict[str, int]:
        """Nanoseconds by station since the last step."""
        if hop not in self._watches:
            return {}
        now, before = dict(self._watches[hop].stations), self._stations[hop]
        self._stations[hop] = now
        spent = {station: ns - before.get(station, 0) for station, ns in now.items()}
        for station, ns in spent.items():
            self.station.labels(hop, station).inc(ns / NANOSECONDS)
        return spent

    def _observe_rate(self, step: Step, delta: Delta) -> None:
        """Outcomes, watermarks and the age of what was rated."""
        events = 0
        for tally in delta.outcomes.values():
            for (outcome, reason), count in tally.items():
                events += count
                # Usage that is tried again leaves its old outcome: that is no event of its own.
                if count > 0:
                    self.outcome.labels(outcome.label, reason.label).inc(count)
        self.consumed.inc(max(0, events))
        self.batch_events.observe(events)
        self.losses.inc(delta.losses)
        for marks in delta.watermarks.values():
            for source, event_time_us in marks.items():
                self.watermark.labels(source).set(event_time_us / MICROSECONDS)
        self._age("committed", min(s.timestamp_us for s in step.segments))

    def observe_control(self, delta: ControlDelta) -> None:
        """What became of the notifications of a batch that is on the log."""
        for (topic, result), count in delta.counts.items():
            self.control_read.labels(topic, result).inc(count)
        for reason, count in delta.reasons.items():
            self.control_refused.labels(reason).inc(count)

    def _observe_accrue(self, step: Step) -> None:
        """The age of the oldest usage in the blocks that were folded in."""
        times = [
            from_bytes(value).log_time_us
            for segment in step.segments
            if segment.topic == CONTRIBUTIONS.name
            for value in segment.values[:1]
            if value is not None
        ]
        if times:
            self._age("accrued", min(times))

    def _age(self, stage: str, then_us: int) -> None:
        self.e2e.labels(stage).observe(max(0, self._now_us() - then_us) / MICROSECONDS)

    def observe_fenced(self, hop: str) -> None:
        """Count that another owner has taken over."""
        self.txn.labels(hop, "fenced").inc()

    def observe_reference_refused(self) -> None:
        """Count that changed reference files were not taken."""
        self.reference_refused.inc()

    def observe_served(self, timestamp_us: int) -> None:
        """Note that accruals logged at `timestamp_us` can be queried now."""
        self._age("served", timestamp_us)

    def observe_request(self, route: str, method: str, code: int) -> None:
        """Count a request by the template of its route, never by its path."""
        self.http_requests.labels(route, method, str(code)).inc()

    def observe_streams(self, open_now: int, dropped: int = 0) -> None:
        """Note how many live streams are open, and how many were just dropped."""
        self.sse_clients.set(open_now)
        self.sse_dropped.inc(dropped)

    def set_outcomes(self, outcomes: Mapping[OutcomeKey, int]) -> None:
        """What is suspended and quarantined now, from the rate hop's `outcomes()`."""
        for (outcome, reason), count in outcomes.items():
            if outcome is Outcome.SUSPENDED:
                self.suspended.labels(reason.label).set(count)
            elif outcome is Outcome.QUARANTINED:
                self.quarantined.labels(reason.label).set(count)

    def set_missing(self, missing: Mapping[tuple[str, int], list[tuple[int, int]]]) -> None:
        """Open gaps, from the rate hop's `memory.missing()`: closed ranges by source and epoch."""
        counts: dict[str, int] = {}
        for (source, _), ranges in missing.items():
            counts[source] = counts.get(source, 0) + sum(b - a + 1 for a, b in ranges)
        self.sequence_missing.clear()
        for source, count in counts.items():
            self.sequence_missing.labels(source).set(count)

    def set_exceptions(self, exceptions: Mapping[str, int]) -> None:
        """How many exceptions are open, by reason; a reason that is not named has none."""
        self.control_exceptions.clear()
        for reason, count in exceptions.items():
            self.control_exceptions.labels(reason).set(count)

    def set_sessions(self, sessions: int) -> None:
        """How many sessions the rate hop remembers."""
        self.sessions.set(sessions)

    def set_accrual_rows(self, rows: int) -> None:
        """How many accrual rows the accrue hop holds."""
        self.accrual_rows.set(rows)

    def exposition(self) -> tuple[bytes, str]:
        """All metrics as Prometheus reads them, and the type of that text."""
        return generate_latest(self.registry), CONTENT_TYPE_PLAIN_0_0_4


def _version(distribution: str) -> str:
    """The version of an installed distribution; a bare checkout has none."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"
