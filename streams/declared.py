"""Declared: a partner's figure beside ours, and whether the two are near enough.

A document shows both with their difference. Ours is what the lines of the item show for the period
that is declared, in this document and those before. Where the agreement has a tolerance, a
difference is *within* it or a *breach*: at most so many percent of our own figure (or of theirs),
at most an absolute distance, both or either as agreed. Equality is within. The tolerance is that of
the last version with the item which begins before the period ends. Ours for a figure that a swap
takes is what the items of that side have counted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import Any

from schemas.money import MICROS, MICROS_DECIMALS, NANOS, format_scaled
from schemas.payment import Tolerance
from schemas.prices import PERCENT_DECIMALS
from state.calendar import Periods
from streams.accrual import Book, Row, Volume
from streams.contribution import Series
from streams.facts import Declared, Facts, Which, is_newer, read_declaration
from streams.payment import ruling
from streams.statement import fraction_text
from streams.terms import Terms
from streams.worth import worth

Document = dict[str, Any]
FIGURE_MAX = 10**15  # of what a swap counts, so that sums fit


def item_terms(book: Book, agreement: str, version: int, item: str) -> Terms | None:
    """The terms of an item or deal in a version; None where the version has none of the name."""
    with suppress(KeyError):
        return book.terms(Series(agreement, version, item, "", "", "", ""))
    return None


def terms_of(book: Book, which: Which) -> Terms:
    """The terms by which a declared figure is understood.

    Raises:
        KeyError: no version of the agreement has such an item or deal.
    """
    versions = book.versions(which.agreement)
    found = [item_terms(book, which.agreement, v.version, which.item) for v in versions]
    having = {terms.version.version: terms for terms in found if terms is not None}
    if not having:
        msg = f"{which.agreement} has no item {which.item}"
        raise KeyError(msg)
    return having[ruling([terms.version for terms in having.values()], which.period).version]


def is_known(book: Book, which: Which) -> bool:
    """Whether the agreement still has what was declared: reference may have lost it unused."""
    versions = book.versions(which.agreement)
    return any(item_terms(book, which.agreement, v.version, which.item) for v in versions)


def declare(
    command: Mapping[str, Any], book: Book, closed: Collection[tuple[str, str]], known: Facts
) -> Facts:
    """What a command adds to what is known; nothing when a newer version is known.

    Args:
        command: agreement, period, item, version, and a quantity or an amount.
        book: the agreements' terms.
        closed: the agreements and periods that are closed.
        known: what was declared before.

    Raises:
        KeyError: there is no such item, or something is not said.
        TypeError: it is not made as declarations are.
        ValueError: there is no such period, a number is none, the version is known otherwise, or
            the agreement's partner is in test.
    """
    which, version, value = read_declaration(command)
    book.check_settled(which.agreement)
    terms = terms_of(book, which)
    if terms.item.figure_of:
        _check_figure(which, value)
    calendar = terms.version.periods
    index, label = calendar.parse(which.period), which.period
    found = Facts()
    if is_newer(known.known(which), version, value):
        while (which.agreement, label) in closed:
            index += 1
            label = calendar.label(index)
        found.declare(which, Declared(version, value, label))
    return found


def _check_figure(which: Which, value: str) -> None:
    """What a swap takes in place of our own quantity is one."""
    whole = value.isdigit() and int(value) <= FIGURE_MAX
    if which.figure != "quantity" or not whole:
        msg = f"{which.item} is a swap, which takes a whole quantity from 0 to {FIGURE_MAX}"
        raise ValueError(msg)


def own_figure(
    which: Which, rows: Sequence[Row], siblings: Mapping[Volume, Sequence[Row]], book: Book
) -> Fraction:
    """What we have for a declared figure.

    Args:
        which: what is declared.
        rows: of the agreement; those of other items or original periods are passed over, and
            so are those in another unit or currency.
        siblings: all rows on the counters of these.
        book: the agreements' terms.
    """
    asked = terms_of(book, which)
    ours = asked.item.figure_of or (which.item,)
    own = Fraction(0)
    for row in rows:
        terms = book.terms(row.series)
        if row.series.item not in ours or row.series.original != which.period:
            continue
        if which.figure == "quantity":
            own += row.quantity if terms.item.quantity is asked.item.quantity else 0
        elif row.series.currency == asked.version.currency:
            counter = book.counter(row.series)
            beside = (row,) if counter is None else siblings.get(counter, (row,))
            found = worth(row, beside, book)
            own += Fraction(found.micros + found.shortfall_micros, MICROS)
    return own


def periods_upto(calendar: Periods, first: str, last: str) -> list[str]:
    """The labels of periods from one to another, both included."""
    return [calendar.label(i) for i in range(calendar.parse(first), calendar.parse(last) + 1)]


def compared(which: Which, declared: Declared, own: Fraction, terms: Terms) -> Document:
    """A declared figure and our own, as documents show them."""
    value = Fraction(declared.value)
    is_amount = which.figure == "amount"
    unit = terms.version.currency if is_amount else terms.item.quantity.label
    found: Document = {
        "item": which.item,
        "original_period": which.period,
        "figure": which.figure,
        "unit": unit,
        "version": declared.version,
        "own": fraction_text(own),
        "declared": fraction_text(value),
        "difference": fraction_text(own - value),
    }
    if (tolerance := terms.version.tolerance) is not None:
        found["tolerance"] = _said(tolerance)
        found["result"] = "within" if is_within(tolerance, own, value) else "breach"
    return found


def is_within(tolerance: Tolerance, own: Fraction, declared: Fraction) -> bool:
    """Whether two figures are as near as the agreement asks."""
    apart = abs(own - declared)
    tests = []
    if tolerance.percent_nanos is not None:
        basis = own if tolerance.basis == "own" else declared
        tests.append(apart <= abs(basis) * Fraction(tolerance.percent_nanos, NANOS))
    if tolerance.absolute_micros is not None:
        tests.append(apart <= Fraction(tolerance.absolute_micros, MICROS))
    return any(tests) if tolerance.rule == "either" else all(tests)


def _said(tolerance: Tolerance) -> Document:
    """A tolerance as documents have it."""
    found: Document = {}
    if tolerance.percent_nanos is not None:
        found["percent"] = _trimmed(tolerance.percent_nanos, PERCENT_DECIMALS)
        found["basis"] = tolerance.basis
    if tolerance.absolute_micros is not None:
        found["absolute"] = _trimmed(tolerance.absolute_micros, MICROS_DECIMALS)
    if len(found) > 2:  # noqa: PLR2004 - both limits are said
        found["rule"] = tolerance.rule
    return found


def _trimmed(value: int, scale: int) -> str:
    return format_scaled(value, scale).rstrip("0").rstrip(".")
