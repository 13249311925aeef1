"""Instants in reference files: a date, or a date and time with its offset from UTC.

A date means midnight in a zone: an agreement's own zone for its versions, UTC in decks and in
attribution. A time without an offset means nothing to two parties in two zones, so it is refused.
All boundaries are whole seconds since 1970.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

OPEN_FROM_S = 0
OPEN_UPTO_S = 2**34 - 1
"""The seconds that stand for "always" and "from now on"; the latter lies in the year 2514."""

FIRST_YEAR = 1970
LAST_YEAR = 2500

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORM = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_DATE_LENGTH = len("2026-01-31")
_ADVICE = "write a date, 2026-01-31, or a time with its offset, 2026-01-31T00:00:00+01:00"


@dataclass(frozen=True)
class Moment:
    """A boundary as it was written: either a day, whose start depends on a zone, or an instant."""

    day: date | None
    instant_s: int | None

    def seconds(self, zone: str) -> int:
        """The second since 1970 at which this moment is, dates being taken in `zone`."""
        if self.instant_s is not None:
            return self.instant_s
        if self.day is None:
            raise ValueError("Invariant: a moment has a day or an instant")
        return midnight_us(ZoneInfo(zone), self.day) // 1_000_000


def parse_moment(text: str) -> Moment:
    """The moment in `text`; ValueError says how to write one."""
    try:
        instant = datetime.fromisoformat(text) if _FORM.fullmatch(text) else None
    except ValueError:
        instant = None
    if instant is None:
        raise ValueError(f"{text!r} is not a date; {_ADVICE}")
    _check_year(instant.year, text)
    if len(text) == _DATE_LENGTH:
        return Moment(instant.date(), None)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC; add it, for example +01:00 or Z")
    since = instant - _EPOCH
    if since % timedelta(seconds=1):
        raise ValueError(f"{text!r} has a fraction of a second; write whole seconds")
    return Moment(None, since // timedelta(seconds=1))


def _check_year(year: int, text: str) -> None:
    """Refuse years that are typing errors; an open end is written by leaving it out."""
    if not FIRST_YEAR < year < LAST_YEAR:
        raise ValueError(
            f"{text!r} is not a year between {FIRST_YEAR} and {LAST_YEAR}; leave an open end empty"
        )


def midnight_us(zone: ZoneInfo, day: date) -> int:
    """The UTC microsecond at which this day starts in this zone.

    Where clocks skip midnight the day starts at the first instant after the gap, and where midnight
    comes twice it starts at the first: both is what `fold=0`, the default, means.
    """
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    return (start - _EPOCH) // timedelta(microseconds=1)


@cache
def _zones() -> frozenset[str]:
    """Every zone that can be used, read once."""
    return frozenset(available_timezones())


def check_zone(text: str) -> str:
    """The zone's name itself; ValueError when the IANA database has no such zone."""
    if text not in _zones():
        raise ValueError(f"{text!r} is not an IANA time zone; write for example Europe/Berlin")
    return text
