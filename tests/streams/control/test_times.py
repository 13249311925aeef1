"""Times are read as masters write them, to the microsecond, and never guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.moments import parse_moment
from streams.control.times import moment, parse_time

NOON_US = 1_793_534_400_000_000  # 2026-11-01T12:00:00Z


@pytest.mark.parametrize(
    ("text", "after_noon_us"),
    [
        ("2026-11-01T12:00:00Z", 0),
        ("2026-11-01T12:00:00.5Z", 500_000),
        ("2026-11-01T12:00:00.123Z", 123_000),
        ("2026-11-01T12:00:00.123456789Z", 123_456),  # beyond microseconds: cut
        ("2026-11-01T08:00:00-04:00", 0),
        ("2026-11-01T13:00+0100", 0),  # without seconds and colon, as some libraries write it
        ("2026-11-01 12:00:00z", 0),
        (" 2026-11-01T12:00:00Z ", 0),
        ("2026-11-01", -12 * 3_600_000_000),  # midnight in UTC
    ],
)
def test_a_time_is_read(text: str, after_noon_us: int) -> None:
    """All forms of RFC 3339 that are met, and a bare date."""
    assert parse_time(text) == NOON_US + after_noon_us


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-11-01T012:00:00Z",  # as one published example has it: three digits for the hour
        "2026-13-01T12:00:00Z",
        "2026-02-29",
        "2026-11-01T12:00:00",  # no offset: two instants in two zones
        "1793534400",
        "2026-W44-7",
        "20261101",
        "2026-11-01T12:00:00+25:00",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """With a sentence that says how to write one."""
    with pytest.raises(ValueError, match="write 2026-01-31T12:00:00Z"):
        parse_time(text)


TIMES = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-4))]))


@given(TIMES)
def test_every_time_of_the_calendar_is_read_exactly(time: datetime) -> None:
    """Also the first and last years, by the definition of an instant."""
    expected = (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert parse_time(time.isoformat()) == expected


def test_a_moment_is_written_as_attribution_has_it() -> None:
    """In UTC, part of a second rounded up: 0.000001 s after noon begins with the next second."""
    assert moment(NOON_US) == "2026-11-01T12:00:00+00:00"
    assert moment(NOON_US + 1) == "2026-11-01T12:00:01+00:00"
    assert moment(-1) == "1970-01-01T00:00:00+00:00"
    assert moment(parse_time("9999-12-31T23:59:59.9Z")) == "9999-12-31T23:59:59+00:00"


@given(st.integers(31_536_000, 16_000_000_000))
def test_a_moment_is_what_reference_files_read(second: int) -> None:
    """From 1971 up to the year 2477, within what reference files take."""
    assert parse_moment(moment(second * 1_000_000)).seconds("UTC") == second
