"""Whoever settles again meets every message, once, where the settlement met it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ops.course import course, cut
from schemas.topics import RECYCLE, USAGE
from streams.log import Segment
from tests.ops.test_verify_log import in_force

# How a partition was read: topic, how many messages, and by which reference.
BATCHES = st.lists(
    st.tuples(st.sampled_from([USAGE.name, RECYCLE.name]), st.integers(1, 4), st.sampled_from("ab"))
)
SIZES = st.lists(st.integers(1, 5), min_size=1, max_size=8)


def messages(topic: str, partition: int, offsets: Sequence[int]) -> Segment:
    """Messages that say where they stand; each was logged at its offset, in seconds."""
    at = np.array(offsets, np.int64)
    values = tuple(f"{topic}/{offset}".encode() for offset in offsets)
    times = [offset * 1_000_000 for offset in offsets]
    keys = (None,) * len(offsets)
    return Segment(
        topic, partition, at, keys, values, offsets[-1] + 1, times[-1], times.__getitem__
    )


def segments(topic: str, partition: int, count: int, sizes: Sequence[int]) -> Iterator[Segment]:
    """The messages of a partition in segments of some sizes, again and again."""
    start = turn = 0
    while start < count:
        upto = min(count, start + sizes[turn % len(sizes)])
        yield messages(topic, partition, range(start, upto))
        start, turn = upto, turn + 1


@given(read=st.tuples(BATCHES, BATCHES), sizes=SIZES, more=st.integers(0, 3))
def test_every_message_is_met_where_it_was_settled(
    read: tuple[Sequence[tuple[str, int, str]], ...], sizes: Sequence[int], more: int
) -> None:
    """However the log is cut into segments, each partition comes in the order of its batches.

    What has come to the log since then, and no contribution covers yet, does not.
    """
    covers: list[tuple[str, int, int, int, str]] = []
    wanted: list[list[tuple[str, str]]] = [[], []]
    ends: dict[tuple[str, int], int] = {}
    for partition, batches in enumerate(read):
        for topic, count, reference in batches:
            start = ends.get((topic, partition), 0)
            ends[topic, partition] = start + count
            covers.append((topic, partition, start, start + count, reference))
            places = range(start, start + count)
            wanted[partition] += [(reference, f"{topic}/{at}") for at in places]

    def log(topics: Sequence[str]) -> Iterator[Segment]:
        (topic,) = topics
        for partition in (0, 1):
            count = ends.get((topic, partition), 0) + more
            yield from segments(topic, partition, count, sizes)

    met: list[list[tuple[str, str]]] = [[], []]
    for reference, segment in course(log, in_force(*covers)):
        values = [value.decode() for value in segment.values if value is not None]
        met[segment.partition] += [(reference, value) for value in values]
    assert met == wanted


def test_what_is_cut_out_keeps_its_places_and_times() -> None:
    """The second and third of four messages, with a hole between them."""
    whole = messages(USAGE.name, 3, [4, 7, 9, 10])
    part = cut(whole, 1, 3)
    assert (part.topic, part.partition, part.offsets.tolist()) == (USAGE.name, 3, [7, 9])
    assert part.values == (b"usage.v1/7", b"usage.v1/9")
    assert (part.next_offset, part.timestamp_us) == (10, 9_000_000)
    assert [part.log_time_us(index) for index in (0, 1)] == [7_000_000, 9_000_000]
