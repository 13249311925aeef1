"""Every way in which masters write a time, read to the microsecond."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.control.times import moment, parse_time

NOVEMBER_US = 1_793_491_200_000_000  # 2026-11-01T00:00:00Z


@pytest.mark.parametrize(
    ("text", "after_us"),
    [
        ("2026-11-01", 0),
        ("2026-11-01T00:00:00Z", 0),
        (" 2026-11-01T00:00:00.5Z ", 500_000),
        ("2026-11-01T00:00:00.123Z", 123_000),
        ("2026-10-31T20:00:00-04:00", 0),
        ("2026-11-01T00:00:00", 0),
    ],
)
def test_each_spelling_is_the_instant_that_it_means(text: str, after_us: int) -> None:
    """With offset, fraction or only a day, which is midnight in UTC."""
    assert parse_time(text) == NOVEMBER_US + after_us


@pytest.mark.parametrize("text", ["2026-11-01T015:21:05.112Z", "", "soon", "2026-13-01", None, 5])
def test_what_is_no_time_is_refused(text: str) -> None:
    """The hour of three digits is from a published example."""
    with pytest.raises(ValueError, match="is not a time"):
        parse_time(text)


def test_a_moment_has_whole_seconds_and_is_never_early() -> None:
    """What begins within a second begins, for usage by the second, with the next one."""
    assert moment(NOVEMBER_US) == "2026-11-01T00:00:00+00:00"
    assert moment(NOVEMBER_US + 1) == "2026-11-01T00:00:01+00:00"


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001 - Hypothesis adds the zone itself
def test_whole_seconds_go_there_and_back(told: datetime) -> None:
    """Reading what was written gives the second again."""
    us = parse_time(told.replace(microsecond=0).isoformat())
    assert parse_time(moment(us)) == us
