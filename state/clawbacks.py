"""Clawbacks on the hot path: which transactions an item takes back, and in how many parts.

Where an item takes back a part of a charge, its exact charges are counted in as many parts as the
window has days: the unit that they are over is so many times as large, for sales as well, so that
what a sale was charged and what is taken back of it add up without a remainder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.clawback import Clawback

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


class ClawbackTerms(NamedTuple):
    """The types of transactions that take back, the days, and into how many parts a charge goes."""

    types: tuple[str, ...]
    window_days: int
    parts: int


def clawback_terms(clawback: Clawback | None) -> ClawbackTerms | None:
    """The terms of an item's clawback, if it has one."""
    if clawback is None:
        return None
    return ClawbackTerms(tuple(map(str, clawback.types)), clawback.window_days, clawback.parts)


@dataclass(frozen=True)
class Clawbacks:
    """The clawbacks of all items.

    `window_days` and `parts` have an entry an item: 0 and 1 where it takes nothing back. `types`
    are the distinct types of transactions; `pairs` is rising and has item x types + type of each
    that an item takes back by.
    """

    window_days: Int64
    parts: Int64
    types: pa.Array
    pairs: Int64

    @staticmethod
    def of(items: Sequence[ClawbackTerms | None]) -> Clawbacks:
        """The columns of these items."""
        types = sorted({name for item in items if item for name in item.types})
        code = {name: at for at, name in enumerate(types)}
        pairs = [
            row * len(types) + code[name]
            for row, item in enumerate(items)
            if item
            for name in item.types
        ]
        return Clawbacks(
            window_days=np.array([item.window_days if item else 0 for item in items], np.int64),
            parts=np.array([item.parts if item else 1 for item in items], np.int64),
            types=pa.array(types, pa.string()),
            pairs=np.array(sorted(pairs), np.int64),
        )

    def covers(self, item: Int32, kind: Int32) -> npt.NDArray[np.bool_]:
        """Whether items take back by types of transactions, codes of `types` or below 0."""
        wanted = item.astype(np.int64) * len(self.types) + kind
        covered: npt.NDArray[np.bool_] = np.isin(wanted, self.pairs) & (kind >= 0)
        return covered
