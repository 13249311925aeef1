"""Relief: what an allowance takes off the charges of a period.

Every event has been charged as if nothing were free. With the events that are free in order, each
of them is priced once more: in full, as it was charged, and for what is left of it. The difference
comes off what the charges add up to, rounded as each charge was.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from schemas.codes import RoundingPlace
from state.allowance import EventPrice
from streams.accrual import Row
from streams.allowance import Freed, first_events
from streams.terms import Terms, exact, round_amount

ZERO = Fraction(0)


class Charged(NamedTuple):
    """What rows come to: exactly, and in micros where each charge has been rounded."""

    exact: Fraction
    micros: int


def first_of(rows: Sequence[Row], terms: Terms) -> list[Freed]:
    """What is free of the events of some rows of one version."""
    allowance = terms.item.allowance
    if allowance is None:
        return []
    return first_events([row.cells for row in rows if row.cells is not None], allowance)


def comes_to(rows: Sequence[Row], terms: Terms) -> Charged:
    """What rows of one version come to, whose charges are without the allowance."""
    price = event_price(terms)
    value = sum((exact(terms, row.charge_micros, row.residue) for row in rows), ZERO)
    micros = sum(row.charge_micros for row in rows)
    for event in first_of(rows, terms):
        whole, rest = price.exact(event.quantity), event.quantity - event.free
        left = price.exact(rest) if rest else ZERO
        value -= whole - left
        if terms.version.rounding_place is RoundingPlace.RECORD:
            micros -= round_amount(terms, whole) - round_amount(terms, left)
    return Charged(value, micros)


def event_price(terms: Terms) -> EventPrice:
    """The price of one event of an item with an allowance."""
    item = terms.item
    limits = item.own_limits
    return EventPrice(
        item.price_nanos,
        item.connect_fee_nanos,
        item.base_unit,
        limits.minimum_nanos,
        limits.maximum_nanos,
    )
