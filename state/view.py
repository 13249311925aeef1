"""The view: what the API reads, a projection of committed accruals and statements.

The view follows `accruals.v1` and `statements.v1` of any log (and the rate hop's changelog for the
counts of outcomes) and answers from what it has taken in. Every answer carries a stamp: up to which
position of the log, as of which event time, after how many changes. Two answers of one position are
equal in every figure, and neither position nor as-of ever goes back. A view that has not caught up
with its log yet, or that holds nothing, says so: it never answers zero for what it does not know.

One thread feeds it (`apply`), any number of threads ask.
"""

from __future__ import annotations

import threading
from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from schemas.codes import RoundingPlace
from state.tables import AgreementInfo, Tables
from state.view_amounts import (
    as_issued,
    hours_of,
    lines_of,
    periods_of,
    totals_of,
    with_hours,
)
from state.view_answers import (
    Accrual,
    Accruals,
    BookName,
    Changes,
    Cursor,
    Readiness,
    Stamp,
    Statement,
    Total,
    Totals,
)
from state.view_store import Store
from streams.accrual import Book, begins
from streams.log import Segment
from streams.payment import is_paid_otherwise

__all__ = ["LIMIT_MAX", "Readiness", "Stamp", "View", "Window"]

Window = Literal["period", "hour"]
LIMIT_MAX = 1_000


class View:
    """The read model of one process."""

    topics = Store.topics

    def __init__(self, tables: Tables) -> None:
        """An empty view.

        Args:
            tables: reference, for partners, units and what hours under tiers are worth.
        """
        self._lock = threading.Lock()
        self._store = Store()
        self._facts = self._store.facts
        self._totals_lock = threading.Lock()
        self.use(tables)

    def use(self, tables: Tables) -> None:
        """Take another reference."""
        with self._totals_lock, self._lock:
            self._book = Book(tables)
            self._agreements = {info.name: info for info in tables.agreements}
            self.reference_id = tables.reference_id
            self.partner_names = frozenset(tables.partners)
            drafted = [
                v
                for v in tables.versions
                if v.rounding_place is RoundingPlace.STATEMENT or is_paid_otherwise([v])
            ]
            self._drafted = {tables.agreements[v.agreement].name for v in drafted}
            self._totals: dict[BookName, tuple[Total, ...]] = {}
            self._totals_counter = self._shape_counter = 0
            self._shown: list[BookName] = []

    @property
    def agreements(self) -> Mapping[str, AgreementInfo]:
        """The agreements of reference, by name."""
        return self._agreements

    def apply(self, segments: Sequence[Segment]) -> bool:
        """Take in committed messages; what was taken in before is passed over.

        Returns:
            Whether anything changed.
        """
        with self._lock:
            return self._store.apply(segments)

    def mark_caught_up(self) -> None:
        """Say that everything was read that was on the log when following it began."""
        with self._lock:
            self._store.caught_up = True

    @property
    def stamp(self) -> Stamp:
        """How far the view has come."""
        with self._lock:
            return self._store.stamp()

    @property
    def counter(self) -> int:
        """How often the view has changed; cheap enough to be asked all the time."""
        return self._store.counter

    def changes_since(self, counter: int) -> Changes:
        """Which books and statements are different from an earlier counter."""
        with self._lock:
            return self._store.changes_since(counter)

    def accruals(
        self,
        agreement: str | None = None,
        partner: str | None = None,
        period: str | None = None,
        by: Window = "period",
        after: Cursor | None = None,
        limit: int = LIMIT_MAX,
    ) -> Accruals:
        """Accruals in the order of `Accrual.key`.

        Args:
            agreement: of this agreement only.
            partner: of agreements with this partner only.
            period: booked in this period only.
            by: one accrual a period, or one an hour.
            after: the last answer's `after`, to go on from there.
            limit: how many at most.
        """
        with self._lock:
            # Everything is taken under the lock, so that all figures are of one position. A book
            # has a row at least, but all rows of the first one may lie before `after`.
            stamp = self._store.stamp()
            selected = self._selected(agreement, partner, period, after)
            books = selected[: limit + 2]
            totals = [self._store.total(name) for name in books]
            hours = self._hours(books, totals) if by == "hour" else {}
            closed = {n: self._store.closed[n] for n in books if n in self._store.closed}
            book = self._book
        groups = (
            (hours_of(messages, booked, book, closed) for (_, booked), messages in hours.items())
            if by == "hour"
            else iter([periods_of(totals, book, closed)])
        )
        found: list[Accrual] = []
        while len(found) <= limit and (group := next(groups, None)) is not None:
            found += sorted((a for a in group if after is None or a.key > after), key=_key)
        more = len(found) > limit or len(selected) > len(books)
        items = tuple(found[:limit])
        return Accruals(stamp, items, items[-1].key if more and items else None)

    def _selected(
        self, agreement: str | None, partner: str | None, period: str | None, after: Cursor | None
    ) -> list[BookName]:
        """The books that filters leave, in order, from the one on where a list goes on."""
        periods = self._store.periods
        if agreement is not None:
            names = [agreement] if agreement in periods else []
        else:
            names = sorted(periods)
        if partner is not None:
            names = [n for n in names if self._agreements[n].partner == partner]
        books = [(n, p) for n in names for p in sorted(periods[n]) if period in (None, p)]
        return books if after is None else [b for b in books if b >= after[:2]]

    def _hours(
        self, books: Sequence[BookName], totals: Sequence[bytes]
    ) -> dict[BookName, list[bytes]]:
        """The messages of hours that each book needs.

        Its own, and where usage under tiers comes to lie on the volume of earlier periods, as late
        usage does, also those of these periods.
        """
        found = {}
        for name, lines in zip(books, lines_of(totals), strict=True):
            agreement, booked = name
            tiered = (s for s in (line.row.series for line in lines) if self._book.terms(s).tiered)
            since = min((begins(s, self._book.terms(s)) for s in tiered), default=booked)
            needed = [p for p in self._store.periods[agreement] if since <= p < booked]
            found[name] = [
                message
                for period in (*needed, booked)
                for message in self._store.hours((agreement, period))
            ]
        return found

    def partners(self, agreement: str | None = None, partner: str | None = None) -> Totals:
        """What each agreement is worth now, in order of partner, agreement, period and currency.

        These are periods that are open; of an agreement without any, the one that closed last.
        """
        with self._totals_lock:
            with self._lock:
                stamp = self._store.stamp()
                outcomes: Tally[tuple[str, str]] = Tally()
                for counts in self._store.outcomes.values():
                    outcomes.update(counts)
                work = self._changed_totals()
            self._refresh(work, stamp.counter)
            items = tuple(
                total
                for name in self._shown
                for total in self._totals[name]
                if agreement in (None, total.agreement) and partner in (None, total.partner)
            )
            return Totals(stamp, items, dict(outcomes), self._shape_counter)

    def _changed_totals(self) -> list[_Work]:
        """What is needed to work out the totals that changed since they were last asked for."""
        work = []
        for name, changed in self._store.changed_books(self._totals_counter):
            agreement, period = name
            needed = self._needed(agreement, period) if agreement in self._drafted else []
            messages = [self._store.total(n) for n in (name, *needed)]
            hours: list[bytes] = []
            if agreement in self._drafted and self._book.by_hour(agreement):
                hours = [m for n in (name, *needed) for m in self._store.hours(n)]
            number = self._store.closed.get(name)
            issued = self._store.statements[number].head["totals"] if number else None
            work.append(_Work(name, changed, messages, hours, number, issued))
        return work

    def _needed(self, agreement: str, period: str) -> list[BookName]:
        """Other books with rows that those of a book may stand on, or be a deal over."""
        return [
            (member, p)
            for member in self._book.group(agreement)
            for p in self._store.periods.get(member, ())
            if p < period or (p == period and member != agreement)
        ]

    def _refresh(self, work: Sequence[_Work], counter: int) -> None:
        """Bring the totals up to a counter; the shape has changed when others are shown."""
        lines = iter(lines_of([m for w in work for m in w.messages if m]))
        reshaped = False
        for one in work:
            before = self._totals.pop(one.name, None)
            own, *earlier = (next(lines) if m else [] for m in one.messages)
            siblings = [line for found in earlier for line in found]
            if one.hours:
                own, siblings = with_hours(own, one.hours), with_hours(siblings, one.hours)
            after = totals_of(own, siblings, self._book, one.statement, one.changed, self._facts)
            if one.issued is not None:
                after = as_issued(after, one.issued)
            if after:
                self._totals[one.name] = after
            reshaped = reshaped or _is_open(before) is not _is_open(after)
        self._totals_counter = counter
        if reshaped:
            self._shown, self._shape_counter = self._select_shown(), counter

    def _select_shown(self) -> list[BookName]:
        """Books that are open, or else the last of their agreement, in order of partner."""
        latest: dict[str, str] = {}
        is_open: dict[BookName, bool | None] = {}
        for (agreement, period), totals in self._totals.items():
            is_open[(agreement, period)] = _is_open(totals)
            latest[agreement] = max(period, latest.get(agreement, ""))
        agreements_open = {agreement for (agreement, _), found in is_open.items() if found}
        shown = [
            (agreement, period)
            for (agreement, period), found in is_open.items()
            if found or (agreement not in agreements_open and latest[agreement] == period)
        ]
        return sorted(shown, key=lambda name: (self._totals[name][0].partner, name))

    def statements(
        self, agreement: str | None = None, partner: str | None = None, period: str | None = None
    ) -> tuple[Stamp, list[Statement]]:
        """Statements in order of their numbers."""
        with self._lock:
            stamp, found = self._store.stamp(), list(self._store.statements.values())
        chosen = [
            statement
            for statement in found
            if agreement in (None, statement.agreement)
            and partner in (None, statement.partner)
            and period in (None, statement.period)
        ]
        return stamp, sorted(chosen, key=lambda statement: statement.number)

    def statement(self, number: str) -> tuple[Stamp, Statement | None]:
        """One statement; None where no such number was issued."""
        with self._lock:
            return self._store.stamp(), self._store.statements.get(number)


@dataclass(frozen=True)
class _Work:
    """A book whose totals changed: its message, those of earlier periods, and its statement.

    `hours` are the messages of their hours, where a deal needs them for exact sums. `issued` has
    the totals of the statement.
    """

    name: BookName
    changed: int
    messages: Sequence[bytes]
    hours: Sequence[bytes]
    statement: str | None
    issued: Sequence[Mapping[str, Any]] | None = None


def _is_open(totals: Sequence[Total] | None) -> bool | None:
    """Whether a book is open; None where there is no book."""
    return totals[0].statement is None if totals else None


def _key(accrual: Accrual) -> Cursor:
    return accrual.key
