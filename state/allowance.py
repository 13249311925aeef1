"""Allowances compiled, and what one event costs under its item's price, for any quantity.

What an allowance frees is known only when a period's events stand in order. Then the first of them
cost nothing, the one that uses the allowance up costs what its rest costs, and for that the price
of one event is needed outside of the hot path: the same as there, one event at a time.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from schemas.agreements import Item
from schemas.curves import quantity_of
from schemas.money import NANOS
from schemas.prices import AMOUNT, SharePrice, UnitPrice


class AllowanceTerms(NamedTuple):
    """What is free: so many events, so much of the counted quantity; None where it does not end."""

    events: int | None
    quantity: int | None


def allowance_terms(item: Item) -> AllowanceTerms | None:
    """The allowance of an item, if it has one."""
    said, price = item.allowance, item.price
    if said is None or not isinstance(price, UnitPrice | SharePrice):
        return None
    per = AMOUNT if isinstance(price, SharePrice) else price.per
    quantity = None if said.quantity is None else quantity_of(said.quantity, per)
    return AllowanceTerms(said.events, quantity)


class EventPrice(NamedTuple):
    """The price of one event of an item of a single line, in nanos; per `unit` of the quantity."""

    price_nanos: int
    connect_nanos: int
    unit: int
    minimum_nanos: int
    maximum_nanos: int | None

    def exact(self, quantity: int) -> Fraction:
        """What an event of a quantity above zero costs, before anything is rounded."""
        exact = Fraction(self.price_nanos * quantity, self.unit) + self.connect_nanos
        exact = max(exact, Fraction(self.minimum_nanos))
        if self.maximum_nanos is not None:
            exact = min(exact, Fraction(self.maximum_nanos))
        return exact / NANOS
