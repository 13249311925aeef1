"""Rating: what one leg of one event costs, in integers.

The third station. For every leg the item of the agreement says what is counted and how it is
priced: by a deck, by a price per unit, as a share of the retail amount, or by tiers. So a leg gets
its rate line (`lines`), what is charged for (`counting`), the parts that it has in several time
bands (`banding`), and from all that its exact charge (`charging`, within the `limits` of its item)
and what of it is money now. Tiers depend on the period's whole volume: such legs get a quantity and
no charge.

A leg that has no price is a state with a reason, never a charge of zero; so is one whose charge is
beyond all reason, which would otherwise fill up the sums of its whole period.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.codes import PriceKind, Quantity, Reason
from schemas.money import CHARGE_MICROS_MAX
from state.distinct import combine, distinct
from state.special import FACTOR, STEPS
from state.tables import Tables
from streams.attribution import Legs
from streams.banding import Parts, cross
from streams.charging import by_parts, by_steps, charges, exact
from streams.counting import count
from streams.families import Codes, Ints
from streams.limits import limit
from streams.lines import find_lines
from streams.usage import UsageBatch


@dataclass(frozen=True)
class Rated:
    """Charges of legs, one entry a leg; money in micros of the item's currency.

    `raw_quantity` is what the network measured, `quantity` what is charged for (after increments).
    `period` is the index of the period in the calendar of the agreement's version, `zone` the rate
    line's zone (NONE without a deck); `reason` why there is no price. Of a leg priced by time band
    `band` is the number of the one in which it begins, whose price and fee are shown; `parts` has
    what went on into another one, where any leg did.
    """

    legs: Legs
    period: Codes
    raw_quantity: Ints
    quantity: Ints
    zone: Codes
    band: npt.NDArray[np.int8]
    price_nanos: Ints
    connect_nanos: Ints
    charge_micros: Ints
    residue: Ints
    reason: npt.NDArray[np.int8]
    parts: Parts | None = None

    def __len__(self) -> int:
        return len(self.legs)

    def take(self, at: npt.NDArray[np.bool_] | Ints | slice) -> Rated:
        """Some of the legs."""
        fields = [f for f in self.__dataclass_fields__ if f not in ("legs", "parts")]
        parts = None if self.parts is None else self.parts.take(at, len(self))
        taken = {f: getattr(self, f)[at] for f in fields}
        return Rated(self.legs.take(at), **taken, parts=parts)


def rate(usage: UsageBatch, legs: Legs, tables: Tables) -> Rated:
    """Price legs; a leg without an item or a price comes back with its reason and no money."""
    item = legs.item
    kind = tables.item_kind[item]
    reason = legs.reason.copy()
    line, zone, band = find_lines(usage, legs, reason, tables)
    _check_currency(usage, legs, reason, tables)
    raw, quantity = count(usage, legs.event, item, line, tables)
    price, connect = tables.rates.price_nanos[line], tables.rates.connect_nanos[line]
    unit = tables.item_unit[item]
    base = unit  # without the denominators of factors
    if tables.special.anywhere & FACTOR:
        base = unit // tables.special.factor_denominator[item]
    of = exact(price, connect, quantity, base)
    stepped = tables.special.legs(STEPS, item)
    if len(stepped):
        of = by_steps(of, stepped, quantity, item, tables)
    parts = cross(usage, legs, raw, zone, reason, tables)
    if parts is not None:
        of = by_parts(of, parts, connect, base, tables.rates)
        quantity[parts.leg] = 0
        np.add.at(quantity, parts.leg, parts.quantity)
    charge, residue = charges(limit(of, raw, quantity, item, band, tables), item, tables)
    excess = np.abs(charge) > CHARGE_MICROS_MAX
    tiered = np.flatnonzero(kind == PriceKind.TIERS)
    excess[tiered] |= np.abs(quantity[tiered]) > tables.item_quantity_max[item[tiered]]
    reason[excess & (reason == 0)] = Reason.CHARGE_OVERFLOW
    period = _periods(usage.started_us[legs.event], legs.version, tables)
    money = price, connect, charge, residue
    return Rated(legs, period, raw, quantity, zone, band, *money, reason, parts)


def _periods(started_us: Ints, version: Codes, tables: Tables) -> Codes:
    """The period that a time lies in, by the calendar of each leg's version."""
    period = np.zeros(len(version), np.int32)
    calendar = tables.version_calendar[version]
    for number in distinct(calendar)[0].tolist():
        at = np.flatnonzero(calendar == number)
        period[at] = tables.calendars[number].index_of(started_us[at])
    return period


def period_names(version: Codes, period: Codes, tables: Tables) -> pa.DictionaryArray:
    """The names of periods, by the version whose calendar they are of."""
    calendar = tables.version_calendar[version]
    pairs, code = distinct(combine((calendar, period)))
    first = np.zeros(len(pairs), np.int64)
    first[code] = np.arange(len(code))
    named = zip(calendar[first].tolist(), period[first].tolist(), strict=True)
    labels = [tables.calendars[c].label(p) for c, p in named]
    places = {label: at for at, label in enumerate(dict.fromkeys(labels))}  # zones share labels
    codes = np.array([places[label] for label in labels], np.int32)[code]
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(list(places), pa.string()))


def _check_currency(
    usage: UsageBatch,
    legs: Legs,
    reason: npt.NDArray[np.int8],
    tables: Tables,
) -> None:
    """A retail amount can only be priced in the agreement's own currency."""
    counts = tables.item_quantity[legs.item]
    money = np.flatnonzero((counts == Quantity.AMOUNT_MICROS) & (reason == 0))
    if len(money):
        known = {c: i for i, c in enumerate(tables.currencies)}
        retail = usage.keys["retail_currency"].map(known)
        differs = retail[legs.event[money]] != tables.item_currency[legs.item[money]]
        reason[money[differs]] = Reason.CURRENCY_MISMATCH
