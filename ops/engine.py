"""The engine: both hops on one log, in one process.

Everything that settles runs through here, whatever the log is: the embedded run of a few files, the
demo, a Kafka worker and the benchmarks differ only in the logs they bring and in how they turn the
two loops. By turns in one thread, both loops are exhausted together (`drain`); in two threads, one
for each, they run until they are told to stop (`run`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from schemas.topics import CONTRIBUTIONS, USAGE
from state.tables import Tables
from streams.accrue_hop import AccrueHop
from streams.log import Log
from streams.privacy import Tokens
from streams.rate_hop import RateHop
from streams.settle import Loop, Step, Stopwatch

OpenHop = Callable[[str, Sequence[str]], Log]
Observer = Callable[[str, Step, float], None]


@dataclass(frozen=True)
class Pace:
    """How much a loop reads at once and how long it waits to fill a batch."""

    rate_batch_events: int = 65_536
    rate_linger_seconds: float = 0.1
    accrue_batch_blocks: int = 1_000
    accrue_linger_seconds: float = 0.25


def ignore(hop: str, step: Step, seconds: float) -> None:
    """An observer that looks away."""


class Engine:
    """Both loops, their hops and their stopwatches."""

    def __init__(
        self,
        tables: Tables,
        tokens: Tokens,
        state_directory: Path,
        open_hop: OpenHop,
        pace: Pace = Pace(),  # noqa: B008 - immutable
        observe: Observer = ignore,
    ) -> None:
        self.rate_watch = Stopwatch(time.perf_counter_ns)
        self.accrue_watch = Stopwatch(time.perf_counter_ns)
        rate_log = open_hop(RateHop.name, RateHop.inputs)
        accrue_log = open_hop(AccrueHop.name, AccrueHop.inputs)
        self.rate_hop = RateHop(
            tables,
            tokens,
            state_directory,
            rate_log.partitions(USAGE.name),
            rate_log.partitions(CONTRIBUTIONS.name),
            self.rate_watch,
        )
        self.accrue_hop = AccrueHop(tables, self.accrue_watch)
        self.rate = Loop(
            self.rate_hop,
            rate_log,
            self.rate_watch,
            pace.rate_batch_events,
            pace.rate_linger_seconds,
        )
        self.accrue = Loop(
            self.accrue_hop,
            accrue_log,
            self.accrue_watch,
            pace.accrue_batch_blocks,
            pace.accrue_linger_seconds,
        )
        self._observe = observe
        self._failure: BaseException | None = None

    def turn(self, loop: Loop, linger_seconds: float | None = None) -> Step:
        """One step of one loop, observed."""
        started = time.perf_counter()
        step = loop.step(linger_seconds)
        self._observe(loop.hop.name, step, time.perf_counter() - started)
        return step

    def drain(self) -> None:
        """Settle everything that is on the log, by turns, until both loops are idle."""
        while True:
            rate = self.turn(self.rate, 0)
            accrue = self.turn(self.accrue, 0)
            if rate.result == "idle" and accrue.result == "idle":
                return

    def run(self, stop: threading.Event) -> None:
        """Both loops in threads of their own until `stop` is set.

        Raises:
            BaseException: whatever ended a loop; the other one is stopped first.
        """
        threads = [
            threading.Thread(target=self._loop, args=(loop, stop), name=loop.hop.name)
            for loop in (self.rate, self.accrue)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._failure is not None:
            raise self._failure

    def _loop(self, loop: Loop, stop: threading.Event) -> None:
        try:
            while not stop.is_set():
                self.turn(loop)
        except BaseException as failure:  # noqa: BLE001 - handed to the caller of run
            self._failure = failure
            stop.set()
        finally:
            loop.close()

    def close(self) -> None:
        """Close both loops."""
        self.rate.close()
        self.accrue.close()
