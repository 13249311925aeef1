"""What was amended: which terms hold for usage that was settled before they were agreed on.

An amendment says up to where usage had been settled (its *cut*) and which reference holds for that
from then on. Usage behind the cut is settled by what is in force as ever. Of several amendments the
last one holds for everything before its cut, since each is about all of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ops.course import Met, cut
from ops.verify_log import ReadTopics
from schemas.topics import COMMANDS

Cut = Mapping[str, int]  # "topic/partition" of the inputs: the next offset


class Amended(NamedTuple):
    """One amendment, from a reference to another: for what lies before its cut."""

    id: str
    from_id: str
    to_id: str
    cut: Cut

    def holds(self, topic: str, partition: int, offset: int) -> bool:
        """Whether a message of the inputs lies before the cut."""
        return offset < self.cut.get(f"{topic}/{partition}", 0)

    def over(self, course: Iterable[Met]) -> Iterator[Met]:
        """A course by the reference that holds now for each message."""
        for reference_id, segment in course:
            upto = self.cut.get(f"{segment.topic}/{segment.partition}", 0)
            at = int(np.searchsorted(segment.offsets, upto))
            if at:
                yield self.to_id, cut(segment, 0, at)
            if at < len(segment):
                yield reference_id, cut(segment, at, len(segment))


NOTHING = Amended("", "", "", {})


def last_of(found: Sequence[Amended]) -> Amended:
    """The amendment that holds; one that is about nothing where there is none."""
    return found[-1] if found else NOTHING


def amendments(read: ReadTopics) -> list[Amended]:
    """All amendments that were asked for, in their order; each is on every partition."""
    found: dict[str, Amended] = {}
    for segment in read([COMMANDS.name]):
        for value in segment.values:
            one = amended_by(value)
            if one is not None:
                found.setdefault(one.id, one)
    return list(found.values())


def amended_by(command: bytes | None) -> Amended | None:
    """What a command amends; None where it is another one, or makes no sense."""
    try:
        said = json.loads(command or b"")["amend"]
        cut = {str(place): int(upto) for place, upto in said["cut"].items()}
        return Amended(str(said["id"]), str(said["from"]), str(said["to"]), cut)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def leads_to(found: Iterable[Amended], reference_id: str) -> str:
    """The reference in force after amendments, where a settlement stood at one before them."""
    for one in found:
        if one.from_id == reference_id:
            reference_id = one.to_id
    return reference_id
