"""Metrics that are a state and not an event, refreshed now and then from the hops themselves.

They are read in the thread of the hop that they belong to, between two batches, where its memory
stands still.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ops.metrics import Metrics
from streams.accrue_hop import AccrueHop
from streams.control.control_hop import ControlHop
from streams.rate_hop import RateHop
from streams.settle import Hop, Loop, Step

REFRESH_SECONDS = 5.0


class Gauges:
    """An observer of loops: every step is counted, the gauges follow every few seconds."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._clock = clock
        self._hops: dict[str, Hop] = {}
        self._due: dict[str, float] = {}

    def watch(self, loop: Loop) -> None:
        """Follow a loop's hop and its stopwatch."""
        self._hops[loop.hop.name] = loop.hop
        self._metrics.watch(loop.hop.name, loop.watch)

    def observe(self, hop: str, step: Step, seconds: float) -> None:
        """One step of a loop."""
        self._metrics.observe_step(hop, step, seconds)
        if self._clock() >= self._due.get(hop, 0.0):
            self._due[hop] = self._clock() + REFRESH_SECONDS
            self._refresh(self._hops.get(hop))

    def _refresh(self, hop: Hop | None) -> None:
        if isinstance(hop, RateHop):
            self._metrics.set_outcomes(hop.outcomes())
            self._metrics.set_missing(hop.memory.missing())
            self._metrics.set_sessions(sum(len(m.sessions) for m in hop.memory.partitions.values()))
        elif isinstance(hop, AccrueHop):
            self._metrics.set_accrual_rows(sum(len(m.balances) for m in hop.partitions.values()))
        elif isinstance(hop, ControlHop):
            self._metrics.set_exceptions(hop.memory.open_exceptions())
