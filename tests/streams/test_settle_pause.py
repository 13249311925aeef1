"""The loop's pauses: how long, what is finished before them, and what ends them early."""

from __future__ import annotations

from threading import Event

import pytest

from streams.settle import Cadence, Loop, Stopwatch
from tests.loop_bench import Bench, segment


class Pausing(Event):
    """A clock, and an event that never comes: waiting for it moves the clock by the timeout."""

    def __init__(self) -> None:
        """At zero, nothing waited for."""
        super().__init__()
        self.now_ms = 0
        self.waits_ms: list[int] = []

    def now_ns(self) -> int:
        """The clock for a stopwatch."""
        return self.now_ms * 1_000_000

    def wait(self, timeout: float | None = None) -> bool:
        """Note how long, and let that pass."""
        assert timeout is not None
        self.waits_ms.append(round(timeout * 1_000))
        self.now_ms += self.waits_ms[-1]
        return False


class PausingBench(Bench):
    """A loop that pauses for 0.3 to 0.6 s, begun at zero."""

    def __init__(self) -> None:
        """Ready for a first step."""
        super().__init__()
        self.other = Pausing()
        watch = Stopwatch(self.other.now_ns)
        cadence = Cadence(0.3, 0.6)
        self.loop = Loop(self.hop, self.log, watch, 1_000, 0.05, cadence, self.other)


def test_pause_follows_from_the_last_batch() -> None:
    """Five times what the last batch took to compute, between the bounds; the lower one wins."""
    cadence = Cadence(0.3, 1.0)
    assert [cadence.pause(busy) for busy in (0.0, 0.06, 0.1, 0.2, 9.0)] == pytest.approx(
        [0.3, 0.3, 0.5, 1.0, 1.0]
    )
    assert Cadence(2.0, 0.6).pause(9.0) == 2.0


def test_pause_counts_from_the_last_computing() -> None:
    """What comes soon after a batch waits for the rest of the pause; later there is none."""
    bench = PausingBench()
    for at_ms, waited_ms, read_ms in ((100, [200], 300), (400, [200], 600), (5_000, [], 5_000)):
        bench.other.now_ms, bench.other.waits_ms = at_ms, []
        _, calls = bench.step(segment(b"a"))
        assert (bench.other.waits_ms, bench.other.now_ms) == (waited_ms, read_ms)
        assert calls.count("compute") == 1
    assert bench.log.lingers == [0.05, 0.05, 0.05]  # and then gathers as usual


def test_pause_grows_with_the_work() -> None:
    """A batch that took 0.1 s to compute is followed by a pause of 0.5 s, from where it began."""
    bench = PausingBench()

    def compute() -> None:
        bench.other.now_ms += 100
        bench.loop.watch.lap("work")

    bench.other.now_ms = 1_000
    bench.hop.computing = compute
    bench.step(segment(b"a"))
    bench.step(segment(b"b"))
    assert bench.other.waits_ms == [400]  # 1.0 + 0.5 - 1.1 s


def test_step_that_is_told_how_long_to_linger_does_not_pause() -> None:
    """Loops by turns in one thread have nobody to pause for."""
    bench = PausingBench()
    bench.log.batches.append([segment(b"a")])
    assert bench.loop.step(0).result == "commit"
    assert bench.other.waits_ms == []
    assert bench.log.lingers == [0]


def test_commit_under_way_is_finished_before_the_pause() -> None:
    """What is committed is told at once, not after a pause; nothing is read before."""
    bench = PausingBench()
    bench.other.now_ms = 1_000
    bench.log.outcome = lambda: bench.calls.append("outcome")
    step, _ = bench.step(segment(b"a"))
    assert (step.result, bench.loop.is_busy) == ("idle", True)
    step, calls = bench.step()
    assert (step.result, calls, bench.other.waits_ms) == ("commit", ["outcome", "apply"], [])
    step, calls = bench.step()
    assert (step.result, bench.other.waits_ms) == ("idle", [300])
    assert calls == ["read", "changes"]


def test_pause_ends_when_the_other_loop_is_idle() -> None:
    """With an hour to pause, a batch is settled as soon as the other loop has nothing to do."""
    bench, other = Bench(), Bench()
    assert not other.loop.idle.is_set()
    other.step()
    assert other.loop.idle.is_set()
    cadence = Cadence(3_600, 3_600)
    watch = Stopwatch(lambda: 0)
    bench.loop = Loop(bench.hop, bench.log, watch, 1_000, 0, cadence, other.loop.idle)
    assert bench.step(segment(b"a"))[0].result == "commit"


def test_idle_is_who_found_nothing_and_has_nothing_under_way() -> None:
    """A batch ends it; after the batch it begins with the first turn that has nothing to tell."""
    bench = Bench()
    bench.log.outcome = lambda: None
    bench.step()
    assert bench.loop.idle.is_set()
    bench.step(segment(b"a"))
    assert not bench.loop.idle.is_set()
    assert bench.step()[0].result == "commit"
    assert not bench.loop.idle.is_set()
    bench.step()
    assert bench.loop.idle.is_set()
