"""Stable 64-bit digests of columns, for recognising an event and its body again.

A digest must be the same in every process and every release, since it is stored; so neither
Python's nor a library's own hash will do. Strings are hashed multilinearly (each byte times a fixed
pseudo-random odd number of its place, summed modulo 2^64), whole columns at a time, and finished
with SplitMix64's finaliser.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Digests = npt.NDArray[np.uint64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
NULL_DIGEST = np.uint64(0x5851F42D4C957F2D)
WEIGHTS_START = 256


def mix(values: Digests) -> Digests:
    """SplitMix64's finaliser: every input bit reaches every output bit."""
    z = values + GOLDEN
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def text_digests(column: pa.Array, salt: int = 0) -> Digests:
    """A digest for each string; null has one of its own. Different salts are independent hashes."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    rows = len(column)
    if column.null_count == rows:
        return np.full(rows, NULL_DIGEST)
    filled = pc.fill_null(column, "")
    raw = filled.cast(pa.large_binary())
    offsets = np.frombuffer(raw.buffers()[1], np.int64)[raw.offset : raw.offset + rows + 1]
    data = np.frombuffer(raw.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    offsets = offsets - offsets[0]
    lengths = np.diff(offsets)
    place = np.arange(len(data), dtype=np.int64) - np.repeat(offsets[:-1], lengths)
    longest = int(lengths.max(initial=0))
    weights = _weights(longest, salt)
    terms = (data.astype(np.uint64) + np.uint64(1)) * weights[place]
    digests = np.zeros(rows, np.uint64)
    filled_rows = np.flatnonzero(lengths > 0)
    if len(filled_rows):
        digests[filled_rows] = np.add.reduceat(terms, offsets[:-1][filled_rows])
    digests = mix(digests ^ lengths.astype(np.uint64))
    if column.null_count:
        digests[column.is_null().to_numpy(zero_copy_only=False)] = NULL_DIGEST
    return digests


def _weights(count: int, salt: int) -> Digests:
    """The odd multiplier of each place of a string."""
    size = max(WEIGHTS_START, count)
    places = np.arange(size, dtype=np.uint64) + np.uint64(salt) * np.uint64(1 << 32)
    return mix(places * GOLDEN) | np.uint64(1)
