"""Limits: what a price of one event has beside price, quantity and connect fee.

A deck's price may be multiplied by the agreement's own factor; an event that counts something may
cost at least or at most so much; one that counts nothing, as an unanswered call, may cost a fee for
the attempt. All of it acts on exact charges, before anything is rounded, in this order, and only on
legs whose item says so.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from state.special import ATTEMPT, FACTOR, LIMITS
from state.tables import Tables
from streams.charging import EXACT_MAX, Exact
from streams.families import Codes, Ints, Marks


def limit(
    of: Exact,
    raw: Ints,
    quantity: Ints,
    item: Codes,
    band: npt.NDArray[np.int8],
    tables: Tables,
    unfinished: Marks | None = None,
) -> Exact:
    """Exact charges after factors, limits and attempt fees, over (unit x 10^9) of each leg's item.

    Args:
        of: exact charges; those of an item with a factor over its unit without the factor's
            denominator.
        raw: what was measured of each leg.
        quantity: what is charged for; a negative one mirrors a positive one.
        item: each leg's item.
        band: the time band in which it begins, whose limits hold for all of it; 0 without bands.
        tables: reference.
        unfinished: legs of records that say that others follow; None where nobody asks.
    """
    special = tables.special
    rows = special.legs(FACTOR | LIMITS | ATTEMPT, item)
    if len(rows) == 0:
        return of
    of_item = item[rows]
    unit, by = tables.item_unit[of_item], special.factor_numerator[of_item]
    unit = unit // special.clawbacks.parts[of_item]
    limits = special.first_limits[of_item] + band[rows] * special.limits_by_band[of_item]
    least, most = special.minimum_nanos[limits], special.maximum_nanos[limits]
    attempt = special.attempt_nanos[limits]
    if unfinished is not None:
        attempt = np.where(special.attempt_last[limits] & unfinished[rows], 0, attempt)
    sign, counts = np.where(quantity[rows] < 0, -1, 1), quantity[rows] != 0
    attempted = raw[rows] == 0

    reach = EXACT_MAX // unit
    fits = np.abs(of.value[rows]) <= EXACT_MAX // np.maximum(by, 1)
    fits &= (least <= reach) & (attempt <= reach)
    fits &= ~np.isin(rows, list(of.wide))
    # A least or a most that is none, or that no charge within reach comes near, changes nothing.
    low = np.where((least > 0) & fits, least * unit, -EXACT_MAX)
    high = np.where(most <= reach, np.minimum(most, reach) * unit, EXACT_MAX)
    charge = sign * np.clip(sign * of.value[rows] * np.where(fits, by, 0), low, high)
    charge = np.where(counts, charge, 0)
    value = of.value.copy()
    value[rows] = np.where(attempted & fits, np.where(fits, attempt, 0) * unit, charge)

    wide = dict(of.wide)
    for at in np.flatnonzero(~fits).tolist():
        row, per, way = int(rows[at]), int(unit[at]), int(sign[at])
        size = way * of.wide.get(row, int(of.value[row])) * int(by[at])
        size = max(size, int(least[at]) * per) if least[at] else size
        limited = way * min(size, int(most[at]) * per) if counts[at] else 0
        wide[row] = int(attempt[at]) * per if attempted[at] else limited
    return Exact(value, wide)
