"""Clawback: reversals take back what the transactions were charged that they reverse.

A leg takes back when the type of its transaction is one that its item takes back by. Attribution
and selection have found the item as of the original already, so its price is the one that the
original had. Here the quantity is turned so that the original's charge comes out, with fees and
limits as they were, and of that charge the part is taken back that the item says: all of it within
the window, or the days that are left of the window out of all its days. Days are whole 24 hours.

A reversal that does not say when its original began has no price: nobody can know which one it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.codes import Quantity, Reason
from state.special import CLAWBACK
from state.tables import Tables
from streams.attribution import Legs
from streams.charging import EXACT_MAX, Exact
from streams.families import Codes, Ints
from streams.usage import COST, NO_TIME, UsageBatch

DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Reversals:
    """Legs that take something back, one entry each.

    `leg` is the leg's row, rising; `original_us` when the original began; `turned` the sign that
    makes the quantity of the original out of the leg's; `parts` how many parts of the original's
    charge are taken back, out of as many as the item says.
    """

    leg: Ints
    original_us: Ints
    turned: Ints
    parts: Ints

    def take(self, at: npt.NDArray[np.bool_] | Ints | slice, legs: int) -> Reversals | None:
        """Those of some of so many legs, which are numbered anew; None if there are none."""
        taken = np.arange(legs)[at]
        row = np.full(legs, -1, np.int64)
        row[taken] = np.arange(len(taken))
        kept = np.flatnonzero(row[self.leg] >= 0)
        if len(kept) == 0:
            return None
        kept = kept[np.argsort(row[self.leg[kept]])]
        of_kept = (column[kept] for column in (self.original_us, self.turned, self.parts))
        return Reversals(row[self.leg[kept]], *of_kept)


def reversals(
    usage: UsageBatch, legs: Legs, raw: Ints, reason: npt.NDArray[np.int8], tables: Tables
) -> Reversals | None:
    """The legs that take something back, None if there are none.

    Args:
        usage: the batch.
        legs: its legs.
        raw: what was measured of each.
        reason: why a leg has no price; set, in place, of one that does not name its original.
        tables: reference.
    """
    rows = tables.special.legs(CLAWBACK, legs.item)
    rows = rows[reason[rows] == 0]
    if len(rows) == 0:
        return None
    clawbacks = tables.special.clawbacks
    codes = np.arange(len(clawbacks.types), dtype=np.int32)
    kind = usage.text("transaction_type").find(clawbacks.types, codes)
    rows = rows[clawbacks.covers(legs.item[rows], kind[legs.event[rows]])]
    original = np.full(len(rows), NO_TIME, np.int64)
    if usage.original_us is not None:
        original = usage.original_us[legs.event[rows]]
    reason[rows[original == NO_TIME]] = Reason.NO_ORIGINAL_TIME
    rows, original = rows[original != NO_TIME], original[original != NO_TIME]
    if len(rows) == 0:
        return None
    item, event = legs.item[rows], legs.event[rows]
    left = clawbacks.window_days[item] - (usage.started_us[event] - original) // DAY_US
    parts = np.clip(left, 0, clawbacks.parts[item])
    return Reversals(rows, original, _turned(usage, event, raw[rows], item, tables), parts)


def _turned(usage: UsageBatch, event: Ints, raw: Ints, item: Codes, tables: Tables) -> Ints:
    """The sign that makes the quantity of an original out of what its reversal measured.

    Amounts of a reversal may be written negative or not. A margin, which may be negative itself, is
    turned as its retail amount is, or its cost where there is none.
    """
    sign = np.where(raw < 0, -1, 1)
    at = np.flatnonzero(tables.item_quantity[item] == Quantity.MARGIN_MICROS)
    if len(at):
        retail, cost = usage.quantities["retail_amount_micros"], usage.quantities[COST]
        retail, cost = retail[event[at]], cost[event[at]]
        sign[at] = np.where((retail < 0) | ((retail == 0) & (cost < 0)), -1, 1)
    return sign


def take_back(of: Exact, back: Reversals | None, item: Codes, tables: Tables) -> Exact:
    """Exact charges over the whole unit of items that take back: in parts, and the parts taken.

    Args:
        of: exact charges; of these items over their unit without the parts, and of reversals what
            the original was charged.
        back: the reversals.
        item: each leg's item.
        tables: reference.
    """
    rows = tables.special.legs(CLAWBACK, item)
    if len(rows) == 0:
        return of
    times = tables.special.clawbacks.parts[item[rows]]
    if back is not None:
        times[np.searchsorted(rows, back.leg)] = -back.parts
    fits = np.abs(of.value[rows]) <= EXACT_MAX // np.maximum(np.abs(times), 1)
    fits &= ~np.isin(rows, list(of.wide))
    value, wide = of.value.copy(), dict(of.wide)
    value[rows] *= np.where(fits, times, 0)
    for at in np.flatnonzero(~fits).tolist():
        row = int(rows[at])
        wide[row] = of.wide.get(row, int(of.value[row])) * int(times[at])
    return Exact(value, wide)
