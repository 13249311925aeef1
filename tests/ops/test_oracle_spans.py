"""The oracle's spans, walked month by month, are those of the product."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ops.oracle_spans import last_closed, read_span
from schemas.spans import LENGTHS_IN_MONTHS, Span, month_of_year, months_of

FIRST = st.builds(lambda m: f"2026-{m:02d}", st.integers(1, 12))
MONTHS = st.builds(lambda y, m: f"{y}-{m:02d}", st.integers(2000, 2100), st.integers(1, 12))


@given(st.sampled_from(sorted(LENGTHS_IN_MONTHS)), FIRST, MONTHS)
def test_both_know_the_same_spans(each: str, first: str, month: str) -> None:
    """First and last month, whichever month spans begin in."""
    months = LENGTHS_IN_MONTHS[each]
    walked = read_span(each, first)
    assert walked is not None
    found = walked.covering(f"{month}-28")
    label = Span(months, month_of_year(first) % months).label(month)
    assert (found[0], found[-1]) == months_of(label)
    assert all(walked.holds(month, other) for other in found)


def test_other_tiers_have_no_span() -> None:
    """Those of a period or an event; and a quarter is of the year where no month is named."""
    assert read_span("", "") is read_span("event", "") is None
    assert read_span("quarter", "") == read_span("quarter", "2026-10")


def test_the_last_closed_period_of_a_span() -> None:
    """Periods of other spans do not count."""
    year = read_span("year", "2026-04")
    assert year is not None
    closed = ["2026-03", "2026-05", "2026-04", "2027-04"]
    assert last_closed(year, "2027-01", closed) == "2026-05"
    assert last_closed(year, "2028-01", closed) == "2027-04"
    assert last_closed(year, "2025-01", closed) == ""
