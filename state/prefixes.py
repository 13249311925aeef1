"""Longest prefix by one binary search: numbers as integers, prefixes as disjoint intervals.

A digit string of up to 15 digits becomes its rank in dictionary order among all such strings, an
integer below 2^50. The rank keeps the length ("49" and "490" differ), and all numbers that begin
with a prefix have consecutive ranks: the interval from the prefix itself to the prefix followed by
nines. Nested prefixes are flattened when the table is built, so that each rank lies in exactly one
interval, which carries the value of the longest prefix there or -1. Several tables share one
sorted array: the number of the table stands above the rank.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from state.invariants import invariant

NUMBER_DIGITS = 15
RANK_BITS = 50
TABLES_MAX = 2 ** (63 - RANK_BITS)

NO_NUMBER = -1
NOT_A_NUMBER = -2
NO_PREFIX = -1

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]
Texts: TypeAlias = "Sequence[str] | pa.Array"

# How many strings begin with a given string of k digits, itself included: 1 for k = 15, 11 for 14.
_SUBTREE = np.array([(10 ** (NUMBER_DIGITS - k + 1) - 1) // 9 for k in range(NUMBER_DIGITS + 1)])

# Texts are parsed in slices whose intermediate columns stay in the processor's cache.
_SLICE_ROWS = 8192

# Above this many intervals it pays to sort the probes first, by so many bits: neighbours then share
# cache lines.
_SORTED_PROBES_FROM = 50_000
_LEADING_BITS = 16

# A text is read as 16 bytes: two words of eight digits, the first digit in the lowest byte.
_TEXT_BYTES = 16
_WORDS = 2
_ZEROS = np.uint64(0x3030303030303030)
_ABOVE_NINE = np.uint64(0x7676767676767676)
_TOP_BITS = np.uint64(0x8080808080808080)
_ONES = np.uint64(0x0101010101010101)


def _keep_masks() -> UInt64:
    """Per length 0 to 16, the two masks that keep that many bytes of a text."""
    masks = np.zeros((_TEXT_BYTES + 1, _TEXT_BYTES), np.uint8)
    for length in range(_TEXT_BYTES + 1):
        masks[length, :length] = 0xFF
    return masks.view(np.uint64)


_KEEP = _keep_masks()


@dataclass(frozen=True)
class Prefixes:
    """Prefix tables, flattened: the value of each interval and where it starts.

    Element 0 lies below every table. That is where a negative rank or table ends up, and a number
    below the first interval of table 0, so that `lookup` needs no special case.
    """

    starts: Int64
    values: Int32

    @staticmethod
    def build(tables: Sequence[tuple[Texts, npt.ArrayLike]]) -> Prefixes:
        """One structure for all tables, each the prefixes and as many values.

        A table's prefixes are distinct strings of 1 to 15 digits; values are not negative.
        """
        invariant(len(tables) <= TABLES_MAX, "prefix tables fit their bits", tables=len(tables))
        starts = [np.array([np.iinfo(np.int64).min], np.int64)]
        values = [np.array([NO_PREFIX], np.int32)]
        for table, (prefixes, of_prefix) in enumerate(tables):
            ranks, value = _flatten(prefixes, np.asarray(of_prefix, np.int32))
            starts.append(ranks | (table << RANK_BITS))
            values.append(value)
        return Prefixes(np.concatenate(starts), np.concatenate(values))

    def lookup(self, table: Int32 | int, numbers: Int64) -> Int32:
        """The value of the longest prefix of each number in its table, -1 where there is none.

        `numbers` are ranks as `justify` makes them; its negative answers and a negative table find
        nothing.
        """
        # Or-ing keeps the sign of either side, which sends the negative ones to element 0.
        probes = numbers | (np.asarray(table, np.int64) << RANK_BITS)
        if self.starts.size < _SORTED_PROBES_FROM:
            return self.values[np.searchsorted(self.starts, probes, side="right") - 1]
        order = _nearly(probes)
        found = np.empty(probes.size, np.int32)
        row = np.searchsorted(self.starts, probes[order], side="right") - 1
        found[order] = self.values[row]
        return found


def _nearly(probes: Int64) -> npt.NDArray[np.intp]:
    """An order in which neighbours are near each other: by the leading 16 bits of their range.

    A search finds its way in the processor's cache when the last one went nearly the same way;
    sorting by 16 bits takes two passes, sorting altogether costs more than it gains.
    """
    if probes.size == 0:
        return np.zeros(0, np.intp)
    low = int(probes.min())
    spare_bits = max(0, (int(probes.max()) - low).bit_length() - _LEADING_BITS)
    distance = (probes - np.int64(low)).view(np.uint64) >> np.uint64(spare_bits)
    return np.argsort(distance.astype(np.uint16), kind="stable")


def justify(text: pa.Array | pa.ChunkedArray) -> Int64:
    """The rank of each digit string: -1 for null and -2 for what is not 1 to 15 ASCII digits."""
    chunks = text.chunks if isinstance(text, pa.ChunkedArray) else [text]
    ranks = [_justify_chunk(chunk) for chunk in chunks]
    return np.concatenate(ranks) if ranks else np.zeros(0, np.int64)


def _justify_chunk(text: pa.Array) -> Int64:
    """`justify` for one Arrow array, of any type that holds text."""
    if not pa.types.is_large_string(text.type):
        text = text.cast(pa.large_string())
    rows = len(text)
    _, offset_buffer, data_buffer = text.buffers()
    if rows == 0 or offset_buffer is None:
        return np.zeros(0, np.int64)
    width = np.dtype(np.int64).itemsize
    offsets = np.frombuffer(offset_buffer, np.int64, rows + 1, text.offset * width)
    begin, end = int(offsets[0]), int(offsets[-1])
    data = np.zeros(end - begin + _TEXT_BYTES, np.uint8)
    if data_buffer is not None:
        data[: end - begin] = np.frombuffer(data_buffer, np.uint8, end - begin, begin)
    ranks = np.empty(rows, np.int64)
    for first in range(0, rows, _SLICE_ROWS):
        edges = offsets[first : first + _SLICE_ROWS + 1]
        ranks[first : first + _SLICE_ROWS] = _rank(data, edges[:-1] - begin, np.diff(edges))
    if text.null_count:
        ranks[text.is_null().to_numpy(zero_copy_only=False)] = NO_NUMBER
    return ranks


def _rank(data: Bytes, starts: Int64, lengths: Int64) -> Int64:
    """The ranks of the texts that start at `starts` in `data`, which has 16 bytes to spare.

    All digits of a word are worked on at once, a byte each. With the digits d1 to dn of a number,
    padded by zeros to 16, being V as one integer, the rank is n + (V - (d1 + ... + dn)) / 9: it
    adds one for every digit and, per digit, the subtrees of the smaller digits in its place.
    """
    # A complex number is numpy's 16-byte element: one gather fetches both words.
    texts = np.ndarray((data.size - _TEXT_BYTES + 1,), np.complex128, data, strides=(1,))
    clipped = np.minimum(lengths, _TEXT_BYTES)
    words = texts[starts].view(np.uint64)
    words ^= _ZEROS
    words &= _KEEP.view(np.complex128).ravel()[clipped].view(np.uint64)
    wrong = words + _ABOVE_NINE
    wrong |= words
    wrong &= _TOP_BITS
    digit_sums = words[0::_WORDS] + words[1::_WORDS]
    digit_sums *= _ONES
    digit_sums >>= np.uint64(56)
    _eight_digits(words)
    ranks = words[0::_WORDS] * np.uint64(10**8)
    ranks += words[1::_WORDS]
    ranks -= digit_sums
    ranks //= np.uint64(9)
    ranks += clipped.view(np.uint64)
    signed = ranks.view(np.int64)
    bad = (wrong[0::_WORDS] | wrong[1::_WORDS]) != 0
    bad |= (lengths == 0) | (lengths > NUMBER_DIGITS)
    signed[bad] = NOT_A_NUMBER
    return signed


def _eight_digits(words: UInt64) -> None:
    """Turn words of eight digit bytes, the first lowest, into the numbers they spell, in place.

    Neighbours are joined three times: digits to pairs, pairs to fours, fours to eight. Each
    multiplication adds the left neighbour, weighted, to the right one; the shift drops the rest.
    """
    words *= np.uint64(10 * 2**8 + 1)
    words >>= np.uint64(8)
    words &= np.uint64(0x00FF00FF00FF00FF)
    words *= np.uint64(100 * 2**16 + 1)
    words >>= np.uint64(16)
    words &= np.uint64(0x0000FFFF0000FFFF)
    words *= np.uint64(10_000 * 2**32 + 1)
    words >>= np.uint64(32)


def _flatten(prefixes: Texts, values: Int32) -> tuple[Int64, Int32]:
    """The disjoint intervals of one table: their first ranks, and a value or -1 for each.

    Every start and end of a prefix's interval is a breakpoint. Painting the breakpoints from short
    prefixes to long ones leaves on each the value of the longest prefix that covers it.
    """
    text = prefixes if isinstance(prefixes, pa.Array) else pa.array(prefixes)
    text = text.cast(pa.large_string())
    first = justify(text)
    invariant(not np.any(first < 0), f"a prefix is 1 to {NUMBER_DIGITS} digits")
    invariant(not np.any(values < 0), "the values of prefixes are not negative")
    order = np.argsort(first)
    first, values = first[order], values[order]
    invariant(not np.any(first[1:] == first[:-1]), "the prefixes of one table are distinct")
    lengths = pc.binary_length(text).to_numpy(zero_copy_only=False)[order]
    after = first + _SUBTREE[lengths]
    # Sorting is three times as fast as what numpy's `unique` does.
    edges = np.sort(np.concatenate([np.zeros(1, np.int64), first, after]))
    breakpoints = edges[np.append(True, edges[1:] != edges[:-1])]
    painted = np.full(breakpoints.size, NO_PREFIX, np.int32)
    for of_length in _by_length(lengths):
        begin = np.searchsorted(breakpoints, first[of_length])
        counts = np.searchsorted(breakpoints, after[of_length]) - begin
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        painted[np.repeat(begin, counts) + within] = np.repeat(values[of_length], counts)
    changes = np.ones(painted.size, np.bool_)
    changes[1:] = painted[1:] != painted[:-1]
    return breakpoints[changes], painted[changes]


def _by_length(lengths: Int64) -> Iterator[Int64]:
    """The rows of each length, from short to long."""
    for length in range(1, NUMBER_DIGITS + 1):
        rows = np.flatnonzero(lengths == length)
        if rows.size:
            yield rows
