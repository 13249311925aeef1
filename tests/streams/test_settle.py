"""The loop: what is called in which order, and what follows when a commit does not go well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from state.invariants import InvariantViolation
from streams.log import (
    Aborted,
    Assignment,
    Fenced,
    Log,
    Segment,
    Unknown,
)
from streams.settle import FIRST_EVENTS_A_MESSAGE, Loop, Stopwatch, Work
from tests.log_worlds import LocalWorld, SimulatedWorld, World
from tests.loop_bench import IN, Bench, segment

GAINED = Assignment({0: {IN: 5}, 1: {IN: 0}}, frozenset())


def test_memory_changes_after_the_commit() -> None:
    """All outputs and the next offsets are one transaction; only then the delta is applied."""
    step, calls = Bench().step(segment(b"a", b"b", start=5), segment(b"c", partition=1))
    assert step.result == "commit"
    assert calls == [
        "read",
        "changes",
        "compute",
        "begin",
        "send out 0 2",
        "send out 1 1",
        "commit [(('in', 0), 7), (('in', 1), 1)]",
        "apply",
    ]


@pytest.mark.parametrize("batch", [(), (segment(),)], ids=["nothing read", "empty segment"])
def test_idle_opens_no_transaction(batch: tuple[Segment, ...]) -> None:
    """Where nothing came in, nothing is computed or written."""
    step, calls = Bench().step(*batch)
    assert (step.result, calls) == ("idle", ["read", "changes"])


def test_aborted_is_read_again() -> None:
    """What was computed for a transaction that did not happen is dropped; memory stays."""
    bench = Bench()
    bench.log.endings.append(Aborted("refused"))
    step, calls = bench.step(segment(b"a"))
    assert step.result == "abort"
    assert calls[-2:] == ["commit [(('in', 0), 1)]", "rewind"]
    assert bench.step(segment(b"a"))[0].result == "commit"


def test_unknown_outcome_recovers_everything() -> None:
    """After a lost answer no memory is trusted: all is recovered where the log stands."""
    bench = Bench()
    bench.step(change=GAINED)
    bench.log.endings.append(Unknown("no answer"))
    bench.log.assignments += [None, Assignment({0: {IN: 6}, 1: {IN: 0}}, frozenset())]
    bench.log.batches.append([segment(b"a", start=5)])
    bench.calls.clear()
    assert bench.loop.step().result == "unknown"
    assert bench.calls[-6:] == [
        "commit [(('in', 0), 6)]",
        "revoke [0, 1]",
        "rewind",
        "changes",
        "assign 0 at 6",
        "assign 1 at 0",
    ]
    assert "apply" not in bench.calls


def test_fenced_stops_the_loop() -> None:
    """A member that another one has replaced neither applies nor goes on."""
    bench = Bench()
    bench.log.endings.append(Fenced("replaced"))
    with pytest.raises(Fenced):
        bench.step(segment(b"a"))
    assert bench.calls[-1] == "commit [(('in', 0), 1)]"


def test_broken_invariant_begins_nothing() -> None:
    """When the hop is wrong about itself, no transaction is even opened."""
    bench = Bench()
    bench.hop.is_right = False
    with pytest.raises(InvariantViolation, match="the hop is right"):
        bench.step(segment(b"a"))
    assert bench.calls == ["read", "changes", "compute"]


def test_lost_partitions_go_before_gained_ones_come() -> None:
    """A partition moves by forgetting and recovering; a batch is computed on what came of it."""
    bench = Bench()
    bench.step(change=GAINED)
    _, calls = bench.step(
        segment(b"a", partition=2), change=Assignment({2: {IN: 9}}, frozenset({1}))
    )
    assert calls[:5] == ["read", "changes", "revoke [1]", "assign 2 at 9", "compute"]


def test_partition_gained_again_is_recovered_anew() -> None:
    """What was lost and came back in one read may have been changed by another owner meanwhile."""
    bench = Bench()
    bench.step(change=GAINED)
    _, calls = bench.step(change=Assignment({0: {IN: 8}}, frozenset()))
    assert calls == ["read", "changes", "revoke [0]", "assign 0 at 8"]


def test_what_is_done_between_batches_is_done_before_anything_is_computed() -> None:
    """In the order of asking, before partitions come and go; once, also in a turn without input."""
    bench = Bench()
    first = bench.loop.between(lambda: bench.calls.append("first"))
    second = bench.loop.between(lambda: bench.calls.append("second"))
    assert not first.is_set()
    _, calls = bench.step(segment(b"a"))
    assert calls[:5] == ["read", "first", "second", "changes", "compute"]
    assert first.is_set()
    assert second.is_set()
    bench.loop.between(lambda: bench.calls.append("third"))
    assert bench.step()[1] == ["read", "third", "changes"]
    assert bench.step()[1] == ["read", "changes"]


def test_between_batches_nothing_is_under_way() -> None:
    """A commit in the background is applied first; after one that failed it waits for a turn."""
    bench = Bench()
    bench.log.outcome = lambda: None
    bench.step(segment(b"a"))
    bench.loop.between(lambda: bench.calls.append("between"))
    assert bench.step(segment(b"b"))[1][:4] == ["read", "apply", "between", "changes"]

    def fails() -> None:
        raise Aborted("refused")

    bench.log.outcome = fails
    bench.step(segment(b"c"))
    done = bench.loop.between(lambda: bench.calls.append("between"))
    step, calls = bench.step(segment(b"d"))
    assert (step.result, "between" in calls, done.is_set()) == ("abort", False, False)
    bench.log.outcome = None
    assert bench.step(segment(b"c"))[1][:3] == ["read", "between", "changes"]


def test_close_leaves_and_forgets() -> None:
    """A loop that ends gives its partitions back before its memory goes."""
    bench = Bench()
    bench.step(change=GAINED)
    bench.calls.clear()
    bench.loop.close()
    assert bench.calls == ["close", "revoke [0, 1]"]


def test_batches_are_measured_in_events() -> None:
    """How many messages are read follows from how many events the last ones carried."""
    bench = Bench(batch_events=1_000)
    bench.hop.events = 40
    bench.step(segment(b"a", b"b"))
    bench.step()
    # At first a message is taken to carry FIRST_EVENTS_A_MESSAGE. Then 2 messages carried 40
    # events: 20 each, so that 50 messages make 1,000.
    assert bench.log.asked == [max(1, 1_000 // FIRST_EVENTS_A_MESSAGE), 50]


def test_aborted_batch_is_measured_too() -> None:
    """What a batch carried is known once it was computed, whatever becomes of its commit."""
    bench = Bench(batch_events=1_000)
    bench.hop.events = 500
    bench.log.endings.append(Aborted("refused"))
    bench.step(segment(b"a"))
    bench.step()
    assert bench.log.asked[1] == 2  # a message of 500 events: two make 1,000


def test_stopwatch_adds_up_by_station() -> None:
    """Time goes to the station whose lap ends, and none is counted from before the start."""
    ticks = iter([0, 100, 107, 110, 200, 205])
    watch = Stopwatch(lambda: next(ticks))
    watch.start()  # at 100
    watch.lap("read")  # 107 - 100 = 7
    watch.lap("send")  # 110 - 107 = 3
    watch.start()  # at 200
    watch.lap("read")  # 205 - 200 = 5 more
    assert watch.stations == {"read": 12, "send": 3}


class Copier:
    """A hop that copies its inputs on a genuine log and remembers how far it is."""

    name = "hop"

    def __init__(self, world: World) -> None:
        """Nothing recovered yet."""
        self.inputs = (world.source, world.second)
        self._output = world.output
        self.starts: list[tuple[int, int]] = []
        self.next: dict[int, int] = {}

    def assign(self, partition: int, positions: Mapping[str, int], log: Log) -> None:
        """Start at the committed position, which must be where the output ends."""
        written = sum(len(s) for s in log.recover(self._output, partition))
        assert written == positions[self.inputs[0]]
        self.starts.append((partition, written))
        self.next[partition] = written

    def revoke(self, partitions: frozenset[int]) -> None:
        """Forget; what is forgotten already may be named again."""
        for partition in partitions:
            self.next.pop(partition, None)

    def prepare(self, segments: Sequence[Segment]) -> int:
        """How many messages there are."""
        return sum(map(len, segments))

    def compute(self, segments: Sequence[Segment], prepared: int) -> Work:
        """Copy what comes next, and nothing else."""
        work = Work(delta={})
        for each in segments:
            assert int(each.offsets[0]) == self.next[each.partition]
            work.send(self._output, each.partition, *((None, value) for value in each.values))
            work.positions[each.topic, each.partition] = each.next_offset
            work.delta[each.partition] = each.next_offset
        return work

    def apply(self, work: Work) -> None:
        """Take the positions over."""
        self.next.update(work.delta)


@pytest.mark.parametrize("happens", [True, False], ids=["it happened", "it did not"])
@pytest.mark.parametrize("kind", ["local", "local in the background", "simulated"])
def test_unknown_outcome_on_a_log(kind: str, tmp_path: Path, *, happens: bool) -> None:
    """Every log reports all partitions as gained after a lost answer, where they are committed.

    Three messages are copied exactly once, whether the lost commit of the first had an effect.
    """
    world: LocalWorld | SimulatedWorld
    overlap = kind.endswith("background")
    world = SimulatedWorld() if kind == "simulated" else LocalWorld(tmp_path, overlap=overlap)
    log = world.open()
    hop = Copier(world)
    loop = Loop(hop, log, Stopwatch(lambda: 0), 10 * FIRST_EVENTS_A_MESSAGE, 0)
    for _ in range(2):
        assert loop.step().result == "idle"
    assert sorted(hop.starts) == [(0, 0), (1, 0)]
    world.append(world.source, 0, [(None, b"a")])
    world.lose_answer(log, happens=happens)
    assert [loop.step().result for _ in range(1 + overlap)][overlap:] == ["unknown"]
    # Both partitions start anew: partition 0 behind its first message, if that was committed.
    assert sorted(hop.starts[2:]) in ([(0, 0), (1, 0)], [(0, 1), (1, 0)])
    world.append(world.source, 0, [(None, b"b"), (None, b"c")])
    for _ in range(6):
        loop.step()
    assert [value for _, _, value in world.visible(world.output, 0)] == [b"a", b"b", b"c"]
    loop.close()
    world.close()


def test_what_comes_before_its_time_is_read_again() -> None:
    """Nothing of it is computed until what it lacks has come, between two batches."""
    bench, came = Bench(), list[str]()
    loop = Loop(
        *(bench.hop, bench.log, Stopwatch(lambda: 0), 1_000, 0), is_ready=lambda _: bool(came)
    )
    bench.log.batches = [[segment(b"a")], [segment(b"a")]]
    assert loop.step().result == "idle"
    assert bench.calls == ["read", "changes", "rewind"]
    done = loop.between(lambda: came.append("tables"))
    assert loop.step().result == "commit"
    assert done.is_set()
    assert bench.calls[-3:] == ["send out 0 1", "commit [(('in', 0), 1)]", "apply"]


def test_what_never_comes_is_computed_in_the_end() -> None:
    """After a minute by the stopwatch, so that whatever is wrong with it is said."""
    bench, now_ns = Bench(), [0]
    loop = Loop(
        *(bench.hop, bench.log, Stopwatch(lambda: now_ns[0]), 1_000, 0), is_ready=lambda _: False
    )
    results = []
    for second in (1, 60, 61):
        now_ns[0] = second * 10**9
        bench.log.batches = [[segment(b"a")]]
        results.append(loop.step().result)
    assert results == ["idle", "idle", "commit"]


def test_a_turn_beside_which_nothing_is_done_does_not_wait() -> None:
    """By turns in one thread, what is to come cannot come meanwhile."""
    bench = Bench()
    loop = Loop(*(bench.hop, bench.log, Stopwatch(lambda: 0), 1_000, 0), is_ready=lambda _: False)
    bench.log.batches = [[segment(b"a")]]
    assert loop.step(0).result == "commit"
