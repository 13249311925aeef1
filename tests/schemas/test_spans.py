"""Which span a period is in: quarters, years, fiscal ones, both ends of the calendar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.spans import Span, month_of_year, months_of

MONTHS = st.builds(lambda y, m: f"{y}-{m:02d}", st.integers(2000, 2099), st.integers(1, 12))


@pytest.mark.parametrize(
    ("span", "period", "expected"),
    [
        (Span(3), "2026-04", "2026-04..2026-06"),
        (Span(3), "2026-06-30", "2026-04..2026-06"),
        (Span(3, 1), "2026-01", "2025-11..2026-01"),
        (Span(12), "2028-02-29", "2028-01..2028-12"),
        (Span(12, 3), "2026-03-31", "2025-04..2026-03"),
        (Span(12, 3), "2026-04", "2026-04..2027-03"),
        # The calendar of settlement periods begins and ends here.
        (Span(12, 3), "2000-01", "1999-12..2000-03"),
        (Span(12, 3), "2100-12-31", "2100-04..2100-12"),
    ],
)
def test_the_span_of_a_period(span: Span, period: str, expected: str) -> None:
    """Named by its first and last month, whichever period of it is asked for."""
    assert span.label(period) == expected
    assert months_of(expected) == (expected[:7], expected[9:])


@given(MONTHS, MONTHS, st.sampled_from([Span(3), Span(3, 2), Span(12), Span(12, 10)]))
def test_spans_follow_each_other(one: str, other: str, span: Span) -> None:
    """Two months are of one span or their spans do not overlap, and each is in its own."""
    (first, last), (start, end) = (months_of(span.label(month)) for month in (one, other))
    assert first <= one <= last
    assert (first, last) == (start, end) or last < start or end < first


def test_a_span_in_a_word() -> None:
    """As people call it."""
    assert (Span(3).word, Span(12, 3).word) == ("quarter", "year")


def test_the_month_in_which_spans_begin() -> None:
    """A month of a year, counted from 0; a day or a 13th month is none."""
    assert month_of_year("2026-04") == 3
    for text in ("2026-04-01", "2026-13", "2026", "26-04"):
        with pytest.raises(ValueError, match=f"'{text}' is not a month; write it like 2026-04"):
            month_of_year(text)
