"""Rows of the running accruals as records, with the cells of those that have a measure.

The accrue hop keeps sums in columns and cells in others. What prices a period wants rows: a series
with its sums and, where its measure is made of them, its cells. Here the two are brought together,
and cells that came with contributions are made a plan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from state.accrual_memory import Names, PartitionAccruals
from state.balances import PERIOD_SLOT, Plan, compose, join_residue
from state.cells import NO_CELLS_PLAN, CellPlan, cell_keys
from state.measures import MeasureInfo
from streams.accrual import DEALS, Book, Row, Volume
from streams.allowance import kept
from streams.cells import Cells
from streams.contribution import Block
from streams.deal_hours import with_hours
from streams.families import Ints


class Planned(NamedTuple):
    """What a batch makes of the rows and cells of a partition."""

    rows: Plan
    cells: CellPlan = NO_CELLS_PLAN


class Rows:
    """Reads rows by the numbers of series, under one reference."""

    def __init__(self, names: Names, book: Book) -> None:
        self._names, self._book = names, book

    def row(self, memory: PartitionAccruals, planned: Planned, number: int, values: Ints) -> Row:
        """The row of a series from its sums, with its cells as they will be."""
        events, quantity, charge, high, low = values.tolist()
        series, measure = self._names.series.names[number], self._measure(number)
        cells = None
        if measure is not None:
            found = memory.cells.of(planned.cells, number, largest=measure.keeps_largest)
            cells = replace(found, names=self._names.members.names)
        return Row(series, events, quantity, charge, join_residue(high, low), cells=cells)

    def beside(self, memory: PartitionAccruals, planned: Planned, counter: Volume) -> list[Row]:
        """The period rows that lie on a counter, as they will be."""
        numbers = np.array(self._names.siblings[counter], np.int64)
        keys = compose(self._names.book(numbers), np.zeros_like(numbers) + PERIOD_SLOT, numbers)
        values = memory.balances.after(planned.rows, keys)
        each = zip(numbers.tolist(), values, strict=True)
        rows = [self.row(memory, planned, number, of) for number, of in each]
        if counter[-1] == DEALS and self._book.by_hour(counter[0]):
            books = self._names.book(numbers)
            return with_hours(rows, numbers, books, memory.balances, planned.rows)
        return rows

    def plan_cells(
        self,
        memory: PartitionAccruals,
        blocks: Sequence[Block],
        numbers_of: Callable[[Sequence[str]], list[int]],
    ) -> CellPlan:
        """What cells will be with those of some blocks.

        Args:
            memory: the partition's.
            blocks: what has come in.
            numbers_of: the numbers of series by their texts, as they are booked.
        """
        keys, values, largest = [], [], []
        for came in (block.cells for block in blocks if len(block.cells)):
            numbers = numbers_of(came.series.to_pylist())
            cells = self._without_later(memory, came, numbers)
            measures = [self._measure(number) for number in numbers]
            keeps = np.array([m is not None and m.keeps_largest for m in measures], np.bool_)
            member = self._names.members.numbers(cells.members.to_pylist())[cells.member]
            series = np.array(numbers, np.int64)[cells.code]
            keys.append(cell_keys(series, member, cells.window))
            values.append(np.stack([cells.up, cells.down], axis=1))
            largest.append(keeps[cells.code])
        if not keys:
            return NO_CELLS_PLAN
        parts = (np.concatenate(keys), np.concatenate(values), np.concatenate(largest))
        return memory.cells.plan(*parts)

    def _without_later(
        self, memory: PartitionAccruals, cells: Cells, numbers: Sequence[int]
    ) -> Cells:
        """Cells without the events that an allowance has been used up before."""
        names, dropped = self._names, np.zeros(len(cells), np.bool_)
        for code, number in enumerate(numbers):
            allowance = self._book.terms(names.series.names[number]).item.allowance
            if allowance is None:
                continue
            at = np.flatnonzero(cells.code == code)
            known = memory.cells.of(NO_CELLS_PLAN, number, largest=False)
            known = replace(known, names=names.members.names)
            named = cells.members.take(pa.array(cells.member[at])).to_pylist()
            dropped[at] = ~np.array(kept(named, cells.up[at].tolist(), known, allowance), np.bool_)
        return cells.take(~dropped).trimmed() if dropped.any() else cells

    def _measure(self, number: int) -> MeasureInfo | None:
        """What is made of the cells of a series, if it has any."""
        return self._book.terms(self._names.series.names[number]).item.measure
