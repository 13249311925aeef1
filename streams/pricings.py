"""Pricings: what the rows of one counter come to together, under the terms of a version.

`streams/worth.py` knows moments, versions and rounding; what some rows cost as a whole is said
here. A pricing is a function of a set of rows, whatever order they came in: it reduces them to what
is priced (their quantity, as a rule) and prices that by the curve of the version's item.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from schemas.terms_chosen import EVENTS
from state.curves import Curve, Exact, Part
from streams.accrual import Row
from streams.measures import MeasuredPricing, windows_of
from streams.spread import divisor
from streams.terms import Terms

ZERO = Fraction(0)


class Pricing(Protocol):
    """What rows come to; money in currency units, exactly."""

    def exact(self, rows: Sequence[Row]) -> Fraction:
        """What these rows come to together; of nothing used, nothing."""

    def parts(self, rows: Sequence[Row]) -> tuple[Part, ...]:
        """What that is made of, adding up to it."""

    def on_zero(self, rows: Sequence[Row]) -> tuple[Part, ...]:
        """What is due because nothing was used at all; nothing where anything was."""

    def missed(self, rows: Sequence[Row], at_least: Fraction) -> Fraction:
        """What is due on top, because less than a committed quantity was used."""


@dataclass(frozen=True)
class SumPricing:
    """The curve at the sum of the rows' quantities."""

    curve: Curve

    def measured(self, rows: Sequence[Row]) -> Exact:
        """What the curve prices of these rows, in base units."""
        return sum(row.quantity for row in rows)

    def exact(self, rows: Sequence[Row]) -> Fraction:
        """See `Pricing`."""
        quantity = self.measured(rows)
        return self.curve.exact(quantity) if quantity else ZERO

    def parts(self, rows: Sequence[Row]) -> tuple[Part, ...]:
        """See `Pricing`."""
        quantity = self.measured(rows)
        return self.curve.parts(quantity) if quantity else ()

    def on_zero(self, rows: Sequence[Row]) -> tuple[Part, ...]:
        """See `Pricing`."""
        return () if self.measured(rows) else self.curve.parts(0)

    def missed(self, rows: Sequence[Row], at_least: Fraction) -> Fraction:
        """See `Pricing`."""
        used = self.measured(rows)
        return self.curve.exact(at_least) - self.curve.exact(used) if used < at_least else ZERO


@dataclass(frozen=True)
class ChosenPricing(SumPricing):
    """The curve at the sum of an item's quantities, at the tier that something else chooses.

    That is the number of the item's events, or what another item counts, whose rows lie on the
    same counter.
    """

    item: str
    chosen_by: str

    def measured(self, rows: Sequence[Row]) -> Exact:
        """What the curve prices of these rows, in base units."""
        return sum(row.quantity for row in rows if row.series.item == self.item)

    def chosen(self, rows: Sequence[Row]) -> Exact:
        """What chooses the tier."""
        if self.chosen_by == EVENTS:
            return sum(row.events for row in rows if row.series.item == self.item)
        return sum(row.quantity for row in rows if row.series.item == self.chosen_by)

    def exact(self, rows: Sequence[Row]) -> Fraction:
        """See `Pricing`."""
        quantity = self.measured(rows)
        return self.curve.exact(quantity, self.chosen(rows)) if quantity else ZERO

    def parts(self, rows: Sequence[Row]) -> tuple[Part, ...]:
        """See `Pricing`."""
        quantity = self.measured(rows)
        return self.curve.parts(quantity, self.chosen(rows)) if quantity else ()


@dataclass(frozen=True)
class SpreadPricing(SumPricing):
    """The curve at the sum of the rows' quantities divided by what it is spread over."""

    over: int

    def measured(self, rows: Sequence[Row]) -> Exact:
        """What the curve prices of these rows: the part of an interval, or an average."""
        return Fraction(sum(row.quantity for row in rows), self.over)


def pricing_of(terms: Terms, original: str) -> Pricing:
    """How the rows of an item under tiers are priced.

    Args:
        terms: the item's, of one version.
        original: the label of the period that the usage is of.
    """
    if terms.item.chosen_by:
        return ChosenPricing(terms.curve, terms.item.name, terms.item.chosen_by)
    measure, spread = terms.item.measure, terms.item.spread
    if measure is not None:
        return MeasuredPricing(terms.curve, measure, windows_of(terms, original))
    if spread is not None:
        return SpreadPricing(terms.curve, divisor(spread, terms, original))
    return SumPricing(terms.curve)
