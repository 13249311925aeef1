"""Answers: their order, and what follows from their figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from state.view_answers import Accrual, Total
from streams.accrual import Book
from streams.terms import Terms
from tests.state.view_makers import series, view_tables


@pytest.fixture(scope="module")
def terms(tmp_path_factory: pytest.TempPathFactory) -> Terms:
    """The terms of calls on the plain agreement."""
    directory: Path = tmp_path_factory.mktemp("reference")
    return Book(view_tables(directory)).terms(series("PLAIN", "calls"))


def test_accruals_stand_in_order_of_book_hour_and_item(terms: Terms) -> None:
    """The whole period comes before its hours, an hour before the next, and items by name."""
    made = [
        Accrual(series("PLAIN", item, period), terms, hour, 1, 1, 1, None)
        for period in ("2026-11", "2026-12")
        for hour in (None, 9, 10)
        for item in ("calls", "texts")
    ]
    assert sorted(made, key=lambda a: a.key) == made


def test_net_is_what_the_partner_owes() -> None:
    """3 receivable less 5 payable: the operator owes 2."""
    total = Total("ALFA", "PLAIN", "wholesale", "2026-11", "EUR", 1, 3, 5, None, 1)
    assert total.net_micros == -2
