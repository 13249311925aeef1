"""The oracle's intervals: time in service, walked from one local midnight to the next.

An interval is taken apart day by day: at each midnight of the zone, and whenever a version ends, it
is looked up which version is in force and which period that day is of. Days that have both in
common belong together again. What is counted of such a stretch is found in the same plain way, by
counting the dates on which it was in service when the day began or began itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as time_of_day
from fractions import Fraction
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from ops.oracle_files import EPOCH, MICROSECOND
from ops.oracle_prices import Price
from ops.oracle_reference import Version
from ops.oracle_usage import Usage

Place = TypeVar("Place")

TIMES = ("unit_days", "unit_seconds")
SECOND_US = 1_000_000
DAY = timedelta(days=1)
LONGEST_US = 3_660 * 24 * 3_600 * SECOND_US
LAST_DAY = datetime(2100, 12, 31, tzinfo=UTC)
STRETCHES_MAX = 120
TIME_UPTO = 2**44  # units by seconds or days of one stretch that may be true
LEAST_DAYS = {"day": 1, "week": 7, "month": 28, "quarter": 90, "year": 365}


class Stretch(NamedTuple):
    """A part of an interval in one version, if any is in force, and one period, as an event."""

    version: Version | None
    label: str
    usage: Usage


def stretches(usage: Usage, versions: Sequence[Version]) -> list[Stretch] | str:
    """What an interval consists of, in order of time; or that it is too long to be one."""
    ended, at = usage.number("ended_at"), usage.number("started_at")
    if ended - at > LONGEST_US or _local(ended, UTC) >= LAST_DAY:
        return "too_long"
    found: list[Stretch] = []
    begun = at
    while True:
        version = next((v for v in versions if v.validity.covers(at)), None)
        if version is None:
            upto, label = ended, ""
        else:
            day = _local(at, version.zone).date()
            upto, label = min(ended, midnight_us(day + DAY, version.zone)), str(day)
            if version.validity.upto_us is not None:
                upto = min(upto, version.validity.upto_us)
            label = label[:7] if version.period == "month" else label
        if found and (found[-1].version, found[-1].label) == (version, label):
            found.pop()
        else:
            begun = at
        fields = {**usage.fields, "started_at": begun, "ended_at": upto}
        found.append(Stretch(version, label, replace(usage, fields=fields)))
        if len(found) > STRETCHES_MAX:
            return "too_long"
        if upto >= ended:
            return found
        at = upto


def time_in_service(usage: Usage, quantity: str, zone: ZoneInfo) -> int:
    """The units of an interval by the days or seconds that it lasted."""
    begun, ended = usage.number("started_at"), usage.number("ended_at")
    if quantity == "unit_seconds":
        return usage.number("units") * (ended // SECOND_US - begun // SECOND_US)
    days, day, last = 0, _local(begun, zone).date(), _local(ended, zone).date()
    while day < last:
        days, day = days + 1, day + DAY
    return usage.number("units") * days


def divisor(price: Price, version: Version, label: str) -> int:
    """What a period's sum is divided by before it is priced."""
    if price.per == "average_unit":
        first = date.fromisoformat(f"{label}-01"[:10])
        after = first + DAY
        while version.period == "month" and after.month == first.month:
            after += DAY
        return (midnight_us(after, version.zone) - midnight_us(first, version.zone)) // SECOND_US
    if price.kind != "recurring":
        return 1
    first = date.fromisoformat(f"{label}-01"[:10])
    if price.basis:
        return price.basis
    if price.every in ("day", "week"):
        return LEAST_DAYS[price.every]
    around = [first.replace(month=1, day=1) + n * DAY for n in range(366)]
    return sum(_interval(price.every, day) == _interval(price.every, first) for day in around)


def over(counted: Mapping[Place, int] | None, of: int) -> Mapping[Place, Fraction] | None:
    """What was counted in several places, divided by what it is of."""
    return None if counted is None else {at: Fraction(n, of) for at, n in counted.items()}


def least_divisor(price: Price) -> int:
    """The least that a sum may be divided by."""
    if price.per == "average_unit":
        return 23 * 3_600
    if price.kind != "recurring":
        return 1
    return price.basis or LEAST_DAYS[price.every]


def _interval(every: str, day: date) -> tuple[int, int]:
    """Which month, quarter or year a day is of."""
    return day.year, {"month": day.month, "quarter": (day.month + 2) // 3, "year": 0}[every]


def _local(instant_us: int, zone: tzinfo) -> datetime:
    """What a clock shows at an instant."""
    return (EPOCH + instant_us * MICROSECOND).astimezone(zone)


def midnight_us(day: date, zone: ZoneInfo) -> int:
    """The instant at which a day begins in a zone."""
    return (datetime.combine(day, time_of_day(), zone) - EPOCH) // MICROSECOND
