"""Deals: what a period's rows come to together, less what they come to by themselves.

A deal has a row in each book that it bears on, without usage of its own. Its worth is a function of
the rows it is over, which lie in the same partition: by everything booked up to some moment, the
deal asks for something (`streams/deal_prices.py`). Where it replaces what its members come to, as
bounds do, it is worth that less what those are stated to come to, S. What a minimum or a commitment
adds at the end is its shortfall. What is asked for is rounded, and S is taken as stated, so items
and deal together are the rounded amount. What was booked in earlier periods is taken off, so that
deals telescope as tiers do; and so is what earlier versions of a deal that counts alike, or earlier
periods of one that goes on over several, asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from schemas.codes import RoundingPlace
from schemas.money import MICROS
from schemas.terms_chosen import EVENTS
from state.curves import PARTS, Part
from state.deals import DealTerms
from streams.accrual import Book, HourSums, Row, owed, place_of
from streams.deal_prices import ZERO, Asked, Hour, Members
from streams.terms import Terms, exact, round_amount

ONE_WAY = (1, -1)


class Stated(NamedTuple):
    """What a row, or several, come to in currency units: accrued, and due if the period ended."""

    accrued: Fraction
    due: Fraction


NOTHING = Stated(ZERO, ZERO)
StatedOf = Callable[[Row], Stated]


@dataclass
class _Sums:
    """Figures of a deal's members that are being added up."""

    accrued: Fraction = ZERO
    due: Fraction = ZERO
    events: int = 0
    chosen: int = 0
    quantities: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    hours: dict[int, Hour] = field(default_factory=dict)
    declared: int | None = None

    def members(self, later: frozenset[int] = frozenset()) -> Members:
        """The figures, as what a price looks at; `later` are hours that a later version has."""
        figures = (self.accrued, self.due, self.events, self.chosen, self.quantities, self.hours)
        return Members(*figures, later, self.declared)


def stands_at(row: Row, rows: Sequence[Row], stated: StatedOf, book: Book) -> Stated:
    """What the row of a deal comes to by some rows of its agreement and original period.

    Args:
        row: the deal's row.
        rows: everything booked up to some moment, of all periods that the deal goes on over and of
            all agreements that it joins; of nothing there is no deal yet.
        stated: what one of these rows is stated to come to.
        book: the agreements' terms.
    """
    terms, deal = book.terms(row.series), book.terms(row.series).item.deal
    if deal is None or not rows:
        return NOTHING
    asked = Asked(terms, deal, owed(book.duty(row.series), row.series, rows))
    if not deal.over:
        fee = _rounded(terms, asked.fee(row.series.original))
        return Stated(fee, fee)
    below, upto, own = _members(row, rows, stated, book)
    before = below.members()
    accrued = _rounded(terms, asked.at(upto)) - _rounded(terms, asked.before(before))
    due = _rounded(terms, asked.due(upto)) - _rounded(terms, asked.before(before, due=True))
    return Stated(accrued - own.accrued, due - own.due) if deal.replaces else Stated(accrued, due)


def steps_at(row: Row, rows: Sequence[Row], stated: StatedOf, book: Book) -> Iterator[Part]:
    """The parts of what a deal asks for by some rows, those of earlier versions with a minus."""
    terms, deal = book.terms(row.series), book.terms(row.series).item.deal
    if deal is None or not deal.over or not rows:
        return
    asked = Asked(terms, deal, owed(book.duty(row.series), row.series, rows))
    below, upto, _ = _members(row, rows, stated, book)
    yield from asked.parts(upto)
    for part in asked.parts_before(below.members()):
        yield part._replace(quantity=-part.quantity, amount=-part.amount)


def added_up(now: Iterator[Part], before: Iterator[Part]) -> list[Part]:
    """Parts of one moment less those of another, one for each tier and what it is."""
    sums: dict[tuple[int, int, str], Part] = {}
    for sign, parts in zip(ONE_WAY, (now, before), strict=True):
        for part in parts:
            place = PARTS.index(part.what) if part.what in PARTS else len(PARTS)
            key = (part.tier, place, part.what)
            have = sums.get(key, Part(part.tier, part.what, 0, ZERO))
            sums[key] = have._replace(
                quantity=have.quantity + sign * part.quantity,
                amount=have.amount + sign * part.amount,
            )
    return [part for _, part in sorted(sums.items()) if part.quantity or part.amount]


def _members(
    row: Row, rows: Sequence[Row], stated: StatedOf, book: Book
) -> tuple[_Sums, Members, _Sums]:
    """What a deal's members come to by earlier versions, up to and with its own, and in its own."""
    item, deal = book.terms(row.series).item, book.terms(row.series).item.deal
    below, upto, own = _Sums(), _Sums(), _Sums()
    later: set[int] = set()
    for member in rows:
        if deal is not None and deal.swap and member.series.item == deal.swap.declared_as:
            if member.series.agreement == row.series.agreement:
                upto.declared = (upto.declared or 0) + member.quantity
            continue
        seen = book.in_deal(row.series, member.series)
        like = None if seen is None else book.deal_like(seen, item)
        if like is None or deal is None or seen is None or seen.currency != row.series.currency:
            continue
        if place_of(seen) > place_of(row.series):
            if seen.item in like.over:
                later.update(hour.hour for hour in member.hours if hour.events)
            continue
        looked_at = _LookedAt(seen.item, like, deal)
        is_own = place_of(seen) == place_of(row.series)
        for sums in (upto, own if is_own else below):
            _add(sums, member, looked_at, stated, book)
    for hour in upto.hours:
        if not own.hours.get(hour, Hour(ZERO, 0)).events:
            later.add(hour)
    return below, upto.members(frozenset(later)), own


class _LookedAt(NamedTuple):
    """A row's item as the deal names it, and what the row's own version says of the deal."""

    name: str
    like: DealTerms
    deal: DealTerms


def _add(sums: _Sums, member: Row, looked_at: _LookedAt, stated: StatedOf, book: Book) -> None:
    """Add a row to what a deal looks at."""
    name, like, deal = looked_at
    if deal.chosen_by not in ("", EVENTS) and name == deal.chosen_by:
        sums.chosen += member.quantity
    if name not in like.over:
        return
    sums.events += member.events
    if deal.chosen_by == EVENTS:
        sums.chosen += member.events
    if deal.of_money:
        found = stated(member)
        sums.accrued += found.accrued
        sums.due += found.due
    else:
        sums.quantities[name] += member.quantity
    for hour in member.hours if deal.by_hour else ():
        have = sums.hours.get(hour.hour, Hour(ZERO, 0))
        amount = _of_hour(book.terms(member.series), hour) if deal.of_money else hour.quantity
        sums.hours[hour.hour] = Hour(have.amount + amount, have.events + hour.events)


def _of_hour(terms: Terms, hour: HourSums) -> Fraction:
    """The money of an hour: what records are rounded to, else exactly."""
    if terms.version.rounding_place is RoundingPlace.RECORD:
        return Fraction(hour.charge_micros)
    return exact(terms, hour.charge_micros, hour.residue) * MICROS


def _rounded(terms: Terms, value: Fraction) -> Fraction:
    """What is asked for, rounded unless the statement is what is rounded."""
    if terms.version.rounding_place is RoundingPlace.STATEMENT:
        return value
    return Fraction(round_amount(terms, value), MICROS)


def undeclared(row: Row, beside: Sequence[Row], terms: Terms) -> str:
    """Why the line of a swap is provisional; empty where it is not.

    Args:
        row: the line's row.
        beside: all rows on its counter.
        terms: the row's.
    """
    swap = None if terms.item.deal is None else terms.item.deal.swap
    if swap is None or not swap.declared_as:
        return ""
    upto = (r.series.item for r in beside if r.series.booked <= row.series.booked)
    if swap.declared_as in upto:
        return ""
    return f"{swap.declared_as} of {row.series.original} is not declared; our own figure stands in"
