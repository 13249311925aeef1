"""Periods: what masters write as one, and since when something that is so today has been so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from state.entities import EntityVersion
from streams.control.parties import mappings
from streams.control.times import parse_time

SECOND_US = 1_000_000


def since(
    history: Sequence[EntityVersion],
    holds: Callable[[EntityVersion], bool],
    at_us: int | None = None,
) -> int | None:
    """The moment from which something has held without interruption; None when it does not.

    Args:
        history: the versions of a thing in their order.
        holds: whether it is so in a version; never asked of one in which the thing is deleted.
        at_us: the moment asked for, in microseconds; the newest version by default.
    """
    begun: int | None = None
    for version in history:
        if at_us is not None and version.from_us > at_us:
            break
        if version.is_gone or not holds(version):
            begun = None
        elif begun is None:
            begun = version.from_us
    return begun


def told_time(value: object) -> int | None:
    """The microseconds of a time that a master wrote; None for what is none."""
    try:
        return parse_time(value) if isinstance(value, str) else None
    except ValueError:
        return None


def validity(
    attributes: Mapping[str, Any], name: str = "validFor"
) -> tuple[int | None, int | None]:
    """Both ends of a period among attributes, the latter not included; None where it is open."""
    for period in mappings(attributes.get(name)):
        return told_time(period.get("startDateTime")), told_time(period.get("endDateTime"))
    return None, None
