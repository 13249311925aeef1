"""Amendment: what it would come to if settled usage had been settled by other terms from the start.

Terms that reach back over rated usage (a price, a validity, an attribution key that moves to
another agreement in the past) change what partners owe each other. Before anybody agrees to that,
it is worked out: all usage is settled twice (`ops/replay.py`), once by the references that were in
force for it and once by the candidate, and one taken from the other is the effect, by partner,
agreement, version, item, line and period of the usage. So an effect is exact to the residue, it
covers every way of pricing, and effects telescope: from one reference to a second and back is
nothing.

A period that is closed stays as it was stated. What changes of its usage would be an adjustment in
the first period after it that is open. Nothing is changed by asking.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from ops.amended import amendments, last_of
from ops.amendment_terms import changes
from ops.course import course
from ops.replay import Replay, Settled, Total
from ops.verify_log import InForce, ReadTopics, read_found
from schemas.money import MICROS
from schemas.reference import Reference, load
from schemas.topics import COMMANDS
from state.tables import Tables, build
from streams.accrual import Book, Row
from streams.contribution import Series
from streams.worth import Worth

FindReference = Callable[[str], Path]
Closed = Collection[tuple[str, str]]  # agreement, period


class Line(NamedTuple):
    """What effects are told apart by: `original` is the period of the usage.

    Item, currency, flow and unit are those of the terms, so where one of these differs between two
    references there are two lines, one with less and one with more.
    """

    partner: str
    agreement: str
    version: int
    item: str
    line: str
    flow: str
    currency: str
    unit: str
    original: str


class Change(NamedTuple):
    """By how much a line differs: `exact` is that of amount and shortfall together, unrounded.

    Amounts are millionths of the currency, in the direction that the line's flow says.
    """

    events: int = 0
    quantity: int = 0
    amount_micros: int = 0
    shortfall_micros: int = 0
    exact: Fraction = Fraction(0)

    def plus(self, row: Row, found: Worth, sign: int) -> Change:
        """With a row more (1) or less (-1)."""
        return Change(
            self.events + sign * row.events,
            self.quantity + sign * row.quantity,
            self.amount_micros + sign * found.micros,
            self.shortfall_micros + sign * found.shortfall_micros,
            self.exact + sign * (found.value + found.shortfall),
        )


@dataclass(frozen=True)
class Effect:
    """One line's change; `booked` is the period it counts in: not `original` if adjusted."""

    line: Line
    change: Change
    booked: str

    @property
    def is_adjustment(self) -> bool:
        """Whether the period of the usage is closed."""
        return self.booked != self.line.original


class TotalChange(NamedTuple):
    """What a draft of a period of usage says before and after, in millionths of a currency."""

    partner: str
    agreement: str
    original: str
    booked: str
    currency: str
    flow: str
    before_micros: int
    after_micros: int

    @property
    def change_micros(self) -> int:
        """By how much the total differs."""
        return self.after_micros - self.before_micros


class OutcomeChange(NamedTuple):
    """How many events have an outcome and reason, before and after."""

    outcome: str
    reason: str
    before: int
    after: int


class Waiting(NamedTuple):
    """Events that would no longer be suspended, by the reason they are, or would be from then on.

    Those that would wait for another reason are in both.
    """

    leaving: Mapping[str, int]
    coming: Mapping[str, int]


@dataclass(frozen=True)
class Preview:
    """What a candidate would change, and what differs in its terms."""

    before_id: str
    after_id: str
    changes: Sequence[str]
    effects: Sequence[Effect]
    totals: Sequence[TotalChange]
    outcomes: Sequence[OutcomeChange]
    waiting: Waiting

    @property
    def is_nothing(self) -> bool:
        """Whether everything stays as it is."""
        return not (self.effects or self.totals or self.outcomes or any(self.waiting))


@dataclass(frozen=True)
class Compared:
    """All usage settled twice, by the terms it was settled by and by a candidate."""

    known: Reference
    given: Reference
    before: Settled
    after: Settled
    closed: Closed

    def preview(self) -> Preview:
        """What differs."""
        sides = self.before, self.after
        return Preview(
            self.known.reference_id,
            self.given.reference_id,
            list(changes(self.known, self.given)),
            effects(*sides, self.closed),
            totals(*sides, self.closed),
            outcomes(*sides),
            waiting(*sides),
        )


def preview(
    read: ReadTopics,
    reference_of: FindReference,
    current: str,
    candidate: Path,
    usage_partitions: int,
) -> Preview:
    """What a candidate would change; arguments and errors are those of `compare`."""
    return compare(read, reference_of, current, candidate, usage_partitions).preview()


def compare(
    read: ReadTopics,
    reference_of: FindReference,
    current: str,
    candidate: Path,
    usage_partitions: int,
) -> Compared:
    """Settle all usage twice.

    Args:
        read: reads topics of the log, as of one commit a call.
        reference_of: finds the files of a reference that was settled by, by its id.
        current: the id of the one in force.
        candidate: the directory of the other terms.
        usage_partitions: how many partitions `usage.v1` has.

    Raises:
        InvalidReferenceError: the candidate cannot be used.
        Exception: what `reference_of` raises when files are not there.
    """
    given = load(candidate)
    closed = read_found(read).closed.keys()
    known = load(reference_of(current))
    by_id: dict[str, Tables] = {current: build(known)}
    tables = build(given)
    with Replay(by_id[current], usage_partitions) as old, Replay(tables, usage_partitions) as new:
        amended = last_of(amendments(read))
        for reference_id, segment in amended.over(course(read, InForce(read))):
            if reference_id not in by_id:
                by_id[reference_id] = build(load(reference_of(reference_id)))
            old.use(by_id[reference_id])
            old.settle(segment)
            new.settle(segment)
        old.use(by_id[current])
        for segment in read([COMMANDS.name]):
            old.declare(segment)
            new.declare(segment)
        before, after = old.settled(), new.settled()
    return Compared(known, given, before, after, closed)


def effects(before: Settled, after: Settled, closed: Closed) -> list[Effect]:
    """What each line comes to after, less what it came to before, where that is anything.

    Args:
        before: what usage was settled to.
        after: what the same usage would be settled to.
        closed: the agreements' periods that have a statement.
    """
    found: dict[Line, Change] = {}
    of: dict[Line, Series] = {}
    for sign, settled in ((-1, before), (1, after)):
        for series, (row, worth) in settled.rows.items():
            line = line_of(series, settled.book)
            found[line] = found.get(line, Change()).plus(row, worth, sign)
            of[line] = series
    return [
        Effect(line, change, booked(of[line], closed, after.book, before.book))
        for line, change in sorted(found.items())
        if change != Change()
    ]


def line_of(series: Series, book: Book) -> Line:
    """The line that a row counts in under some terms."""
    terms = book.terms(series)
    return Line(
        terms.partner,
        series.agreement,
        series.version,
        series.item,
        series.line,
        terms.item.flow.label,
        series.currency,
        terms.item.quantity.label,
        series.original,
    )


def booked(series: Series, closed: Closed, *books: Book) -> str:
    """Where a change of a row's usage would be booked, by the first terms that know such a row."""
    for book in books:
        try:
            return book.open_period(series, closed)
        except (KeyError, ValueError):  # no such version, or it has no period of this name
            continue
    return series.original


def totals(before: Settled, after: Settled, closed: Closed) -> list[TotalChange]:
    """The totals of drafts that differ, by agreement, period of the usage, currency and flow."""
    sides = [dict(_flows(s)) for s in (before, after)]
    found = []
    for key in sorted(sides[0].keys() | sides[1].keys()):
        partner, agreement, original, currency, flow = key
        was, is_now = (side.get(key, 0) for side in sides)
        if was != is_now:
            at = _draft_booked(agreement, original, closed, after, before)
            change = TotalChange(partner, agreement, original, at, currency, flow, was, is_now)
            found.append(change)
    return found


def _draft_booked(agreement: str, original: str, closed: Closed, *settled: Settled) -> str:
    """Where what changes of an agreement's period would be booked, at the latest."""
    return max(
        (
            booked(series, closed, *(s.book for s in settled))
            for one in settled
            for series in one.rows
            if (series.agreement, series.original) == (agreement, original)
        ),
        default=original,
    )


def _flows(settled: Settled) -> Iterator[tuple[tuple[str, str, str, str, str], int]]:
    """The totals of all drafts: partner, agreement, period, currency and flow; and micros."""
    partners = {s.agreement: settled.book.terms(s).partner for s in settled.rows}
    for (agreement, period), documents in settled.totals.items():
        for total in documents:
            for flow in ("receivable", "payable"):
                key = (partners[agreement], agreement, period, str(total["currency"]), flow)
                yield key, _micros(total, flow)


def _micros(total: Total, flow: str) -> int:
    """A figure of a draft, which is exact to the millionth, as an integer."""
    return int(Fraction(total[flow]) * MICROS)


def outcomes(before: Settled, after: Settled) -> list[OutcomeChange]:
    """The outcomes that other numbers of events would have."""
    keys = sorted(before.outcomes.keys() | after.outcomes.keys())
    counts = ((*key, before.outcomes.get(key, 0), after.outcomes.get(key, 0)) for key in keys)
    return [OutcomeChange(*count) for count in counts if count[2] != count[3]]


def waiting(before: Settled, after: Settled) -> Waiting:
    """Which suspended events would no longer wait, and which would wait then, by reason."""
    sides = [{key: reason.label for key, reason in s.waiting.items()} for s in (before, after)]
    leaving = _counted(sides[0].items() - sides[1].items())
    return Waiting(leaving, _counted(sides[1].items() - sides[0].items()))


def _counted(found: Collection[tuple[str, str]]) -> dict[str, int]:
    reasons = sorted(reason for _, reason in found)
    return {reason: reasons.count(reason) for reason in dict.fromkeys(reasons)}
