"""Settlement periods: what the zone's own calendar says at any instant, clock changes included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.calendar import Kind, Periods
from state.invariants import InvariantViolation

HOUR_US = 3_600 * 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Zones that change clocks at midnight, that skipped a day, on half hours, and far from UTC.
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "America/Santiago",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kiritimati",
]
YEARS_S = 36_887 * 86_400
"""The 36,887 days from 2000-01-02 to 2100-12-30, which every zone's periods cover."""

INSTANT = st.integers(0, YEARS_S).map(
    lambda second: datetime(2000, 1, 2, tzinfo=UTC) + timedelta(seconds=second)
)


def us(instant: datetime) -> int:
    """The microsecond of an instant."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def utc(text: str) -> int:
    """The microsecond of an instant written in UTC."""
    return us(datetime.fromisoformat(text).replace(tzinfo=UTC))


def label_by_zoneinfo(instant: datetime, zone: str, kind: Kind) -> str:
    """The definition: the month or the day that a wall calendar in the zone shows."""
    local = instant.astimezone(ZoneInfo(zone))
    return local.strftime("%Y-%m" if kind == "month" else "%Y-%m-%d")


@given(st.sampled_from(ZONES), st.sampled_from(["month", "day"]), st.lists(INSTANT))
def test_a_period_is_what_the_wall_calendar_shows(
    zone: str, kind: Kind, instants: list[datetime]
) -> None:
    """At any instant of a hundred years, in zones of every habit."""
    periods = Periods.of(zone, kind)
    index = periods.index_of(np.array([us(instant) for instant in instants], np.int64))
    assert index.dtype == np.int32
    wanted = [label_by_zoneinfo(instant, zone, kind) for instant in instants]
    assert [periods.label(int(one)) for one in index] == wanted


@given(
    st.sampled_from(ZONES),
    st.sampled_from(["month", "day"]),
    INSTANT,
    st.lists(st.integers(-5 * 24 * HOUR_US, 5 * 24 * HOUR_US), max_size=20),
)
def test_a_batch_around_an_instant_is_split_rightly(
    zone: str, kind: Kind, instant: datetime, offsets_us: list[int]
) -> None:
    """Batches within one period, across one boundary and across several take different ways."""
    periods = Periods.of(zone, kind)
    middle = min(max(us(instant), utc("2000-01-10T00:00")), utc("2100-12-20T00:00"))
    instants_us = [middle + offset for offset in offsets_us]
    index = periods.index_of(np.array(instants_us, np.int64))
    wanted = [
        label_by_zoneinfo(EPOCH + timedelta(microseconds=one), zone, kind) for one in instants_us
    ]
    assert [periods.label(int(one)) for one in index] == wanted


@given(st.sampled_from(ZONES), st.integers(0, 36_000))
def test_the_instants_around_a_boundary_lie_on_its_sides(zone: str, index: int) -> None:
    """The first microsecond belongs to the period, the one before does not; days are never empty
    but where a zone skipped one.
    """
    periods = Periods.of(zone, "day")
    start, end = periods.bounds(index)
    if start == end:
        assert (zone, periods.label(index)) == ("Pacific/Apia", "2011-12-30")
        return
    found = periods.index_of(np.array([start - 1, start, end - 1, end], np.int64))
    assert found[1] == found[2] == index
    assert found[0] < index < found[3]


def test_days_on_which_clocks_change_are_shorter_and_longer() -> None:
    """In Berlin, 2026-03-29 has 23 hours and 2026-10-25 has 25."""
    periods = Periods.of("Europe/Berlin", "day")
    spring, autumn, plain = (
        periods.bounds(periods.parse(day)) for day in ("2026-03-29", "2026-10-25", "2026-06-01")
    )
    assert spring[1] - spring[0] == 23 * HOUR_US
    assert autumn[1] - autumn[0] == 25 * HOUR_US
    assert plain[1] - plain[0] == 24 * HOUR_US


def test_november_begins_at_different_instants() -> None:
    """In Sydney, at UTC+11, November begins 11 hours before it does in UTC."""
    sydney, lisbon = Periods.of("Australia/Sydney", "month"), Periods.of("UTC", "month")
    index = sydney.parse("2026-11")
    assert sydney.bounds(index)[0] == utc("2026-10-31T13:00")
    assert lisbon.bounds(index)[0] == utc("2026-11-01T00:00")


def test_an_index_counts_from_the_year_2000() -> None:
    """2026-11 is 26 years and 10 months after 2000-01; day 366 is the first of 2001."""
    assert Periods.of("UTC", "month").parse("2026-11") == 26 * 12 + 10
    assert Periods.of("UTC", "day").parse("2001-01-01") == 366


def test_the_year_2000_begins_in_the_period_before_it() -> None:
    """Midnight of 2000 in UTC is still 1999 in New York: index -1, which has a name too."""
    periods = Periods.of("America/New_York", "month")
    index = periods.index_of(np.array([utc("2000-01-01T00:00")], np.int64))
    assert index.tolist() == [-1]
    assert periods.label(-1) == "1999-12"
    assert periods.parse("1999-12") == -1


@given(st.sampled_from(["month", "day"]), st.integers(-1, 1_211))
def test_a_label_survives_being_read(kind: Kind, index: int) -> None:
    """Labels and indices are inverse."""
    periods = Periods.of("Asia/Kathmandu", kind)
    assert periods.parse(periods.label(index)) == index


@pytest.mark.parametrize("label", ["2026-11-23", "2026-13", "2026-1", "202611", "1999-11", "x", ""])
def test_a_wrong_label_says_what_a_label_looks_like(label: str) -> None:
    """Operators type labels when they close a period."""
    with pytest.raises(ValueError, match="is not a month from 2000 to 2100; write it like 2026-11"):
        Periods.of("UTC", "month").parse(label)


def test_a_day_label_is_a_whole_date() -> None:
    """A month does not name a day, nor does a date written without dashes."""
    for label in ("2026-11", "20261123", "2026-W47-1"):
        with pytest.raises(ValueError, match="write it like 2026-11-23"):
            Periods.of("UTC", "day").parse(label)


def test_instants_of_other_centuries_stop() -> None:
    """Such usage was quarantined before; if it comes here something is wrong with us."""
    periods = Periods.of("UTC", "month")
    for text in ("1999-11-30T23:59", "2101-01-01T00:00"):
        with pytest.raises(InvariantViolation, match="years 2000 to 2100"):
            periods.index_of(np.array([utc(text)], np.int64))
    with pytest.raises(InvariantViolation, match="years 2000 to 2100"):
        periods.bounds(1_212)


def test_no_instants_have_no_periods() -> None:
    """An empty batch is a batch."""
    assert Periods.of("UTC", "day").index_of(np.zeros(0, np.int64)).tolist() == []


def test_periods_are_computed_once() -> None:
    """The same zone and kind is the same object, and equal ones count as one calendar."""
    assert Periods.of("UTC", "day") is Periods.of("UTC", "day")
    assert len({Periods.of("UTC", "day"), Periods.of("UTC", "month")}) == 2
