"""Rating: what one leg of one event costs, in integers.

The third station. For every leg the item of the agreement says what is counted and how it is
priced: by a deck, by a price per unit, as a share of the retail amount, or by tiers. So a leg gets
its rate line (`lines`), what is charged for (`counting`), the parts that it has in several time
bands (`banding`), and from all that its exact charge (`charging`, within the `limits` of its item)
and what of it is money now. A reversal takes back part of what its original was charged
(`clawback`). Tiers depend on the period's whole volume: such legs get a quantity and no charge.

A leg that has no price is a state with a reason, never a charge of zero; so is one whose charge is
beyond all reason, which would otherwise fill up the sums of its whole period.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.codes import BY_PERIOD, PriceKind, Quantity, Reason
from schemas.money import CHARGE_MICROS_MAX
from schemas.quantities import AMOUNTS
from state.distinct import combine, distinct
from state.sessions import Correction
from state.special import CLAWBACK, FACTOR, STEPS
from state.tables import Tables
from streams.attribution import Legs
from streams.banding import Parts, cross
from streams.cells import too_long
from streams.charging import by_parts, by_steps, charges, exact
from streams.clawback import Reversals, reversals, take_back
from streams.counting import count
from streams.families import Codes, Ints
from streams.limits import limit
from streams.lines import find_lines
from streams.partials import unfinished
from streams.pieces import Pieces, counted, cut, started_us
from streams.shares import Shares
from streams.usage import UsageBatch

# Fields of rated legs that are not a column of every batch.
NOT_COLUMNS = {"legs", "parts", "pieces", "shares", "margin_micros", "reversals", "position"}
NOT_COLUMNS |= {"corrections"}
BY_SUM = np.array([k in BY_PERIOD or k == PriceKind.COUNTED for k in range(max(PriceKind) + 1)])
IS_MONEY = np.array([quantity in AMOUNTS for quantity in range(max(Quantity) + 1)])


@dataclass(frozen=True)
class Rated:
    """Charges of legs, one entry a leg; money in micros of the item's currency.

    `raw_quantity` is what the network measured, `quantity` what is charged for (after increments).
    `period` is the index of the period in the calendar of the agreement's version, `zone` the rate
    line's zone (NONE without a deck); `reason` why there is no price. Of a leg priced by time band
    `band` is the number of the one in which it begins, whose price and fee are shown; `parts` has
    what went on into another one, where any leg did. `pieces` has the stretches of time that legs
    are of, where any leg counts time. `shares` says which legs are parts of others, where any is
    divided (`streams.sharing`); `margin_micros` is what each leg's event earns (`streams.margins`).
    `reversals` has the legs that take back what an earlier transaction was charged. `position` is,
    where any leg is a part of a session, what the parts before it have measured (negative for a leg
    that is none), and `corrections` what that makes of parts that were rated before.
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
    pieces: Pieces | None = None
    shares: Shares | None = None
    margin_micros: Ints | None = None
    reversals: Reversals | None = None
    position: Ints | None = None
    corrections: Sequence[Correction] = ()

    def __len__(self) -> int:
        return len(self.legs)

    def take(self, at: npt.NDArray[np.bool_] | Ints | slice) -> Rated:
        """Some of the legs, without corrections of others."""
        fields = [f for f in self.__dataclass_fields__ if f not in NOT_COLUMNS]
        taken = {f: getattr(self, f)[at] for f in fields}
        return Rated(
            self.legs.take(at),
            **taken,
            parts=None if self.parts is None else self.parts.take(at, len(self)),
            pieces=None if self.pieces is None else self.pieces.take(at),
            shares=None if self.shares is None else self.shares.take(at),
            margin_micros=None if self.margin_micros is None else self.margin_micros[at],
            reversals=None if self.reversals is None else self.reversals.take(at, len(self)),
            position=None if self.position is None else self.position[at],
            corrections=(),
        )


def rate(usage: UsageBatch, legs: Legs, tables: Tables) -> Rated:
    """Price legs, cut where they count time; one without a price has its reason and no money."""
    legs, pieces = cut(usage, legs, tables)
    item = legs.item
    kind = tables.item_kind[item]
    reason = legs.reason.copy()
    line, zone, band = find_lines(usage, legs, reason, tables)
    _check_currency(usage, legs, reason, tables)
    raw, quantity = counted(*count(usage, legs.event, item, line, tables), pieces)
    price, connect = tables.rates.price_nanos[line], tables.rates.connect_nanos[line]
    unit = tables.item_unit[item]
    base = unit  # without the denominators of factors and clawbacks
    if tables.special.anywhere & FACTOR:
        base = unit // tables.special.factor_denominator[item]
    if tables.special.anywhere & CLAWBACK:
        base = base // tables.special.clawbacks.parts[item]
    back = reversals(usage, legs, raw, reason, tables)
    if back is not None:
        quantity[back.leg] *= back.turned
    of = exact(price, connect, quantity, base)
    stepped = tables.special.legs(STEPS, item)
    if len(stepped):
        of = by_steps(of, stepped, quantity, item, tables)
    parts = cross(usage, legs, raw, zone, reason, tables)
    if parts is not None:
        of = by_parts(of, parts, connect, base, tables.rates)
        quantity[parts.leg] = 0
        np.add.at(quantity, parts.leg, parts.quantity)
    limited = limit(of, raw, quantity, item, band, tables, unfinished(usage, legs, tables))
    of = take_back(limited, back, item, tables)
    if back is not None:
        quantity[back.leg] *= -1
    charge, residue = charges(of, item, tables)
    excess = np.abs(charge) > CHARGE_MICROS_MAX
    tiered = np.flatnonzero(BY_SUM[kind])
    excess[tiered] |= np.abs(quantity[tiered]) > tables.item_quantity_max[item[tiered]]
    reason[excess & (reason == 0)] = Reason.CHARGE_OVERFLOW
    too_long(usage, legs, reason, tables)
    period = periods_of(started_us(usage, legs, pieces), legs.version, tables)
    money = price, connect, charge, residue
    rated = Rated(legs, period, raw, quantity, zone, band, *money, reason, parts, pieces)
    return rated if back is None else replace(rated, reversals=back)


def periods_of(started_us: Ints, version: Codes, tables: Tables) -> Codes:
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
    money = np.flatnonzero(IS_MONEY[counts] & (reason == 0))
    if len(money):
        known = {c: i for i, c in enumerate(tables.currencies)}
        retail = usage.keys["retail_currency"].map(known)
        differs = retail[legs.event[money]] != tables.item_currency[legs.item[money]]
        reason[money[differs]] = Reason.CURRENCY_MISMATCH
