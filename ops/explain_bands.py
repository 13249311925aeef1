"""Explain, time bands: the price of each band, and the parts of a leg that crosses their edges.

A leg within one band is priced by that band's line and explained like any other. One that goes on
into another band has parts: how many of its seconds began in each, and how many were charged for
under the rule of the contract.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from schemas.codes import Quantity
from state.items import BandTerms, ItemInfo, Limits
from streams.statement import format_nanos

Row = Mapping[str, Any]


def rate_line(row: Row, item: ItemInfo, bands: BandTerms) -> str:
    """The prices of an item by time band: of the band that a leg begins in, then of the others.

    Args:
        row: the rated leg.
        item: the item that priced it.
        bands: its bands.
    """
    lines = dict(zip(bands.names, bands.lines, strict=True))
    said = []
    for band in sorted(lines, key=lambda name: name != row.get("band")):
        line = lines[band]
        fee = f", connect fee {format_nanos(line.connect_fee_nanos)}" * bool(line.connect_fee_nanos)
        steps = f", increments {line.initial_seconds}/{line.next_seconds} s"
        steps = steps if item.quantity is Quantity.SECONDS else ""
        said.append(f"{band} {format_nanos(line.price_nanos)} per {item.per}{fee}{steps}")
    rule = f"bands {bands.plan}, {bands.split.label}, begins in {row.get('band')}"
    return f"{rule}: {'; '.join(said)}"


def limits(row: Row, item: ItemInfo) -> Limits:
    """The limits that held for a leg: those of the band in which it begins, else the item's."""
    bands = item.bands
    if bands is None or row.get("band") not in bands.names:
        return item.own_limits  # of an item without bands, or of one whose deck has them
    return bands.limits[bands.names.index(row["band"])]


def parts(row: Row, item: ItemInfo) -> list[str]:
    """The parts of a leg in words, in order of time; none for one that is whole."""
    return [
        f"{part['band']}: {part['seconds']} s, charged {part['quantity']} s"
        f" at {format_nanos(part['price_nanos'])} per {item.per}"
        for part in row.get("parts") or ()
    ]


def products(row: Row) -> Sequence[tuple[int, int]]:
    """What is multiplied to price a leg, as (quantity, price in nanos): once, or once a part."""
    found = row.get("parts")
    if not found:
        return [(row["quantity"], row["price_nanos"])]
    # A part that an increment opened before has paid for adds nothing.
    return [(part["quantity"], part["price_nanos"]) for part in found if part["quantity"]]


def exact(row: Row, unit: int) -> Fraction:
    """What the parts of a leg come to, in currency units without the connect fee."""
    nanos = sum(quantity * price for quantity, price in products(row))
    return Fraction(nanos, unit * 10**9)
