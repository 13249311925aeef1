"""Moments as masters write them, and as reference files write them.

Masters write ISO 8601 with an offset, with or without parts of a second, and sometimes only a date.
Inside, a moment is a number of microseconds since 1970. Reference files know whole seconds only, so
a moment within a second becomes its end: both sides of a half-open interval move alike, and what
touched before touches after.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

MICROSECONDS = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_time(text: str) -> int:
    """The moment that a master wrote, in microseconds since the epoch.

    A date alone is its midnight in UTC, and a time without an offset is taken as UTC.

    Raises:
        ValueError: the text is no moment; the sentence says what to write.
    """
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        message = f"{text!r} is not a moment; write for example 2026-11-01T00:00:00Z"
        raise ValueError(message) from None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return (instant - _EPOCH) // timedelta(microseconds=1)


def whole_second(at_us: int) -> int:
    """The first whole second since the epoch that is not before a moment."""
    return -(-at_us // MICROSECONDS)


def moment(at_us: int) -> str:
    """A moment as `attribution.csv` writes it: in UTC, in whole seconds, rounded up."""
    return (_EPOCH + timedelta(seconds=whole_second(at_us))).isoformat()
