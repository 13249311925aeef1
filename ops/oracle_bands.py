"""The oracle's time bands: a leg is walked along the wall clock, increment by increment.

A band is looked up as a person would: what do clock and calendar of the agreement's zone show, is
it a holiday, and which start of that day came last. Clocks and bands change on whole minutes, so
one look a minute is enough. Along these minutes an increment is opened whenever no paid second is
left, with the length that the band says, and lasts until it is used up, or, where every band rounds
for itself, until the band changes.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import yaml

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE_US = 60_000_000
SECOND_US = 1_000_000
WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

Increments = Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class Plan:
    """Starts (as "HH:MM") with their bands by kind of day, and the dates that are holidays."""

    days: Mapping[str, tuple[tuple[str, str], ...]]
    holidays: frozenset[str]


class BandPart(NamedTuple):
    """A stretch of a leg in one band: its own seconds, and those that are charged for."""

    band: str
    seconds: int
    quantity: int


def read_plans(directory: Path) -> dict[str, Plan]:
    """The plans of a reference directory by name; one without the file has none."""
    file = directory / "bands.yaml"
    if not file.exists():
        return {}
    # BaseLoader leaves every value the text it is, and makes nothing else.
    entries = yaml.load(file.read_text(encoding="utf-8-sig"), Loader=yaml.BaseLoader)  # noqa: S506
    return {entry["bands"]: _plan(entry, directory) for entry in entries}


def _plan(entry: Mapping[str, object], directory: Path) -> Plan:
    """One plan, every range of days written out."""
    days: dict[str, tuple[tuple[str, str], ...]] = {}
    written = entry["days"]
    if not isinstance(written, dict):
        raise TypeError("days are not fields")
    for key, starts in written.items():
        first, _, last = str(key).partition("-")
        covered = [key]
        if last:
            covered = WEEK[WEEK.index(first) : WEEK.index(last) + 1]
        for day in covered:
            days[str(day)] = tuple((str(s["from"]), str(s["band"])) for s in starts)
    holidays: frozenset[str] = frozenset()
    calendar = entry.get("holidays")
    if calendar not in (None, "", "~", "null"):
        file = directory / "holidays" / f"{calendar}.csv"
        with file.open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.DictReader(lines, skipinitialspace=True)
            holidays = frozenset(str(row["date"]).strip() for row in rows)
    return Plan(days, holidays)


def band_at(plan: Plan, zone: ZoneInfo, instant_us: int) -> str:
    """The band that a wall clock in the zone shows."""
    local = (EPOCH + timedelta(microseconds=instant_us)).astimezone(zone)
    is_holiday = local.date().isoformat() in plan.holidays
    starts = plan.days["holiday" if is_holiday else WEEK[local.weekday()]]
    shown = f"{local.hour:02d}:{local.minute:02d}"
    return [band for start, band in starts if start <= shown][-1]


def band_parts(
    plan: Plan,
    zone: ZoneInfo,
    started_us: int,
    seconds: int,
    split: str,
    increments: Increments,
) -> tuple[BandPart, ...]:
    """The parts of a leg, split by a rule of the contract: its seconds one after the other.

    `increments` has the seconds of the first and of every later increment of each band.
    """
    parts: list[BandPart] = []
    minute, band, began, charged, paid = -1, "", 0, 0, 0
    for second in range(seconds):
        opens_first = second == 0
        instant_us = started_us + second * SECOND_US
        if instant_us // MINUTE_US != minute:
            minute = instant_us // MINUTE_US
            shown = band_at(plan, zone, instant_us)
            if opens_first:
                band = shown
            elif shown != band and split != "start_band":
                parts.append(BandPart(band, second - began, charged))
                band, began, charged = shown, second, 0
                if split == "round_each_band":
                    opens_first, paid = True, second
        if second >= paid:
            opened = increments[band][0 if opens_first else 1]
            charged, paid = charged + opened, second + opened
    return (*parts, BandPart(band, seconds - began, charged)) if seconds else ()
