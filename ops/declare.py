"""Declaring: a partner's figure goes onto the log, and comes back beside our own.

The figure itself is kept by the accrue hop (`streams/facts.py`). Here it is brought into the unit
of the line, and what has been declared is shown with what we have by now.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ops.figures import period_rows
from ops.reading import Topics
from schemas.money import MICROS, NANOS_DECIMALS, MoneyError, format_scaled, parse_decimal
from schemas.prices import PERS
from schemas.topics import ACCRUALS
from streams.accrual import Book
from streams.declared import compared, terms_of
from streams.facts import Declared, Facts, Which


class NotDeclarableError(Exception):
    """A figure that cannot be declared; the sentence says why."""


def figure_text(book: Book, which: Which, text: str, per: str | None) -> str:
    """A figure in the unit of the line: 1.5 per minute is 90.

    Raises:
        NotDeclarableError: there is no such item, it is no number, or the item is not counted so.
    """
    try:
        terms = terms_of(book, which)
        nanos = parse_decimal(text, NANOS_DECIMALS)
    except (KeyError, MoneyError) as error:
        raise NotDeclarableError(error.args[0]) from error
    if per is None:
        return text
    counted = terms.item.quantity
    fitting = [name for name, known in PERS.items() if known.quantity is counted]
    if which.figure == "amount" or per not in fitting:
        asked = "an amount" if which.figure == "amount" else which.item
        advice = "leave --per out" if which.figure == "amount" else f"write {', '.join(fitting)}"
        message = f"{asked} is not counted per {per}; {advice}"
        raise NotDeclarableError(message)
    return format_scaled(nanos * PERS[per].unit, NANOS_DECIMALS)


def beside_ours(weir: Topics, facts: Facts, which: Which) -> dict[str, Any]:
    """What has been declared of a figure and what we have for it now, as a document shows it."""
    declared = facts.known(which)
    if declared is None:
        return {}
    terms = terms_of(weir.book, which)
    return {
        "agreement": which.agreement,
        **compared(which, declared, _own(weir, which, declared), terms),
        "shown_in": declared.booked,
    }


def _own(weir: Topics, which: Which, declared: Declared) -> Fraction:
    """The sum of what our rows show, up to the document that the figure is shown in."""
    terms = terms_of(weir.book, which)
    named = terms.item.figure_of or (which.item,)
    rows = [
        row
        for row in period_rows(weir.latest(ACCRUALS.name), weir.book)
        if (row["agreement"], row["original"]) == (which.agreement, which.period)
        and row["item"] in named
        and row["booked"] <= declared.booked
    ]
    if which.figure == "quantity":
        unit = terms.item.quantity.label
        return Fraction(sum(row["quantity"] for row in rows if row["unit"] == unit))
    currency = terms.version.currency
    ours = [row for row in rows if row["currency"] == currency]
    shortfalls = sum((Fraction(row["shortfall"]) for row in ours), Fraction(0))
    return Fraction(sum(row["amount_micros"] for row in ours), MICROS) + shortfalls
