"""Quantities that can stand for each other, and the words for them in a count.

A price per amount may be of the retail amount of a transaction, of what it cost, or of the margin
between the two: all three are amounts of money in the same currency.
"""

from __future__ import annotations

from schemas.codes import Quantity

AMOUNTS = frozenset({Quantity.AMOUNT_MICROS, Quantity.COST_MICROS, Quantity.MARGIN_MICROS})

COUNTED = {quantity.label: quantity for quantity in Quantity}
COUNTED |= {quantity.label.removesuffix("_micros"): quantity for quantity in sorted(AMOUNTS)}
"""What a count may be of, by the word for it; amounts of money have short ones."""
