"""What is in force when: values with validity, looked up for whole columns of (code, second).

Agreements, rates and the owners of keys change at an instant, and usage is settled by what was in
force when it *happened*, never by what is in force when it arrives. `AsOf` holds, for each code of
a dense range, any number of disjoint half-open intervals `[valid_from, valid_upto)` in seconds
since 1970 with a value each. Most codes have exactly one interval, so these are answered by a
gather and two comparisons; the others by a binary search among their own few intervals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.moments import OPEN_FROM_S, OPEN_UPTO_S
from state.invariants import invariant

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

NOT_IN_FORCE = -1

# Marks a code that has several intervals; no value may be this.
_SEVERAL = np.int32(-(2**31))


@dataclass(frozen=True)
class AsOf:
    """Values by code and second; `build` makes one, `lookup` asks it.

    The first five columns have a row per code and one more at the end, never in force, which is
    where numpy finds code -1. The last three have a row per interval of a code that has several,
    by code and start; `first` and `last` are such a code's rows among them.
    """

    valid_from: Int64
    valid_upto: Int64
    value: Int32
    first: Int32
    last: Int32
    several_from: Int64
    several_upto: Int64
    several_value: Int32

    @staticmethod
    def build(
        codes: npt.ArrayLike,
        valid_from_s: npt.ArrayLike,
        valid_upto_s: npt.ArrayLike,
        values: npt.ArrayLike,
        size: int,
    ) -> AsOf:
        """A table for the codes 0 to size - 1 from one row per interval, in any order.

        Ends beyond `OPEN_FROM_S` and `OPEN_UPTO_S` mean open and are clipped to these.
        """
        code = np.asarray(codes, np.int64)
        start = np.clip(np.asarray(valid_from_s, np.int64), OPEN_FROM_S, OPEN_UPTO_S)
        end = np.clip(np.asarray(valid_upto_s, np.int64), OPEN_FROM_S, OPEN_UPTO_S)
        value = np.asarray(values, np.int32)
        order = np.lexsort((start, code))
        code, start, end, value = code[order], start[order], end[order], value[order]
        _check(code, start, end, value, size)
        count = np.bincount(code, minlength=size)
        several = count[code] > 1
        table_from = np.zeros(size + 1, np.int64)
        table_upto = np.zeros(size + 1, np.int64)
        table_value = np.full(size + 1, NOT_IN_FORCE, np.int32)
        table_from[code[~several]] = start[~several]
        table_upto[code[~several]] = end[~several]
        table_value[code[~several]] = value[~several]
        has_several = np.append(count > 1, [False])
        table_upto[has_several] = OPEN_UPTO_S
        table_value[has_several] = _SEVERAL
        rows = np.append(np.where(count > 1, count, 0), [0]).astype(np.int32)
        after = np.cumsum(rows, dtype=np.int32)
        return AsOf(
            table_from,
            table_upto,
            table_value,
            after - rows,
            after - 1,
            start[several],
            end[several],
            value[several],
        )

    def lookup(self, codes: Int32, seconds: Int64) -> Int32:
        """The value in force for each code at each second, -1 where there is none."""
        if seconds.size < self.value.size:
            return self._one_by_one(codes, seconds)
        found = self._throughout(int(seconds.min()), int(seconds.max()))[codes]
        rest = np.flatnonzero(found == _SEVERAL)
        if rest.size:
            found[rest] = self._one_by_one(codes[rest], seconds[rest])
        return found

    def _throughout(self, first: int, last: int) -> Int32:
        """The value of each code from one second to another, `_SEVERAL` where it changes."""
        inside = (self.valid_from <= first) & (last < self.valid_upto)
        outside = (self.valid_upto <= first) | (last < self.valid_from)
        found = np.where(inside, self.value, _SEVERAL)
        found[outside] = NOT_IN_FORCE
        return found

    def _one_by_one(self, codes: Int32, seconds: Int64) -> Int32:
        """`lookup` by the interval of each code."""
        found = self.value[codes]
        outside = seconds < self.valid_from[codes]
        outside |= seconds >= self.valid_upto[codes]
        found[outside] = NOT_IN_FORCE
        if self.several_value.size:
            rest = np.flatnonzero(found == _SEVERAL)
            if rest.size:
                found[rest] = self._search(codes[rest], seconds[rest])
        return found

    def _search(self, codes: Int32, seconds: Int64) -> Int32:
        """The value for codes of several intervals: the last of them that has begun, if not over.

        All rows search at once. Each step goes ahead by half as many intervals as the step before,
        wherever the one it reaches has begun; a step beyond a code's last interval tries the last.
        """
        row, last = self.first[codes], self.last[codes]
        longest = int((last - row).max())
        for exponent in reversed(range(longest.bit_length())):
            ahead = np.minimum(row + np.int32(1 << exponent), last)
            row = np.where(self.several_from[ahead] <= seconds, ahead, row)
        inside = seconds >= self.several_from[row]
        inside &= seconds < self.several_upto[row]
        return np.where(inside, self.several_value[row], np.int32(NOT_IN_FORCE))


def _check(code: Int64, start: Int64, end: Int64, value: Int32, size: int) -> None:
    """Stop at rows, sorted by code and start, that `lookup` could not answer truly."""
    if code.size == 0:
        return
    invariant(
        bool(code[0] >= 0 and code[-1] < size),
        "codes lie between 0 and the size of the table",
        least=code[0],
        most=code[-1],
        size=size,
    )
    invariant(bool(np.all(start < end)), "every interval ends after it starts")
    overlap = (code[1:] == code[:-1]) & (start[1:] < end[:-1])
    invariant(not np.any(overlap), "the intervals of one code do not overlap")
    invariant(not np.any(value == _SEVERAL), "a value is not the mark for several", mark=_SEVERAL)
