"""What a recurring price may say, and how many days the calendar has around a day."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from schemas.codes import Every, Quantity
from schemas.recurring import CALENDAR, RecurringPrice, days_around, least_days


def price(**fields: str) -> RecurringPrice:
    """A recurring price of 850 a month, with other fields."""
    return RecurringPrice.model_validate(
        {"kind": "recurring", "every": "month", "amount": "850", **fields}
    )


def test_a_price_is_for_the_days_of_the_calendar_unless_it_says_how_many() -> None:
    """The basis is the calendar, or a number of days."""
    assert price().basis == price(basis="calendar").basis == CALENDAR
    assert price(basis="30").basis == 30
    assert price().quantity is Quantity.UNIT_DAYS


@pytest.mark.parametrize("basis", ["0", "367", "030", "-30", "30.0", "month", "٣٠"])
def test_a_basis_is_days_of_a_year_at_most(basis: str) -> None:
    """Anything else is refused."""
    with pytest.raises(ValidationError, match="is not known; write calendar, or days from 1 to"):
        price(basis=basis)


@pytest.mark.parametrize(
    ("every", "day", "days"),
    [
        (Every.DAY, date(2026, 11, 23), 1),
        (Every.WEEK, date(2026, 11, 23), 7),
        (Every.MONTH, date(2026, 11, 1), 30),
        (Every.MONTH, date(2028, 2, 29), 29),
        (Every.QUARTER, date(2026, 11, 1), 92),
        (Every.QUARTER, date(2011, 1, 15), 90),
        (Every.QUARTER, date(2028, 3, 31), 91),
        (Every.YEAR, date(2026, 12, 31), 365),
        (Every.YEAR, date(2028, 1, 1), 366),
    ],
)
def test_the_calendar_has_so_many_days_around_a_day(every: Every, day: date, days: int) -> None:
    """31 + 30 + 31 in the last quarter; a leap year has its day."""
    assert days_around(every, day) == days
    assert days_around(every, day) >= least_days(every, CALENDAR)


def test_a_fixed_basis_is_its_own_least() -> None:
    """Thirty days are thirty days."""
    assert least_days(Every.MONTH, 30) == 30
