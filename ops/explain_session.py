"""Explain, sessions: where in its session a record goes on, and what moved its figures since.

Rated rows of one leg add up: the one that it was rated with, and a correction for every time that
earlier parts of its session came. Here they are put together again, and said one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from schemas.codes import LegKind, PriceKind, Whole
from schemas.money import NANOS, format_micros
from state.items import ItemInfo
from state.sessions import counted
from streams.statement import format_nanos, fraction_text

Row = Mapping[str, Any]
ADDED = ("quantity", "connect_nanos", "charge_micros", "residue")
IDENTITY = ("source", "epoch", "sequence", "event_id", "role", "item")
MICROS_IN_NANOS = 1_000


def together(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Rated rows as legs: each with its figures as they are now, and its `corrections`.

    A row that is found twice, in the log and in the archive, counts once.
    """
    legs: dict[tuple[Any, ...], dict[str, Any]] = {}
    changes: dict[tuple[Any, ...], dict[tuple[Any, ...], Row]] = {}
    for row in rows:
        name = tuple(row[field] for field in IDENTITY)
        if row.get("kind") == LegKind.CORRECTION:
            said = (row["session_from"], *(row[field] for field in ADDED))
            changes.setdefault(name, {})[said] = row
        else:
            legs[*name, row.get("leg"), row.get("from_us")] = dict(row)
    # Shares are no parts of sessions; of all others an event has one for each role and item.
    parts = {name[:-2]: leg for name, leg in legs.items() if leg.get("session_from") is not None}
    for name, found in changes.items():
        if name not in parts:
            continue  # the leg itself was not asked for
        leg = parts[name]
        # Parts only ever come in before it, so it goes on further and further behind.
        leg["corrections"] = sorted(found.values(), key=lambda row: int(row["session_from"]))
        leg["session_from"] = leg["corrections"][-1]["session_from"]
        for field in ADDED:
            leg[field] += sum(int(row[field]) for row in leg["corrections"])
    return list(legs.values())


def in_words(row: Row, item: ItemInfo) -> list[str]:
    """Where a leg goes on in its session, and its corrections; nothing of one without session."""
    position = row.get("session_from")
    if position is None:
        return []
    label, session = item.quantity.label, row["session_id"]
    where = f"goes on at {position} {label} of" if position else "begins"
    said = [f"{where} session {session}, counted {WAYS[item.count_whole]}"]
    for change in row.get("corrections", ()):
        money = [f"charge {format_micros(change['charge_micros'])}"]
        if change["connect_nanos"]:
            money.insert(0, f"connect fee {format_nanos(change['connect_nanos'])}")
        said.append(
            f"corrected when an earlier part came: from {change['session_from']} {label},"
            f" quantity {change['quantity']:+d}, {', '.join(money)}"
        )
    return said


WAYS = {Whole.RECORD: "by record", Whole.LEGS: "by legs", Whole.SESSION: "as a whole"}


def says_itself(row: Row, item: ItemInfo) -> bool:
    """Whether the arithmetic of a leg is not that of a call of its own."""
    if row.get("session_from") is None:
        return False
    return item.count_whole is Whole.SESSION or row["raw_quantity"] == 0


def arithmetic(row: Row, item: ItemInfo) -> str:
    """How a leg's piece of its session makes the charge."""
    exact = Fraction(row["charge_micros"] * item.unit * MICROS_IN_NANOS + row["residue"])
    exact /= item.unit * NANOS
    charge = format_micros(row["charge_micros"])
    if row["raw_quantity"] == 0:
        fee = f"attempt fee {fraction_text(exact)}" if exact else f"0 {item.quantity.label}"
        return f"{fee} -> {charge}"
    unit = item.unit // item.factor.denominator
    if item.price_kind is PriceKind.STEPS and item.curve is not None:
        upto = row["session_from"] + row["raw_quantity"]
        ends = [_charged(position, item) for position in (upto, row["session_from"])]
        costs = [item.curve.exact(end) for end in ends]
        alone, label = costs[0] - costs[1], item.quantity.label
        terms = " - ".join(
            f"{fraction_text(cost)} of {end} {label}"
            for cost, end in zip(costs, ends, strict=True)
            if end
        )
    else:
        alone = Fraction(row["quantity"] * row["price_nanos"], unit * NANOS)
        over = f" / {unit}" if unit != 1 else ""
        terms = f"{row['quantity']} x {format_nanos(row['price_nanos'])}{over}"
    if row["connect_nanos"]:
        alone += Fraction(row["connect_nanos"], NANOS)
        terms += f" + {format_nanos(row['connect_nanos'])}"
    if item.factor != 1:
        alone *= item.factor
        terms = f"({terms}) x {fraction_text(item.factor)}"
    limited = "" if alone == exact else f", with the limits of the session {fraction_text(exact)}"
    return f"{terms} = {fraction_text(alone)}{limited} -> {charge}"


def _charged(position: int, item: ItemInfo) -> int:
    """What of a session up to a position is charged for."""
    steps = item.initial_seconds, item.next_seconds
    return counted(position, *steps, item.count_minimum, item.count_round)
