"""Running accruals in columns: what each series has come to, by hour and by period.

A row belongs to a *book* (an agreement and a booked period), a *slot* (an hour, or the whole
period) and a series; book, slot and series stand in one 64-bit key, and a sorted index of keys
leads to the row. So a batch of sums is found and added by a few array operations, and all rows of
one book and slot, which are published together, are neighbours in the index.

Computing and applying are apart: `plan` says what the rows will be and changes nothing, `apply`
makes it so once the transaction has committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from state.invariants import invariant

Ints = npt.NDArray[np.int64]
Name = TypeVar("Name")

SERIES_BITS, SLOT_BITS, BOOK_BITS = 21, 22, 20
PERIOD_SLOT = 0  # the slot of the period's totals; hour h has slot h + 1
BALANCE_MAX = 2**62
COLUMNS = ("events", "quantity", "charge_micros", "residue_high", "residue_low")
RESIDUE_BITS = 32
START_ROWS = 1024


class Numbers(dict[Name, int]):
    """Numbers for names, in the order they are first met."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.names: list[Name] = []
        self._limit = limit

    def number(self, name: Name) -> int:
        """The number of a name, a new one the first time."""
        found = self.get(name)
        if found is None:
            found = self[name] = len(self.names)
            self.names.append(name)
            invariant(found < self._limit, "names fit their bits in the key", limit=self._limit)
        return found


@dataclass(frozen=True)
class Plan:
    """What rows will be after a batch: keys (sorted, distinct) and their absolute values.

    `index_keys` and `index_rows` are the whole index including new rows, whose numbers follow the
    existing ones in key order.
    """

    keys: Ints
    values: Ints
    rows: Ints
    index_keys: Ints
    index_rows: Ints

    def put_into(self, keys: Ints, values: Ints) -> None:
        """Set the values of those of some keys that the plan has."""
        if len(self.keys) and len(keys):
            place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
            touched = self.keys[place] == keys
            values[touched] = self.values[place[touched]]


class Balances:
    """The running accruals of one partition."""

    def __init__(self) -> None:
        self._values = np.zeros((START_ROWS, len(COLUMNS)), np.int64)
        self._count = 0
        self._keys = np.zeros(0, np.int64)
        self._rows = np.zeros(0, np.int64)

    def __len__(self) -> int:
        return self._count

    @property
    def keys(self) -> Ints:
        """All keys, sorted."""
        return self._keys

    def plan(self, keys: Ints, values: Ints) -> Plan:
        """Add rows of sums (keys may repeat) to the balances, without changing them.

        Args:
            keys: key of each row.
            values: one row each, in the order of `COLUMNS`.
        """
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        starts = (
            np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
            if len(keys)
            else order
        )
        distinct = ordered[starts]
        sums = np.add.reduceat(values[order], starts, axis=0) if len(keys) else values
        rows = self._find(distinct)
        old = rows >= 0
        before = np.zeros_like(sums)
        before[old] = self._values[rows[old]]
        after = _carried(before + sums)
        largest = max(int(np.abs(a).max(initial=0)) for a in (before, sums, after))
        invariant(largest < BALANCE_MAX, "balances stay within 62 bits", largest=largest)
        return self._place(distinct, after, rows)

    def put(self, keys: Ints, values: Ints) -> None:
        """Set rows to absolute values (the last of repeated keys counts); used when recovering."""
        last = len(keys) - 1 - np.unique(keys[::-1], return_index=True)[1]
        self.apply(self._place(keys[last], values[last], self._find(keys[last])))

    def _place(self, keys: Ints, values: Ints, rows: Ints) -> Plan:
        """Give new keys rows of their own and the index they will be found by."""
        new = np.flatnonzero(rows < 0)
        if len(new) == 0:
            return Plan(keys, values, rows, self._keys, self._rows)
        rows = rows.copy()
        rows[new] = self._count + np.arange(len(new))
        at = np.searchsorted(self._keys, keys[new])
        return Plan(
            keys,
            values,
            rows,
            np.insert(self._keys, at, keys[new]),
            np.insert(self._rows, at, rows[new]),
        )

    def _find(self, keys: Ints) -> Ints:
        """The row of each key, -1 where there is none."""
        if len(self._keys) == 0:
            return np.full(len(keys), -1, np.int64)
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.where(self._keys[at] == keys, self._rows[at], -1)

    def apply(self, plan: Plan) -> None:
        """Make a plan so."""
        count = len(plan.index_keys)
        if count > len(self._values):
            grown = np.zeros((max(count, 2 * len(self._values)), len(COLUMNS)), np.int64)
            grown[: self._count] = self._values[: self._count]
            self._values = grown
        self._values[plan.rows] = plan.values
        self._keys, self._rows, self._count = plan.index_keys, plan.index_rows, count

    def groups(self, plan: Plan, groups: Ints, bits: int = SERIES_BITS) -> tuple[Ints, Ints, Ints]:
        """All rows of some books and slots, or of whole books, as they will be after a plan.

        Args:
            plan: a plan made on these balances.
            groups: distinct sorted keys without their lower bits.
            bits: how many bits these are; those of the series, or of slot and series.

        Returns:
            The keys of the rows, their values, and the offset of each group's first row with the
            total at the end.
        """
        low = np.searchsorted(plan.index_keys, groups << bits)
        high = np.searchsorted(plan.index_keys, (groups + 1) << bits)
        counts = high - low
        offsets = np.concatenate([[0], np.cumsum(counts)])
        at = np.repeat(low - offsets[:-1], counts) + np.arange(offsets[-1])
        keys = plan.index_keys[at]
        # Rows that are new with the plan have no values yet: they are among those put in below.
        values = self._values[np.minimum(plan.index_rows[at], len(self._values) - 1)]
        plan.put_into(keys, values)
        return keys, values, offsets

    def after(self, plan: Plan, keys: Ints) -> Ints:
        """The values of some keys as they will be after a plan; zero where there is no row."""
        values = np.zeros((len(keys), len(COLUMNS)), np.int64)
        rows = self._find(keys)
        values[rows >= 0] = self._values[rows[rows >= 0]]
        plan.put_into(keys, values)
        return values

    def rows(self) -> tuple[Ints, Ints]:
        """Everything: keys in order and their values."""
        return self._keys, self._values[self._rows]


def split_residue(residue: Ints) -> tuple[Ints, Ints]:
    """Residues as high and low parts: sums of parts stay exact far beyond 64 bits."""
    return residue >> RESIDUE_BITS, residue & (2**RESIDUE_BITS - 1)


def join_residue(high: int, low: int) -> int:
    """A residue from its parts, of any size."""
    return (high << RESIDUE_BITS) + low


def _carried(values: Ints) -> Ints:
    """Values whose low parts are within their bits again."""
    low = values[:, -1]
    values[:, -2] += low >> RESIDUE_BITS
    values[:, -1] = low & (2**RESIDUE_BITS - 1)
    return values


def compose(book: Ints, slot: Ints, series: Ints) -> Ints:
    """Keys from their parts."""
    return ((book << SLOT_BITS | slot) << SERIES_BITS) | series


def decompose(keys: Ints) -> tuple[Ints, Ints, Ints]:
    """Book, slot and series of keys."""
    group = keys >> SERIES_BITS
    return group >> SLOT_BITS, group & (2**SLOT_BITS - 1), keys & (2**SERIES_BITS - 1)


def stack(columns: Sequence[Ints]) -> Ints:
    """Columns in the order of `COLUMNS` as rows of values."""
    return np.stack(columns, axis=1) if len(columns[0]) else np.zeros((0, len(COLUMNS)), np.int64)
