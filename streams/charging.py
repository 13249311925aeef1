"""Charging: the exact price of a leg, and what of it becomes money now.

The exact charge is the fraction

    (price_nanos x quantity + connect_fee_nanos x unit) / (unit x 10^9)

of a currency unit. Where the agreement rounds each record, it is rounded here, by the agreement's
mode and decimals; elsewhere it is cut to micros. What is cut off or added stays beside it as
`residue`, the numerator of exact minus charge over (unit x 10^9), so that nothing is ever lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from schemas.codes import RoundingMode, RoundingPlace
from schemas.money import (
    CHARGE_MICROS_MAX,
    MICROS,
    MICROS_DECIMALS,
    NANOS,
    round_columns,
    round_ratio,
)
from state.distinct import distinct
from state.rates import Rates
from state.tables import Tables
from streams.banding import Parts
from streams.families import Codes, Ints

NO_STYLE = -1  # of rounding: for rows that are rounded one by one
EXACT_MAX = 2**62  # numerators stay below; rows beyond it are computed with unbounded integers


@dataclass(frozen=True)
class Exact:
    """Exact charges of legs, as numerators over (unit x 10^9) of each leg's item.

    `value` has one entry a leg. Those of the rows in `wide` do not fit it: they stand there, as
    integers of any size.
    """

    value: Ints
    wide: Mapping[int, int]


def exact(price: Ints, connect: Ints, quantity: Ints, unit: Ints) -> Exact:
    """What legs cost exactly; a quantity of zero costs nothing, not even a connect fee."""
    fee: Ints = np.where(quantity != 0, connect, np.int64(0))
    value: Ints = price * quantity + fee * unit
    wide = {
        row: int(price[row]) * int(quantity[row]) + int(fee[row]) * int(unit[row])
        for row in _too_wide(price, fee, quantity, unit).tolist()
    }
    return Exact(value, wide)


def by_parts(of: Exact, parts: Parts, connect: Ints, unit: Ints, rates: Rates) -> Exact:
    """The same, but legs that have parts cost what these come to, and one connect fee.

    Args:
        of: what legs would cost by one line each.
        parts: parts of some of the legs.
        connect: the fee of each leg, due once.
        unit: what the prices of each leg are per.
        rates: the lines of the parts.
    """
    legs, place = np.unique(parts.leg, return_inverse=True)
    price = rates.price_nanos[parts.line]
    counted, sums, dearest = np.zeros((3, len(legs)), np.int64)
    np.add.at(counted, place, parts.quantity)
    np.add.at(sums, place, price * parts.quantity)
    np.maximum.at(dearest, place, price)
    value = of.value.copy()
    value[legs] = sums + connect[legs] * unit[legs]
    wide = dict(of.wide)
    for row in legs.tolist():
        wide.pop(row, None)
    for row in legs[_too_wide(dearest, connect[legs], counted, unit[legs])].tolist():
        at = np.flatnonzero(parts.leg == row).tolist()
        products = (int(price[part]) * int(parts.quantity[part]) for part in at)
        wide[row] = sum(products) + int(connect[row]) * int(unit[row])
    return Exact(value, wide)


def by_steps(of: Exact, legs: Ints, quantity: Ints, item: Codes, tables: Tables) -> Exact:
    """The same, but some legs also cost what their quantity comes to by the curve of their item.

    Args:
        of: what legs cost by price and connect fee, which of such items is the fee alone.
        legs: those whose items have a curve for each event.
        quantity: what is charged for of every leg.
        item: each leg's item.
        tables: reference.
    """
    special = tables.special
    code, size = special.curve[item[legs]], quantity[legs]
    costs, fits = special.curves.costs(code, size)
    value, wide = of.value.copy(), dict(of.wide)
    value[legs] += costs
    fits &= ~np.isin(legs, list(wide)) & (np.abs(of.value[legs]) < EXACT_MAX // 2)
    for at in np.flatnonzero(~fits).tolist():
        row = int(legs[at])
        fee = wide.get(row, int(of.value[row]))
        wide[row] = fee + special.curves.cost(int(code[at]), int(size[at]))
    return Exact(value, wide)


def charges(of: Exact, item: Codes, tables: Tables) -> tuple[Ints, Ints]:
    """Charges in micros and residues.

    A charge beyond `CHARGE_MICROS_MAX` is one whose price or quantity is a mistake: the caller
    refuses it.
    """
    charge, unit = np.zeros(len(item), np.int64), tables.item_unit[item]
    place, mode = tables.item_place[item], tables.item_mode[item]
    decimals = tables.item_decimals[item]
    at_record = place == RoundingPlace.RECORD
    # Cutting to micros is a rounding of Weir's own, undone by the residue: see the module text.
    mode = np.where(at_record, mode, RoundingMode.FLOOR)
    decimals = np.where(at_record, decimals, MICROS_DECIMALS)
    styles = mode.astype(np.int64) * 100 + decimals + 50
    styles[list(of.wide)] = NO_STYLE
    kinds = distinct(styles)[0]
    for style in kinds[kinds != NO_STYLE].tolist():
        chosen = np.flatnonzero(styles == style) if len(kinds) > 1 else slice(None)
        rounding, digits = RoundingMode(style // 100), style % 100 - 50
        denominator: Ints = unit[chosen] * np.int64(10 ** (9 - digits))
        rounded = round_columns(of.value[chosen], denominator, rounding)
        charge[chosen] = rounded * 10 ** (MICROS_DECIMALS - digits)
    residue = of.value - charge * (unit * (NANOS // MICROS))
    for row, top in of.wide.items():
        digits, per = int(decimals[row]), int(unit[row])
        rounded_one = round_ratio(top, per * 10 ** (9 - digits), RoundingMode(int(mode[row])))
        micros = rounded_one * 10 ** (MICROS_DECIMALS - digits)
        is_credible = abs(micros) <= CHARGE_MICROS_MAX
        charge[row] = micros if is_credible else CHARGE_MICROS_MAX + 1
        residue[row] = top - micros * per * (NANOS // MICROS) if is_credible else 0
    return charge, residue


def _too_wide(price: Ints, fee: Ints, quantity: Ints, unit: Ints) -> Ints:
    """The rows whose price by quantity, or fee by unit, might pass 2^61, so that int64 wraps."""
    half = EXACT_MAX // 2
    most = int(np.abs(quantity).max(initial=0)), int(fee.max(initial=0))
    if most[0] * int(price.max(initial=0)) <= half and most[1] * int(unit.max(initial=1)) <= half:
        return np.zeros(0, np.int64)
    return np.flatnonzero((np.abs(quantity) > half // np.maximum(price, 1)) | (fee > half // unit))
