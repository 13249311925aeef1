"""What accruals must say at any moment, from the usage that they say they cover.

The workload's charges are worked out by the benchmark's own plain integers, apart from Weir. Laid
out by where each event stands on the log, they tell for any coverage what every agreement must have
come to: the reader that watches during faults compares each figure it sees with that, not only the
last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ops.bench import recipe, workload
from schemas.topics import USAGE

Ints = npt.NDArray[np.int64]
FIGURES = 3  # events, quantity, charge in micros


class Ledger:
    """Running sums of each agreement along each usage partition."""

    def __init__(self, events: int, partitions: int, seed: int = workload.SEED) -> None:
        """Work out every event of the workload."""
        data, order = recipe.columns(events, seed)
        self.messages = workload.encode(data, order)
        self.rows = self.messages.partition_rows(partitions)
        settled = list(workload.settle(data, seed))
        self.suspended = sum(one is None for one in settled)
        owners = np.array([None if s is None else s[0][0] for s in settled], object)
        charges = np.array([(0, 0, 0) if s is None else (1, *s[1:]) for s in settled], np.int64)
        first = np.zeros(len(order), bool)
        first[np.unique(order, return_index=True)[1]] = True
        self._sums: dict[str, list[tuple[Ints, Ints]]] = defaultdict(list)
        for partner in sorted(set(filter(None, owners))):
            for rows in self.rows:
                event = order[rows]
                at = np.flatnonzero(first[rows] & (owners[event] == partner))
                none = np.zeros((1, FIGURES), np.int64)
                sums = np.vstack([none, np.cumsum(charges[event[at]], axis=0)])
                self._sums[workload.agreement_name(partner)].append((at, sums))

    @property
    def agreements(self) -> list[str]:
        """Every agreement that has usage."""
        return list(self._sums)

    def expected(self, agreement: str, covers: Mapping[str, int]) -> tuple[int, ...]:
        """(events, quantity, charge) of an agreement when usage up to some offsets is covered."""
        total = np.zeros(FIGURES, np.int64)
        for partition, (offsets, sums) in enumerate(self._sums[agreement]):
            upto = covers.get(f"{USAGE.name}/{partition}", 0)
            total += sums[np.searchsorted(offsets, upto)]
        return tuple(total.tolist())
