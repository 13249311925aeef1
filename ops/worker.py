"""A worker: one or both hops on Kafka, until told to stop.

Any number of workers share the partitions through their consumer groups. A worker that is told to
stop finishes its batch, gives its partitions back and ends; one that is fenced or finds an
invariant broken ends with an error, since another one goes on from what is committed. Reference
files that change are taken over while it runs (`ops/reload.py`), and a copy of each is kept.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import start_http_server

from ops.config import Settings, token_key
from ops.embedded import current_kept, keep_reference
from ops.engine import Pace, accrue_loop, rate_loop, run
from ops.follow import Follower, Tail
from ops.gauges import Gauges
from ops.logs import logger
from ops.metrics import Metrics
from ops.reading import kept_references
from ops.reload import Fingerprint, Reload, Taker, begin, between_batches, fingerprint
from ops.retry import Again, Retry
from ops.serve import on_signals
from schemas.decks import Parsed
from schemas.reference import Reference, load
from schemas.topics import RECYCLE, REFERENCE, SUSPENSE
from state.tables import Tables, build
from streams.accrue_hop import AccrueHop
from streams.kafka import KafkaLog
from streams.kafka_admin import KafkaAppender
from streams.kafka_reader import Bounds, read_through, tail
from streams.kafka_settings import KafkaSettings
from streams.log import Fenced, Message, Segment
from streams.privacy import Tokens
from streams.rate_hop import RateHop
from streams.settle import Loop, Step

LOG = logger("weir.worker")
HOPS = (RateHop.name, AccrueHop.name)

# Rating by new files may begin once every worker that accrues has them. An accrue loop waits for
# terms that it does not know, so this spares waiting and restarts, and no figure depends on it.
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
        kept, seen = kept_references(self.settings.data), fingerprint(self.reference)
        parsed = Parsed()
        load(self.reference, parsed)  # what is wrong with it is said before anybody is asked
        follower = Follower(self._tail(), self.reference, current_kept(kept), parsed)
        reference = begin(follower, self.reference, current_kept(kept), self._keep)
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

        reload = self._reload(reference, seen, loops, follower)
        following = threading.Thread(target=self._follow, args=(reload, stop), name="reload")
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
            follower.close()
        LOG.info("stopped")

    @staticmethod
    def _follow(reload: Reload, stop: threading.Event) -> None:
        """Follow reference; a worker that no longer can would settle by what is out of date."""
        try:
            reload.run(stop)
        finally:
            stop.set()

    def _kafka(self) -> KafkaSettings:
        s = self.settings
        return KafkaSettings(brokers=s.brokers, slot=s.slot, compression=s.compression)

    def _tail(self) -> Tail:
        """What masters told, from the beginning."""
        return tail(self._kafka(), [REFERENCE.name])

    def _reload(
        self, reference: Reference, seen: Fingerprint, loops: Sequence[Loop], follower: Follower
    ) -> Reload:
        """What takes changed reference over: accruing first, then rating, then what waited."""
        takers = []
        for loop in reversed(loops):
            if isinstance(loop.hop, RateHop | AccrueHop):
                patience = RATE_PATIENCE_SECONDS if isinstance(loop.hop, RateHop) else 0
                takers.append(Taker(between_batches(loop, loop.hop.use), patience))
        reload = Reload(
            *(self.reference, reference, seen, takers, self.metrics, self._keep), follower=follower
        )
        for loop in loops:
            if isinstance(loop.hop, RateHop):
                reload.again = Again(self._retry(), loop, loop.hop)
        return reload

    def _retry(self) -> Retry:
        """What asks for suspended usage to be tried again."""
        s, kafka = self.settings, self._kafka()
        bounds = Bounds(kafka, "retry")

        def read(partition: int) -> Iterator[Segment]:
            """A partition of what waits, to its end."""
            place = (SUSPENSE.name, partition)
            return read_through(kafka, place, bounds.of([place])[place], 0)

        def append(partition: int, messages: list[Message]) -> None:
            """Requests to try again."""
            with KafkaAppender(kafka) as appender:
                appender.append(RECYCLE.name, partition, messages)

        note = s.data / f"state-{s.slot}" / "retried.json"
        return Retry(note, kept_references(s.data), read, append)

    def _keep(self, reference: Reference, files: Path) -> None:
        """Keep what is rated by: whoever verifies needs every reference that was."""
        if RateHop.name in self.hops:
            keep_reference(self.settings.data, reference, files)

    def _loops(self, tables: Tables) -> list[Loop]:
        s = self.settings
        kafka = self._kafka()
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
