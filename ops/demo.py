"""The demo: seeded network traffic through all of Weir, in one process, with page and API.

Nothing is simulated but the network: the traffic is made from a seed, everything else is what runs
in production, on the embedded log. Run to the end once it prints totals that depend on the seed
alone; run live it streams at a rate and shows each partner's amount moving.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from api.app import create_app
from api.page import PageOptions
from ops.embedded import Embedded
from ops.engine import Observer, ignore
from ops.gauges import Gauges
from ops.generate import messages, write_reference
from ops.generate_traffic import Traffic
from ops.metrics import Metrics
from ops.reload import Taker, at_once, fingerprint
from ops.serve import Server, follow
from schemas.reference import load
from schemas.topics import USAGE
from state.view import View

BLOCK_EVENTS = 20_000
LIVE_BLOCKS_A_SECOND = 5
NOTICE = "Simulated network traffic, settled by everything that runs in production."
ENVELOPE_EVENTS = 100


@dataclass(frozen=True)
class Demo:
    """What traffic to make, and where to keep it."""

    seed: int
    events: int
    partners: int
    data: Path

    def open(self, observe: Observer = ignore) -> tuple[Traffic, Embedded]:
        """The traffic, and a data directory with its reference."""
        traffic = Traffic(self.seed, self.partners)
        reference = self.data / "demo-reference"
        write_reference(traffic, reference)
        return traffic, Embedded(self.data, reference, observe=observe)

    def once(self, progress: Callable[[int], None]) -> Embedded:
        """Settle all of it as fast as it goes; the data directory is left open."""
        traffic, weir = self.open()
        partitions = weir.store.partitions(USAGE.name)
        for block in traffic.blocks(self.events, BLOCK_EVENTS):
            for partition, batch in sorted(messages(block, partitions, ENVELOPE_EVENTS).items()):
                weir.append(partition, batch)
            weir.drain()
            progress(len(block))
        return weir

    def live(self, rate: int, host: str, port: int, ready: Callable[[str], None]) -> None:
        """Stream it at a rate of events a second and serve page and API until interrupted."""
        metrics = Metrics(lambda: time.time_ns() // 1_000)
        gauges = Gauges(metrics)
        traffic, weir = self.open(gauges.observe)
        for loop in weir.engine.loops:
            gauges.watch(loop)
        view = View(weir.tables)
        stop = threading.Event()
        files = self.data / "demo-reference"
        reload = weir.following(files, fingerprint(files), metrics, Taker(at_once(view.use)))
        titles = {p.partner: p.name for p in load(files).partners}
        options = PageOptions(titles, NOTICE, "updated_at")
        app = create_app(view, metrics, lambda: time.time_ns() // 1_000, options)
        server = Server(app, host, port)
        tail = weir.store.tail(View.topics)
        jobs = {
            "engine": lambda: weir.engine.run(stop),
            "view": lambda: follow(view, tail, metrics, stop),
            "reference": lambda: reload.run(stop),
            "network": lambda: self._send(traffic, weir, rate, stop),
        }
        try:
            server.run_beside(jobs, stop, ready)
        finally:
            weir.project()
            weir.store.close()

    def _send(self, traffic: Traffic, weir: Embedded, rate: int, stop: threading.Event) -> None:
        """Put blocks on the log, on time: each at the moment its first event is due."""
        partitions = weir.store.partitions(USAGE.name)
        block_events = max(1, rate // LIVE_BLOCKS_A_SECOND)
        began, sent = time.monotonic(), 0
        for block in traffic.blocks(self.events, block_events):
            if stop.wait(max(0.0, began + sent / rate - time.monotonic())):
                return
            for partition, batch in sorted(messages(block, partitions, ENVELOPE_EVENTS).items()):
                weir.append(partition, batch)
            sent += len(block)
