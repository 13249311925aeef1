"""Amounts in reference files: prices and fees as whole nanos, the thousand-millionths of a unit.

A price is written as a decimal, and is neither negative (the item's flow says who pays) nor so
large that only a typing error explains it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from schemas.fields import read_text
from schemas.money import NANOS, NANOS_DECIMALS, parse_decimal

# A price above this is a typing error, and with it the products of rating stay within bounds.
PRICE_UNITS_MAX = 1_000_000
PRICE_NANOS_MAX = PRICE_UNITS_MAX * NANOS


def price_nanos(value: object) -> int:
    """A price in nanos; neither negative nor beyond what a typing error would make it."""
    nanos = parse_decimal(read_text(value), NANOS_DECIMALS)
    if nanos < 0:
        raise ValueError(
            f"{value!r} is negative; write it positive and turn the item's flow around"
        )
    if nanos > PRICE_NANOS_MAX:
        raise ValueError(
            f"{value!r} is above {PRICE_UNITS_MAX}; check the price and what it is per"
        )
    return nanos


Nanos = Annotated[int, BeforeValidator(price_nanos)]
