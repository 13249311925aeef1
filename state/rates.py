"""Rate lines: what one event is charged by, each a row of the same few columns.

A unit price, a share and every rate of every deck are rate lines: a price, a connect fee, and the
increments that time is counted in. A price by time band is one for each band, the lines one after
the other in the order of the bands. A leg finds the number of its line, by its item or by its
item's deck, and what it costs is then gathered by that number alone, wherever the line came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from state.items import ItemInfo, Line

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

NO_LINE = 0
"""The line of what is priced elsewhere, or not at all: it charges nothing."""


@dataclass(frozen=True)
class Rates:
    """Rate lines as columns, one entry a line."""

    price_nanos: Int64
    connect_nanos: Int64
    initial_seconds: Int64
    next_seconds: Int64

    def __len__(self) -> int:
        return len(self.price_nanos)

    def followed_by(self, others: Rates) -> Rates:
        """These lines and then the others, whose numbers grow by the length of these."""
        names = [field.name for field in fields(self)]
        return Rates(*(np.concatenate([getattr(self, n), getattr(others, n)]) for n in names))


def own_lines(items: Sequence[ItemInfo]) -> tuple[Rates, Int32]:
    """The lines of items that have their own, after `NO_LINE`, and the first one of each item."""
    rows = [Line(0, 0, 1, 1)]
    line_of = np.full(len(items), NO_LINE, np.int32)
    for row, item in enumerate(items):
        lines = item.own_lines
        if lines:
            line_of[row] = len(rows)
            rows += lines
    return Rates(*np.ascontiguousarray(np.array(rows, np.int64).T)), line_of
