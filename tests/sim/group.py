"""A consumer group in memory: who holds which partition number, and since which generation.

Partitions move cooperatively, as with Kafka's sticky assignor: a change of membership makes a new
generation and a new target, but a partition goes to its new owner only after the old one has let it
go, which it does at its next read, or after it was declared dead. A member learns the generation
when it reads; until then its commits are refused as stale.
"""

from __future__ import annotations


class Group:
    """The members of one hop."""

    def __init__(self, partitions: int) -> None:
        """A group without members over the partition numbers below `partitions`."""
        self._partitions = range(partitions)
        self._joined = 0
        self.generation = 0
        self.members: list[str] = []
        self.holders: dict[int, str] = {}
        self.targets: dict[int, str] = {}

    def join(self, slot: str) -> str:
        """Become a member under a new name, which is returned."""
        self._joined += 1
        member = f"{slot}#{self._joined}"
        self.members.append(member)
        self._rebalance()
        return member

    def remove(self, member: str) -> None:
        """A member leaves, or has been silent for longer than the session timeout."""
        if member in self.members:
            self.members.remove(member)
            self.holders = {p: holder for p, holder in self.holders.items() if holder != member}
            self._rebalance()

    def sync(self, member: str) -> tuple[int, frozenset[int]]:
        """Let go of what is to move, take what is free: the generation and what is held now."""
        moving = [p for p, holder in self.holders.items() if holder == member != self.targets[p]]
        for partition in moving:
            del self.holders[partition]
        if moving:
            self.generation += 1  # the second round of a cooperative rebalance
        for partition, target in self.targets.items():
            if target == member and partition not in self.holders:
                self.holders[partition] = member
        held = frozenset(p for p, holder in self.holders.items() if holder == member)
        return self.generation, held

    def is_current(self, member: str, generation: int) -> bool:
        """Whether a commit of this member may name positions."""
        return member in self.members and generation == self.generation

    def _rebalance(self) -> None:
        """A new generation, with as few moves as an even split allows."""
        self.generation += 1
        self.targets = {}
        if not self.members:
            return
        fewest, extra = divmod(len(self._partitions), len(self.members))
        loads = dict.fromkeys(self.members, 0)
        for partition, holder in sorted(self.holders.items()):
            if loads[holder] < fewest or (loads[holder] == fewest and extra > 0):
                extra -= loads[holder] == fewest
                loads[holder] += 1
                self.targets[partition] = holder
        for partition in self._partitions:
            if partition not in self.targets:
                member = min(self.members, key=lambda name: loads[name])
                loads[member] += 1
                self.targets[partition] = member
