"""Rates of exchange: what a unit of one currency is in another, by source and day.

`fx.csv` has a row for each day on which a source gave a rate. A rate is kept as the exact decimal
that was written. The rate of a day is the newest one on or before it, for sources give none on
Sundays and holidays; one that is more than a week older is none. What no rate is known for is not
converted, and says so.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from schemas.documents import Problems
from schemas.fields import check_name
from schemas.money import currency_exponent, parse_decimal
from schemas.sheets import read_csv

FILE = "fx.csv"
COLUMNS = ("source", "base", "quote", "date", "rate")
RATE_DECIMALS = 12
RATE_MAX = 10**9
OLDER_MAX = timedelta(days=7)

Pair = tuple[str, str, str]  # source, base, quote


class FxRate(NamedTuple):
    """The rate of a day: so many units of the quote are one of the base, as decimal text."""

    day: str
    rate: str


@dataclass(frozen=True)
class Fx:
    """All rates, those of each pair in order of time."""

    pairs: Mapping[Pair, Sequence[FxRate]] = field(default_factory=dict)

    def rate(self, pair: Pair, day: date) -> FxRate | None:
        """The newest rate of a pair on or before a day; None if there is none within a week."""
        rates = self.pairs.get(pair, ())
        at = bisect_right(rates, day.isoformat(), key=lambda rate: rate.day) - 1
        if at < 0 or date.fromisoformat(rates[at].day) < day - OLDER_MAX:
            return None
        return rates[at]


def read_fx(content: bytes, problems: Problems) -> Fx:
    """The rates of the file; rows that are wrong are noted and left out."""
    frame = read_csv(content, FILE, COLUMNS, problems)
    if frame is None:
        return Fx()
    first_lines: dict[tuple[str, ...], int] = {}
    pairs: dict[Pair, list[FxRate]] = {}
    for *texts, line in frame.select(*COLUMNS, "line").iter_rows():
        wrong = [*_mistakes(texts)]
        for column, message in wrong:
            problems.add(FILE, line, column, message)
        source, base, quote, day, rate = texts
        first = first_lines.setdefault((source, base, quote, day), line)
        if first != line:
            problems.add(FILE, line, "date", f"{day!r} is already given on line {first}; keep one")
        elif not wrong:
            pairs.setdefault((source, base, quote), []).append(FxRate(day, rate))
    return Fx({pair: tuple(sorted(rates)) for pair, rates in pairs.items()})


def _mistakes(texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The columns of a row that are wrong, and what is wrong with them."""
    for column, text, check in zip(COLUMNS, texts, CHECKS, strict=True):
        try:
            check(text)
        except ValueError as error:
            yield column, str(error)
    if texts[1] == texts[2]:
        yield "quote", f"{texts[2]!r} is the base too; remove the row"


def _check_day(text: str) -> None:
    """Refuse what is no day, or is written in another way."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise ValueError(f"{text!r} is not a day; write it like 2026-11-30")


def _check_rate(text: str) -> None:
    """Refuse what is no rate; one of zero would make everything nothing."""
    scaled = parse_decimal(text, RATE_DECIMALS)
    if not 0 < scaled <= RATE_MAX * 10**RATE_DECIMALS:
        raise ValueError(f"{text!r} is not a rate; write a number above 0 and at most {RATE_MAX}")


CHECKS: tuple[Callable[[str], object], ...] = (
    check_name,
    currency_exponent,
    currency_exponent,
    _check_day,
    _check_rate,
)
