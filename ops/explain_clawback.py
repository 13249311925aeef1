"""What a reversal takes back, as an analyst reads it."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from schemas.money import MICROS, NANOS, format_micros
from state.items import ItemInfo
from streams.clawback import DAY_US
from streams.statement import fraction_text

Row = Mapping[str, Any]


def is_reversal(row: Row) -> bool:
    """Whether a leg takes something back."""
    return row.get("parts_taken") is not None


def original(row: Row) -> Row:
    """The leg as its original would have been."""
    quantity, measured = -row["quantity"], abs(row["raw_quantity"])
    return {**row, "quantity": quantity, "raw_quantity": measured, "parts_taken": None}


def taken(row: Row, item: ItemInfo, charged: str) -> str:
    """The arithmetic of a reversal, of what its original was charged."""
    whole = row.get("whole_micros")  # before parts of it were given away
    micros = row["charge_micros"] if whole is None else whole
    exact = Fraction(micros, MICROS) + Fraction(row["residue"], item.unit * NANOS)
    part = f"{row['parts_taken']}/{item.parts}" if item.parts > 1 else str(row["parts_taken"])
    return f"original {charged}; x -{part} = {fraction_text(exact)} -> {format_micros(micros)}"


def window(row: Row, item: ItemInfo) -> str:
    """How long after its original a reversal came; nothing of any other leg."""
    if item.clawback is None or not is_reversal(row):
        return ""
    days = (row["started_us"] - row["original_us"]) // DAY_US
    return f", taken back {days} days after the original, window {item.clawback.window_days} days"
