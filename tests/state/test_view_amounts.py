"""Amounts from messages: hours that add up, and totals as a statement would have them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.invariants import InvariantViolation
from state.view_amounts import hours_of, lines_of, periods_of, totals_of
from streams.accrual import Book
from streams.contribution import Series
from tests.state.view_makers import (
    Sums,
    Usage,
    accrual_message,
    fields,
    publish,
    series,
    totals,
    view_tables,
)

OCTOBER, NOVEMBER = "2026-10", "2026-11"
TEXTS = series("TIERED", "texts")
# 10 texts at 0.015 and all further ones at 0.01, rounded to cents once a line.


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """The terms of all agreements."""
    return Book(view_tables(tmp_path_factory.mktemp("reference")))


def texts(count: int) -> Sums:
    """Sums of so many texts under tiers: their money depends on the whole, so none is charged."""
    return (count, count, 0, 0)


def hour_messages(usage: Usage, book: Book, agreement: str, *periods: str) -> list[bytes]:
    """The messages of hours of some booked periods."""
    prefixes = tuple(f"{agreement}|{period}|".encode() for period in periods)
    return [
        value
        for key, value in publish(usage, book)
        if key is not None and value is not None
        if key.startswith(prefixes) and not key.endswith(b"total")
    ]


def amounts(usage: Usage, book: Book, *periods: str) -> dict[tuple[int, int], int]:
    """Micros by version and hour, of the last of these booked periods."""
    messages = hour_messages(usage, book, "TIERED", *periods)
    found = hours_of(messages, periods[-1], book, {})
    return {(a.series.version, a.hour or 0): a.amount_micros for a in found}


def test_an_hour_under_tiers_is_worth_what_it_adds(book: Book) -> None:
    """Hours of 6, 6 and 2 texts: F(6) = 0.09, F(12) = 0.17, F(14) = 0.19."""
    usage = {(TEXTS, 1): texts(6), (TEXTS, 2): texts(6), (TEXTS, 3): texts(2)}
    expected = {(1, 1): 90_000, (1, 2): 80_000, (1, 3): 20_000}
    assert amounts(usage, book, NOVEMBER) == expected
    # The same whatever order the hours were published in: event time decides.
    assert amounts(dict(reversed(usage.items())), book, NOVEMBER) == expected


def test_rounding_at_the_line_telescopes_over_hours(book: Book) -> None:
    """3 texts are 0.045, shown as 0.05; 6 are 0.09: the second three add 0.04, not 0.05."""
    usage = {(TEXTS, 1): texts(3), (TEXTS, 2): texts(3)}
    assert amounts(usage, book, NOVEMBER) == {(1, 1): 50_000, (1, 2): 40_000}


def test_a_later_version_lies_above_an_earlier_one(book: Book) -> None:
    """The second version's texts begin where the first ended: 8 before, so 2 of 4 are dear.

    F(12) - F(8) = 0.17 - 0.12 = 0.05.
    """
    second = series("TIERED", "texts", version=2)
    usage = {(TEXTS, 1): texts(8), (second, 2): texts(4)}
    assert amounts(usage, book, NOVEMBER) == {(1, 1): 120_000, (2, 2): 50_000}


def test_late_usage_is_priced_on_top_of_what_was_booked_before(book: Book) -> None:
    """October closed with 5 texts in hour 100 and 3 in hour 200; 2 and 3 more are booked later.

    After hour 100 there are 7 (0.105, shown 0.11) where 5 were booked (0.075, shown 0.08): 0.03.
    In the end there are 13 (0.18) where 8 were booked (0.12): 0.06, so the last hour has 0.03.
    """
    closed = series("TIERED", "texts", OCTOBER)
    late = series("TIERED", "texts", NOVEMBER, original=OCTOBER)
    usage = {
        (closed, 100): texts(5),
        (closed, 200): texts(3),
        (late, 100): texts(2),
        (late, 150): texts(3),
    }
    found = amounts(usage, book, OCTOBER, NOVEMBER)
    assert found == {(1, 100): 30_000, (1, 150): 30_000}


def test_hours_priced_by_event_and_rounded_at_the_line_add_up(book: Book) -> None:
    """7 seconds at 0.05 a minute are 0.0058333: two such hours are 0.01 and nothing more.

    Charge 5833 micros, the rest of 1/3 of a micro is 20,000 over 60 x 10^9. Alone, 0.0058 is shown
    as 0.01; both are 0.01167, shown as 0.01.
    """
    calls = series("TIERED", "calls")
    usage = {(calls, 1): (1, 7, 5_833, 20_000), (calls, 2): (1, 7, 5_833, 20_000)}
    assert amounts(usage, book, NOVEMBER) == {(1, 1): 10_000, (1, 2): 0}


def test_hours_charged_by_record_are_their_charges(book: Book) -> None:
    """Where every record is rounded, an hour is the sum of what was charged in it."""
    calls = series("PLAIN", "calls")
    usage = {(calls, 1): (1, 60, 60_000, 0), (calls, 2): (2, 30, 30_000, 0)}
    found = hours_of(hour_messages(usage, book, "PLAIN", NOVEMBER), NOVEMBER, book, {})
    assert [(a.hour, a.amount_micros, a.quantity) for a in found] == [
        (1, 60_000, 60),
        (2, 30_000, 30),
    ]


def test_a_closed_period_names_its_statement(book: Book) -> None:
    """Rows of a closed period carry the number of the statement."""
    usage = {(series("PLAIN", "calls"), 1): (1, 60, 60_000, 0)}
    message = next(v for k, v in publish(usage, book) if k == b"PLAIN|2026-11|total")
    assert message is not None
    (found,) = periods_of([message], book, {("PLAIN", NOVEMBER): "PLAIN-000001"})
    assert (found.statement, found.amount_micros, found.hour) == ("PLAIN-000001", 60_000, None)


def test_totals_round_at_the_statement_once(book: Book) -> None:
    """Calls of 0.0116667 and texts of 0.025 are payable: 0.0366667 is 0.04, not 0.01 + 0.03.

    Twice 7 seconds as above; 20 texts are 10 x 0.0015 + 10 x 0.001 = 0.025.
    """
    usage = {
        (series("WHOLE", "calls"), 1): (2, 14, 11_666, 40_000),
        (series("WHOLE", "texts"), 1): texts(20),
    }
    (lines,) = lines_of([v for k, v in publish(usage, book) if k and k.endswith(b"total") and v])
    (total,) = totals_of(lines, [], book, None, 7)
    assert (total.receivable_micros, total.payable_micros) == (0, 40_000)
    assert (total.events, total.changed, total.partner, total.model) == (22, 7, "BRAVO", "referral")


def test_totals_keep_flows_apart(book: Book) -> None:
    """What the partner owes and what it is owed are not netted into one."""
    usage = {
        (series("PLAIN", "calls"), 1): (1, 60, 60_000, 0),
        (series("PLAIN", "texts"), 1): (2, 2, 20_000, 0),
    }
    (lines,) = lines_of([v for k, v in publish(usage, book) if k and k.endswith(b"total") and v])
    (total,) = totals_of(lines, [], book, None, 1)
    assert (total.receivable_micros, total.payable_micros, total.net_micros) == (
        60_000,
        20_000,
        40_000,
    )


def test_no_rows_have_no_totals(book: Book) -> None:
    """From nothing comes no total, not a total of zero."""
    assert totals_of([], [], book, None, 1) == ()
    assert lines_of([]) == []


def test_a_period_row_without_an_amount_is_wrong(book: Book) -> None:
    """The accrue hop says what every period row is worth; a row without it stops the answer."""
    row = totals({(TEXTS, 1): texts(1)})[TEXTS]
    _, message = accrual_message("TIERED", NOVEMBER, None, [fields(row, None)])
    assert message is not None
    with pytest.raises(InvariantViolation, match="every row has an amount"):
        periods_of([message], book, {})


SERIES: list[Series] = [
    series(agreement, item, booked, version=version, original=original)
    for agreement, versions in (("TIERED", (1, 2)), ("WHOLE", (1,)), ("PLAIN", (1,)))
    for version in versions
    for item in ("texts", "calls")
    for booked, original in ((OCTOBER, OCTOBER), (NOVEMBER, NOVEMBER), (NOVEMBER, OCTOBER))
]


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(SERIES), st.integers(1, 6)), st.integers(1, 25), min_size=1
    )
)
def test_hours_add_up_to_the_period(book: Book, counts: dict[tuple[Series, int], int]) -> None:
    """Whatever was used when, and booked when: hours of a row sum to the row, to the last micro."""
    usage: Usage = {
        at: (n, n, 0 if book.terms(at[0]).tiered else n * 10_007, 0) for at, n in counts.items()
    }
    whole = [v for k, v in publish(usage, book) if k and v and k.endswith(b"total")]
    expected = {a.series: a.amount_micros for a in periods_of(whole, book, {})}
    sums: dict[Series, int] = {}
    for agreement in ("TIERED", "WHOLE", "PLAIN"):
        for periods in ((OCTOBER,), (OCTOBER, NOVEMBER)):
            messages = hour_messages(usage, book, agreement, *periods)
            for found in hours_of(messages, periods[-1], book, {}):
                sums[found.series] = sums.get(found.series, 0) + found.amount_micros
    assert sums == expected
