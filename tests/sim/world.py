"""A whole settlement under faults, decided by one seed.

Several members of both hops run in the product's own loop on the simulated broker. The seed draws
the usage and how it arrives, how much is read at once, who joins and leaves, who is killed where,
who is declared dead and goes on, which answers are lost, when periods are closed, when the
reference is mended and suspended usage tried again. A member can be paused inside a step, and the
others go on meanwhile. After every step the auditor (`checkers.py`) looks; when faults stop,
everything must drain to what the oracle says, by whatever way it got there.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ops.state_hash import digest, rows
from schemas.topics import COMMANDS, RECYCLE, SUSPENSE, USAGE, partition_of
from state.tables import Tables
from streams.accrue_hop import AccrueHop
from streams.log import Fenced, Overtaken
from streams.privacy import Tokens
from streams.rate_hop import RateHop
from streams.settle import FIRST_EVENTS_A_MESSAGE, Loop, Stopwatch
from tests.sim.broker import Fault, Point
from tests.sim.checkers import Auditor
from tests.sim.demands import Violation
from tests.sim.log import SimulatedCrash
from tests.sim.members import CountingBroker, PausingLog, Process
from tests.sim.usage import PERIODS, Case, case

TURNS_MAX, DRAIN_ROUNDS_MAX, MEMBERS_MAX = 110, 400, 3
# Chances per mille of each fault, at the point where it can happen, in a rough and in a calm world.
FAULTS = {
    (Point.BEGIN, Fault.CRASH): 20,
    (Point.SEND, Fault.CRASH): 10,
    (Point.COMMIT, Fault.CRASH): 30,
    (Point.COMMITTED, Fault.CRASH): 40,
    (Point.COMMIT, Fault.ABORT): 60,
    (Point.COMMIT, Fault.LOST_APPLIED): 40,
    (Point.COMMIT, Fault.LOST_DROPPED): 40,
    (Point.COMMIT, Fault.LOST_LATE): 40,
}
BROKERS = ((1, 1), (2, 1), (3, 2), (4, 3))  # usage and settlement partitions
USAGE_SEEDS = 5
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of random name is made in it


@dataclass(frozen=True)
class Plan:
    """What a seed decides before anything runs."""

    seed: int
    usage_seed: int
    usage_partitions: int
    settlement_partitions: int
    is_closing: bool
    is_mending: bool
    pause_per_mille: int
    fault_percent: int

    @staticmethod
    def of(seed: int) -> Plan:
        """The plan of a seed."""
        draw = random.Random(f"plan-{seed}")
        usage, settlement = draw.choice(BROKERS)
        return Plan(
            seed=seed,
            usage_seed=draw.randrange(USAGE_SEEDS),
            usage_partitions=usage,
            settlement_partitions=settlement,
            is_closing=draw.random() < 1 / 2,
            is_mending=draw.random() < 1 / 2,
            pause_per_mille=draw.choice([0, 30, 80]),
            fault_percent=draw.choice([0, 60, 100, 200]),
        )


@dataclass
class World:
    """A broker, the members of both hops, and the schedule of what happens to them."""

    plan: Plan
    directory: Path
    hits: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Start two members of each hop."""
        plan = self.plan
        self.random = random.Random(f"world-{plan.seed}")
        self.case: Case = case(plan.usage_seed, plan.usage_partitions)
        self.broker = CountingBroker(
            plan.seed,
            usage_partitions=plan.usage_partitions,
            settlement_partitions=plan.settlement_partitions,
            is_compacting=bool(plan.seed % 2),
            is_ragged=True,
        )
        self.broker.hits = self.hits
        self.auditor = Auditor(self.broker, self.case)
        self.sent = 0
        self.is_mended = False
        self.is_calm = False
        self.members: list[Process] = []
        self.zombies: list[Process] = []
        self._directories = 0
        for hop in ("rate", "accrue"):
            for slot in ("a", "b"):
                self.members.append(self.start(hop, slot))

    @property
    def tables(self) -> Tables:
        """The reference that a process that starts now reads."""
        return (self.case.mended if self.is_mended else self.case.first).tables

    def start(self, hop: str, slot: str, directory: Path | None = None) -> Process:
        """Start a process in a slot, which fences whoever had it before."""
        if directory is None:
            self._directories += 1
            directory = self.directory / f"{hop}-{slot}-{self._directories}"
        watch = Stopwatch(lambda: 0)
        inputs = RateHop.inputs if hop == "rate" else AccrueHop.inputs
        log = PausingLog(self.broker, hop, inputs, slot)
        made: RateHop | AccrueHop
        if hop == "rate":
            counts = (self.plan.usage_partitions, self.plan.settlement_partitions)
            made = RateHop(self.tables, Tokens(b"key"), directory, *counts, watch)
        else:
            made = AccrueHop(self.tables, watch)
        process = Process(slot, directory, log, Loop(made, log, watch, self._size(), 0))
        log.pause = lambda: self._pause(process)
        log.tell = self._hear
        return process

    def _size(self) -> int:
        """How many events a process settles at once: those of one message, of a few, or all."""
        size = self.random.choice([1, 3, 10, 1_000])
        self.hits["reads one message at once" if size == 1 else "reads many at once"] += 1
        return size * FIRST_EVENTS_A_MESSAGE if size > 1 else 1

    def run(self) -> str:
        """The whole schedule; returns the digest of the state it ends in."""
        chances = {k: v * self.plan.fault_percent // 100 for k, v in FAULTS.items()}
        self.broker.disturb(chances)
        for _ in range(TURNS_MAX):
            self.turn()
            self.auditor.check()
        self.drain()
        self.auditor.check_end(is_mended=self.is_mended)
        self.hits["usage of a closed period"] += self.auditor.adjustments
        return self.state_hash()

    def turn(self) -> None:
        """One thing happens: most often, somebody steps."""
        chance = self.random.randrange(100)
        if chance < 14:
            self.send(self.random.randint(1, 4))
        elif chance < 18:
            self._move()
        elif chance < 20:
            self._expire()
        elif chance < 22:
            self.broker.deliver()
        elif chance < 24 and self.plan.is_closing:
            self.close_period()
        elif chance < 25:
            self.recycle()
        elif chance < 28 and self.plan.is_mending and not self.is_mended and self.is_half_sent:
            self.mend()
        else:
            idle = [p for p in (*self.members, *self.zombies) if not p.is_busy]
            if idle:
                self.step(self.random.choice(idle))

    @property
    def is_half_sent(self) -> bool:
        """Whether the reference may be mended: some usage is settled by each one."""
        return self.sent > len(self.case.messages) // 2

    def send(self, count: int) -> None:
        """Mediation sends the next messages."""
        for partition, message in self.case.messages[self.sent : self.sent + count]:
            self.broker.append(USAGE.name, partition, [message])
        self.sent = min(self.sent + count, len(self.case.messages))

    def step(self, process: Process) -> str:
        """One turn of a loop, and what follows if the process does not survive it."""
        process.is_busy, process.is_given_up = True, False
        try:
            result = process.loop.step().result
        except SimulatedCrash:
            self._end(process)
            return "crash"
        except Fenced:
            self.hits["fenced"] += 1
            self._end(process)
            return "fenced"
        except Overtaken:
            # Recovering what has a new owner already, it finds state of after its positions.
            if not process.is_given_up:
                raise
            self.hits["overtaken in recovery"] += 1
            self._end(process)
            return "overtaken"
        finally:
            process.is_busy = False
        self.hits[f"step: {result}"] += 1
        return result

    def _end(self, process: Process) -> None:
        """A process is gone; unless another one has its slot, it is started anew."""
        process.end()
        if process in self.zombies:
            self.zombies.remove(process)
        elif process in self.members:
            at = self.members.index(process)
            keeps = self.random.random() < 1 / 2
            self.hits["restart with its directory" if keeps else "restart without directory"] += 1
            directory = process.directory if keeps else None
            self.members[at] = self.start(process.hop.name, process.slot, directory)

    def _pause(self, process: Process) -> None:
        """Perhaps time passes inside a step: the others go on, the session may end, and so on."""
        if self.is_calm or self.random.randrange(1_000) >= self.plan.pause_per_mille:
            return
        if sum(p.is_busy for p in (*self.members, *self.zombies)) > 2:
            return
        chance = self.random.randrange(3)
        if chance == 1:
            self.hits["session ends in a step"] += 1
            process.is_given_up = True
            process.log.expire()
        elif chance == 2:
            process.is_given_up = True
            self._replace(process)
        self.hits["paused in a step"] += 1
        for _ in range(self.random.randint(1, 12)):
            self.turn()
            self.auditor.check()

    def _hear(self, reason: str) -> None:
        """Why the broker refused a transaction."""
        if "generation" in reason:
            self.hits["commit refused: stale generation"] += 1

    def _expire(self) -> None:
        """A member is declared dead, and goes on; perhaps another one got its slot meanwhile."""
        idle = [p for p in self.members if not p.is_busy]
        if idle:
            process = self.random.choice(idle)
            if self.random.random() < 1 / 2:
                self._replace(process)
            else:
                self.hits["session ends between steps"] += 1
                process.log.expire()

    def _replace(self, process: Process) -> None:
        """A process is given up for dead and replaced, but it lives on as a zombie."""
        if process in self.members:
            self.hits["zombie"] += 1
            process.log.expire()
            self.zombies.append(process)
            at = self.members.index(process)
            self.members[at] = self.start(process.hop.name, process.slot)

    def _move(self) -> None:
        """A member joins or leaves."""
        hop = self.random.choice(["rate", "accrue"])
        mine = [p for p in self.members if p.hop.name == hop]
        idle = [p for p in mine if not p.is_busy]
        if len(mine) < MEMBERS_MAX and self.random.random() < 1 / 2:
            slot = min(set("abc") - {p.slot for p in mine})
            self.hits["a member joins"] += 1
            self.members.append(self.start(hop, slot))
        elif len(mine) > 1 and idle:
            self.hits["a member leaves"] += 1
            process = self.random.choice(idle)
            self.members.remove(process)
            process.loop.close()

    def close_period(self) -> None:
        """An operator closes a period, perhaps again; now and then the command makes no sense."""
        agreement = self.random.choice(sorted(PERIODS))
        period = self.random.choice(PERIODS[agreement])
        self.hits["close"] += 1
        command = json.dumps({"close": {"agreement": agreement, "period": period}}).encode()
        if self.random.random() < 1 / 8:
            self.hits["command without sense"] += 1
            command = b"close everything"
        partition = partition_of(agreement, self.plan.settlement_partitions)
        self.broker.append(COMMANDS.name, partition, [(agreement.encode(), command)])

    def recycle(self) -> None:
        """All that is suspended now is put up to be tried again."""
        for partition in range(self.plan.usage_partitions):
            segment = self.broker.segment((SUSPENSE.name, partition), 0, 1_000_000)
            waiting = dict(zip(segment.keys, segment.values, strict=True))
            messages = [(key, value) for key, value in waiting.items() if value is not None]
            if messages:
                self.hits["recycle"] += 1
                self.broker.append(RECYCLE.name, partition, messages)

    def mend(self) -> None:
        """The reference is mended; processes take it one by one, those in a step later."""
        self.is_mended = True
        self.hits["reference mended"] += 1
        for process in (*self.members, *self.zombies):
            if not process.is_busy:
                process.hop.use(self.tables)

    def drain(self) -> None:
        """Faults stop; all that was and will be sent is settled."""
        self.is_calm = True
        self.broker.disturb({})
        self.send(len(self.case.messages))
        while self.zombies:
            self.zombies.pop().end()
        self.broker.deliver()
        self.is_mended = self.plan.is_mending
        for process in self.members:
            process.hop.use(self.tables)
        self.broker.is_ragged = False
        self._settle()
        self.recycle()
        self._settle()
        self._restart()

    def _restart(self) -> None:
        """What all members remember at the end is what they recover when they start again."""
        live = self.state_hash()
        for at, process in enumerate(self.members):
            process.end()
            self.members[at] = self.start(process.hop.name, process.slot, process.directory)
        self._settle()
        if self.state_hash() != live:
            raise Violation("recovery gives the live state", (live, self.state_hash()))

    def _settle(self) -> None:
        """Everybody steps until nobody has anything left to do."""
        quiet = 0
        for _ in range(DRAIN_ROUNDS_MAX):
            results = [self.step(process) for process in list(self.members)]
            self.auditor.check()
            quiet = quiet + 1 if set(results) == {"idle"} else 0
            if quiet > 2:
                break
        for hop, inputs in (("rate", RateHop.inputs), ("accrue", AccrueHop.inputs)):
            for topic in inputs:
                for number in range(self.broker.partitions(topic)):
                    self._demand_read(hop, topic, number)

    def _demand_read(self, hop: str, topic: str, number: int) -> None:
        """Liveness: nothing committed lies beyond the committed position."""
        position = self.broker.position(hop, (topic, number))
        rest = self.broker.segment((topic, number), position, 1)
        if len(rest):
            raise Violation("everything is settled in the end", (hop, topic, number, position))

    def state_hash(self) -> str:
        """The digest of the accruals of all members together."""
        hops = [p.hop for p in self.members]
        return digest(line for hop in hops if isinstance(hop, AccrueHop) for line in rows(hop))

    def end(self) -> None:
        """Free everything."""
        for process in (*self.members, *self.zombies):
            process.free()


@dataclass(frozen=True)
class Run:
    """How a seed went: the digest of the state at the end, what happened, what was checked."""

    plan: Plan
    state_hash: str
    is_mended: bool
    statements: int
    checks: int


def simulate(seed: int, hits: Counter[str]) -> Run:
    """Run one seed, and count what happens.

    Raises:
        Violation: a rule did not hold.
    """
    # The bodies' databases are opened hundreds of times a second: in memory, where there is some.
    base = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=base) as directory:
        world = World(Plan.of(seed), Path(directory), hits)
        try:
            found = world.run()
        finally:
            world.end()
    statements = len(world.auditor.documents)
    return Run(world.plan, found, world.is_mended, statements, world.auditor.checks)
