"""The oracle's rounding: exact amounts to whole numbers of an agreement's smallest unit.

By hand and by the word of the rule; nothing here is shared with what it judges.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

from ops.oracle_reference import Rounding

MICROS = 10**6
STEPS = {decimals: Fraction(10) ** decimals for decimals in range(-2, 7)}


def round_units(value: Fraction, mode: str) -> int:
    """A whole number from an exact one; negative numbers mirror positive ones but for two modes."""
    if mode == "floor":
        return floor(value)
    if mode == "ceiling":
        return ceil(value)
    if value < 0:
        return -round_units(-value, mode)
    whole = floor(value)
    rest = value - whole
    half = Fraction(1, 2)
    upwards = {
        "down": False,
        "up": rest > 0,
        "half_up": rest >= half,
        "half_even": rest > half or (rest == half and whole % 2 == 1),
    }
    return whole + 1 if upwards[mode] else whole


def round_micros(value: Fraction, rounding: Rounding) -> int:
    """An amount rounded to an agreement's decimals, in micros (decimals may be negative)."""
    units = round_units(value * STEPS[rounding.decimals], rounding.mode)
    return int(units * MICROS / STEPS[rounding.decimals])


def decimal_of(micros: int) -> Decimal:
    """An amount of whole micros as a decimal with six places, exact at any size."""
    return Decimal(f"{micros}e-6")
