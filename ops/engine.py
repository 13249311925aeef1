"""The engine: all hops on one log, in one process.

Everything that settles runs through here, whatever the log is: the embedded run of a few files, the
demo, a Kafka worker and the benchmarks differ only in the logs they bring and in how they turn the
loops. By turns in one thread, all loops are exhausted together (`drain`); in threads, one for each,
they run until they are told to stop (`run`). The control hop is one of them in a data directory; on
Kafka it is a process of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ops.process import keep_memory, settle_down
from schemas.topics import CONTRIBUTIONS, USAGE
from state.tables import Tables
from streams.accrue_hop import AccrueHop
from streams.control.control_hop import ControlHop
from streams.log import Log
from streams.privacy import Tokens
from streams.rate_hop import RateHop
from streams.settle import Cadence, Loop, Step, Stopwatch

OpenHop = Callable[[str, Sequence[str]], Log]
Observer = Callable[[str, Step, float], None]


@dataclass(frozen=True)
class Pace:
    """How much a loop reads at once and how long it waits to fill a batch."""

    rate_batch_events: int = 131_072
    rate_linger_seconds: float = 0.1
    accrue_batch_blocks: int = 1_000
    accrue_linger_seconds: float = 0.05
    accrue_cadence_seconds: float = 0.3
    accrue_cadence_max_seconds: float = 1.0
    control_batch_messages: int = 1_000
    control_linger_seconds: float = 0.05


def ignore(hop: str, step: Step, seconds: float) -> None:
    """An observer that looks away."""


def rate_loop(
    tables: Tables, tokens: Tokens, state_directory: Path, log: Log, pace: Pace
) -> tuple[Loop, RateHop]:
    """The first hop on its log."""
    watch = Stopwatch(time.perf_counter_ns)
    counts = log.partitions(USAGE.name), log.partitions(CONTRIBUTIONS.name)
    hop = RateHop(tables, tokens, state_directory, *counts, watch)
    return Loop(hop, log, watch, pace.rate_batch_events, pace.rate_linger_seconds), hop


def accrue_loop(
    tables: Tables, log: Log, pace: Pace, pause_until: threading.Event | None = None
) -> tuple[Loop, AccrueHop]:
    """The second hop on its log; it pauses while the first one in this process is busy."""
    watch = Stopwatch(time.perf_counter_ns)
    hop = AccrueHop(tables, watch)
    cadence = Cadence(pace.accrue_cadence_seconds, pace.accrue_cadence_max_seconds)
    batch = pace.accrue_batch_blocks, pace.accrue_linger_seconds
    return Loop(hop, log, watch, *batch, cadence, pause_until, hop.is_ready), hop


def control_loop(log: Log, pace: Pace) -> tuple[Loop, ControlHop]:
    """The hop that takes in what masters tell, on its log."""
    watch = Stopwatch(time.perf_counter_ns)
    hop = ControlHop(watch)
    return Loop(hop, log, watch, pace.control_batch_messages, pace.control_linger_seconds), hop


def turn(loop: Loop, observe: Observer, linger_seconds: float | None = None) -> Step:
    """One step of one loop, observed."""
    started = time.perf_counter()
    step = loop.step(linger_seconds)
    observe(loop.hop.name, step, time.perf_counter() - started)
    return step


def run(loops: Sequence[Loop], stop: threading.Event, observe: Observer) -> None:
    """Loops in threads of their own until `stop` is set; all are closed at the end.

    Raises:
        BaseException: what ended one of them; the others are stopped first.
    """
    settle_down()
    failures: list[BaseException] = []

    def work(loop: Loop) -> None:
        try:
            while not stop.is_set():
                turn(loop, observe)
        except BaseException as failure:  # noqa: BLE001 - raised again by the caller's thread
            failures.append(failure)
            stop.set()
        finally:
            loop.close()

    threads = [threading.Thread(target=work, args=(loop,), name=loop.hop.name) for loop in loops]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


class Engine:
    """All loops of one process; `control` is None where another process takes changes in."""

    def __init__(
        self,
        tables: Tables,
        tokens: Tokens,
        state_directory: Path,
        open_hop: OpenHop,
        pace: Pace = Pace(),
        observe: Observer = ignore,
        *,
        controls: bool = False,
    ) -> None:
        keep_memory()
        self.control: Loop | None = None
        self.control_hop: ControlHop | None = None
        if controls:
            control_log = open_hop(ControlHop.name, ControlHop.inputs)
            self.control, self.control_hop = control_loop(control_log, pace)
        rate_log = open_hop(RateHop.name, RateHop.inputs)
        self.rate, self.rate_hop = rate_loop(tables, tokens, state_directory, rate_log, pace)
        accrue_log = open_hop(AccrueHop.name, AccrueHop.inputs)
        self.accrue, self.accrue_hop = accrue_loop(tables, accrue_log, pace, self.rate.idle)
        self._observe = observe

    @property
    def loops(self) -> tuple[Loop, ...]:
        """All loops, the control loop first."""
        return (*([] if self.control is None else [self.control]), self.rate, self.accrue)

    def take_changes(self) -> bool:
        """Take in all that masters have told up to now; whether there was anything."""
        loop, took = self.control, False
        while loop is not None:
            result = turn(loop, self._observe, 0).result
            if result == "idle" and not loop.is_busy:
                break
            took = True
        return took

    def advance(self) -> bool:
        """One step of each loop with what is on the log; whether there may be more to settle.

        What masters told goes first, all of it: usage after it on the log may need it.
        """
        self.take_changes()
        loops = self.rate, self.accrue
        results = {turn(loop, self._observe, 0).result for loop in loops}
        return results != {"idle"} or any(loop.is_busy for loop in loops)

    def drain(self) -> None:
        """Settle everything that is on the log, by turns, until all loops are idle."""
        while self.advance():
            pass

    def run(self, stop: threading.Event) -> None:
        """All loops in threads until `stop` is set."""
        run(self.loops, stop, self._observe)

    def close(self) -> None:
        """Close all loops."""
        for loop in self.loops:
            loop.close()
