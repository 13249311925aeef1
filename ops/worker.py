"""A worker: one or both hops on Kafka, until told to stop.

Any number of workers share the partitions through their consumer groups. A worker that is told to
stop finishes its batch, gives its partitions back and ends; one that is fenced or finds an
invariant broken ends with an error, since another one goes on from what is committed. Reference
files that change are taken over while it runs (`ops/reload.py`), and a copy of each is kept.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import start_http_server

from ops.config import Settings, token_key
from ops.embedded import keep_reference
from ops.engine import Pace, accrue_loop, rate_loop, run
from ops.gauges import Gauges
from ops.logs import logger
from ops.metrics import Metrics
from ops.reload import Fingerprint, Reload, Taker, between_batches, fingerprint
from ops.serve import on_signals
from schemas.reference import Reference, load
from state.tables import Tables, build
from streams.accrue_hop import AccrueHop
from streams.kafka import KafkaLog
from streams.kafka_settings import KafkaSettings
from streams.log import Fenced
from streams.privacy import Tokens
from streams.rate_hop import RateHop
from streams.settle import Loop, Step

LOG = logger("weir.worker")
HOPS = (RateHop.name, AccrueHop.name)

# Rating by a new version may begin once every worker that accrues knows it.
RATE_PATIENCE_SECONDS = 5.0


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
        seen, reference = fingerprint(self.reference), load(self.reference)
        self._keep(reference, self.reference)
        loops, gauges = self._loops(build(reference)), Gauges(self.metrics)
        for loop in loops:
            gauges.watch(loop)
        if self.settings.metrics_port:
            start_http_server(
                self.settings.metrics_port, self.settings.metrics_host, self.metrics.registry
            )

        def observe(hop: str, step: Step, seconds: float) -> None:
            gauges.observe(hop, step, seconds)
            self._warn(hop, step)

        following = self._following(reference, seen, loops, stop)
        LOG.info("started", hops=list(self.hops), slot=self.settings.slot)
        following.start()
        try:
            run(loops, stop, observe)
        except Fenced:
            for hop in self.hops:
                self.metrics.observe_fenced(hop)
            raise
        finally:
            stop.set()
            following.join()
        LOG.info("stopped")

    def _following(
        self, reference: Reference, seen: Fingerprint, loops: Sequence[Loop], stop: threading.Event
    ) -> threading.Thread:
        """A thread that takes changed reference files over: accruing first, then rating."""
        takers = []
        for loop in reversed(loops):
            if isinstance(loop.hop, RateHop | AccrueHop):
                patience = RATE_PATIENCE_SECONDS if isinstance(loop.hop, RateHop) else 0
                takers.append(Taker(between_batches(loop, loop.hop.use), patience))
        reload = Reload(self.reference, reference, seen, takers, self.metrics, self._keep)
        return threading.Thread(target=reload.run, args=(stop,), name="reload")

    def _keep(self, reference: Reference, files: Path) -> None:
        """Keep what is rated by: whoever verifies needs every reference that was."""
        if RateHop.name in self.hops:
            keep_reference(self.settings.data, reference, files)

    def _loops(self, tables: Tables) -> list[Loop]:
        s = self.settings
        kafka = KafkaSettings(brokers=s.brokers, slot=s.slot, compression=s.compression)
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
