"""Explain, intervals: the stretch of time that a leg is of, and what a recurring price makes of it.

An event that reaches over periods or versions has a leg for each of them. What such a leg comes to
by itself is shown, for a recurring price asks for a part of an amount and nothing else; what is
rounded is the period's sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from schemas.codes import Quantity
from schemas.money import NANOS
from schemas.recurring import days_around
from state.items import ItemInfo
from streams.contribution import HOUR_US
from streams.statement import format_nanos, fraction_text

Row = Mapping[str, Any]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MONTH_LABEL = "2026-11"


def stretch(row: Row, item: ItemInfo, zone: str) -> list[str]:
    """The stretch of time that a leg is of, on the clock of its agreement; none of other legs."""
    if row.get("from_us") is None:
        return []
    start, upto = (_local(row[field], zone) for field in ("from_us", "upto_us"))
    days = (upto.date() - start.date()).days
    length = f": {days} days" if item.quantity is Quantity.UNIT_DAYS else ""
    return [f"from {start:%Y-%m-%d %H:%M:%S} up to {upto:%Y-%m-%d %H:%M:%S} {zone}{length}"]


def hour(row: Row) -> int:
    """The hour that a leg counts in: that in which its own stretch begins."""
    begun = row.get("from_us")
    return int((row["started_us"] if begun is None else begun) // HOUR_US)


def rate_line(item: ItemInfo) -> str:
    """A recurring price in words; empty for other prices."""
    if item.spread is None or item.spread.every is None:
        return ""
    days = f"{item.spread.basis} days" if item.spread.basis else "days of the calendar"
    return f"{_amount(item)} each {item.per}, by its {days}"


def arithmetic(row: Row, item: ItemInfo) -> str:
    """What a leg adds to an average, or under a recurring price to the period's amount.

    Empty for other prices.
    """
    spread, curve = item.spread, item.curve
    if spread is None or curve is None:
        return ""
    if spread.every is None:
        added = f"{row['quantity']} {item.quantity.label}"
        return f"priced by the period's average, to which this event adds {added}"
    label = str(row["period"])
    first = date.fromisoformat(f"{label}-01" if len(label) == len(MONTH_LABEL) else label)
    days = spread.basis or days_around(spread.every, first)
    part = Fraction(row["quantity"] * curve.steps[0].price_nanos, days * NANOS)
    said = f"{row['quantity']} / {days} x {_amount(item)} = {fraction_text(part)}"
    return f"{said}, rounded with all of the period"


def _amount(item: ItemInfo) -> str:
    """The amount of a recurring price."""
    return "" if item.curve is None else format_nanos(item.curve.steps[0].price_nanos)


def _local(instant_us: int, zone: str) -> datetime:
    """What a clock in a zone shows."""
    return (EPOCH + timedelta(microseconds=instant_us)).astimezone(ZoneInfo(zone))
