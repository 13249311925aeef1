"""What a period's sum is divided by: the days around it, or its seconds."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from streams.accrual import Book, Row
from streams.contribution import Series
from streams.pricings import pricing_of
from streams.spread import measured, spread_over
from streams.terms import Terms
from tests import builders
from tests.makers import item_tables

KEYS = "product,CIR-1,ALFA-1,,"


def terms_of(directory: Path, price: str, more: str = "", zone: str = "UTC") -> Terms:
    """The terms of one circuit item."""
    item = f"{{item: c, role: product, service: circuit, flow: receivable, price: {price}{more}}}"
    agreement = builders.agreement_text(
        item, terms=f"valid_from: 2026-01-01, zone: {zone}, currency: EUR"
    )
    tables = builders.tables(
        builders.reference_dir(
            directory,
            agreements=agreement,
            attribution=f"kind,key,agreement,valid_from,valid_upto\n{KEYS}\n",
        )
    )
    return Book(tables).terms(Series("ALFA-1", 1, "c", "", "EUR", "2026-11", "2026-11"))


@pytest.mark.parametrize(
    ("every", "original", "days"),
    [
        ("month", "2026-11", 30),
        ("month, basis: 30", "2026-12", 30),
        ("week", "2026-11", 7),
        ("day", "2026-11", 1),
        ("quarter", "2026-11", 92),
        ("year", "2028-02", 366),
        ("month", "2026-11-23", 30),
    ],
)
def test_a_recurring_price_is_of_the_days_around_a_period(
    tmp_path: Path, every: str, original: str, days: int
) -> None:
    """15 unit-days are 15 of so many."""
    terms = terms_of(tmp_path, f"{{kind: recurring, every: {every}, amount: 850}}")
    assert spread_over(terms, original) == days
    assert measured(terms, original, 15) == Fraction(15, days)


def test_what_is_not_spread_is_the_sum_itself(tmp_path: Path) -> None:
    """A price of unit-days prices unit-days."""
    tables = item_tables(
        tmp_path,
        "{item: c, role: product, service: circuit, flow: receivable,"
        " price: {kind: tiers, per: unit_day, tiers: [{price: 1}]}}",
        KEYS,
    )
    terms = Book(tables).terms(Series("ALFA-1", 1, "c", "", "EUR", "2026-11", "2026-11"))
    assert measured(terms, "2026-11", 15) == 15


def test_circuits_of_one_item_add_up_before_they_are_priced(tmp_path: Path) -> None:
    """15 and 7 of 30 days at 850: 22/30 x 850 = 623.33..., in either order."""
    terms = terms_of(tmp_path, "{kind: recurring, every: month, amount: 850}")
    series = Series("ALFA-1", 1, "c", "", "EUR", "2026-11", "2026-11")
    rows = [Row(series, 1, days, 0, 0) for days in (15, 7)]
    pricing = pricing_of(terms, "2026-11")
    assert pricing.exact(rows) == pricing.exact(rows[::-1]) == Fraction(22 * 850, 30)
    (part,) = pricing.parts(rows)
    assert (part.quantity, part.amount) == (Fraction(22, 30), Fraction(22 * 850, 30))
    assert pricing.exact([]) == 0


@pytest.mark.parametrize(
    ("zone", "original", "hours"),
    [
        ("UTC", "2026-11", 720),
        ("Europe/Berlin", "2026-10", 745),
        ("Europe/Berlin", "2026-03", 743),
        ("UTC", "2028-02", 696),
    ],
)
def test_an_average_is_over_the_seconds_of_the_period(
    tmp_path: Path, zone: str, original: str, hours: int
) -> None:
    """A month with a day of 25 hours is longer, one with a day of 23 shorter."""
    price = "{kind: tiers, per: average_unit, tiers: [{price: 1}]}"
    terms = terms_of(tmp_path, price, ", measure: {of: average}", zone)
    assert spread_over(terms, original) == hours * 3_600


def test_a_level_is_committed_to_and_priced_by_tiers(tmp_path: Path) -> None:
    """4 units for half of November are 2 on average: of 3 that are committed to one is missing.

    2 x 10 + 0 have accrued, 2 x 10 + 1 x 4 are due.
    """
    price = (
        "{kind: tiers, per: average_unit, at_least: 3, tiers: [{up_to: 2, price: 10}, {price: 4}]}"
    )
    terms = terms_of(tmp_path, price, ", measure: {of: average}")
    series = Series("ALFA-1", 1, "c", "", "EUR", "2026-11", "2026-11")
    pricing = pricing_of(terms, "2026-11")
    rows = [Row(series, 1, 4 * 15 * 86_400, 0, 0)]
    assert pricing.exact(rows) == 20
    assert pricing.missed(rows, Fraction(3)) == 4
    assert pricing.missed([*rows, *rows], Fraction(3)) == 0
