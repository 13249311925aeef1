"""Hours: what rows have come to hour by hour, for deals that begin anew every hour.

The accruals keep each series by hour beside its period; most prices never look there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from state.balances import (
    PERIOD_SLOT,
    SERIES_BITS,
    SLOT_BITS,
    Balances,
    Plan,
    decompose,
    join_residue,
)
from streams.accrual import HourSums, Row
from streams.families import Ints


def with_hours(
    rows: Sequence[Row], numbers: Ints, books: Ints, balances: Balances, plan: Plan
) -> list[Row]:
    """Rows with what each has in its hours, as it will be after a plan.

    Args:
        rows: rows of periods.
        numbers: the number of each row's series.
        books: the book of each.
        balances: the accruals.
        plan: a plan made on them.
    """
    keys, values, _ = balances.groups(plan, np.unique(books), SLOT_BITS + SERIES_BITS)
    _, slot, series = decompose(keys)
    found: dict[int, list[HourSums]] = {number: [] for number in numbers.tolist()}
    for at in np.flatnonzero((slot != PERIOD_SLOT) & np.isin(series, numbers)).tolist():
        events, quantity, charge, high, low = values[at].tolist()
        sums = HourSums(int(slot[at]) - 1, events, quantity, charge, join_residue(high, low))
        found[int(series[at])].append(sums)
    return [replace(r, hours=(*found[n],)) for n, r in zip(numbers.tolist(), rows, strict=True)]
