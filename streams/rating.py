"""Rating: what one leg of one event costs, in integers.

The third station. For every leg the item of the agreement says what is counted (events, seconds,
bytes, units, a retail amount) and how it is priced: by a deck (longest prefix of the number to a
zone, the zone's rate in force), by a price per unit, as a share of the retail amount, or by tiers.
The exact charge is the fraction

    (price_nanos x quantity + connect_fee_nanos x unit) / (unit x 10^9)

of a currency unit. Where the agreement rounds each record, it is rounded here, by the agreement's
mode and decimals; elsewhere it is cut to micros. What is cut off or added stays beside it as
`residue`, the numerator of exact minus charge over (unit x 10^9), so that nothing is ever lost.
Tiers depend on the period's whole volume: such legs get a quantity and no charge.

A leg that has no price is a state with a reason, never a charge of zero; so is one whose charge is
beyond all reason, which would otherwise fill up the sums of its whole period.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.codes import PriceKind, Quantity, Reason, RoundingMode, RoundingPlace
from schemas.money import round_columns, round_ratio
from state.distinct import combine, distinct
from state.tables import NONE, Tables
from streams.attribution import Legs
from streams.families import Codes, Ints
from streams.usage import UsageBatch

NANOS = 10**9
MICROS = 10**6
MICRO_DECIMALS = 6
CHARGE_MICROS_MAX = 10**15  # a thousand million: beyond it the price or the quantity is a mistake
NO_STYLE = -1  # of rounding: for rows that are rounded one by one
EXACT_MAX = 2**62  # numerators stay below; rows beyond it are computed with unbounded integers


@dataclass(frozen=True)
class Rated:
    """Charges of legs, one entry a leg; money in micros of the item's currency.

    `raw_quantity` is what the network measured, `quantity` what is charged for (after increments).
    `period` is the index of the period in the calendar of the agreement's version, `zone` the rate
    line's zone (NONE without a deck); `reason` why there is no price.
    """

    legs: Legs
    period: Codes
    raw_quantity: Ints
    quantity: Ints
    zone: Codes
    price_nanos: Ints
    connect_nanos: Ints
    charge_micros: Ints
    residue: Ints
    reason: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.legs)

    def take(self, at: npt.NDArray[np.bool_] | Ints | slice) -> Rated:
        """Some of the legs."""
        fields = [f for f in self.__dataclass_fields__ if f != "legs"]
        return Rated(self.legs.take(at), *(getattr(self, f)[at] for f in fields))


def rate(usage: UsageBatch, legs: Legs, tables: Tables) -> Rated:
    """Price legs; a leg without an item or a price comes back with its reason and no money."""
    item = legs.item
    kind = tables.item_kind[item]
    reason = legs.reason.copy()
    price, connect = tables.item_price_nanos[item], tables.item_connect_nanos[item]
    initial, following = tables.item_initial[item], tables.item_next[item]
    zone = np.full(len(legs), NONE, np.int32)
    by_deck = np.flatnonzero((kind == PriceKind.DECK) & (reason == 0))
    if len(by_deck):
        decks = tables.decks
        event = legs.event[by_deck]
        zone[by_deck] = decks.prefixes.lookup(
            tables.item_deck[item[by_deck]], usage.rated_number[event]
        )
        line = decks.rate_of.lookup(zone[by_deck], usage.started_us[event] // MICROS)
        reason[by_deck[line == NONE]] = Reason.NO_RATE
        by_deck, line = by_deck[line != NONE], line[line != NONE]
        price[by_deck], connect[by_deck] = (
            decks.rate_price_nanos[line],
            decks.rate_connect_nanos[line],
        )
        initial[by_deck], following[by_deck] = decks.rate_initial[line], decks.rate_next[line]
    _check_currency(usage, legs, kind, reason, tables)
    raw, quantity = _quantities(usage, legs.event, tables.item_quantity[item], initial, following)
    tiered = kind == PriceKind.TIERS
    price, connect = np.where(tiered, 0, price), np.where(tiered, 0, connect)
    unit = tables.item_unit[item]
    charge, residue = _charges(item, price, connect, quantity, unit, tables)
    excess = np.abs(charge) > CHARGE_MICROS_MAX
    # No price is above 10^6, so that only many units can cost too much.
    for at in np.flatnonzero(tiered & (quantity // 1000 >= unit)).tolist():
        dearest = max(price_nanos for _, price_nanos in tables.items[item[at]].tiers)
        most_nanos = CHARGE_MICROS_MAX * (NANOS // MICROS) * int(unit[at])
        excess[at] = int(quantity[at]) * dearest > most_nanos
    reason[excess & (reason == 0)] = Reason.CHARGE_OVERFLOW
    period = _periods(usage.started_us[legs.event], legs.version, tables)
    return Rated(legs, period, raw, quantity, zone, price, connect, charge, residue, reason)


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
    kind: npt.NDArray[np.int8],
    reason: npt.NDArray[np.int8],
    tables: Tables,
) -> None:
    """A share can only be taken of an amount in the agreement's own currency."""
    share = np.flatnonzero((kind == PriceKind.SHARE) & (reason == 0))
    if len(share):
        known = {c: i for i, c in enumerate(tables.currencies)}
        retail = usage.keys["retail_currency"].map(known)
        differs = retail[legs.event[share]] != tables.item_currency[legs.item[share]]
        reason[share[differs]] = Reason.CURRENCY_MISMATCH


def _quantities(
    usage: UsageBatch, event: Ints, counts: npt.NDArray[np.int8], initial: Ints, following: Ints
) -> tuple[Ints, Ints]:
    """What was measured and what is charged for; seconds grow to whole increments."""
    q = usage.quantities
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
        first, step = initial[timed], following[timed]
        beyond = np.maximum(seconds - first, 0)
        raw[timed] = seconds
        charged[timed] = np.where(seconds > 0, first - (-beyond // step) * step, 0)
    return raw, charged


def _charges(
    item: Codes, price: Ints, connect: Ints, quantity: Ints, unit: Ints, tables: Tables
) -> tuple[Ints, Ints]:
    """Charges in micros and residues; a quantity of zero costs nothing, not even a connect fee."""
    charge = np.zeros(len(item), np.int64)
    fee: Ints = np.where(quantity != 0, connect, np.int64(0))
    wide = _too_wide(price, fee, quantity, unit)
    numerator: Ints = price * quantity + fee * unit
    place, mode = tables.item_place[item], tables.item_mode[item]
    decimals = tables.item_decimals[item]
    at_record = place == RoundingPlace.RECORD
    # Cutting to micros is a rounding of Weir's own, undone by the residue: see the module text.
    mode = np.where(at_record, mode, RoundingMode.FLOOR)
    decimals = np.where(at_record, decimals, MICRO_DECIMALS)
    styles = mode.astype(np.int64) * 100 + decimals + 50
    styles[wide] = NO_STYLE
    kinds = distinct(styles)[0]
    for style in kinds[kinds != NO_STYLE].tolist():
        chosen = np.flatnonzero(styles == style) if len(kinds) > 1 else slice(None)
        rounding, digits = RoundingMode(style // 100), style % 100 - 50
        denominator: Ints = unit[chosen] * np.int64(10 ** (9 - digits))
        rounded = round_columns(numerator[chosen], denominator, rounding)
        charge[chosen] = rounded * 10 ** (MICRO_DECIMALS - digits)
    residue = numerator - charge * (unit * (NANOS // MICROS))
    for i in wide.tolist():
        top = int(price[i]) * int(quantity[i]) + int(fee[i]) * int(unit[i])
        digits = int(decimals[i])
        step = int(unit[i]) * 10 ** (9 - digits)
        rounded_one = round_ratio(top, step, RoundingMode(int(mode[i])))
        micros = rounded_one * 10 ** (MICRO_DECIMALS - digits)
        residue[i] = 0
        if abs(micros) > CHARGE_MICROS_MAX:
            charge[i] = CHARGE_MICROS_MAX + 1  # refused by the caller, whatever it would be
            continue
        charge[i] = micros
        residue[i] = top - int(charge[i]) * int(unit[i]) * (NANOS // MICROS)
    return charge, residue


def _too_wide(price: Ints, fee: Ints, quantity: Ints, unit: Ints) -> Ints:
    """The rows whose price by quantity, or fee by unit, might pass 2^61, so that int64 wraps."""
    half = EXACT_MAX // 2
    most = int(np.abs(quantity).max(initial=0)), int(fee.max(initial=0))
    if most[0] * int(price.max(initial=0)) <= half and most[1] * int(unit.max(initial=1)) <= half:
        return np.zeros(0, np.int64)
    return np.flatnonzero((np.abs(quantity) > half // np.maximum(price, 1)) | (fee > half // unit))
