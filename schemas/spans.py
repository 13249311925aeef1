"""Spans: the quarter or year that tiers run along while statements are monthly or daily.

Tiers of a period start anew with each settlement period. Where the contract counts by quarter or by
year, they go on over all settlement periods of a *span*. Spans follow each other without gap from
the month in which one of them begins, in both directions, so a period is in one span whenever it
is. They are named by their first and last month, as in 2026-04..2027-03.
"""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple

from pydantic import Field, PlainValidator

from schemas.codes import Each
from schemas.fields import Strict, read_text
from schemas.measures import EachField

LENGTHS_IN_MONTHS = {"quarter": 3, "year": 12}
YEAR_MONTHS = 12
JOIN = ".."

# Spans end where the calendar of settlement periods does.
FIRST_MONTH, LAST_MONTH = "1999-12", "2100-12"


class Span(NamedTuple):
    """A rule that gives every settlement period its span.

    `months` is how long a span is; one begins in month `first` of a year, counted from 0.
    """

    months: int
    first: int = 0

    def label(self, period: str) -> str:
        """The span of a settlement period: 2026-04..2026-06 of 2026-05, or of 2026-05-31."""
        month = _number(period)
        start = month - (month - self.first) % self.months
        first, last = _month(start), _month(start + self.months - 1)
        return f"{max(first, FIRST_MONTH)}{JOIN}{min(last, LAST_MONTH)}"

    @property
    def word(self) -> str:
        """How long a span is, in a word."""
        return next(w for w, months in LENGTHS_IN_MONTHS.items() if months == self.months)


def span_of(each: str, first: int | None) -> Span | None:
    """The rule that a word and a month (from 0) say; None where the word is of no span."""
    months = LENGTHS_IN_MONTHS.get(each)
    return None if months is None else Span(months, (first or 0) % months)


def month_of_year(value: object) -> int:
    """The month in which spans begin, from 0; ValueError says what a month looks like."""
    text = read_text(value)
    found = re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", text, re.ASCII)
    if found is None:
        raise ValueError(f"{text!r} is not a month; write it like 2026-04")
    return int(found[1]) - 1


class Spanned(Strict):
    """A price by tiers that start anew with `each` period, window of it, quarter or year.

    `from` says in which month the quarter or year begins.
    """

    each: EachField = Each.PERIOD
    from_: Annotated[int, PlainValidator(month_of_year)] | None = Field(alias="from", default=None)

    @property
    def span(self) -> Span | None:
        """The rule by which the tiers go on over several periods; None where each starts anew."""
        return span_of(self.each.label, self.from_)


def months_of(label: str) -> tuple[str, str]:
    """The first and the last month of a span."""
    first, _, last = label.partition(JOIN)
    return first, last


def _number(period: str) -> int:
    """The month of a period's label, counted from year 0."""
    return int(period[:4]) * YEAR_MONTHS + int(period[5:7]) - 1


def _month(number: int) -> str:
    """The label of a month."""
    return f"{number // YEAR_MONTHS:04d}-{number % YEAR_MONTHS + 1:02d}"
