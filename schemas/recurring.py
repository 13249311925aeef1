"""Recurring prices: an amount for what is in service all of a month, and its part for less of it.

A circuit costs 850 a month. One that was activated on the 16th of a month of 30 days was in service
on 15 of them and costs 15/30 of that. The days are those of the local calendar: the first day of
service counts and the one on which it ends does not, so the day of a change is the new state's.
What the days are a part of is said by `every`, and by `basis` where a contract takes each month to
have the same number of days.
"""

from __future__ import annotations

import calendar
from datetime import date
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from schemas.amounts import Nanos
from schemas.codes import Every, Quantity
from schemas.fields import Strict, one_of, read_text

DAYS_MAX = 366
CALENDAR = 0
"""In place of a number of days: those that the calendar has."""

WEEK_DAYS = 7
QUARTER_MONTHS = 3

# What a recurring price may be for: the period of settlement itself, a stretch of so many days that
# lies within it, or an interval of the calendar around it.
FITTING = {
    "month": tuple(Every),
    "day": (Every.DAY, Every.MONTH, Every.QUARTER, Every.YEAR),
}


def _basis(value: object) -> int:
    """The days of a period that is taken to be always as long; CALENDAR for the real ones."""
    text = read_text(value)
    if text == "calendar":
        return CALENDAR
    is_number = text.isascii() and text.isdecimal() and not text.startswith("0")
    if not is_number or len(text) > len(str(DAYS_MAX)) or int(text) > DAYS_MAX:
        raise ValueError(f"{text!r} is not known; write calendar, or days from 1 to {DAYS_MAX}")
    return int(text)


class RecurringPrice(Strict):
    """An amount for each unit that is in service all of a day, week, month, quarter or year.

    Less of it costs in proportion to the days, of those of the calendar or of as many as `basis`
    says.
    """

    kind: Literal["recurring"]
    every: Annotated[Every, one_of(Every)]
    amount_nanos: Nanos = Field(alias="amount")
    basis: Annotated[int, BeforeValidator(_basis)] = CALENDAR

    @property
    def quantity(self) -> Quantity:
        """What it is counted by."""
        return Quantity.UNIT_DAYS


def days_around(every: Every, first: date) -> int:
    """The days of the interval of the calendar that a day lies in."""
    if every is Every.DAY:
        return 1
    if every is Every.WEEK:
        return WEEK_DAYS
    if every is Every.YEAR:
        return 365 + calendar.isleap(first.year)
    months = [first.month]
    if every is Every.QUARTER:
        before = (first.month - 1) // QUARTER_MONTHS * QUARTER_MONTHS
        months = [before + number for number in range(1, QUARTER_MONTHS + 1)]
    return sum(calendar.monthrange(first.year, month)[1] for month in months)


def least_days(every: Every, basis: int) -> int:
    """The fewest days that such an interval has."""
    least = {Every.DAY: 1, Every.WEEK: 7, Every.MONTH: 28, Every.QUARTER: 90, Every.YEAR: 365}
    return basis or least[every]
