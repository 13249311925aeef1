"""A process that settles what is on a Kafka broker and measures itself: both hops, one process.

It ends by itself once the accruals cover every partition of usage up to its end, and prints one
JSON document: rates, where the time went, and how long batches took to reach the accruals.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from ops.bench.report import Meter, percentile
from ops.engine import Engine, Pace
from ops.metrics import Metrics
from ops.reload import Reload, Taker, between_batches, fingerprint
from ops.state_hash import digest, rows
from schemas.reference import load
from schemas.topics import USAGE
from state.tables import build
from streams.kafka import KafkaLog
from streams.kafka_settings import KafkaSettings
from streams.privacy import Tokens
from streams.settle import Step

TOKEN_KEY = bytes(32)


class Progress:
    """Follows both hops; sets `done` when the accruals cover the ends."""

    def __init__(self, ends: Mapping[int, int], settlement_partitions: int) -> None:
        self.done = threading.Event()
        self.meter = Meter()
        self.latencies: list[tuple[float, int]] = []
        self.batches: list[int] = []
        self.transactions = {"rate": 0, "accrue": 0}
        self.engine: Engine | None = None
        self.measured: dict[str, float] = {}
        self.state_hash = ""
        self._ends = {f"{USAGE.name}/{p}": end for p, end in ends.items() if end}
        self._settlement_partitions = settlement_partitions
        self._waiting: list[tuple[dict[str, int], float, int]] = []
        self._lock = threading.Lock()

    def observe(self, hop: str, step: Step, seconds: float) -> None:
        """One step of a hop."""
        now, began = time.perf_counter(), step.began_ns / 1e9
        if step.result != "commit" or step.work is None:
            return
        with self._lock:
            self.transactions[hop] += 1
            if hop == "rate":
                if not self.batches:
                    self.meter.started = began
                covers = {f"{t}/{p}": o for (t, p), o in step.work.positions.items()}
                self._waiting.append((covers, began, step.work.events))
                self.batches.append(step.work.events)
            else:
                self._accrued(now)

    def _accrued(self, now: float) -> None:
        """Note which batches have reached the accruals of every settlement partition."""
        if self.engine is None:
            return
        memories = list(self.engine.accrue_hop.partitions.values())
        if len(memories) < self._settlement_partitions:
            return
        covered = {
            name: min(m.covers.get(name, 0) for m in memories) for name in memories[0].covers
        }
        rest = []
        for covers, began, events in self._waiting:
            if all(covered.get(name, 0) >= upto for name, upto in covers.items()):
                self.latencies.append((now - began, events))
            else:
                rest.append((covers, began, events))
        self._waiting = rest
        if all(covered.get(name, 0) >= end for name, end in self._ends.items()):
            # The clock stops here: the digest is for whoever measures and no part of settling.
            self.measured = self.meter.read(sum(self.batches))
            self.state_hash = digest(rows(self.engine.accrue_hop))
            self.done.set()


def main() -> None:
    """Settle and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--group", required=True)
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument(
        "--ends", required=True, help="next offset of each usage partition, as JSON"
    )
    parser.add_argument("--batch-events", type=int, default=Pace.rate_batch_events)
    parser.add_argument("--settlement-partitions", type=int, default=4)
    parser.add_argument("--follow", action="store_true", help="take over changed reference files")
    options = parser.parse_args()
    ends = {int(p): int(end) for p, end in json.loads(options.ends).items()}
    progress = Progress(ends, options.settlement_partitions)
    settings = KafkaSettings(brokers=options.brokers, group_prefix=options.group)
    seen, reference = fingerprint(options.reference), load(options.reference)
    tables = build(reference)
    with tempfile.TemporaryDirectory() as state:
        engine = Engine(
            tables,
            Tokens(TOKEN_KEY),
            Path(state),
            lambda hop, inputs: KafkaLog(settings, hop, inputs, overlap=True),
            Pace(rate_batch_events=options.batch_events),
            progress.observe,
        )
        progress.engine = engine
        progress.meter.start()
        if options.follow:
            takers = [
                Taker(between_batches(engine.accrue, engine.accrue_hop.use)),
                Taker(between_batches(engine.rate, engine.rate_hop.use)),
            ]
            metrics = Metrics(lambda: time.time_ns() // 1_000)
            reload = Reload(options.reference, reference, seen, takers, metrics)
            threading.Thread(target=reload.run, args=(progress.done,)).start()
        engine.run(progress.done)
        events = sum(progress.batches)
        document = {
            **progress.measured,
            "batch_events": events // max(1, len(progress.batches)),
            "transactions": progress.transactions,
            "state_hash": progress.state_hash,
            "reference": engine.rate_hop.tables.reference_id,
            "latency_p99_seconds": round(percentile(progress.latencies, 0.99), 3),
            "stations": {
                hop: {s: round(ns / events, 1) for s, ns in watch.stations.items()}
                for hop, watch in (("rate", engine.rate.watch), ("accrue", engine.accrue.watch))
            },
        }
    sys.stdout.write(json.dumps(document) + "\n")


if __name__ == "__main__":
    main()
