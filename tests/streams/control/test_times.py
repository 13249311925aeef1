"""Moments are read in every form that masters write, and written in one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.moments import parse_moment
from streams.control.times import moment, parse_time, whole_second

# 2026-11-01T00:00:00Z is day 20,758 of the epoch: 20,758 x 86,400 s.
NOVEMBER_US = 20_758 * 86_400 * 1_000_000


@pytest.mark.parametrize(
    ("text", "expected_us"),
    [
        ("2026-11-01T00:00:00Z", NOVEMBER_US),
        ("2026-11-01T00:00:00.5Z", NOVEMBER_US + 500_000),
        ("2026-11-01T00:00:00.123Z", NOVEMBER_US + 123_000),
        ("2026-10-31T20:00:00-04:00", NOVEMBER_US),  # 20:00 four hours behind UTC
        ("2026-11-01", NOVEMBER_US),
        (" 2026-11-01T00:00:00 ", NOVEMBER_US),
    ],
)
def test_every_published_form_is_read(text: str, expected_us: int) -> None:
    """With and without parts of a second, with an offset, and a bare date."""
    assert parse_time(text) == expected_us


@pytest.mark.parametrize("text", ["2026-11-01T015:21:05.112Z", "soon", "", "2026-02-30"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    """With a sentence that shows how to write one."""
    with pytest.raises(ValueError, match="is not a moment; write"):
        parse_time(text)


def test_a_moment_within_a_second_is_its_end() -> None:
    """00:00:00.000001 has not begun at 00:00:00; reference files know no parts of a second."""
    assert moment(NOVEMBER_US) == "2026-11-01T00:00:00+00:00"
    assert moment(NOVEMBER_US + 1) == "2026-11-01T00:00:01+00:00"


@given(st.datetimes(datetime(1971, 1, 2), datetime(2499, 12, 30)))  # noqa: DTZ001
def test_reference_files_read_what_is_written(instant: datetime) -> None:
    """The written moment is the whole second at or after the one meant."""
    at_us = parse_time(instant.replace(tzinfo=UTC).isoformat())
    read = parse_moment(moment(at_us)).instant_s
    assert read == whole_second(at_us)
    assert read is not None
    assert 0 <= read * 1_000_000 - at_us < 1_000_000
