"""Counting: what the network measured of an event, and what is charged for.

An item counts events, seconds, bytes, units or a retail amount. Seconds are begun seconds, and grow
to the whole increments of the rate line: the first one, then as many of the following as it takes.
"""

from __future__ import annotations

import numpy as np

from schemas.codes import Quantity
from state.tables import Tables
from streams.families import Codes, Ints
from streams.usage import UsageBatch


def count(
    usage: UsageBatch, event: Ints, item: Codes, line: Codes, tables: Tables
) -> tuple[Ints, Ints]:
    """The measured and the charged quantity of each leg, in the item's quantity.

    Args:
        usage: the batch.
        event: the row of each leg's event.
        item: its item.
        line: its rate line.
        tables: reference.
    """
    counts, q = tables.item_quantity[item], usage.quantities
    raw = np.ones(len(event), np.int64)
    for quantity, column in (
        (Quantity.BYTES, q["volume_up_bytes"] + q["volume_down_bytes"]),
        (Quantity.UNITS, q["units"]),
        (Quantity.AMOUNT_MICROS, q["retail_amount_micros"]),
    ):
        at = np.flatnonzero(counts == quantity)
        if len(at):
            raw[at] = column[event[at]]
    charged = raw.copy()
    timed = np.flatnonzero(counts == Quantity.SECONDS)
    if len(timed):
        seconds = -(-q["duration_ms"][event[timed]] // 1000)
        raw[timed] = seconds
        charged[timed] = increments(
            seconds,
            tables.rates.initial_seconds[line[timed]],
            tables.rates.next_seconds[line[timed]],
        )
    return raw, charged


def increments(seconds: Ints, initial: Ints, following: Ints) -> Ints:
    """Seconds as whole increments: none for none, else the first and as many others as needed."""
    beyond = np.maximum(seconds - initial, 0)
    return np.where(seconds > 0, initial - (-beyond // following) * following, 0)
