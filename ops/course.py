"""The course of a settlement: what it read, in its order, and the reference in force for it.

Who settles usage again must meet each message where the settlement met it: behind the same usage of
its partition, and by the reference that was in force then. Partitions of usage have nothing to do
with one another, so only the order within one is kept. A request to try suspended usage again comes
where it was heard, which the heads of contributions tell (`InForce`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ops.verify_log import InForce, ReadTopics, Stretch
from schemas.topics import RECYCLE, USAGE
from streams.log import Segment

Met = tuple[str, Segment]  # the id of the reference in force, and messages of one input partition


def course(read: ReadTopics, in_force: InForce) -> Iterator[Met]:
    """All usage and recycling that has been settled, in an order in which it could have been.

    Args:
        read: reads topics of the log, each partition in its order.
        in_force: what contributions say was in force where.
    """
    asked: dict[int, list[Segment]] = {}
    for segment in read([RECYCLE.name]):
        asked.setdefault(segment.partition, []).append(segment)
    ways: dict[int, _Way] = {}
    for segment in read([USAGE.name]):
        way = ways.setdefault(segment.partition, _Way.of(segment.partition, in_force, asked))
        yield from way.usage(segment)
    for partition in sorted({*ways, *asked}):
        way = ways.get(partition) or _Way.of(partition, in_force, asked)
        yield from way.rest()


class _Way:
    """What is still to come of one partition."""

    def __init__(self, stretches: Sequence[Stretch], asked: Sequence[Segment]) -> None:
        self._stretches, self._asked = list(stretches), asked

    @staticmethod
    def of(partition: int, in_force: InForce, asked: Mapping[int, Sequence[Segment]]) -> _Way:
        """The whole way of a partition."""
        return _Way(in_force.stretches(partition), asked.get(partition, ()))

    def usage(self, segment: Segment) -> Iterator[Met]:
        """A segment of usage, cut where another reference or a request comes in between."""
        for stretch in [*self._stretches]:
            if stretch.topic == RECYCLE.name:
                yield from self._requests(stretch)
            else:
                yield from _met(segment, stretch)
                if segment.next_offset < stretch.upto:
                    return  # the stretch goes on in the next segment
            self._stretches.pop(0)

    def rest(self) -> Iterator[Met]:
        """The requests after the last usage."""
        for stretch in self._stretches:
            if stretch.topic == RECYCLE.name:
                yield from self._requests(stretch)

    def _requests(self, stretch: Stretch) -> Iterator[Met]:
        for segment in self._asked:
            yield from _met(segment, stretch)


def _met(segment: Segment, stretch: Stretch) -> Iterator[Met]:
    """What of a segment lies in a stretch, if anything does."""
    first, upto = np.searchsorted(segment.offsets, [stretch.start, stretch.upto]).tolist()
    if first < upto:
        yield stretch.reference_id, cut(segment, first, upto)


def cut(segment: Segment, first: int, upto: int) -> Segment:
    """The messages of a segment from one index up to another, which it does not reach."""
    offsets = segment.offsets[first:upto]
    return replace(
        segment,
        offsets=offsets,
        keys=segment.keys[first:upto],
        values=segment.values[first:upto],
        next_offset=int(offsets[-1]) + 1,
        timestamp_us=segment.log_time_us(upto - 1),
        time_of=lambda index: segment.log_time_us(first + index),
    )
