"""What a batch of rated usage sends to the settlement partitions: one block to each.

Money is owed per agreement, so sums and cells go to the partition that owns the agreement's pool.
Every partition gets a block, if only to hear how far usage has come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from schemas.topics import partition_of
from state.tables import Tables
from streams.cell_folding import fold_cells
from streams.contribution import Block, Cover, SeriesTexts, Sums, fold, to_bytes
from streams.corrections import with_corrections
from streams.privacy import Tokens
from streams.rating import Rated
from streams.usage import UsageBatch


class Came(NamedTuple):
    """What blocks say besides figures: coverage, newest event times, the newest log time."""

    covers: tuple[Cover, ...]
    watermarks: Mapping[str, int]
    log_time_us: int


class Contributing:
    """Makes blocks under one reference."""

    def __init__(self, tables: Tables, tokens: Tokens, partitions: int) -> None:
        self._tables, self._tokens, self._partitions = tables, tokens, partitions
        self._series = SeriesTexts(tables)
        pools = [partition_of(a.pool, partitions) for a in tables.agreements]
        self._destination = np.array(pools, np.int32)
        self._agreements = {a.name: code for code, a in enumerate(tables.agreements)}

    def blocks(self, usage: UsageBatch, rated: Rated, came: Came) -> Iterator[tuple[int, bytes]]:
        """The block of each settlement partition."""
        folded = fold(usage, rated, self._tables, self._series)
        sums, agreements = with_corrections(*folded, rated.corrections, self._agreements)
        cells, owners = fold_cells(usage, rated, self._tables, self._series, self._tokens)
        none = np.zeros(0, np.int32)
        target = self._destination[agreements[sums.code]] if len(sums) else none
        cells_to = self._destination[owners[cells.code]] if len(cells) else none
        reference = self._tables.reference_id
        for partition in range(self._partitions):
            own: Sums = sums.take(target == partition)
            of_own = cells.take(cells_to == partition)
            block = Block(own, came.covers, came.watermarks, reference, came.log_time_us, of_own)
            yield partition, to_bytes(block)
