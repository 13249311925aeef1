"""A worker: one or both hops on Kafka, until told to stop.

Any number of workers share the partitions through their consumer groups. A worker that is told to
stop finishes its batch, gives its partitions back and ends; one that is fenced or finds an
invariant broken ends with an error, since another one goes on from what is committed.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import start_http_server

from ops.config import Settings, token_key
from ops.engine import Pace, accrue_loop, rate_loop, run
from ops.gauges import Gauges
from ops.logs import logger
from ops.metrics import Metrics
from ops.serve import on_signals
from schemas.reference import load
from state.tables import build
from streams.accrue_hop import AccrueHop
from streams.kafka import KafkaLog
from streams.kafka_settings import KafkaSettings
from streams.log import Fenced
from streams.privacy import Tokens
from streams.rate_hop import RateHop
from streams.settle import Loop, Step

LOG = logger("weir.worker")
HOPS = (RateHop.name, AccrueHop.name)


@dataclass(frozen=True)
class Worker:
    """What a worker runs with."""

    settings: Settings
    reference: Path
    metrics: Metrics
    hops: Sequence[str] = HOPS

    def run(self) -> None:
        """Settle until a signal comes.

        Raises:
            Fenced: a newer worker has this slot.
            InvariantViolation: Weir is wrong about itself; nothing of the batch was committed.
        """
        stop = threading.Event()
        on_signals(stop.set)
        loops, gauges = self._loops(), Gauges(self.metrics)
        for loop in loops:
            gauges.watch(loop)
        if self.settings.metrics_port:
            start_http_server(
                self.settings.metrics_port, self.settings.metrics_host, self.metrics.registry
            )

        def observe(hop: str, step: Step, seconds: float) -> None:
            gauges.observe(hop, step, seconds)
            self._warn(hop, step)

        LOG.info("started", hops=list(self.hops), slot=self.settings.slot)
        try:
            run(loops, stop, observe)
        except Fenced:
            for hop in self.hops:
                self.metrics.observe_fenced(hop)
            raise
        LOG.info("stopped")

    def _loops(self) -> list[Loop]:
        s = self.settings
        kafka = KafkaSettings(brokers=s.brokers, slot=s.slot, compression=s.compression)
        tables = build(load(self.reference))
        pace = Pace(
            rate_batch_events=s.rate_batch_events,
            rate_linger_seconds=s.rate_linger_seconds,
            accrue_batch_blocks=s.accrue_batch_blocks,
            accrue_cadence_seconds=s.accrue_cadence_seconds,
        )
        loops: list[Loop] = []
        if RateHop.name in self.hops:
            log = KafkaLog(kafka, RateHop.name, RateHop.inputs, overlap=True)
            tokens = Tokens(token_key(s.token_key_path))
            loops.append(rate_loop(tables, tokens, s.data / f"state-{s.slot}", log, pace)[0])
        if AccrueHop.name in self.hops:
            log = KafkaLog(kafka, AccrueHop.name, AccrueHop.inputs, overlap=True)
            idle = loops[0].idle if loops else None
            loops.append(accrue_loop(tables, log, pace, idle)[0])
        return loops

    @staticmethod
    def _warn(hop: str, step: Step) -> None:
        """Log what did not commit."""
        if step.result in ("abort", "unknown"):
            LOG.warning("transaction", hop=hop, result=step.result)
