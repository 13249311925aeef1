"""Times: instants as masters write them, and as reference files have them.

The standard's interfaces write RFC 3339: a date and a time with `Z` or an offset from UTC, with or
without decimals, and here and there a bare date. Weir computes with whole microseconds since 1970.
A bare date is midnight in UTC, for a master's date belongs to no agreement and so to no zone. A
time without an offset is refused: it means two instants to two parties.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

MICROSECONDS = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST_S = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)
_DATE_LENGTH = len("2026-01-31")
_FORM = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_ADVICE = "write 2026-01-31T12:00:00Z, an offset such as +01:00 for Z, or a date, 2026-01-31"


def parse_time(text: str) -> int:
    """The microseconds since 1970 of an instant; a bare date is its midnight in UTC.

    Decimals beyond microseconds are cut.

    Raises:
        ValueError: the text is no such instant; the sentence says how to write one.
    """
    written = text.strip().upper()
    try:
        instant = datetime.fromisoformat(written) if _FORM.fullmatch(written) else None
    except ValueError:
        instant = None
    if instant is None:
        raise ValueError(f"{text!r} is not a time; {_ADVICE}")
    if len(written) == _DATE_LENGTH:
        instant = instant.replace(tzinfo=UTC)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC; {_ADVICE}")
    return (instant - _EPOCH) // _MICROSECOND


def whole_second(at_us: int) -> int:
    """The first whole second since the epoch that is not before an instant."""
    return -(-at_us // MICROSECONDS)


def moment(at_us: int) -> str:
    """An instant as `attribution.csv` has it, in UTC; part of a second is rounded up.

    Rounding up keeps the half-open rule: what begins within a second holds from the next one, and
    what ends within it holds to its end. Nothing is written beyond the year 9999.
    """
    second = min(whole_second(at_us), _LAST_S)
    return (_EPOCH + timedelta(seconds=second)).isoformat()
