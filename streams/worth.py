"""Worth: what a period's row is worth now, from all rows on the same counter.

A *counter* is the set of rows whose volume one price runs along: an item's in a period, or in a
span of several, over the versions that count alike, whatever period each row is booked in. With F
the curve of a version, a row is worth F(where its volume ends) - F(where it begins), by everything
booked up to its booked period, less the same by what was booked before. Each end is rounded for
itself, so amounts telescope: whatever was used when and booked when, all rows together are F of the
whole.

What the period owes by itself belongs to the last version in force, of a span in its last period: a
flat amount on zero usage, and the *shortfall*, by which a commitment is missed. The shortfall is a
second figure. It is what the end of the period would add if it came now: F(what was committed) -
F(what was used).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from schemas.codes import RoundingPlace
from schemas.money import MICROS
from state.curves import PARTS, Exact, Part
from streams.accrual import Book, Duty, Row, Volume, owed, place_of
from streams.allowance import Freed
from streams.deals import Stated, StatedOf, added_up, stands_at, steps_at
from streams.measures import MeasuredPricing, Value
from streams.pricings import Pricing, SumPricing, pricing_of
from streams.relief import comes_to, first_of
from streams.terms import Terms, exact, round_amount, shown

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
    if row.known is not None:
        return Worth(*row.known)
    if terms.direct:
        return Worth(row.charge_micros, exact(terms, row.charge_micros, row.residue))
    statement = terms.version.rounding_place is RoundingPlace.STATEMENT
    if terms.item.deal is not None:
        return _deal(row, beside, book)
    if terms.item.allowance is not None:
        return _allowed(row, beside, terms)
    if not terms.tiered:
        value = exact(terms, row.charge_micros, row.residue)
        return Worth(shown(value) if statement else round_amount(terms, value), value)
    pricing, duty = pricing_of(terms, row.series.original), book.duty(row.series)
    (now, due_now), (before, due_before) = (
        _comes_to(pricing, duty, row, rows) for rows in _moments(row, beside)
    )
    value, shortfall = now - before, (due_now - now) - (due_before - before)
    if statement:
        return Worth(shown(value), value, shown(shortfall), shortfall)
    # Both figures of a moment are rounded so that together they are what is due, rounded once.
    micros = round_amount(terms, now) - round_amount(terms, before)
    due = round_amount(terms, due_now) - round_amount(terms, due_before)
    return Worth(micros, value, due - micros, shortfall)


def _allowed(row: Row, beside: Sequence[Row], terms: Terms) -> Worth:
    """What a row is worth of which the first events of the period are free."""
    now, before = (comes_to(rows, terms) for rows in _moments(row, beside))
    value = now.exact - before.exact
    match terms.version.rounding_place:
        case RoundingPlace.RECORD:
            return Worth(now.micros - before.micros, value)
        case RoundingPlace.LINE:
            return Worth(round_amount(terms, now.exact) - round_amount(terms, before.exact), value)
    return Worth(shown(value), value)


def allowed(row: Row, beside: Sequence[Row], terms: Terms) -> list[Freed]:
    """The events that are free on a row's counter, by everything booked up to its period."""
    return first_of(_moments(row, beside)[0], terms)


def gathered(rows: Iterable[Row], book: Book) -> dict[Volume, list[Row]]:
    """Rows by all the counters that they lie on."""
    found: dict[Volume, list[Row]] = {}
    for row in rows:
        for counter in book.counters(row.series):
            found.setdefault(counter, []).append(row)
    return found


def _deal(row: Row, beside: Sequence[Row], book: Book) -> Worth:
    """What the row of a deal is worth, from all rows of its agreement and period or span."""
    stated = _stated(beside, book)
    now, before = (stands_at(row, rows, stated, book) for rows in _moments(row, beside))
    value = now.accrued - before.accrued
    shortfall = now.due - before.due - value
    return Worth(shown(value), value, shown(shortfall), shortfall)


def _stated(beside: Sequence[Row], book: Book) -> StatedOf:
    """What each row of an agreement and original period is stated to come to."""
    apart = gathered(beside, book)

    def stated(member: Row) -> Stated:
        """By itself: of a deal, too."""
        counter = book.counter(member.series)
        found = worth(member, (member,) if counter is None else apart[counter], book)
        if book.terms(member.series).version.rounding_place is RoundingPlace.STATEMENT:
            return Stated(found.value, found.value + found.shortfall)
        due = found.micros + found.shortfall_micros
        return Stated(Fraction(found.micros, MICROS), Fraction(due, MICROS))

    return stated


def parts(row: Row, beside: Sequence[Row], book: Book) -> list[Part]:
    """What the value of a row under tiers is made of, tier by tier; the parts add up to it.

    Those of a deal add up to what it asks for, before that is rounded.
    """
    terms = book.terms(row.series)
    if terms.item.deal is not None:
        stated = _stated(beside, book)
        now, before = (steps_at(row, rows, stated, book) for rows in _moments(row, beside))
        return added_up(now, before)
    pricing, duty = pricing_of(terms, row.series.original), book.duty(row.series)
    sums: dict[tuple[int, int], Part] = {}
    for sign, rows in zip((1, -1), _moments(row, beside), strict=True):
        for each, found in _ends(pricing, duty, row, rows):
            for part in found:
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


def measured(row: Row, beside: Sequence[Row], book: Book) -> Exact:
    """What is priced of that quantity: itself, or what its measure comes to."""
    pricing = pricing_of(book.terms(row.series), row.series.original)
    if not isinstance(pricing, MeasuredPricing | SumPricing):
        return used(row, beside)
    return pricing.measured(_moments(row, beside)[0])


def values(row: Row, beside: Sequence[Row], book: Book) -> list[Value]:
    """What the measure of a row under tiers comes to, by everything booked up to its period."""
    pricing = pricing_of(book.terms(row.series), row.series.original)
    rows = _split(row, _moments(row, beside)[0])[1]
    return pricing.values(rows) if isinstance(pricing, MeasuredPricing) else []


def _moments(row: Row, beside: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The rows booked up to and with a row's booked period, and those booked before it."""
    booked = row.series.booked
    before = [r for r in beside if r.series.booked < booked]
    return [*before, *(r for r in beside if r.series.booked == booked)], before


def _split(row: Row, rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The rows that lie below a row's place on its counter, and those up to and with it.

    Versions follow one another in time: an earlier version's volume lies below a later one's, and
    so does an earlier period's where tiers go on over several.
    """
    place = place_of(row.series)
    below = [r for r in rows if place_of(r.series) < place]
    return below, [*below, *(r for r in rows if place_of(r.series) == place)]


def _ends(
    pricing: Pricing, duty: Duty | None, row: Row, rows: Sequence[Row]
) -> Iterator[tuple[int, tuple[Part, ...]]]:
    """The parts which, with these signs, make the value of a version's volume by some rows.

    Nothing is due for nothing, but where the whole counter is at zero and its version says so.
    """
    if not rows:
        return
    below, upto = _split(row, rows)
    yield 1, pricing.parts(upto)
    yield -1, pricing.parts(below)
    if owed(duty, row.series, rows) is not None:
        yield 1, pricing.on_zero(rows)


def _comes_to(
    pricing: Pricing, duty: Duty | None, row: Row, rows: Sequence[Row]
) -> tuple[Fraction, Fraction]:
    """What a version's volume comes to by some rows: what has accrued, and what is due."""
    if not rows:
        return ZERO, ZERO
    below, upto = _split(row, rows)
    value = pricing.exact(upto) - pricing.exact(below)
    duty = owed(duty, row.series, rows)
    if duty is None:
        return value, value
    value += sum((part.amount for part in pricing.on_zero(rows)), ZERO)
    return value, value + (pricing.missed(rows, duty.at_least) if duty.at_least else ZERO)
