"""Cells on the changelog: absolute figures, a few neighbours a record, and back again.

A record has the cells of one series for some members and windows: members that share a bucket (by a
check sum of their name, so the same in every process) and a stretch of neighbouring windows. When
one of its cells changes the record is written again, whole; cells are never taken back, so that the
latest record of each key is all there is to know.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np

from state.balances import Numbers
from state.cells import BLOCK_BITS, CellPlan, CellStore, Ints, Members, cell_keys, cell_parts
from streams.contribution import Series
from streams.log import Message

CELLS_KEY = b"cells/"


def cell_changes(
    store: CellStore, plan: CellPlan, series: Numbers[Series], members: Members
) -> list[Message]:
    """The records of everything that a plan changes.

    Args:
        store: the cells before.
        plan: what changes.
        series: the names behind the numbers of series.
        members: the names behind the numbers of members.
    """
    if len(plan.keys) == 0:
        return []
    messages: list[Message] = []
    coded, member, window = cell_parts(plan.keys)
    numbers, starts = np.unique(coded, return_index=True)
    changed = zip(np.split(member, starts[1:]), np.split(window, starts[1:]), strict=True)
    for number, (own, windows) in zip(numbers.tolist(), changed, strict=True):
        touched = np.unique(_record(own, windows, members))
        cells = store.of(plan, number, largest=False)  # as they are kept, whatever they mean
        record = _record(cells.member, cells.window, members)
        at = np.flatnonzero(np.isin(record, touched))
        at = at[np.argsort(record[at], kind="stable")]
        cuts = np.flatnonzero(np.diff(record[at])) + 1
        names = [members.names[m] for m in cells.member[at].tolist()]
        columns = (getattr(cells, name)[at].tolist() for name in ("window", "up", "down"))
        rows = list(zip(names, *columns, strict=True))
        ends = [*cuts.tolist(), len(rows)]
        for name, low, high in zip(touched.tolist(), [0, *ends], ends, strict=False):
            key = CELLS_KEY + f"{name}/{series.names[number].text()}".encode()
            value = json.dumps(rows[low:high], separators=(",", ":"), ensure_ascii=False)
            messages.append((key, value.encode()))
    return messages


def _record(member: Ints, window: Ints, members: Members) -> Ints:
    """The record that each cell is in."""
    return members.buckets(member) << 16 - BLOCK_BITS | window >> BLOCK_BITS


class CellsRead:
    """Cells as they are read from the changelog; of a record read twice the later one counts."""

    def __init__(self) -> None:
        self._records: dict[bytes, bytes] = {}

    def take(self, key: bytes, value: bytes) -> None:
        """One record."""
        self._records[key] = value

    def rows(self, series_number: Callable[[Series], int], members: Members) -> tuple[Ints, Ints]:
        """Keys and figures of all cells.

        Args:
            series_number: gives a series its number.
            members: gives names their numbers.
        """
        keys, values = [np.zeros(0, np.int64)], [np.zeros((0, 2), np.int64)]
        for key, value in self._records.items():
            text = key.removeprefix(CELLS_KEY).partition(b"/")[2].decode()
            rows = json.loads(value)
            names, windows, up, down = zip(*rows, strict=True)
            series = np.full(len(rows), series_number(Series.parse(text)), np.int64)
            keys.append(cell_keys(series, members.numbers(names), np.array(windows, np.int64)))
            values.append(np.array([up, down], np.int64).T)
        return np.concatenate(keys), np.concatenate(values)
