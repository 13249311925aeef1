"""Cells: what members did in windows, which is what a measure is made of.

A sum of a whole period forgets what a percentile, a peak or a number of different members needs.
So such an item's usage fills *cells* beside its sums: for each series, member (a port, a
subscriber, or nobody in particular) and window two figures, which are added up or of which the
larger one stays. Series, member and window stand in one 64-bit key; a sorted column of keys leads
to the figures.

As with the running sums, computing and applying are apart: `plan` says what cells will be and
changes nothing, `apply` makes it so once the transaction has committed.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from state.balances import Numbers
from state.invariants import invariant

Ints = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]

MEMBER_BITS, WINDOW_BITS = 26, 16
CELL_MAX = 2**62
BUCKETS, BLOCK_BITS = 2**16, 6  # members that share a record of the changelog, and its windows


class Members:
    """Numbers of members, shared by all partitions of a process, and the bucket of each."""

    def __init__(self) -> None:
        self._numbers: Numbers[str] = Numbers(2**MEMBER_BITS)
        self._buckets = np.zeros(0, np.int64)

    @property
    def names(self) -> list[str]:
        """The members in the order of their numbers; the list grows."""
        return self._numbers.names

    def numbers(self, names: Sequence[str]) -> Ints:
        """The numbers of some members."""
        return np.array([self._numbers.number(name) for name in names], np.int64)

    def buckets(self, members: Ints) -> Ints:
        """The bucket of each member, which follows from its name alone."""
        have, names = len(self._buckets), self.names
        if have < len(names):
            new = [zlib.crc32(name.encode()) % BUCKETS for name in names[have:]]
            self._buckets = np.append(self._buckets, np.array(new, np.int64))
        return self._buckets[members]


@dataclass(frozen=True)
class CellSet:
    """The cells of a series or of several; a pair of member and window comes once.

    `is_largest` says that of two values of a cell the larger one stays.
    """

    member: Ints
    window: Ints
    up: Ints
    down: Ints
    is_largest: bool
    names: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.member)


def merged(sets: Sequence[CellSet]) -> CellSet:
    """Cells of several series as those of one; there is at least one."""
    first = sets[0]
    if len(sets) == 1:
        return first
    member = np.concatenate([s.member for s in sets])
    window = np.concatenate([s.window for s in sets])
    keys = member << WINDOW_BITS | window
    values = np.stack([np.concatenate([getattr(s, f) for s in sets]) for f in ("up", "down")], 1)
    keys, values = _reduced(keys, values, np.full(len(keys), first.is_largest))
    member, window = keys >> WINDOW_BITS, keys & (2**WINDOW_BITS - 1)
    return CellSet(member, window, values[:, 0], values[:, 1], first.is_largest, first.names)


def cell_keys(series: Ints, member: Ints, window: Ints) -> Ints:
    """Keys from their parts."""
    fits = int(window.max(initial=0)) < 2**WINDOW_BITS and int(window.min(initial=0)) >= 0
    invariant(fits, "windows fit their part of the key")
    return (series << MEMBER_BITS | member) << WINDOW_BITS | window


def cell_parts(keys: Ints) -> tuple[Ints, Ints, Ints]:
    """Series, member and window of keys."""
    rest = keys >> WINDOW_BITS
    return rest >> MEMBER_BITS, rest & (2**MEMBER_BITS - 1), keys & (2**WINDOW_BITS - 1)


@dataclass(frozen=True)
class CellPlan:
    """What cells will be after a batch: sorted keys and figures; only those that change."""

    keys: Ints
    values: Ints


NO_CELLS_PLAN = CellPlan(np.zeros(0, np.int64), np.zeros((0, 2), np.int64))


class CellStore:
    """The cells of one partition."""

    def __init__(self) -> None:
        self._keys = np.zeros(0, np.int64)
        self._values = np.zeros((0, 2), np.int64)

    def __len__(self) -> int:
        return len(self._keys)

    def plan(self, keys: Ints, values: Ints, is_largest: Marks) -> CellPlan:
        """Take figures (keys may repeat) into the cells, without changing them.

        Args:
            keys: key of each figure.
            values: up and down of each.
            is_largest: of which the larger one stays.
        """
        if len(keys) == 0:
            return NO_CELLS_PLAN
        order = np.argsort(keys, kind="stable")
        marks = is_largest[order][_starts(keys[order])]
        keys, values = _reduced(keys, values, is_largest)
        at, known = self._find(keys)
        before, after = np.zeros_like(values), values.copy()
        before[known] = self._values[at[known]]
        larger = np.flatnonzero(known & marks)
        added = np.flatnonzero(known & ~marks)
        after[larger] = np.maximum(before[larger], values[larger])
        after[added] = before[added] + values[added]
        most = max(int(np.abs(v).max(initial=0)) for v in (before, values, after))
        invariant(most < CELL_MAX, "cells stay within 62 bits", largest=most)
        changed = ~known | np.any(after != before, axis=1)
        return CellPlan(keys[changed], after[changed])

    def put(self, keys: Ints, values: Ints) -> None:
        """Set cells to absolute figures (the last of repeated keys counts), when recovering."""
        last = len(keys) - 1 - np.unique(keys[::-1], return_index=True)[1]
        self.apply(CellPlan(keys[last], values[last]))

    def apply(self, plan: CellPlan) -> None:
        """Make a plan so."""
        at, known = self._find(plan.keys)
        self._values[at[known]] = plan.values[known]
        if not known.all():
            places = np.searchsorted(self._keys, plan.keys[~known])
            self._values = np.insert(self._values, places, plan.values[~known], axis=0)
            self._keys = np.insert(self._keys, places, plan.keys[~known])

    def of(self, plan: CellPlan, series: int, *, largest: bool) -> CellSet:
        """The cells of a series after a plan, by member and window; see `CellSet`."""
        shift = MEMBER_BITS + WINDOW_BITS
        parts = []
        for keys, values in ((self._keys, self._values), (plan.keys, plan.values)):
            low, high = np.searchsorted(keys, [series << shift, (series + 1) << shift])
            parts.append((keys[low:high], values[low:high]))
        (keys, values), (new_keys, new_values) = parts
        if len(new_keys):
            at = np.searchsorted(keys, new_keys)
            known = np.append(keys, -1)[at] == new_keys
            values = values.copy()
            values[at[known]] = new_values[known]
            keys = np.insert(keys, at[~known], new_keys[~known])
            values = np.insert(values, at[~known], new_values[~known], axis=0)
        _, member, window = cell_parts(keys)
        return CellSet(member, window, values[:, 0], values[:, 1], largest)

    def _find(self, keys: Ints) -> tuple[Ints, Marks]:
        """The place of each key, and whether it is there."""
        at = np.searchsorted(self._keys, keys)
        known = np.append(self._keys, -1)[at] == keys
        return at, known


def _starts(ordered: Ints) -> Ints:
    """Where each distinct key of a sorted column begins."""
    return np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))


def _reduced(keys: Ints, values: Ints, is_largest: Marks) -> tuple[Ints, Ints]:
    """One row a key, rising: the sum of its figures or the largest of each."""
    if len(keys) == 0:
        return keys, values
    order = np.argsort(keys, kind="stable")
    ordered, figures = keys[order], values[order]
    starts = _starts(ordered)
    kept = is_largest[order][starts]
    found = np.empty((len(starts), values.shape[1]), np.int64)
    if kept.any():
        found[kept] = np.maximum.reduceat(figures, starts, axis=0)[kept]
    if not kept.all():
        found[~kept] = np.add.reduceat(figures, starts, axis=0)[~kept]
    return ordered[starts], found
