"""Counting: what the network measured of an event, and what is charged for.

An item counts events, seconds, bytes, units or an amount: of retail, of cost or what is between.
Seconds are begun seconds, and grow to the whole increments of the rate line: the first one, then as
many of the following as it takes. Items with a count of their own do so with whatever they count,
from a least quantity on, and may round a begun step down or to the nearest instead.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from schemas.codes import CountRound, Quantity
from state.special import COUNT
from state.tables import Tables
from streams.families import Codes, Ints
from streams.usage import COST, UsageBatch


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
        (Quantity.UP_BYTES, q["volume_up_bytes"]),
        (Quantity.DOWN_BYTES, q["volume_down_bytes"]),
        (Quantity.UNITS, q["units"]),
        (Quantity.AMOUNT_MICROS, q["retail_amount_micros"]),
    ):
        at = np.flatnonzero(counts == quantity)
        if len(at):
            raw[at] = column[event[at]]
    _costs(raw, event, counts, q)
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
    counted = tables.special.legs(COUNT, item)
    if len(counted):
        charged[counted] = _in_steps(raw[counted], item[counted], line[counted], tables)
    return raw, charged


def _costs(
    raw: Ints, event: Ints, counts: npt.NDArray[np.int8], quantities: Mapping[str, Ints]
) -> None:
    """What events cost the operator and what is left of their retail amount, into `raw`."""
    if COST not in quantities:
        return
    for quantity in (Quantity.COST_MICROS, Quantity.MARGIN_MICROS):
        at = np.flatnonzero(counts == quantity)
        if len(at):
            of = event[at]
            cost, retail = quantities[COST][of], quantities["retail_amount_micros"][of]
            raw[at] = cost if quantity == Quantity.COST_MICROS else retail - cost


def _in_steps(quantity: Ints, item: Codes, line: Codes, tables: Tables) -> Ints:
    """Quantities of items with a count of their own; a negative one mirrors a positive one."""
    special, rates = tables.special, tables.rates
    least, rounding = special.count_minimum[item], special.count_round[item]
    first, step = rates.initial_seconds[line], rates.next_seconds[line]
    size = np.where(quantity != 0, np.maximum(np.abs(quantity), least), 0)
    whole = size // step
    nearest = whole + (size - whole * step >= step - (size - whole * step))
    steps = np.where(rounding == CountRound.DOWN, whole, nearest) * step
    counted = np.where(rounding == CountRound.UP, increments(size, first, step), steps)
    return np.where(quantity < 0, -counted, counted)


def increments(seconds: Ints, initial: Ints, following: Ints) -> Ints:
    """Seconds as whole increments: none for none, else the first and as many others as needed.

    Where there is nothing first, only the following ones count.
    """
    beyond = np.maximum(seconds - initial, 0)
    return np.where(seconds > 0, initial - (-beyond // following) * following, 0)
