"""Totals: rounded lines add up as they are, exact ones are rounded together; late usage apart."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from streams.accrual import Book
from streams.contribution import Series
from streams.totals import Flows, Sums
from streams.worth import Worth
from tests.payment_makers import paying_tables

THIRD = Fraction(10, 3)


def sums_of(directory: Path, place: str, *rows: tuple[str, str]) -> Sums:
    """Rows of a third of ten each: item and original period, booked in November."""
    book = Book(paying_tables(directory, place=place))
    sums = Sums()
    for item, original in rows:
        series = Series("P", 1, item, "", "EUR", original, "2026-11")
        sums.add(book.terms(series), series, Worth(3_330_000, THIRD))
    return sums


def test_lines_add_what_they_show_and_a_statement_rounds_once(tmp_path: Path) -> None:
    """Three thirds are 3 x 3.33 by the line, and 10.00 by the statement."""
    rows = [("texts", "2026-11")] * 3
    assert sums_of(tmp_path / "a", "line", *rows).totals() == {"EUR": Flows(9_990_000, 0)}
    assert sums_of(tmp_path / "b", "statement", *rows).totals() == {"EUR": Flows(10_000_000, 0)}


def test_late_usage_is_part_of_the_total_and_told_apart(tmp_path: Path) -> None:
    """By original period and direction, rounded as the agreement rounds."""
    rows = [
        ("texts", "2026-11"),
        ("texts", "2026-10"),
        ("bought", "2026-10"),
        ("bought", "2026-09"),
    ]
    sums = sums_of(tmp_path, "statement", *rows)
    # 20 thirds are 6.67; each period's part of them is rounded for itself.
    assert sums.totals() == {"EUR": Flows(6_670_000, 6_670_000)}
    assert sums.late("EUR") == {
        "2026-09": Flows(0, 3_330_000),
        "2026-10": Flows(3_330_000, 3_330_000),
    }
    assert sums.late("USD") == {}
    assert Flows(1, 3).net == -2
