"""Chance that repeats: every draw is a pure function of the seed, a name and an index.

A generator with a state gives other numbers when events are made in other blocks, and a library's
distributions may change with its version or with the machine's floating point. Here event 1,000,000
draws its duration from a hash of (seed, "duration", 1,000,000), in integers alone. So any block of
the traffic can be made apart from the rest, and the same seed gives the same bytes anywhere.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.hashing import mix

Ints = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]

HALF_BITS = np.uint64(32)
BOUND_MAX = 1 << 32
MILLION = 1_000_000


def _salt(seed: int, name: str) -> npt.NDArray[np.uint64]:
    """A hash of seed and name, as an array of one so that arithmetic wraps in silence."""
    words = np.array([seed % (1 << 64)], np.uint64)
    return mix(mix(words) ^ np.uint64(zlib.crc32(name.encode())))


def _scaled(bits: npt.NDArray[np.uint64], bound: int) -> Ints:
    """Hashes spread evenly over 0 to bound - 1."""
    if not 0 < bound <= BOUND_MAX:
        raise ValueError(f"Condition: a bound from 1 to {BOUND_MAX}, not {bound}")
    return (((bits >> HALF_BITS) * np.uint64(bound)) >> HALF_BITS).astype(np.int64)


def scalar_below(seed: int, name: str, bound: int) -> int:
    """One number from 0 to bound - 1."""
    return int(_scaled(_salt(seed, name), bound)[0])


@dataclass(frozen=True)
class Draws:
    """Draws for some events, by their index in the traffic."""

    seed: int
    index: Ints

    def bits(self, name: str) -> npt.NDArray[np.uint64]:
        """64 random bits an event."""
        return mix(self.index.astype(np.uint64) ^ _salt(self.seed, name))

    def below(self, name: str, bound: int) -> Ints:
        """A number from 0 to bound - 1 an event."""
        return _scaled(self.bits(name), bound)

    def between(self, name: str, low: int, high: int) -> Ints:
        """A number from low to high - 1 an event."""
        return low + self.below(name, high - low)

    def chance(self, name: str, per_million: int) -> Marks:
        """True for so many events in a million."""
        return self.below(name, MILLION) < per_million

    def pick(self, name: str, weights: Sequence[int]) -> Ints:
        """An index into `weights` an event, as often as its weight says."""
        uptos = np.cumsum(np.array(weights, np.int64))
        return np.searchsorted(uptos, self.below(name, int(uptos[-1])), side="right")

    def heavy(self, name: str, low_bits: int, high_bits: int) -> Ints:
        """Long-tailed sizes: evenly many between each power of two and the next."""
        bits = self.bits(name)
        power = low_bits + (_scaled(bits, high_bits - low_bits))
        low = np.int64(1) << power
        part = (mix(bits) >> np.uint64(2)).astype(np.int64) & (low - 1)
        return low + part
