"""Distinct integers of a column, and each row's place among them, without sorting.

Codes of names, rows of tables and hours of a batch lie in narrow ranges. For those a table of flags
over the range finds what occurs in one pass; only a wide range is sorted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

# A table of flags pays up to this many places a row, plus what costs nothing in any case.
PLACES_A_ROW, PLACES_FREE = 8, 1 << 18

KEY_MAX = 2**62


def distinct(column: npt.NDArray[np.integer]) -> tuple[Ints, Ints]:
    """The distinct values of a column, rising, and for each row the index of its value."""
    if len(column) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    low, high = int(column.min()), int(column.max())
    span = high - low + 1
    if span > PLACES_A_ROW * len(column) + PLACES_FREE:
        values, places = np.unique(column, return_inverse=True)
        return values.astype(np.int64), places.astype(np.int64)
    shifted = column if low == 0 else column.astype(np.int64) - low
    occurs = np.zeros(span, bool)
    occurs[shifted] = True
    values = np.flatnonzero(occurs)
    if len(values) == 1:
        return values + low, np.zeros(len(column), np.int64)
    index = np.zeros(span, np.int64)
    index[values] = np.arange(len(values))
    return values + low, index[shifted]


def combine(columns: Sequence[npt.NDArray[np.generic]]) -> Ints:
    """One integer a row that is equal exactly where all columns are equal."""
    key = np.zeros(len(columns[0]), np.int64)
    if len(key) == 0:
        return key
    reach = 1
    for column in columns:
        values = column.astype(np.int64)
        low = int(values.min())
        span = int(values.max()) - low + 1
        if reach * span >= KEY_MAX:
            key = distinct(key)[1]
            reach = int(key.max()) + 1
        key = key * span + (values - low)
        reach *= span
    return key
