"""Times as masters write them, and as reference files have them.

A master writes an instant with `Z` or an offset, with or without a fraction, or only a day. Within
the control plane a time is a count of microseconds since 1970 in UTC; the rows of reference files
have whole seconds.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND_US = 1_000_000


def parse_time(text: str) -> int:
    """The microseconds since 1970 of an ISO time; a day, and a time without offset, is of UTC.

    Raises:
        ValueError: the text is no time.
    """
    try:
        told = datetime.fromisoformat(text.strip())
    except (AttributeError, TypeError, ValueError) as error:
        msg = f"{text!r} is not a time; write one as 2026-11-01T00:00:00Z"
        raise ValueError(msg) from error
    return (told.replace(tzinfo=told.tzinfo or UTC) - _EPOCH) // _MICROSECOND


def moment(us: int) -> str:
    """A time as rows of `attribution.csv` have it: in UTC, rounded up to whole seconds."""
    return (_EPOCH + timedelta(seconds=-(-us // _SECOND_US))).isoformat()
