"""Which usage has been seen, exactly and in little memory.

A source numbers its events consecutively, so what it has sent is a handful of number ranges,
however many events there were: one range when nothing is missing, one more for every gap. All
ranges of all counters lie in two sorted columns, so that a batch is checked and added by a few
array operations. A counter is a source with an epoch, and a mark that tells usage taken in from
usage refused as unusable; each has a number of its own, which stands above the sequence in one
64-bit key.

`Seen` never changes: adding gives a new one. That is what lets a batch be thrown away when its
transaction aborts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.int64]

SEQUENCE_BITS = 43
COUNTERS_MAX = 2 ** (63 - SEQUENCE_BITS)


class Counter(NamedTuple):
    """What numbers events: a source and its epoch; `refused` for events that were not usage."""

    source: str
    epoch: int
    refused: bool


class Counters:
    """The number of each counter; grows as sources appear and never renumbers."""

    def __init__(self) -> None:
        self._numbers: dict[Counter, int] = {}
        self.names: list[Counter] = []

    def number(self, counter: Counter) -> int:
        """The number of a counter, a new one the first time it is met."""
        number = self._numbers.get(counter)
        if number is None:
            number = len(self.names)
            if number >= COUNTERS_MAX:
                msg = f"Condition: more than {COUNTERS_MAX} sources and epochs"
                raise OverflowError(msg)
            self._numbers[counter] = number
            self.names.append(counter)
        return number

    def name(self, number: int) -> Counter:
        """The counter behind a number."""
        return self.names[number]


@dataclass(frozen=True)
class Seen:
    """Closed ranges [first, last] of keys: sorted, disjoint and with a gap between neighbours."""

    first: Keys
    last: Keys

    @staticmethod
    def empty() -> Seen:
        """Nothing seen yet."""
        return Seen(np.zeros(0, np.int64), np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.first)

    def contains(self, keys: Keys) -> npt.NDArray[np.bool_]:
        """Which of the keys were seen."""
        if len(self.first) == 0:
            return np.zeros(len(keys), bool)
        at = np.searchsorted(self.first, keys, "right") - 1
        return (at >= 0) & (keys <= self.last[np.maximum(at, 0)])

    def add(self, keys: Keys) -> Seen:
        """With more keys, sorted and distinct."""
        if len(keys) == 0:
            return self
        breaks = np.flatnonzero(np.diff(keys) != 1)
        starts = keys[np.concatenate([[0], breaks + 1])]
        ends = keys[np.concatenate([breaks, [len(keys) - 1]])]
        return self.join(Seen(starts, ends))

    def join(self, other: Seen) -> Seen:
        """Everything in either; ranges that touch or overlap become one."""
        if len(self) == 0:
            return other
        first = np.concatenate([self.first, other.first])
        order = np.argsort(first, kind="stable")
        first = first[order]
        last = np.maximum.accumulate(np.concatenate([self.last, other.last])[order])
        # A new range begins where the reach of all before it does not touch it.
        begins = np.concatenate([[True], first[1:] > last[:-1] + 1])
        at = np.flatnonzero(begins)
        return Seen(first[at], last[np.concatenate([at[1:] - 1, [len(last) - 1]])])

    def of(self, counter: int) -> Keys:
        """The ranges of one counter as rows of (first, last) sequence numbers."""
        low, high = counter << SEQUENCE_BITS, (counter + 1) << SEQUENCE_BITS
        at = slice(np.searchsorted(self.first, low), np.searchsorted(self.first, high))
        return np.stack([self.first[at] - low, self.last[at] - low], axis=1)

    def without(self, counters: set[int]) -> Seen:
        """Without the counters given, whose partition has gone to another worker."""
        keep = ~np.isin(self.first >> SEQUENCE_BITS, np.array(sorted(counters), np.int64))
        return Seen(self.first[keep], self.last[keep])


def ranges_to_bytes(ranges: Keys) -> bytes:
    """Ranges of one counter for the changelog: little-endian pairs of 64-bit integers."""
    return ranges.astype("<i8").tobytes()


def ranges_from_bytes(counter: int, data: bytes) -> Seen:
    """The ranges of one counter as read from the changelog."""
    pairs = np.frombuffer(data, "<i8").reshape(-1, 2) + (counter << SEQUENCE_BITS)
    return Seen(pairs[:, 0].copy(), pairs[:, 1].copy())


def gaps(ranges: Keys) -> list[tuple[int, int]]:
    """The holes between the ranges of one counter, as closed ranges of missing sequence numbers."""
    return [
        (int(before) + 1, int(after) - 1)
        for before, after in zip(ranges[:-1, 1], ranges[1:, 0], strict=True)
    ]
