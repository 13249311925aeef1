"""Amounts from messages of the view: periods, hours under tiers, and totals as if closed now.

A message of a whole period says what each row is worth. A message of an hour does not where money
depends on more than the hour: for tiers and for rounding at the line, hour *h* is worth what the
whole was worth after *h* less what it was worth before, over hours in order of event time. So
hours add up to the period to the last micro, and what arrived when makes no difference. Only items
with a measure have no amounts by the hour: what a percentile is worth is no sum of hours. Totals of
agreements that round at the statement come from the same function that closes the period.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from schemas.codes import RoundingPlace
from schemas.money import MICROS_DECIMALS, parse_decimal
from state.accrual_memory import decode_accruals
from state.balances import join_residue
from state.invariants import invariant
from state.view_answers import NO_PAYMENT, Accrual, BookName, Total
from streams.accrual import Book, HourSums, Known, Row, Volume, place_of, volume_of
from streams.contribution import Series
from streams.facts import NO_FACTS, Facts
from streams.payment import is_paid_otherwise, payment_of
from streams.pricings import pricing_of
from streams.statement import Document, draft
from streams.terms import Terms, exact, round_amount, shown
from streams.worth import gathered, worth

COLUMNS = (
    "version",
    "item",
    "line",
    "currency",
    "original",
    "events",
    "quantity",
    "charge_micros",
    "residue_high",
    "residue_low",
    "amount_micros",
    "shortfall_micros",
    "exact",
)


class Line(NamedTuple):
    """A row: `hour` is None for the whole period, `amount_micros` where it takes more to tell."""

    row: Row
    hour: int | None
    amount_micros: int | None
    shortfall_micros: int = 0


def lines_of(messages: Sequence[bytes]) -> list[list[Line]]:
    """The rows of each message."""
    if not messages:
        return []
    batch: pa.RecordBatch = decode_accruals(messages)
    lists = batch.column("rows")
    rows = lists.flatten()
    columns = zip(*(rows.field(c).to_pylist() for c in COLUMNS), strict=True)
    agreements, booked = batch.column("agreement").to_pylist(), batch.column("booked").to_pylist()
    hours = batch.column("hour").to_pylist()
    counts = np.diff(lists.offsets.to_numpy()).tolist()
    found = []
    for agreement, period, hour, count in zip(agreements, booked, hours, counts, strict=True):
        lines = []
        for _ in range(count):
            version, item, line, currency, original, *figures = next(columns)
            *figures, amount, short, exact_text = figures
            series = Series(agreement, version, item, line, currency, original, period)
            events, quantity, charge_micros, high, low = figures
            known = _known(amount, short, exact_text)
            residue = join_residue(high, low)
            row = Row(series, events, quantity, charge_micros, residue, known=known)
            lines.append(Line(row, hour, amount, short or 0))
        found.append(lines)
    return found


def _known(micros: int | None, shortfall_micros: int | None, text: str | None) -> Known | None:
    """What a row is worth of which that was published exactly."""
    if text is None:
        return None
    value, shortfall = map(Fraction, text.split(" "))
    return Known(micros or 0, value, shortfall_micros or 0, shortfall)


def periods_of(
    messages: Sequence[bytes], book: Book, closed: Mapping[BookName, str]
) -> list[Accrual]:
    """What each series of some books has come to."""
    return [
        _accrual(line, line.amount_micros, book, closed)
        for lines in lines_of(messages)
        for line in lines
    ]


def _accrual(
    line: Line, amount_micros: int | None, book: Book, closed: Mapping[BookName, str]
) -> Accrual:
    row, series = line.row, line.row.series
    invariant(amount_micros is not None, "every row has an amount", series=series, hour=line.hour)
    return Accrual(
        series=series,
        terms=book.terms(series),
        hour=line.hour,
        events=row.events,
        quantity=row.quantity,
        amount_micros=amount_micros or 0,
        shortfall_micros=line.shortfall_micros,
        statement=closed.get((series.agreement, series.booked)),
        has_amount=line.hour is None or book.terms(series).item.measure is None,
    )


def hours_of(
    messages: Sequence[bytes], booked: str, book: Book, closed: Mapping[BookName, str]
) -> list[Accrual]:
    """What each series of one agreement has come to in each hour of one booked period.

    Args:
        messages: hours of the period, and of earlier ones of which usage is booked in it.
        booked: the period.
        book: the agreements' terms.
        closed: statement numbers of closed periods.
    """
    lines = [line for found in lines_of(messages) for line in found]
    volumes: dict[Volume, list[Line]] = {}
    apart: dict[Series, list[Line]] = {}
    for line in lines:
        series = line.row.series
        for volume in {volume_of(series, book.terms(series)), *book.counters(series)}:
            volumes.setdefault(volume, []).append(line)
        if series.booked == booked:
            apart.setdefault(series, []).append(line)
    found = []
    for series, own in apart.items():
        own.sort(key=_hour)
        terms = book.terms(series)
        running = _running(book, own, volumes[volume_of(series, terms)])
        before = 0
        for line, after in zip(own, running, strict=True):
            found.append(_accrual(line, after - before, book, closed))
            before = after
    return found


def _hour(line: Line) -> int:
    invariant(line.hour is not None, "an hour's message names its hour", series=line.row.series)
    return line.hour or 0


def _running(book: Book, own: Sequence[Line], siblings: Sequence[Line]) -> Iterator[int]:
    """What a series is worth after each of its hours, in micros."""
    terms = book.terms(own[0].row.series)
    if terms.item.measure is not None:
        yield from (0 for _ in own)  # an hour of a measure is worth nothing by itself
        return
    if terms.tiered:
        yield from _running_tiers(book, own, siblings)
        return
    charge_micros = residue = 0
    for line in own:
        charge_micros += line.row.charge_micros
        residue += line.row.residue
        if terms.direct:
            yield charge_micros
        else:
            yield _round(terms, exact(terms, charge_micros, residue))


def _round(terms: Terms, value: Fraction) -> int:
    """A running amount as it is shown: a sum that the statement rounds is not rounded before."""
    if terms.version.rounding_place is RoundingPlace.STATEMENT:
        return shown(value)
    return round_amount(terms, value)


class _Curve:
    """F along the hours of one series: what its volume costs on top of the volume below it."""

    def __init__(self, terms: Terms, series: Series, lines: Iterable[Line]) -> None:
        self._pricing = pricing_of(terms, series.original)
        self._below: dict[str, Row] = {}
        self._own: dict[str, Row] = {}
        self._hours: list[Line] = []
        for line in lines:
            if place_of(line.row.series) < place_of(series):
                _put(self._below, line.row)
            elif place_of(line.row.series) == place_of(series):
                self._hours.append(line)
        self._hours.sort(key=_hour, reverse=True)

    def after(self, hour: int) -> Fraction:
        """The cost up to an hour inclusive; hours are asked for in order."""
        while self._hours and _hour(self._hours[-1]) <= hour:
            _put(self._own, self._hours.pop().row)
        below = list(self._below.values())
        top = [*below, *self._own.values()]
        return self._pricing.exact(top) - self._pricing.exact(below)


def _put(sums: dict[str, Row], row: Row) -> None:
    """Add a row to the sums of its item, as far as a price by tiers looks at them."""
    have = sums.get(row.series.item)
    events, quantity = (0, 0) if have is None else (have.events, have.quantity)
    sums[row.series.item] = Row(row.series, events + row.events, quantity + row.quantity, 0, 0)


def _running_tiers(book: Book, own: Sequence[Line], siblings: Sequence[Line]) -> Iterator[int]:
    """The same where money depends on the volume of the whole original period.

    As in the period's amount: with everything booked up to this period, less what was booked
    before. The last hour takes what is left, so that hours add up to the period whatever was
    booked before.
    """
    series = own[0].row.series
    terms = book.terms(series)
    with_own = [s for s in siblings if s.row.series.booked <= series.booked]
    earlier = [s for s in siblings if s.row.series.booked < series.booked]
    now, before = (_Curve(terms, series, lines) for lines in (with_own, earlier))
    for line in own[:-1]:
        after_now, after_before = now.after(_hour(line)), before.after(_hour(line))
        if terms.version.rounding_place is RoundingPlace.STATEMENT:
            yield shown(after_now - after_before)
        else:
            yield round_amount(terms, after_now) - round_amount(terms, after_before)
    yield worth(_whole(series, own), _wholes(book, series, siblings), book).micros


def _whole(series: Series, lines: Sequence[Line]) -> Row:
    """The row of a period from those of its hours."""
    events = sum(line.row.events for line in lines)
    quantity = sum(line.row.quantity for line in lines)
    return Row(series, events, quantity, 0, 0)


def _wholes(book: Book, series: Series, siblings: Sequence[Line]) -> list[Row]:
    """The rows of periods on one volume from those of their hours.

    What is owed without usage has a row of its period too, though no hour.
    """
    apart: dict[Series, list[Line]] = {}
    for line in siblings:
        apart.setdefault(line.row.series, []).append(line)
    for standing in book.standing(series.agreement, series.original):
        if standing.item == series.item:
            apart.setdefault(standing, [])
    return [_whole(of, lines) for of, lines in apart.items()]


def with_hours(lines: Sequence[Line], messages: Sequence[bytes]) -> list[Line]:
    """Rows of periods with what each has in its hours, for deals by the hour.

    Args:
        lines: rows of periods.
        messages: hours of their books.
    """
    hours: dict[Series, list[HourSums]] = {}
    for found in lines_of(messages):
        for line in found:
            row = line.row
            figures = (row.events, row.quantity, row.charge_micros, row.residue)
            hours.setdefault(row.series, []).append(HourSums(_hour(line), *figures))
    return [
        line._replace(row=replace(line.row, hours=(*hours.get(line.row.series, ()),)))
        for line in lines
    ]


def totals_of(
    lines: Sequence[Line],
    siblings: Sequence[Line],
    book: Book,
    statement: str | None,
    changed: int,
    facts: Facts = NO_FACTS,
) -> tuple[Total, ...]:
    """What a book is worth in each currency, as its statement would say now.

    Args:
        lines: the rows of the period.
        siblings: rows of earlier periods of the agreement, whose volumes tiers may stand on.
        book: the agreements' terms.
        statement: the number of the statement, once there is one.
        changed: the counter of the book's last change.
        facts: rates that earlier statements have frozen.
    """
    sums: dict[str, list[int]] = {}
    payments: dict[str, Mapping[str, Any]] = {}
    drafted = bool(lines) and is_paid_otherwise(book.versions(lines[0].row.series.agreement))
    for row, _, amount_micros, shortfall_micros in lines:
        terms = book.terms(row.series)
        drafted = drafted or terms.version.rounding_place is RoundingPlace.STATEMENT
        found = sums.setdefault(row.series.currency, [0, 0, 0])
        found[0] += row.events
        found[2 if terms.payable else 1] += (amount_micros or 0) + shortfall_micros
    if drafted:
        for total in _drafted(lines, siblings, book, facts):
            payments[total["currency"]] = payment_of(total)
            flows = (total["receivable"], total["payable"])
            sums[total["currency"]][1:] = [parse_decimal(f, MICROS_DECIMALS) for f in flows]
    return tuple(
        Total(
            partner=terms.partner,
            agreement=row.series.agreement,
            model=terms.model,
            period=row.series.booked,
            currency=currency,
            events=events,
            receivable_micros=receivable,
            payable_micros=payable,
            statement=statement,
            changed=changed,
            payment=payments.get(currency) or NO_PAYMENT,
        )
        for currency, (events, receivable, payable) in sorted(sums.items())
    )


def as_issued(totals: Sequence[Total], issued: Sequence[Mapping[str, Any]]) -> tuple[Total, ...]:
    """Totals of a closed book, with tax and settlement as its statement has them."""
    said = {total["currency"]: payment_of(total) for total in issued}
    return tuple(t._replace(payment=said.get(t.currency) or NO_PAYMENT) for t in totals)


def _drafted(
    lines: Sequence[Line], siblings: Sequence[Line], book: Book, facts: Facts
) -> list[Document]:
    """Totals rounded once, from exact sums."""
    beside = gathered((line.row for line in (*siblings, *lines)), book)
    totals: list[Document] = draft([line.row for line in lines], beside, book, facts)["totals"]
    return totals
