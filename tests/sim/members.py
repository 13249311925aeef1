"""Members of a simulation: processes that can be paused, killed, replaced and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from streams.accrue_hop import AccrueHop
from streams.log import Aborted, Segment, TopicPartition
from streams.rate_hop import RateHop
from streams.settle import Loop
from tests.sim.broker import Fault, Point, SimulatedBroker
from tests.sim.log import SimulatedLog


class CountingBroker(SimulatedBroker):
    """The simulated broker, which also counts the faults it lets happen."""

    hits: Counter[str]

    def fault(self, point: Point, slot: str) -> Fault | None:
        """What happens to a member that passes a point, counted."""
        fault = super().fault(point, slot)
        if fault is not None:
            self.hits[f"{fault.name} {point.name}"] += 1
        return fault


class PausingLog(SimulatedLog):
    """A member's log on which time can pass: in recovery, before a transaction and in it."""

    pause: Callable[[], None]
    tell: Callable[[str], None]

    def recover(self, topic: str, partition: int, from_offset: int = 0) -> Iterator[Segment]:
        """Recover a partition, perhaps when another member has it already."""
        self.pause()
        return super().recover(topic, partition, from_offset)

    def begin(self) -> None:
        """Open a transaction, perhaps much later."""
        self.pause()
        super().begin()

    def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """Commit, perhaps much later."""
        self.pause()
        try:
            super().commit(positions)
        except Aborted as aborted:
            self.tell(str(aborted))
            raise


@dataclass(eq=False)
class Process:
    """A member of a hop: its process, its slot and its directory.

    `is_given_up` says that its session ended, unnoticed by itself, in the step it is in.
    """

    slot: str
    directory: Path
    log: PausingLog
    loop: Loop
    is_busy: bool = False
    is_given_up: bool = False

    @property
    def hop(self) -> RateHop | AccrueHop:
        """The hop that runs in it."""
        hop = self.loop.hop
        if not isinstance(hop, RateHop | AccrueHop):
            raise TypeError(hop)
        return hop

    def end(self) -> None:
        """The process is gone: nothing is said to anybody, the operating system frees files."""
        self.log.kill()
        self.log.expire()
        self.free()

    def free(self) -> None:
        """Let go of the memory; what was written to the directory stays in it."""
        self.hop.revoke(frozenset(range(64)))
