"""Whose partitions: what a member owns, and what its loop has been told of that.

Kafka's eager rebalance takes every partition away from every member and hands them out again, most
often the same ones to the same member. Telling the loop of each such round would make it drop and
reload all its state. So a revoked number is kept in mind until the next assignment: when it comes
back and its committed positions are still the ones this member committed, nobody else has worked
on it, reading goes on where it was, and the loop hears nothing. In every other case the number is
lost, and gained anew when it came back. Between the two nothing is owned and nothing is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from streams.log import Assignment, Segment, TopicPartition

Positions = Mapping[str, int]


@dataclass
class _Held:
    """One partition number: next offsets as committed and as handed to the loop, by topic."""

    committed: dict[str, int]
    delivered: dict[str, int]


class Ownership:
    """The partition numbers of one member, fed by its group callbacks and its own commits."""

    def __init__(self) -> None:
        self._held: dict[int, _Held] = {}
        self._gained: set[int] = set()
        self._lost: set[int] = set()
        self._numbers: frozenset[int] = frozenset()

    @property
    def numbers(self) -> frozenset[int]:
        """What is owned now: nothing while a rebalance is under way."""
        return self._numbers

    def __contains__(self, number: object) -> bool:
        return number in self._numbers

    def assign(self, committed: Mapping[int, Positions]) -> None:
        """The group's new assignment, with the committed positions of every number in it."""
        for number in list(self._held):
            if number not in committed or self._held[number].committed != committed[number]:
                self._lose(number)
        for number, positions in committed.items():
            if number not in self._held:
                self._held[number] = _Held(dict(positions), dict(positions))
                self._gained.add(number)
        self._numbers = frozenset(self._held)

    def revoke(self) -> None:
        """The group takes everything back, to hand it out again."""
        self._numbers = frozenset()

    def lose(self) -> None:
        """Nothing can be kept: the group has given it to others, or its state is in doubt."""
        self.revoke()
        for number in list(self._held):
            self._lose(number)

    def refresh(self, committed: Mapping[int, Positions], *, is_certain: bool) -> None:
        """Start owned numbers from their committed positions again.

        Args:
            committed: as read from the group now.
            is_certain: positions that have not moved prove that state is good; False after an
                unknown outcome, when the state of every number must be loaded again.
        """
        for number, positions in committed.items():
            held = self._held[number]
            if not is_certain or held.committed != positions:
                self._lose(number)
                self._held[number] = _Held(dict(positions), dict(positions))
                self._gained.add(number)
            else:
                held.delivered = dict(positions)

    def rewind(self) -> None:
        """Whatever was handed to the loop and not committed will be read again."""
        for held in self._held.values():
            held.delivered = dict(held.committed)

    def delivered(self, segments: Iterable[Segment]) -> None:
        """Segments go to the loop now."""
        for segment in segments:
            self._held[segment.partition].delivered[segment.topic] = segment.next_offset

    def committed(self, positions: Mapping[TopicPartition, int]) -> None:
        """A commit of these positions has succeeded."""
        for (topic, number), offset in positions.items():
            if number in self._held:
                self._held[number].committed[topic] = offset

    def missing(self, positions: Mapping[TopicPartition, int]) -> list[TopicPartition]:
        """Those of the positions that are not this member's to commit."""
        return [place for place in positions if place[1] not in self._held]

    def starts(self) -> dict[TopicPartition, int]:
        """Where reading goes on, for every topic partition held."""
        return {
            (topic, number): offset
            for number, held in self._held.items()
            for topic, offset in held.delivered.items()
        }

    def some_position(self) -> dict[TopicPartition, int]:
        """The committed position of one topic partition held, or nothing when none is held."""
        for number, held in self._held.items():
            for topic, offset in held.committed.items():
                return {(topic, number): offset}
        return {}

    def changes(self) -> Assignment | None:
        """What the loop has not been told yet; a number may be both lost and gained."""
        if not self._gained and not self._lost:
            return None
        gained = {number: dict(self._held[number].committed) for number in sorted(self._gained)}
        change = Assignment(gained, frozenset(self._lost))
        self._gained.clear()
        self._lost.clear()
        return change

    def _lose(self, number: int) -> None:
        """Drop a number; the loop hears of it only if it has heard of its gain."""
        del self._held[number]
        if number in self._gained:
            self._gained.discard(number)
        else:
            self._lost.add(number)
