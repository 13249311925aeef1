"""The view under tiers of a quarter: an hour is worth what it adds above all earlier periods."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codes import RoundingPlace
from schemas.topics import ACCRUALS, STATEMENTS
from state.tables import Tables
from state.view import View
from streams.contribution import Series
from tests.builders import agreement_text, reference_dir, tables
from tests.hop_makers import AccrueBench, block, committed

ITEM = (
    "{item: texts, role: ingress, service: sms, flow: receivable, price: {kind: tiers, "
    "each: quarter, per: event, tiers: [{up_to: 10, price: 1}, {price: 0.333, flat: 2}]}}"
)
TERMS = "valid_from: 2026-01-01, zone: UTC, currency: EUR, rounding: {place: %s, decimals: 2}"
MONTHS = ("2026-10", "2026-11", "2026-12")
TEXTS = Series("ALFA-1", 1, "texts", "", "EUR", "", "")
HOUR = 498_192

# Usage of a month in an hour, or (with 0) the close of a month.
Act = tuple[str, int, int]


@pytest.fixture(scope="module", params=["line", "statement"])
def known(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """One agreement, rounded in two places."""
    text = agreement_text(ITEM, terms=TERMS % request.param)
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    directory = tmp_path_factory.mktemp("known")
    return tables(reference_dir(directory, agreements=text, attribution=keys))


def view_after(known: Tables, course: list[Act]) -> View:
    """What the view holds after a course of events."""
    bench, view = AccrueBench(known), View(known)
    at = 0
    for month, hour, count in course:
        if count == 0:
            bench.close("ALFA-1", month)
        else:
            usage = (TEXTS._replace(original=month), HOUR + hour, (1, count, 0, 0))
            bench.settle(block(at, usage))
            at += 1
    view.apply([committed(bench.broker, topic) for topic in (ACCRUALS.name, STATEMENTS.name)])
    return view


def test_an_hour_stands_on_earlier_months(known: Tables) -> None:
    """8 in October; in November 4 in one hour and 5 in another: 2 + 2 + 2 x 0.333, then 5 x 0.333.

    Together 2 + 2 + 7 x 0.333 = 6.331, rounded 6.33: after the first hour 4.67, the rest is 1.66.
    What only the statement rounds is shown as it is.
    """
    view = view_after(known, [("2026-10", 1, 8), ("2026-11", 2, 4), ("2026-11", 3, 5)])
    hours = [a.amount_micros for a in view.accruals(period="2026-11", by="hour").items]
    [whole] = view.accruals(period="2026-11").items
    assert sum(hours) == whole.amount_micros
    is_line = known.versions[0].rounding_place is RoundingPlace.LINE
    assert hours == ([4_670_000, 1_660_000] if is_line else [4_666_000, 1_665_000])


COURSE = st.lists(
    st.tuples(
        st.sampled_from(MONTHS), st.integers(1, 3), st.one_of(st.just(0), st.integers(1, 15))
    ),
    max_size=9,
).map(lambda acts: [(m, h + 24 * 31 * MONTHS.index(m), n) for m, h, n in acts])


@settings(max_examples=30)
@given(COURSE)
def test_hours_add_up_to_periods_and_totals(known: Tables, course: list[Act]) -> None:
    """Whatever was closed when: hours of a row are its amount, and the total is a statement's."""
    view = view_after(known, course)
    hours: dict[Series, int] = {}
    for accrual in view.accruals(by="hour").items:
        hours[accrual.series] = hours.get(accrual.series, 0) + accrual.amount_micros
    periods = {a.series: a.amount_micros for a in view.accruals().items}
    assert hours == {series: periods[series] for series in hours}
    for total in view.partners().items:
        own = [a for s, a in periods.items() if s.booked == total.period]
        assert abs(total.receivable_micros - sum(own)) <= 5_000
