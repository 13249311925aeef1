"""The view under curves and commitments: hours that add up, and what is missing beside them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.view_amounts import hours_of, lines_of, periods_of, totals_of
from streams.accrual import Book
from streams.contribution import Series
from tests.builders import agreement_text, reference_dir, tables
from tests.state.view_makers import Usage, publish

OCTOBER, NOVEMBER = "2026-10", "2026-11"
ITEM = "{item: %s, role: %s, service: sms, flow: %s, price: {kind: tiers, per: event, %s}}"
ITEMS = (
    ("texts", "ingress", "receivable", "at_least: 10, tiers: [{price: 0.5, flat: 1}]"),
    ("blocks", "egress", "payable", "tiers: [{up_to: 9, block: 4, price: 3}, {price: 1, cap: 5}]"),
    (
        "zero",
        "subscriber",
        "receivable",
        "flat_on_zero: true, curve: volume, tiers: [{up_to: 4, price: 2, flat: 7}, {price: 1}]",
    ),
)


@pytest.fixture(scope="module", params=["line, decimals: 0", "statement, decimals: 2"])
def book(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Book:
    """One agreement with a commitment, blocks and a flat on zero, rounded in two places."""
    terms = (
        f"valid_from: 2026-01-01, zone: UTC, currency: EUR, rounding: {{place: {request.param}}}"
    )
    text = agreement_text(", ".join(ITEM % item for item in ITEMS), terms=terms)
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    directory = tmp_path_factory.mktemp("book")
    return Book(tables(reference_dir(directory, agreements=text, attribution=keys)))


def series(item: str, booked: str = NOVEMBER, original: str | None = None) -> Series:
    """A series of one of the items."""
    return Series("ALFA-1", 1, item, "", "EUR", original or booked, booked)


def whole(usage: Usage, book: Book) -> list[bytes]:
    """The messages of whole periods."""
    return [v for k, v in publish(usage, book) if k and v and k.endswith(b"total")]


def test_what_is_missing_is_beside_the_amount(book: Book) -> None:
    """4 of 10 texts: 1 + 4 x 0.5 = 3 accrued, 3 missing; as if closed now they are 6."""
    usage = {(series("texts"), 1): (4, 4, 0, 0)}
    [found] = periods_of(whole(usage, book), book, {})
    assert (found.amount_micros, found.shortfall_micros) == (3_000_000, 3_000_000)
    [lines] = lines_of(whole(usage, book))
    [total] = totals_of(lines, [], book, None, 1)
    assert (total.receivable_micros, total.payable_micros) == (6_000_000, 0)


def test_an_hour_has_nothing_missing(book: Book) -> None:
    """What is missing is missing from the period."""
    usage = {(series("texts"), 1): (4, 4, 0, 0)}
    hours = [v for k, v in publish(usage, book) if k and v and not k.endswith(b"total")]
    [found] = hours_of(hours, NOVEMBER, book, {})
    assert (found.amount_micros, found.shortfall_micros) == (3_000_000, 0)


ROWS = [
    series(item, booked, original)
    for item, *_ in ITEMS
    for booked, original in ((OCTOBER, OCTOBER), (NOVEMBER, NOVEMBER), (NOVEMBER, OCTOBER))
]


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(ROWS), st.integers(1, 4)), st.integers(0, 9), min_size=1
    )
)
def test_hours_add_up_to_the_period(book: Book, counts: dict[tuple[Series, int], int]) -> None:
    """Whatever the curve: hours of a row are the row's amount, to the last micro.

    What is owed without usage has a row of its own in every period that has any, as on the hop.
    """
    usage: Usage = {at: (n, n, 0, 0) for at, n in counts.items()}
    standing = {(series(item, OCTOBER), 9): (0, 0, 0, 0) for item in ("texts", "zero")}
    messages = whole({**standing, **usage}, book)
    expected = {a.series: a.amount_micros for a in periods_of(messages, book, {})}
    sums: dict[Series, int] = {}
    for periods in ((OCTOBER,), (OCTOBER, NOVEMBER)):
        hours = [
            v
            for k, v in publish(usage, book)
            if k and v and not k.endswith(b"total") and k.split(b"|")[1].decode() in periods
        ]
        for found in hours_of(hours, periods[-1], book, {}):
            sums[found.series] = sums.get(found.series, 0) + found.amount_micros
    assert sums == {name: expected[name] for name in sums}
    assert {name for name, _ in counts} == set(sums)
