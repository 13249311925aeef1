"""What a leg was priced by, and how quantity and price make its charge, as an analyst reads it."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from ops import explain_bands, explain_clawback, explain_intervals, explain_session
from ops.explain_curve import parts_in_words, tiers_in_words
from schemas.caps import above
from schemas.codes import BY_PERIOD, CountRound, PriceKind, Quantity
from schemas.money import MICROS, NANOS, format_micros
from state.tables import ItemInfo, Tables
from streams.statement import format_nanos, fraction_text

Row = Mapping[str, Any]

MONEY = {Quantity.COST_MICROS: "cost", Quantity.MARGIN_MICROS: "margin"}


def arithmetic(row: Row, item: ItemInfo) -> str:
    """How quantity and price make the charge."""
    if item.spread is not None:
        return explain_intervals.arithmetic(row, item)
    if item.price_kind is PriceKind.TIERS:
        by = "volume" if item.measure is None else "measure"
        return (
            f"priced by the period's {by}, of which this event is {row['quantity']}"
            f" {item.quantity.label}"
        )
    if item.price_kind is PriceKind.RECEIVED:
        return f"a part of {format_micros(row['quantity'])}"
    if item.price_kind is PriceKind.COUNTED:
        return f"only counts {row['quantity']} {item.quantity.label}, which a deal prices"
    if explain_clawback.is_reversal(row):
        charged = arithmetic(explain_clawback.original(row), item).rpartition(" -> ")[0]
        return explain_clawback.taken(row, item, charged)
    if explain_session.says_itself(row, item):
        return explain_session.arithmetic(row, item)
    quantity, unit = row["quantity"], item.base_unit
    if item.price_kind is PriceKind.STEPS and item.curve is not None:
        exact, terms = item.curve.exact(quantity), parts_in_words(item, item.curve.parts(quantity))
    else:
        exact = explain_bands.exact(row, unit)
        over = f" / {unit}" if unit != 1 else ""
        products = explain_bands.products(row)
        terms = " + ".join(f"{counted} x {format_nanos(p)}{over}" for counted, p in products)
    if quantity and row["connect_nanos"]:
        exact += Fraction(row["connect_nanos"], NANOS)
        terms += f" + {format_nanos(row['connect_nanos'])}"
    if item.factor != 1:
        exact *= item.factor
        terms = f"({terms}) x {fraction_text(item.factor)}"
    whole = row.get("whole_micros")  # before parts of it were given away
    charge = row["charge_micros"] if whole is None else whole
    return f"{terms} = {_limited(row, item, exact)} -> {format_micros(charge)}"


def _limited(row: Row, item: ItemInfo, exact: Fraction) -> str:
    """An exact charge, and what limits or an attempt fee make of it."""
    text, sign = fraction_text(exact), -1 if row["quantity"] < 0 else 1
    limits = explain_bands.limits(row, item)
    if row["raw_quantity"] == 0 and limits.attempt_fee_nanos:
        return f"{text}, attempt fee {format_nanos(limits.attempt_fee_nanos)}"
    if row["quantity"] == 0:
        return text
    for word, nanos, most in (
        ("minimum", limits.minimum_nanos or None, False),
        ("maximum", limits.maximum_nanos, True),
    ):
        if nanos is None:
            continue
        over = sign * exact - Fraction(nanos, NANOS)
        if over > 0 if most else over < 0:
            exact = sign * Fraction(nanos, NANOS)
            text += f", {word} {format_nanos(sign * nanos)}"
    return text


def rate_line(row: Row, item: ItemInfo, tables: Tables) -> str:
    """The price that was found, where, and what goes with it."""
    steps = _steps(item)
    if item.price_kind in BY_PERIOD:
        return explain_intervals.rate_line(item) or f"{tiers_in_words(item)}{steps}"
    if item.price_kind is PriceKind.RECEIVED:
        return "what splits give it"
    if item.price_kind is PriceKind.COUNTED:
        return f"counted per {item.per}{steps}"
    if item.bands is not None and item.bands.lines:
        return explain_bands.rate_line(row, item, item.bands)
    price = format_nanos(row["price_nanos"])
    fee = f", connect fee {format_nanos(row['connect_nanos'])}" if row["connect_nanos"] else ""
    if item.price_kind is PriceKind.STEPS:
        return f"each event {tiers_in_words(item)}{fee}{steps}"
    if item.price_kind is PriceKind.SHARE:
        of = MONEY.get(item.quantity, "retail amount")
        return f"share of {format_nanos(row['price_nanos'] * 100)} % of the {of}{fee}"
    if item.price_kind is PriceKind.DECK:
        by = f" by {item.number.label} number" if item.number else ""
        place = f"deck {tables.decks.deck_names[item.deck]}{by}, zone {row['zone']}: "
        if item.bands is not None:
            place = f"bands {item.bands.plan}, {item.bands.split.label}, {place}{row['band']} "
        times = "" if item.factor == 1 else f" x {fraction_text(item.factor)}"
        return f"{place}{price} per {item.per}{fee}{times}{_deck_steps(row, item, tables)}"
    return f"{price} per {item.per}{fee}{steps}"


def _steps(item: ItemInfo) -> str:
    """How an item of its own line counts."""
    first, following = item.initial_seconds, item.next_seconds
    if item.quantity is Quantity.SECONDS:
        steps = f", increments {first}/{following} s"
    elif (first, following) != (1, 1):
        steps = f", counted {first}/{following} {item.quantity.label}"
    else:
        steps = ""
    if item.count_minimum:
        steps += f", at least {item.count_minimum}"
    return steps if item.count_round is CountRound.UP else f"{steps}, {item.count_round.label}"


def _deck_steps(row: Row, item: ItemInfo, tables: Tables) -> str:
    """The increments of a deck's rate, where the reference still has the rate that was used."""
    decks, rates = tables.decks, tables.rates
    seconds = np.array([row["started_us"] // 1_000_000], np.int64)
    for zone, name in enumerate(decks.zone_names):
        if name == row["zone"] and int(decks.deck_of_zone[zone]) == item.deck:
            code = zone + _band_number(row, item, tables)
            line = int(decks.line_of.lookup(np.array([code], np.int32), seconds)[0])
            if line >= 0 and int(rates.price_nanos[line]) == row["price_nanos"]:
                first, following = rates.initial_seconds[line], rates.next_seconds[line]
                return f", increments {first}/{following} s"
            break  # the codes behind are the same zone in its other bands
    return ""


def _band_number(row: Row, item: ItemInfo, tables: Tables) -> int:
    """The number of the band in which a leg begins; 0 without bands."""
    plan = "" if item.bands is None else item.bands.plan
    names = next((bands.names for bands in tables.bands if bands.plan == plan), ())
    return names.index(row["band"]) if plan and row["band"] in names else 0


def cap_note(row: Row, item: ItemInfo, tables: Tables) -> str:
    """What is said of a price above its regulated cap; one of the period is not this event's."""
    cap = tables.caps.get(item.regulated)
    most = None if cap is None else cap.most(row["started_us"] // MICROS)
    price = row["price_nanos"] * item.factor.numerator
    unit = item.unit // item.parts
    if cap is None or most is None or price * cap.per.unit <= most * unit:
        return ""
    return f", {above(cap, most)}"
