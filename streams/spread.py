"""Spread: what a period's sum is divided by before a curve prices it.

A recurring price is for a whole month, so the unit-days of a period are divided by the days of the
month. An average is a level: the unit-seconds of a period divided by its seconds, so that a month
with a day of 23 or 25 hours is as long as it was. Dividing a sum changes nothing about order: the
sum is the same whatever came first, and the exact quotient is rounded only with the amount.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from schemas.money import MICROS
from schemas.recurring import days_around
from state.items import Spread
from streams.terms import Terms

MONTH_LABEL = "2026-11"


def divisor(spread: Spread, terms: Terms, original: str) -> int:
    """What the sum of a period is divided by.

    Args:
        spread: what the item says of it.
        terms: the item's version.
        original: the label of the period that the usage is of.
    """
    if spread.every is None:
        periods = terms.version.periods
        start_us, upto_us = periods.bounds(periods.parse(original))
        return (upto_us - start_us) // MICROS
    first = f"{original}-01" if len(original) == len(MONTH_LABEL) else original
    return spread.basis or days_around(spread.every, date.fromisoformat(first))


def spread_over(terms: Terms, original: str) -> int:
    """The same of any item under tiers: 1 where its curve is of the sum itself."""
    spread = terms.item.spread
    return 1 if spread is None else divisor(spread, terms, original)


def measured(terms: Terms, original: str, quantity: int) -> int | Fraction:
    """What the curve of an item prices of a period's sum."""
    over = spread_over(terms, original)
    return quantity if over == 1 else Fraction(quantity, over)
