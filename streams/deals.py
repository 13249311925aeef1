"""Deals: what a period's rows come to together, less what they come to by themselves.

A deal has a row in each book that it bears on, without usage of its own. Its worth is a function of
the rows it is over, which lie in the same partition: with S what those are stated to come to by
everything booked up to some moment, `bounds` ask for B(S), the sum after discount and maximum, and
the deal is worth B(S) - S. What a minimum adds is its shortfall. What is asked for is rounded, and
S is taken as stated, so items and deal together are the rounded amount. What was booked in earlier
periods is taken off, so that deals telescope as tiers do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from schemas.codes import RoundingPlace
from schemas.money import MICROS, NANOS
from state.items import DealTerms
from streams.accrual import Book, Duty, Row, Terms, round_amount

ZERO = Fraction(0)


class Stated(NamedTuple):
    """What a row, or several, come to in currency units: accrued, and due if the period ended."""

    accrued: Fraction
    due: Fraction


NOTHING = Stated(ZERO, ZERO)
StatedOf = Callable[[Row], Stated]


@dataclass(frozen=True)
class _Asked:
    """What a version asks for a sum; rounded unless the statement is what is rounded."""

    terms: Terms
    deal: DealTerms
    duty: Duty | None

    @property
    def _part(self) -> Fraction:
        """The days in force, of those of the period."""
        served = None if self.duty is None else self.duty.served
        return ZERO if served is None else Fraction(served.days, served.days_of_period)

    def bounded(self, total: Fraction) -> Fraction:
        """A sum after discount and maximum."""
        return self._rounded(self._bounded(total))

    def due(self, total: Fraction) -> Fraction:
        """The same at the end of the period: not less than the minimum, where that is owed here."""
        if self.duty is None:
            return self.bounded(total)
        least = Fraction(self.deal.minimum_nanos, NANOS) * self._part
        found = self._bounded(total)
        return self._rounded(max(found, least) if least else found)

    def fee(self, period: str) -> Fraction:
        """What is owed for a period without usage."""
        if self.deal.on is not None:
            day = self.deal.on.isoformat()
            is_due = period in (day, day[:7]) and self.terms.begins_day(self.deal.on)
            return self._rounded(Fraction(self.deal.fee_nanos if is_due else 0, NANOS))
        if self.duty is None:
            return ZERO
        part = self._part if self.deal.prorated else Fraction(1)
        return self._rounded(Fraction(self.deal.fee_nanos, NANOS) * part)

    def _bounded(self, total: Fraction) -> Fraction:
        found = total * Fraction(NANOS - self.deal.discount_nanos, NANOS)
        most = self.deal.maximum_nanos
        return found if most is None else min(found, Fraction(most, NANOS))

    def _rounded(self, value: Fraction) -> Fraction:
        if self.terms.version.rounding_place is RoundingPlace.STATEMENT:
            return value
        return Fraction(round_amount(self.terms, value), MICROS)


def stands_at(row: Row, rows: Sequence[Row], stated: StatedOf, book: Book) -> Stated:
    """What the row of a deal comes to by some rows of its agreement and original period.

    Args:
        row: the deal's row.
        rows: everything booked up to some moment; of nothing there is no deal yet.
        stated: what one of these rows is stated to come to.
        book: the agreements' terms.
    """
    terms, duty = book.terms(row.series), book.duty(row.series)
    deal = terms.item.deal
    if deal is None or not rows:
        return NOTHING
    asked = _Asked(terms, deal, duty)
    if not deal.over:
        fee = asked.fee(row.series.original)
        return Stated(fee, fee)
    below, own = NOTHING, NOTHING
    for member in rows:
        if member.series.version > row.series.version:
            continue
        if member.series.currency != row.series.currency:
            continue
        if member.series.item in book.deal_over(member.series, row.series.item):
            found = stated(member)
            if member.series.version == row.series.version:
                own = Stated(own.accrued + found.accrued, own.due + found.due)
            else:
                below = Stated(below.accrued + found.accrued, below.due + found.due)
    upto = Stated(below.accrued + own.accrued, below.due + own.due)
    accrued = asked.bounded(upto.accrued) - asked.bounded(below.accrued) - own.accrued
    return Stated(accrued, asked.due(upto.due) - asked.bounded(below.due) - own.due)
