"""Time bands: which hours of which days have which price, and which days are holidays.

Carriers have sold the hours of a week at different prices ever since there were exchanges: the day
dear, nights and weekends cheap. A *plan* of `bands.yaml` says for each weekday from which time of
day which band holds; a start holds until the next one of that day, and every day begins at 00:00. A
plan may name a calendar of holidays (`holidays/NAME.csv`), and on those dates the day `holiday`
holds, whatever weekday it is. A plan knows no zone: its times are those of the wall clock in the
zone of the agreement that uses it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated

import polars as pl
from pydantic import BeforeValidator, Field

from schemas.documents import Path, Problems
from schemas.fields import Name, Strict, check_name, read_text
from schemas.moments import parse_moment
from schemas.prices import BandRates, DeckPrice
from schemas.selectors import BandCondition
from schemas.sheets import Sheet, read_csv

BANDS_FILE = "bands.yaml"
HOLIDAYS_FOLDER = "holidays"
HOLIDAY_COLUMNS = ("date", "name")

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOLIDAY = "holiday"
DAYS = (*WEEKDAYS, HOLIDAY)
"""Every kind of day, in the order of their codes: Monday is 0, a holiday 7."""

BANDS_MAX = 100  # of one plan: a band's number has a byte

_EPOCH = date(1970, 1, 1)
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)


def _clock_minutes(value: object) -> int:
    """Minutes since midnight of a time of day."""
    text = read_text(value)
    matched = _CLOCK.fullmatch(text)
    if matched is None:
        raise ValueError(f'{text!r} is not a time of day; write it from "00:00" to "23:59"')
    return 60 * int(matched[1]) + int(matched[2])


def clock_text(minutes: int) -> str:
    """Minutes since midnight as a time of day: 480 is 08:00."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def days_of(text: str) -> tuple[str, ...]:
    """The days that an entry is for: `sat`, `mon-fri`, `holiday`; ValueError for anything else."""
    first, dash, last = text.partition("-")
    if not dash and text in DAYS:
        return (text,)
    if first not in WEEKDAYS or last not in WEEKDAYS:
        known = ", ".join(WEEKDAYS)
        raise ValueError(f"is no day; write one of {known}, a range like mon-fri, or {HOLIDAY}")
    start, end = WEEKDAYS.index(first), WEEKDAYS.index(last)
    if start >= end:
        raise ValueError("runs backwards; write the days apart, from mon to sun")
    return WEEKDAYS[start : end + 1]


class BandStart(Strict):
    """A band and the time of day from which it holds, up to the day's next start."""

    from_minutes: Annotated[int, BeforeValidator(_clock_minutes)] = Field(alias="from")
    band: Name


class BandPlan(Strict):
    """The bands of every kind of day."""

    plan: Name = Field(alias="bands")
    holidays: Name | None = None
    days: dict[str, tuple[BandStart, ...]]

    @property
    def names(self) -> tuple[str, ...]:
        """The bands by name, each once; a band's number is its place here."""
        return tuple(sorted({start.band for starts in self.days.values() for start in starts}))

    def starts(self, day: str) -> tuple[BandStart, ...]:
        """The starts of one of `DAYS`, by time; a plan that has no holidays has none for them."""
        return next((s for key, s in self.days.items() if day in days_of(key)), ())


@dataclass(frozen=True)
class Holidays:
    """A calendar: the dates that are holidays, rising."""

    name: str
    dates: tuple[date, ...]


def plan_findings(plan: BandPlan) -> Iterator[tuple[Path, str]]:
    """What is wrong with a plan: days without a band or with several, times without one."""
    given: dict[str, str] = {}
    for key, starts in plan.days.items():
        here: Path = ("days", key)
        try:
            days = days_of(key)
        except ValueError as error:
            yield here, str(error)
            continue
        for day in days:
            if day in given:
                yield here, f"names {day} twice; {given[day]!r} has it already"
            given.setdefault(day, key)
        yield from _day_findings(here, starts)
    missing = [day for day in WEEKDAYS if day not in given]
    if missing:
        yield ("days",), f"has no band for {', '.join(missing)}; every day needs its bands"
    if plan.holidays is not None and HOLIDAY not in given:
        message = f"has no band for {HOLIDAY}; write what holds on the days of {plan.holidays!r}"
        yield ("days",), message
    if plan.holidays is None and HOLIDAY in given:
        message = "is never used; name the calendar of holidays, or remove this day"
        yield ("days", given[HOLIDAY]), message
    if len(plan.names) > BANDS_MAX:
        yield ("days",), f"names {len(plan.names)} bands; {BANDS_MAX} are the most"


def _day_findings(here: Path, starts: tuple[BandStart, ...]) -> Iterator[tuple[Path, str]]:
    """A day's starts begin at midnight and rise."""
    if not starts:
        yield here, 'is empty; begin with from: "00:00"'
        return
    first = starts[0].from_minutes
    if first:
        message = f"leaves 00:00 to {clock_text(first)} without a band"
        yield here, f'{message}; begin with from: "00:00"'
    for index, (before, after) in enumerate(pairwise(starts), 1):
        if after.from_minutes <= before.from_minutes:
            yield (*here, index, "from"), "does not rise; sort the starts of a day by from"


def rates_findings(rates: BandRates, plan: BandPlan) -> Iterator[tuple[Path, str]]:
    """A price by band has one for every band of its plan, and none for another."""
    for band in plan.names:
        if band not in rates.prices:
            yield (
                ("prices",),
                f"has no price for band {band!r}; every band of {plan.plan} needs one",
            )
    for band in rates.prices:
        if band not in plan.names:
            known = ", ".join(plan.names)
            yield ("prices", band), f"is no band of {plan.plan}; its bands are {known}"


def condition_findings(condition: BandCondition, plan: BandPlan) -> Iterator[tuple[Path, str]]:
    """A condition names bands of its plan, and not all of them, for then it asks for nothing."""
    known = ", ".join(plan.names)
    for place, band in enumerate(condition.bands):
        if band not in plan.names:
            yield ("in", place), f"{band!r} is no band of {plan.plan}; its bands are {known}"
    if set(condition.bands) >= set(plan.names):
        yield ("in",), f"lists all bands of {plan.plan}, which always hold; remove the condition"


def deck_findings(
    price: DeckPrice, bands: Collection[str], plans: Mapping[str, BandPlan]
) -> Iterator[tuple[Path, str]]:
    """A deck whose rates go by band is used with a plan of the same bands, any other without."""
    known = ", ".join(bands)
    if price.bands is None:
        if bands:
            yield (
                ("deck",),
                f"{price.deck!r} has rates by band ({known}); add bands with of and split",
            )
    elif not bands:
        yield ("bands",), f"deck {price.deck!r} has no rates by band; remove bands"
    elif price.bands.plan in plans:
        plan = plans[price.bands.plan]
        if set(plan.names) != set(bands):
            message = f"{plan.plan} has the bands {', '.join(plan.names)}"
            yield ("bands", "of"), f"{message}, deck {price.deck!r} has {known}; use the same"


def calendar_names(files: Iterable[str]) -> set[str]:
    """The names of the calendars of holidays among these files."""
    folder = f"{HOLIDAYS_FOLDER}/"
    names = (file.removeprefix(folder) for file in files if file.startswith(folder))
    return {name.removesuffix(".csv") for name in names if name.endswith(".csv")}


def read_holidays(files: Mapping[str, bytes], problems: Problems) -> tuple[Holidays, ...]:
    """The calendars among these files, by path within the directory; others there are refused."""
    for file in files:
        if file.startswith(f"{HOLIDAYS_FOLDER}/") and not file.endswith(".csv"):
            problems.add(file, 0, "", "is not a calendar of holidays; name it NAME.csv")
    found: list[Holidays] = []
    for name in sorted(calendar_names(files)):
        file = f"{HOLIDAYS_FOLDER}/{name}.csv"
        try:
            check_name(name)
        except ValueError as error:
            problems.add(file, 0, "", f"the calendar's name {error}")
            continue
        frame = read_csv(files[file], file, HOLIDAY_COLUMNS, problems)
        if frame is not None:
            found.append(Holidays(name, _dates(Sheet(frame, file, problems))))
    return tuple(found)


def _dates(sheet: Sheet) -> tuple[date, ...]:
    """The dates of a calendar, each once."""
    sheet.refuse(
        "date",
        ~pl.col("date").is_first_distinct(),
        lambda day: f"{day!r} is already given above; keep one of the two rows",
    )
    sheet.values("date", _day_number, "day")
    return tuple(_EPOCH + timedelta(days=day) for day in sorted(sheet.frame["day"].to_list()))


def _day_number(text: str) -> int:
    """The days from 1970 to a date."""
    day = parse_moment(text).day
    if day is None:
        raise ValueError(f"{text!r} is a moment; a holiday is a whole day, written 2026-12-25")
    return (day - _EPOCH).days


FIELDS = tuple(
    field.alias or name
    for model in (BandPlan, BandStart)
    for name, field in model.model_fields.items()
)
"""Every field of the file, to suggest for one that is mistyped."""
