"""Worth: what a period's row is worth now, from all rows on the same counter.

A *counter* is the set of rows whose volume one price runs along: an item's in a period, over the
versions that count alike, whatever period each row is booked in. With F the curve of a version, a
row is worth F(where its volume ends) - F(where it begins), by everything booked up to its booked
period, less the same by what was booked before. Each end is rounded for itself, so amounts
telescope: whatever was used when and booked when, all rows together are F of the whole.

What the period owes by itself belongs to the last version in force: a flat amount on zero usage,
and the *shortfall*, by which a commitment is missed. The shortfall is a second figure. It is what
the end of the period would add if it came now: F(what was committed) - F(what was used).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from schemas.codes import RoundingPlace
from schemas.money import MICROS
from state.curves import PARTS, Curve, Exact, Part
from streams.accrual import Book, Duty, Row, Volume, exact, round_amount, shown
from streams.deals import Stated, stands_at

ZERO = Fraction(0)


@dataclass(frozen=True)
class Worth:
    """What a row is worth: accrued and shortfall, in micros as shown or stated, and exactly.

    With rounding per statement the micros are for display only; the statement rounds exact sums.
    """

    micros: int
    value: Fraction
    shortfall_micros: int = 0
    shortfall: Fraction = ZERO


def worth(row: Row, beside: Sequence[Row], book: Book) -> Worth:
    """What a period row is worth.

    Args:
        row: the row.
        beside: all rows on its counter (`Book.counter`), itself included, in whatever version and
            booked period; anything where it has none.
        book: the agreements' terms.
    """
    terms = book.terms(row.series)
    if terms.direct:
        return Worth(row.charge_micros, exact(terms, row.charge_micros, row.residue))
    statement = terms.version.rounding_place is RoundingPlace.STATEMENT
    if terms.item.deal is not None:
        return _deal(row, beside, book)
    if not terms.tiered:
        value = exact(terms, row.charge_micros, row.residue)
        return Worth(shown(value) if statement else round_amount(terms, value), value)
    duty = book.duty(row.series)
    (now, due_now), (before, due_before) = (
        _comes_to(terms.curve, duty, row.series.version, rows) for rows in _moments(row, beside)
    )
    value, shortfall = now - before, (due_now - now) - (due_before - before)
    if statement:
        return Worth(shown(value), value, shown(shortfall), shortfall)
    # Both figures of a moment are rounded so that together they are what is due, rounded once.
    micros = round_amount(terms, now) - round_amount(terms, before)
    due = round_amount(terms, due_now) - round_amount(terms, due_before)
    return Worth(micros, value, due - micros, shortfall)


def gathered(rows: Iterable[Row], book: Book) -> dict[Volume, list[Row]]:
    """Rows by all the counters that they lie on."""
    found: dict[Volume, list[Row]] = {}
    for row in rows:
        for counter in book.counters(row.series):
            found.setdefault(counter, []).append(row)
    return found


def _deal(row: Row, beside: Sequence[Row], book: Book) -> Worth:
    """What the row of a deal is worth, from all rows of its agreement and original period."""
    apart = gathered(beside, book)

    def stated(member: Row) -> Stated:
        counter = book.counter(member.series)
        found = worth(member, (member,) if counter is None else apart[counter], book)
        if book.terms(member.series).version.rounding_place is RoundingPlace.STATEMENT:
            return Stated(found.value, found.value + found.shortfall)
        due = found.micros + found.shortfall_micros
        return Stated(Fraction(found.micros, MICROS), Fraction(due, MICROS))

    now, before = (stands_at(row, rows, stated, book) for rows in _moments(row, beside))
    value = now.accrued - before.accrued
    shortfall = now.due - before.due - value
    return Worth(shown(value), value, shown(shortfall), shortfall)


def parts(row: Row, beside: Sequence[Row], book: Book) -> list[Part]:
    """What the value of a row under tiers is made of, tier by tier; the parts add up to it."""
    terms = book.terms(row.series)
    curve, duty = terms.curve, book.duty(row.series)
    sums: dict[tuple[int, int], Part] = {}
    for sign, rows in zip((1, -1), _moments(row, beside), strict=True):
        for each, quantity in _ends(curve, duty, row.series.version, rows):
            for part in curve.parts(quantity):
                key = (part.tier, PARTS.index(part.what))
                have = sums.get(key, Part(part.tier, part.what, 0, ZERO))
                sums[key] = have._replace(
                    quantity=have.quantity + sign * each * part.quantity,
                    amount=have.amount + sign * each * part.amount,
                )
    return [part for _, part in sorted(sums.items()) if part.quantity or part.amount]


def used(row: Row, beside: Sequence[Row]) -> int:
    """The quantity on the counter of a row, by everything booked up to its booked period."""
    return sum(r.quantity for r in _moments(row, beside)[0])


def _moments(row: Row, beside: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The rows booked up to and with a row's booked period, and those booked before it."""
    booked = row.series.booked
    before = [r for r in beside if r.series.booked < booked]
    return [*before, *(r for r in beside if r.series.booked == booked)], before


def _ends(
    curve: Curve, duty: Duty | None, version: int, rows: Sequence[Row]
) -> Iterator[tuple[int, Exact]]:
    """The quantities whose F, with these signs, makes the value of a version's volume.

    Versions follow one another in time: an earlier version's volume lies below a later one's.
    Nothing is of F at nothing, but where the whole counter is at zero and its version says so.
    """
    if not rows:
        return
    below = sum(r.quantity for r in rows if r.series.version < version)
    upto = below + sum(r.quantity for r in rows if r.series.version == version)
    if upto:
        yield 1, upto
    if below:
        yield -1, below
    if duty is not None and curve.flat_on_zero and not sum(r.quantity for r in rows):
        yield 1, 0


def _comes_to(
    curve: Curve, duty: Duty | None, version: int, rows: Sequence[Row]
) -> tuple[Fraction, Fraction]:
    """What a version's volume comes to by some rows: what has accrued, and what is due."""
    ends = _ends(curve, duty, version, rows)
    value = sum((sign * curve.exact(quantity) for sign, quantity in ends), ZERO)
    if duty is None or not duty.at_least or not rows:
        return value, value
    total = sum(r.quantity for r in rows)
    missed = curve.exact(duty.at_least) - curve.exact(total) if total < duty.at_least else ZERO
    return value, value + missed
