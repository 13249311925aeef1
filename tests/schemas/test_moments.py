"""Boundaries of validity: dates in a zone, instants with an offset, and nothing vaguer."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from schemas.moments import check_zone, midnight_us, parse_moment

# 2026-01-01T00:00Z: 56 years since 1970, 14 of them leap years: (56 * 365 + 14) days.
NEW_YEAR_2026_S = (56 * 365 + 14) * 86_400


def test_a_date_is_midnight_in_a_zone() -> None:
    """The same date begins an hour earlier in Berlin, in winter, than in UTC."""
    moment = parse_moment("2026-01-01")
    assert moment.seconds("UTC") == NEW_YEAR_2026_S
    assert moment.seconds("Europe/Berlin") == NEW_YEAR_2026_S - 3_600


@pytest.mark.parametrize(
    "text", ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2025-12-31 19:00:00-05:00"]
)
def test_an_instant_is_the_same_in_every_zone(text: str) -> None:
    """A time with its offset does not ask for the zone."""
    assert parse_moment(text).seconds("Asia/Tokyo") == NEW_YEAR_2026_S


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("01.01.2026", "is not a date; write a date, 2026-01-31"),
        ("2026-02-30", "is not a date"),
        ("20260131", "is not a date"),
        ("2026-W05-6", "is not a date"),
        ("2026-01-01T00:00:00", "has no offset from UTC; add it"),
        ("2026-01-01T00:00:00.5Z", "write whole seconds"),
        ("9999-12-31", "leave an open end empty"),
        ("", "is not a date"),
    ],
)
def test_a_vague_moment_is_refused(text: str, advice: str) -> None:
    """German dates, missing offsets, fractions and pretended infinity are answered with advice."""
    with pytest.raises(ValueError, match=advice):
        parse_moment(text)


def test_a_day_without_midnight_begins_after_the_gap() -> None:
    """In Santiago, clocks went from 23:59:59 to 01:00 on 2026-09-06, which begins at 04:00 UTC."""
    start = midnight_us(ZoneInfo("America/Santiago"), date(2026, 9, 6))
    before = midnight_us(ZoneInfo("America/Santiago"), date(2026, 9, 5))
    # The 5th has 24 hours at UTC-4; the 6th starts with the clock at 01:00, UTC-3.
    assert start - before == 24 * 3_600 * 1_000_000
    assert start % 86_400_000_000 == 4 * 3_600 * 1_000_000


def test_a_day_with_two_midnights_begins_at_the_first() -> None:
    """In Havana, 01:00 became 00:00 on 2026-11-01: the day begins at UTC-4, which is 04:00 UTC."""
    start = midnight_us(ZoneInfo("America/Havana"), date(2026, 11, 1))
    assert start % 86_400_000_000 == 4 * 3_600 * 1_000_000


def test_a_zone_is_one_that_iana_knows() -> None:
    """Abbreviations of zones are ambiguous, and paths are not zones."""
    assert check_zone("Europe/Berlin") == "Europe/Berlin"
    for wrong in ("Berlin", "europe/berlin", "../etc/passwd", ""):
        with pytest.raises(ValueError, match="write for example Europe/Berlin"):
            check_zone(wrong)
