"""The oracle's intervals: stretches, days and divisors, worked by hand."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ops.oracle_intervals import (
    divisor,
    least_divisor,
    stretches,
    time_in_service,
)
from ops.oracle_prices import read_price
from ops.oracle_reference import Reference
from ops.oracle_usage import Usage
from tests.ops.oracle_makers import item, reference, version
from tests.ops.test_oracle_rating import one_event

UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
DAILY = "{kind: unit, per: unit_day, amount: 2}"


def circuit(start: str, upto: str, **fields: object) -> Usage:
    """A circuit in service from one time up to another."""
    return one_event("circuit", started_at=start, ended_at=upto, **fields)


def known(directory: Path, *versions: str) -> Reference:
    """A reference of one agreement A."""
    return reference(directory, {"A": list(versions)}, keys="product,circuit-1,A,,")


def circuits(price: str = DAILY) -> str:
    """An item for circuits."""
    return item(price, item="circuit", role="product", service="circuit")


def told(usage: Usage, of: Reference) -> list[tuple[int, str, int]] | str:
    """Version, period and days of each stretch."""
    found = stretches(usage, of.agreements["A"].versions)
    if isinstance(found, str):
        return found
    return [
        (
            0 if one.version is None else one.version.number,
            one.label,
            time_in_service(one.usage, "unit_days", UTC),
        )
        for one in found
    ]


def test_days_of_one_version_and_period_belong_together(tmp_path: Path) -> None:
    """From 16 November to 10 January: 15, 31 and 9 days."""
    of = known(tmp_path, version(circuits()))
    assert told(circuit("2026-11-16T08:00:00+00:00", "2027-01-10T08:00:00+00:00"), of) == [
        (1, "2026-11", 15),
        (1, "2026-12", 31),
        (1, "2027-01", 9),
    ]


def test_a_version_ends_a_stretch_and_none_follows_the_last(tmp_path: Path) -> None:
    """At the first second of the next version, and where the agreement ends."""
    of = known(
        tmp_path,
        version(circuits(), valid_upto="2026-11-16"),
        version(circuits(), version="2", valid_from="2026-11-16", valid_upto="2026-11-20"),
    )
    assert told(circuit("2026-11-10T00:00:00+00:00", "2026-12-05T00:00:00+00:00"), of) == [
        (1, "2026-11", 6),
        (2, "2026-11", 4),
        (0, "", 15),
    ]


@pytest.mark.parametrize(
    ("upto", "period", "expected"),
    [
        ("2036-11-18T00:00:00+00:00", "month", "too_long"),
        ("2036-11-08T00:00:00+00:00", "month", "too_long"),
        ("2027-04-01T00:00:00+00:00", "day", "too_long"),
    ],
)
def test_an_interval_may_be_too_long(tmp_path: Path, upto: str, period: str, expected: str) -> None:
    """More than 3,660 days, and more than 120 months or days to settle."""
    of = known(tmp_path, version(circuits(), period=period))
    assert told(circuit("2026-11-01T00:00:00+00:00", upto), of) == expected


def test_time_is_counted_by_local_dates_or_whole_seconds() -> None:
    """A day of 25 hours is one day and 90,000 seconds; two units are twice that."""
    usage = circuit("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", units=2)
    assert time_in_service(usage, "unit_days", BERLIN) == 2
    assert time_in_service(usage, "unit_seconds", BERLIN) == 2 * 25 * 3_600


@pytest.mark.parametrize(
    ("price", "label", "days", "least"),
    [
        ({"every": "month"}, "2028-02", 29, 28),
        ({"every": "month", "basis": "30"}, "2028-02", 30, 30),
        ({"every": "quarter"}, "2026-11", 92, 90),
        ({"every": "year"}, "2028-11-05", 366, 365),
        ({"every": "week"}, "2026-11", 7, 7),
        ({"every": "day"}, "2026-11", 1, 1),
    ],
)
def test_a_sum_is_divided_by_the_days_around_it(
    tmp_path: Path, price: dict[str, object], label: str, days: int, least: int
) -> None:
    """Counted one by one."""
    of = known(tmp_path, version(circuits())).version("A", 1)
    read = read_price({"kind": "recurring", "amount": "850", **price})
    assert divisor(read, of, label) == days
    assert least_divisor(read) == least


def test_an_average_is_divided_by_the_seconds_of_the_period(tmp_path: Path) -> None:
    """October has 745 hours in Berlin; a day that is settled by itself may have 23."""
    read = read_price({"kind": "tiers", "per": "average_unit", "tiers": [{"price": "1"}]})
    months = known(tmp_path / "m", version(circuits(), zone="Europe/Berlin"))
    days = known(tmp_path / "d", version(circuits(), zone="Europe/Berlin", period="day"))
    assert divisor(read, months.version("A", 1), "2026-10") == 745 * 3_600
    assert divisor(read, days.version("A", 1), "2026-03-29") == least_divisor(read) == 23 * 3_600
