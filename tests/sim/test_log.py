"""The simulator turned on its user: a correct loop survives any seed, a careless one is caught.

So a green simulation means something. What the broker does in detail is in `test_broker.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from schemas.topics import RATE_CHANGELOG, RATED, USAGE
from streams.log import Aborted, Fenced, Segment, Unknown
from tests.sim.broker import Fault, Point, SimulatedBroker
from tests.sim.log import SimulatedCrash, SimulatedLog


class Copier:
    """A worker that numbers its input, with the count of each partition as memory.

    Output `n:value` is right when n is the value's place in its partition, so a memory that is out
    of step with the log shows at once. The changelog holds the count.
    """

    def __init__(self, broker: SimulatedBroker, slot: str, *, is_careless: bool = False) -> None:
        """Start a worker; a careless one applies before it commits."""
        self.log = SimulatedLog(broker, "rate", [USAGE.name], slot)
        self._counts: dict[int, int] = {}
        self._is_careless = is_careless

    def step(self) -> None:
        """One turn of the loop."""
        segments = self.log.read(5, 0)
        self._follow()
        if not segments:
            return
        counts = dict(self._counts)
        if self._is_careless:
            counts = self._counts
        try:
            self.log.begin()
            self._send(segments, counts)
            self.log.commit({(s.topic, s.partition): s.next_offset for s in segments})
        except Aborted:
            self.log.rewind()
        except Unknown:
            self.log.rewind()
            self._follow()
        else:
            self._counts = counts

    def _send(self, segments: Sequence[Segment], counts: dict[int, int]) -> None:
        for segment in segments:
            for value in segment.values:
                text = b"%d:%b" % (counts[segment.partition], value or b"")
                self.log.send(RATED.name, segment.partition, [(None, text)])
                counts[segment.partition] += 1
            state = b"%d" % counts[segment.partition]
            self.log.send(RATE_CHANGELOG.name, segment.partition, [(b"count", state)])

    def _follow(self) -> None:
        change = self.log.changes()
        if change is None:
            return
        for number in change.lost:
            self._counts.pop(number, None)
        for number in change.gained:
            values = [v for s in self.log.recover(RATE_CHANGELOG.name, number) for v in s.values]
            self._counts[number] = int(values[-1] or b"0") if values else 0


DISTURBANCES = {
    (Point.BEGIN, Fault.CRASH): 20,
    (Point.SEND, Fault.CRASH): 20,
    (Point.COMMIT, Fault.CRASH): 30,
    (Point.COMMITTED, Fault.CRASH): 30,
    (Point.COMMIT, Fault.ABORT): 50,
    (Point.COMMIT, Fault.LOST_APPLIED): 50,
    (Point.COMMIT, Fault.LOST_DROPPED): 50,
    (Point.COMMIT, Fault.LOST_LATE): 50,
}


class Fleet:
    """Three workers under a schedule of kills, restarts and zombies, all from one seed."""

    def __init__(self, seed: int, *, is_careless: bool) -> None:
        """Start the workers."""
        self.broker = SimulatedBroker(
            seed, usage_partitions=4, is_compacting=bool(seed % 2), is_ragged=True
        )
        self._is_careless = is_careless
        self.workers = {slot: self._start(slot) for slot in ("a", "b", "c")}
        self.zombies: list[Copier] = []

    def _start(self, slot: str) -> Copier:
        return Copier(self.broker, slot, is_careless=self._is_careless)

    def turn(self, slot: str, chance: int) -> None:
        """One step of a worker, perhaps after its session has ended, and of a zombie."""
        if chance < 5:
            self.workers[slot].log.expire()
        if chance < 2:
            self.zombies.append(self.workers[slot])
            self.workers[slot] = self._start(slot)
        if chance % 10 == 0:
            self.broker.deliver()
        if not self._survives(self.workers[slot]):
            self.workers[slot] = self._start(slot)
        self.zombies = [zombie for zombie in self.zombies if self._survives(zombie)]

    def _survives(self, worker: Copier) -> bool:
        """Whether a worker's process is still there after a step; its session ends with it."""
        try:
            worker.step()
        except (SimulatedCrash, Fenced):
            worker.log.kill()
            worker.log.expire()
            return False
        return True

    def finish(self) -> None:
        """Let all go well until everything is read."""
        self.broker.disturb({})
        for zombie in self.zombies:
            zombie.log.expire()
        for _ in range(1_000):
            for slot in self.workers:
                self.turn(slot, 99)


def copied(seed: int, *, is_careless: bool = False) -> bool:
    """Whether a fleet under a seeded schedule numbers every input exactly once, in order."""
    fleet = Fleet(seed, is_careless=is_careless)
    broker = fleet.broker
    broker.disturb(DISTURBANCES)
    written = [0] * 4
    for _ in range(300):
        slot, number = broker.random.choice("abc"), broker.random.randrange(4)
        broker.append(USAGE.name, number, [(None, b"%d" % written[number])])
        written[number] += 1
        fleet.turn(slot, broker.random.randrange(100))
    fleet.finish()
    expected = [[b"%d:%d" % (at, at) for at in range(count)] for count in written]
    outputs = [broker.segment((RATED.name, number), 0, 1_000_000).values for number in range(4)]
    return outputs == expected


def test_correct_loop_survives_any_seed() -> None:
    """Crashes, zombies, rebalances and lost answers: every input is numbered once, in order."""
    failed = [seed for seed in range(60) if not copied(seed)]
    assert failed == []


def test_careless_loop_is_caught() -> None:
    """State changed before the commit is wrong after an abort: the simulation sees it."""
    caught = [seed for seed in range(10) if not copied(seed, is_careless=True)]
    assert caught != []


def test_same_seed_same_run() -> None:
    """A run is decided by its seed alone, so that a failure can be run again."""
    runs = []
    for _ in range(2):
        broker = SimulatedBroker(7, usage_partitions=2, is_ragged=True)
        broker.append(USAGE.name, 0, [(None, b"%d" % number) for number in range(50)])
        log = SimulatedLog(broker, "rate", [USAGE.name])
        runs.append([len(segment) for _ in range(20) for segment in log.read(9, 0)])
    assert runs[0] == runs[1]
