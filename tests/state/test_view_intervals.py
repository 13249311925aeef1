"""The view under recurring prices: what hours are worth adds up to the period."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.view_amounts import hours_of, periods_of
from streams.accrual import Book
from streams.contribution import Series
from tests.builders import agreement_text, reference_dir, tables
from tests.state.view_makers import Usage, publish

MONTH = "2026-11"
SERIES = Series("ALFA-1", 1, "line", "", "EUR", MONTH, MONTH)


@pytest.fixture(scope="module", params=["line, decimals: 2", "statement, decimals: 2"])
def book(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Book:
    """Circuits at 850 a month, rounded in two places."""
    item = "{item: line, role: product, service: circuit, flow: receivable, price: PRICE}"
    price = "{kind: recurring, every: month, amount: 850}"
    terms = (
        f"valid_from: 2026-01-01, zone: UTC, currency: EUR, rounding: {{place: {request.param}}}"
    )
    text = agreement_text(item.replace("PRICE", price), terms=terms)
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    directory = tmp_path_factory.mktemp("book")
    return Book(tables(reference_dir(directory, agreements=text, attribution=keys)))


def hours(usage: Usage, book: Book) -> list[int]:
    """What each hour is worth, in order."""
    messages = [v for k, v in publish(usage, book) if k and v and not k.endswith(b"total")]
    return [found.amount_micros for found in hours_of(messages, MONTH, book, {})]


def whole(usage: Usage, book: Book) -> int:
    """What the period is worth."""
    messages = [v for k, v in publish(usage, book) if k and v and k.endswith(b"total")]
    (found,) = periods_of(messages, book, {})
    return found.amount_micros


def test_an_hour_is_worth_the_days_that_began_in_it(book: Book) -> None:
    """15 and 3 of 30 days: 425 and 85."""
    usage: Usage = {(SERIES, 1): (1, 15, 0, 0), (SERIES, 2): (1, 3, 0, 0)}
    assert hours(usage, book) == [425_000_000, 85_000_000]
    assert whole(usage, book) == 510_000_000


@given(st.dictionaries(st.integers(1, 700), st.integers(0, 60), min_size=1, max_size=5))
def test_hours_add_up_to_the_period(book: Book, days: dict[int, int]) -> None:
    """To the last micro, though each is a part of a month that is rounded."""
    usage: Usage = {(SERIES, hour): (1, n, 0, 0) for hour, n in days.items()}
    assert sum(hours(usage, book)) == whole(usage, book)
