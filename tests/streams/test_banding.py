"""Legs at the edges of bands: by hand under both rules, and as the oracle walks them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import oracle_bands
from schemas.bands import WEEKDAYS, BandPlan
from schemas.codes import BandSplit
from state.bands import Bands
from streams.banding import split

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COMPLETE, ROUND = BandSplit.COMPLETE_INCREMENT, BandSplit.ROUND_EACH_BAND
DAYS = {"mon-fri": [("00:00", "day"), ("18:00", "night")], "sat-sun": [("00:00", "night")]}

Part = tuple[int, str, int, int]


def us(text: str, zone: str = "UTC") -> int:
    """The UTC microsecond at which a wall clock in the zone first shows this."""
    return (datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)) - EPOCH) // timedelta(
        microseconds=1
    )


def bands_of(days: dict[str, list[tuple[str, str]]], zone: str = "UTC") -> Bands:
    """A plan without holidays, from its starts as (time, band)."""
    written = {k: [{"from": at, "band": band} for at, band in v] for k, v in days.items()}
    return Bands.build(BandPlan.model_validate({"bands": "PLAN", "days": written}), (), zone)


def parts_of(
    bands: Bands, rule: BandSplit, legs: list[tuple[int, int]], increments: list[tuple[int, int]]
) -> list[Part]:
    """The parts of legs (start, seconds) as leg, band, seconds and quantity; lines begin at 5."""
    first, following = (np.array([*[0] * 5, *column]) for column in zip(*increments, strict=True))
    start_us, seconds = (np.array(column, np.int64) for column in zip(*legs, strict=True))
    line = np.tile(np.arange(5, 5 + len(bands.names), dtype=np.int32), (len(legs), 1))
    rules = np.full(len(legs), rule, np.int8)
    found = split(bands, rules, start_us, seconds, line, first, following)
    assert found is not None
    assert (found.line == found.band + 5).all()
    columns = (found.leg, found.band, found.seconds, found.quantity)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [(leg, bands.names[band], own, charged) for leg, band, own, charged in rows]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        # 1 s of the day and 61 s of the night, 60/60 by day at 2 a minute, 30/30 by night at 1.
        # Each band rounds: 60 s at 2 and 90 s at 1 are 2 + 1.5 = 3.5.
        (ROUND, [(0, "day", 1, 60), (0, "night", 61, 90)]),
        # The minute opened by day lasts to second 60; 2 s are left: 30 s, so 2 + 0.5 = 2.5.
        (COMPLETE, [(0, "day", 1, 60), (0, "night", 61, 30)]),
    ],
)
def test_a_begun_increment_is_what_the_contract_says(rule: BandSplit, expected: list[Part]) -> None:
    """The same call, 62 seconds from one second before the edge, costs 3.5 or 2.5."""
    legs = [(us("2026-11-10T17:59:59"), 62)]
    assert parts_of(bands_of(DAYS), rule, legs, [(60, 60), (30, 30)]) == expected


@pytest.mark.parametrize("rule", [ROUND, COMPLETE])
def test_by_the_second_both_rules_are_one(rule: BandSplit) -> None:
    """17:59 to 18:01 at 1 and 0.5 a second: 60 x 1 + 60 x 0.5, and 1 to connect, are 91."""
    legs = [(us("2026-11-10T17:59"), 120)]
    expected = [(0, "day", 60, 60), (0, "night", 60, 60)]
    assert parts_of(bands_of(DAYS), rule, legs, [(1, 1), (1, 1)]) == expected


def test_an_increment_may_outlast_a_whole_band() -> None:
    """An hour opened at 17:59:30 pays for the ten dear minutes after 18:00 and goes on behind."""
    days = {"mon-sun": [("00:00", "day"), ("18:00", "peak"), ("18:10", "night")]}
    legs = [(us("2026-11-10T17:59:30"), 3_700)]
    # The hour ends at 18:59:30; the 100 seconds left are two minutes of the night.
    assert parts_of(bands_of(days), COMPLETE, legs, [(3600, 60), (60, 60), (1, 1)]) == [
        (0, "day", 30, 3600),
        (0, "peak", 600, 0),
        (0, "night", 3_070, 120),
    ]


def test_a_second_lies_in_the_band_in_which_it_begins() -> None:
    """From 17:59:59.5, second 0 is by day; second 1 begins at 18:00:00.5 and is the night's."""
    bands = bands_of(DAYS)
    start_us = us("2026-11-10T17:59:59") + 500_000
    one = [(1, 1), (1, 1)]
    assert parts_of(bands, ROUND, [(start_us, 2)], one) == [(0, "day", 1, 1), (0, "night", 1, 1)]
    assert parts_of(bands, ROUND, [(start_us, 1)], one) == [(0, "day", 1, 1)]
    assert parts_of(bands, ROUND, [(start_us + 500_000, 1)], one) == [(0, "night", 1, 1)]


def test_a_call_over_the_gap_of_a_clock_change_counts_real_seconds() -> None:
    """Berlin, 2026-03-29: from 01:59 to 03:01 by the clock are two minutes, one in each band."""
    days = {"mon-sun": [("00:00", "night"), ("02:30", "day")]}
    bands = bands_of(days, "Europe/Berlin")
    legs = [(us("2026-03-29T01:59", "Europe/Berlin"), 120)]
    expected = [(0, "night", 60, 60), (0, "day", 60, 60)]
    assert parts_of(bands, COMPLETE, legs, [(60, 60), (60, 60)]) == expected


def test_a_day_of_25_hours_has_25_hours_of_parts() -> None:
    """Berlin, 2026-10-25: night again at the second 02:00, day again at the second 02:30."""
    days = {"mon-sun": [("00:00", "night"), ("02:30", "day")]}
    bands = bands_of(days, "Europe/Berlin")
    legs = [(us("2026-10-25T00:00", "Europe/Berlin"), 25 * 3600)]
    # Night to 02:30 (2.5 h), day to 03:00, night again from 02:00 to 02:30, day to midnight.
    expected = [("night", 9_000), ("day", 1_800), ("night", 1_800), ("day", 77_400)]
    found = parts_of(bands, ROUND, legs, [(1, 1), (1, 1)])
    assert found == [(0, band, seconds, seconds) for band, seconds in expected]


def test_legs_of_both_rules_go_together() -> None:
    """Parts stand by leg and then in time, however many bands each leg touches."""
    bands = bands_of(DAYS)
    start_us = np.array(
        [us("2026-11-10T17:59:59"), us("2026-11-09T00:00"), us("2026-11-10T17:59:59")]
    )
    seconds = np.array([62, 3 * 86_400, 62])
    rules = np.array([COMPLETE, ROUND, ROUND], np.int8)
    increments = np.array([60, 30]), np.array([60, 30])
    lines = np.tile(np.arange(2, dtype=np.int32), (3, 1))
    found = split(bands, rules, start_us, seconds, lines, *increments)
    assert found is not None
    assert found.leg.tolist() == [0, 0, *[1] * 6, 2, 2]
    assert found.seconds.tolist() == [1, 61, *[64_800, 21_600] * 3, 1, 61]
    assert found.quantity.tolist() == [60, 30, *[64_800, 21_600] * 3, 60, 90]
    assert len(found) == 10


def test_no_legs_have_no_parts() -> None:
    """An empty batch is one as well."""
    none = np.zeros(0, np.int64)
    found = split(
        bands_of(DAYS), none.astype(np.int8), none, none, np.zeros((0, 2), np.int32), none, none
    )
    assert found is None


CLOCKS = ("00:00", "00:01", "00:30", "01:00", "02:00", "02:30", "03:00", "03:01")
MOMENTS = st.one_of(
    st.integers(us("2026-03-28T20:00"), us("2026-03-29T04:00")),
    st.integers(us("2026-10-24T20:00"), us("2026-10-25T04:00")),
    st.integers(us("2026-10-31T00:00"), us("2026-11-02T00:00")),
)


@given(
    days=st.lists(
        st.dictionaries(st.sampled_from(CLOCKS[1:]), st.sampled_from("abc"), max_size=4),
        min_size=7,
        max_size=7,
    ),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
    legs=st.lists(st.tuples(MOMENTS, st.integers(1, 7_200)), min_size=1, max_size=3),
    increments=st.lists(
        st.tuples(st.sampled_from([1, 6, 30, 60, 3600]), st.sampled_from([1, 7, 60, 900])),
        min_size=3,
        max_size=3,
    ),
    rule=st.sampled_from([COMPLETE, ROUND]),
)
def test_parts_are_what_a_walk_along_the_clock_finds(
    days: list[dict[str, str]],
    zone: str,
    legs: list[tuple[int, int]],
    increments: list[tuple[int, int]],
    rule: BandSplit,
) -> None:
    """Any plan, zone, calls, increments and rule: the columns say what the oracle's walk says."""
    starts = {
        day: [("00:00", "a"), *sorted(of.items())] for day, of in zip(WEEKDAYS, days, strict=True)
    }
    bands = bands_of(starts, zone)
    found = parts_of(bands, rule, legs, increments)
    plan = oracle_bands.Plan({day: tuple(of) for day, of in starts.items()}, frozenset())
    of_band = dict(zip(bands.names, increments, strict=False))
    walked = [
        (leg, *part)
        for leg, (start_us, seconds) in enumerate(legs)
        for part in oracle_bands.band_parts(
            plan, ZoneInfo(zone), start_us, seconds, rule.label, of_band
        )
    ]
    assert found == walked
    for leg, (_, seconds) in enumerate(legs):
        assert sum(own for at, _, own, _ in found if at == leg) == seconds
