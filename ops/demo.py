"""The demo: seeded network traffic through all of Weir, in one process, with page and API.

Nothing is simulated but the network: the traffic is made from a seed, everything else is what runs
in production, on the embedded log. Run to the end once it prints totals that depend on the seed alone;
run live it streams at a rate and shows each partner's amount moving.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from api.app import create_app
from ops.embedded import Embedded
from ops.generate import messages, write_reference
from ops.generate_traffic import Traffic
from ops.metrics import Metrics
from ops.serve import Server, follow
from state.view import View
from schemas.topics import USAGE

BLOCK_EVENTS = 20_000
LIVE_BLOCKS_A_SECOND = 5
ENVELOPE_EVENTS = 100


@dataclass(frozen=True)
class Demo:
    """What traffic to make, and where to keep it."""

    seed: int
    events: int
    partners: int
    data: Path

    def open(self, metrics: Metrics | None = None) -> tuple[Traffic, Embedded]:
        """The traffic, and a data directory with its reference."""
        traffic = Traffic(self.seed, self.partners)
        reference = self.data / "demo-reference"
        write_reference(traffic, reference)
        if metrics is None:
            return traffic, Embedded(self.data, reference)
        return traffic, Embedded(self.data, reference, observe=metrics.observe_step)

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
        traffic, weir = self.open(metrics)
        for loop in (weir.engine.rate, weir.engine.accrue):
            metrics.watch(loop.hop.name, loop.watch)
        view = View(weir.tables)
        stop = threading.Event()
        server = Server(create_app(view, metrics, lambda: time.time_ns() // 1_000), host, port)
        failures: list[BaseException] = []

        def guarded(work: Callable[[], None]) -> Callable[[], None]:
            def run() -> None:
                try:
                    work()
                except BaseException as failure:  # noqa: BLE001 - raised by the main thread
                    failures.append(failure)
                    server.should_exit = True

            return run

        def announce() -> None:
            while not server.started and not stop.is_set():
                time.sleep(0.02)
            if server.started:
                ready(f"http://{host}:{server.port}/")

        tail = weir.store.tail(View.topics)
        jobs = {
            "engine": lambda: weir.engine.run(stop),
            "view": lambda: follow(view, tail, metrics, stop),
            "network": lambda: self._send(traffic, weir, rate, stop),
            "announce": announce,
        }
        threads = [threading.Thread(target=guarded(job), name=n) for n, job in jobs.items()]
        for thread in threads:
            thread.start()
        try:
            server.run()
        finally:
            stop.set()
            for thread in threads:
                thread.join()
            weir.project()
            weir.store.close()
        if failures:
            raise failures[0]

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
