"""Bands at an instant: what a wall clock shows, with clock changes and holidays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.bands import DAYS, WEEKDAYS, BandPlan, clock_text
from state.bands import Bands
from state.invariants import InvariantViolation

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR_US = 3_600_000_000

# Zones that change clocks at midnight, that skipped a day, on half hours, and far from UTC.
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
)
DAY, NIGHT = 0, 1
HOLIDAYS = (date(2026, 5, 25), date(2028, 2, 29))


def plan_of(days: dict[str, list[tuple[str, str]]], holidays: str | None = "DE") -> BandPlan:
    """A plan from its starts as (time, band)."""
    written = {
        day: [{"from": clock, "band": band} for clock, band in starts]
        for day, starts in days.items()
    }
    return BandPlan.model_validate({"bands": "PLAN", "holidays": holidays, "days": written})


WORKWEEK = plan_of(
    {
        "mon-fri": [("00:00", "night"), ("08:00", "day"), ("18:00", "night")],
        "sat-sun": [("00:00", "night")],
        "holiday": [("00:00", "night")],
    }
)
EARLY = plan_of({"mon-sun": [("00:00", "night"), ("02:30", "day")]}, None)


def us(text: str, zone: str = "UTC", fold: int = 0) -> int:
    """The UTC microsecond at which a wall clock in the zone shows this."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return (local - EPOCH) // timedelta(microseconds=1)


def bands_at(plan: BandPlan, zone: str, *instants_us: int) -> list[int]:
    """The bands of some instants."""
    bands = Bands.build(plan, HOLIDAYS, zone)
    found: list[int] = bands.at(np.array(instants_us, np.int64)).tolist()
    return found


def by_zoneinfo(plan: BandPlan, zone: str, instant_us: int) -> str:
    """The definition: the last start of the local date's day that is not after the local time."""
    local = (EPOCH + timedelta(microseconds=instant_us)).astimezone(ZoneInfo(zone))
    day = "holiday" if local.date() in HOLIDAYS else WEEKDAYS[local.weekday()]
    starts = plan.starts(day)
    minutes = local.hour * 60 + local.minute
    return [start.band for start in starts if start.from_minutes <= minutes][-1]


def test_a_band_holds_from_its_start_to_the_next() -> None:
    """On a Tuesday in UTC; the microsecond before 08:00 is still night."""
    instants = [
        us("2026-11-10T08:00") - 1,
        us("2026-11-10T08:00"),
        us("2026-11-10T17:59:59.999999"),
    ]
    assert bands_at(WORKWEEK, "UTC", *instants) == [NIGHT, DAY, DAY]
    assert bands_at(WORKWEEK, "UTC", us("2026-11-10T18:00"), us("2026-11-14T12:00")) == [NIGHT] * 2


def test_a_holiday_beats_its_weekday() -> None:
    """Whit Monday 2026 is priced as a holiday from midnight to midnight, in the zone's own days."""
    noon = us("2026-05-25T12:00", "Europe/Berlin")
    assert bands_at(WORKWEEK, "Europe/Berlin", noon, noon + 24 * HOUR_US) == [NIGHT, DAY]
    # 23:00 UTC on Sunday is already Monday in Berlin, and in New York still Sunday.
    plan = plan_of({"mon-sun": [("00:00", "a")], "holiday": [("00:00", "b")]})
    late = us("2026-05-24T23:00")
    assert bands_at(plan, "Europe/Berlin", late) == [1]
    assert bands_at(plan, "America/New_York", late) == [0]


def test_a_time_that_comes_twice_is_in_one_band_both_times() -> None:
    """Berlin, 2026-10-25: 02:30 comes at 00:30 and at 01:30 UTC; between them it is night again."""
    zone = "Europe/Berlin"
    first, second = us("2026-10-25T02:30", zone), us("2026-10-25T02:30", zone, fold=1)
    assert (first, second) == (us("2026-10-25T00:30"), us("2026-10-25T01:30"))
    between = us("2026-10-25T01:00")  # the clock is put back to 02:00
    instants = [first - 1, first, between - 1, between, second - 1, second]
    assert bands_at(EARLY, zone, *instants) == [NIGHT, DAY, DAY, NIGHT, NIGHT, DAY]


def test_a_start_in_a_skipped_hour_holds_from_the_jump_on() -> None:
    """Berlin, 2026-03-29: there is no 02:30; at 01:00 UTC the clock jumps from 02:00 to 03:00."""
    jump = us("2026-03-29T01:00")
    assert bands_at(EARLY, "Europe/Berlin", jump - 1, jump) == [NIGHT, DAY]


def test_a_leap_day_is_a_day_like_others_and_may_be_a_holiday() -> None:
    """2028-02-29 is a Tuesday, and here a holiday; 2024-02-29 is a plain Thursday."""
    instants = [us("2028-02-29T12:00"), us("2028-03-01T12:00"), us("2024-02-29T12:00")]
    assert bands_at(WORKWEEK, "UTC", *instants) == [NIGHT, DAY, DAY]


def test_the_day_of_25_hours_has_a_stretch_of_25_hours() -> None:
    """Saturday 18:00 to Monday 08:00 are 38 hours on clocks, and 39 when they are put back."""
    plan = plan_of({"mon-sat": [("00:00", "day")], "sun": [("00:00", "night")]}, None)
    bands = Bands.build(plan, (), "Europe/Berlin")
    sunday = np.array([us("2026-10-25T12:00", "Europe/Berlin")], np.int64)
    first, last = bands.cross(sunday, sunday + 1)
    end_us, band = bands.stretch(first)
    begin_us, _ = bands.stretch(first - 1)
    assert first.tolist() == last.tolist()
    assert (end_us - begin_us).tolist() == [25 * HOUR_US]
    assert band.tolist() == [NIGHT]


def test_a_span_ends_before_its_end() -> None:
    """A call that ends when the next band begins does not touch it; an empty one stays put."""
    bands = Bands.build(WORKWEEK, (), "UTC")
    edge = us("2026-11-10T18:00")
    start = np.array([edge - 60, edge - 60, edge, edge - 1], np.int64)
    end = np.array([edge, edge + 1, edge, edge - 1], np.int64)
    first, last = bands.cross(start, end)
    assert (last - first).tolist() == [0, 1, 0, 0]
    assert bands.stretch(first)[1].tolist() == [DAY, DAY, NIGHT, DAY]


def test_years_that_bands_are_not_known_for_stop_the_process() -> None:
    """Usage outside 2000 to 2100 was refused long before."""
    bands = Bands.build(WORKWEEK, (), "UTC")
    assert bands.at(np.zeros(0, np.int64)).tolist() == []
    with pytest.raises(InvariantViolation):
        bands.at(np.array([us("1999-01-01T00:00")], np.int64))
    with pytest.raises(InvariantViolation):
        bands.at(np.array([us("2103-01-01T00:00")], np.int64))


def test_a_plan_that_never_changes_is_one_stretch() -> None:
    """Whatever the days are called, runs of one band are one."""
    plan = plan_of({"mon-fri": [("00:00", "a"), ("12:00", "a")], "sat-sun": [("00:00", "a")]}, None)
    assert Bands.build(plan, (), "America/New_York").band.tolist() == [0]


@st.composite
def plans(draw: st.DrawFn) -> BandPlan:
    """Any plan of few bands; starts lie on any minute, often where clocks change."""
    days = {}
    for day in DAYS:
        minutes = draw(
            st.lists(st.sampled_from([60, 61, 119, 120, 150, 180, 479, 1439]), max_size=3)
        )
        starts = sorted({0, *minutes})
        days[day] = [(clock_text(at), draw(st.sampled_from("abc"))) for at in starts]
    return plan_of(days)


# Two weeks around each change of clocks of 2026 in Europe, the Americas and Australia, leap days,
# the day that Apia skipped, and any time.
MOMENTS = st.one_of(
    st.integers(us("2026-03-22T00:00"), us("2026-04-08T00:00")),
    st.integers(us("2026-10-20T00:00"), us("2026-11-04T00:00")),
    st.integers(us("2028-02-27T00:00"), us("2028-03-02T00:00")),
    st.integers(us("2011-12-28T00:00"), us("2012-01-02T00:00")),
    st.integers(us("2000-01-01T00:00"), us("2100-01-01T00:00")),
)


@given(plan=plans(), zone=st.sampled_from(ZONES), moments=st.lists(MOMENTS, min_size=1))
def test_a_band_is_what_the_wall_clock_shows(plan: BandPlan, zone: str, moments: list[int]) -> None:
    """At any instant, and at, before and after every edge that is near it."""
    bands = Bands.build(plan, HOLIDAYS, zone)
    at = np.array(moments, np.int64)
    first, last = bands.cross(at, at + 30 * HOUR_US)
    edges = [bands.stretch(index)[0] for index in (first - 1, first, last)]
    near = np.concatenate([at, *edges, *(edge - 1 for edge in edges)])
    near = near[(near >= bands.edges_us[0]) & (near < bands.edges_us[-1])]
    found = [bands.names[band] for band in bands.at(near).tolist()]
    assert found == [by_zoneinfo(plan, zone, instant) for instant in near.tolist()]


@given(plan=plans(), zone=st.sampled_from(ZONES))
def test_stretches_follow_one_another_and_differ(plan: BandPlan, zone: str) -> None:
    """Each begins where the one before ends, and neighbours have different bands."""
    bands = Bands.build(plan, HOLIDAYS, zone)
    assert np.all(np.diff(bands.edges_us) > 0)
    assert np.all(bands.band[1:] != bands.band[:-1])
    # Edges lie on whole minutes, which the oracle relies on when it looks once a minute.
    assert np.all(bands.edges_us % 60_000_000 == 0)
