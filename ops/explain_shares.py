"""Explain, shares: what a divided charge went to, and of what a share is a part.

A leg whose item has a split keeps a part of its charge; every other part is a leg of its own. Both
ends are shown: with the leg that was divided all parts, with a share the leg that it comes from, so
that a cascade can be followed leg by leg.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from schemas.money import format_micros
from schemas.splits import Party
from state.items import ItemInfo
from streams.accrual import Book
from streams.contribution import Series
from streams.statement import fraction_text
from streams.terms import Terms

Row = Mapping[str, Any]
Document = dict[str, Any]


def told(row: Row, rows: Sequence[Row], book: Book) -> Document:
    """What there is to say of a leg besides, if anything: fields of its explanation.

    Args:
        row: the rated leg.
        rows: all legs of its event.
        book: the terms.

    Returns:
        `shares` has every part of a divided leg in words; of a share `share_of` names the leg that
        it is of, and `rate_line` and `arithmetic` say which part.
    """
    found: Document = {}
    item = _terms(row, book).item
    if row.get("whole_micros") is not None and item.split is not None:
        given = {
            (other["agreement"], other["item"]): other
            for other in rows
            if other.get("sender_leg") == row["leg"]
        }
        parties = item.split.parties
        found["shares"] = [_part(party, row, given, book) for party in parties]
    if row.get("sender_leg") is not None:
        sender = next(other for other in rows if other.get("leg") == row["sender_leg"])
        found |= _received(row, sender, _terms(sender, book).item)
    return found


def _part(
    party: Party, row: Row, given: Mapping[tuple[str | None, str | None], Row], book: Book
) -> str:
    """One part of a divided leg."""
    part = _percent(party.weight)
    if party.agreement is None:
        return f"{part} stays: {format_micros(row['charge_micros'])}"
    share = given[party.agreement, party.item]
    amount = share["whole_micros"]
    amount = share["charge_micros"] if amount is None else amount
    flow = _terms(share, book).item.flow.label
    return f"{part} to {party.agreement}/{party.item}: {format_micros(amount)} {flow}"


def _received(row: Row, sender: Row, item: ItemInfo) -> Document:
    """The leg that a share is of, and which part of it."""
    name = f"{sender['agreement']}/{sender['item']}"
    whole = row["whole_micros"]
    amount = format_micros(row["charge_micros"] if whole is None else whole)
    if item.split is None:  # the reference has other terms by now
        return {"share_of": name}
    wanted = (row["agreement"], row["item"])
    weight = next(p.weight for p in item.split.parties if (p.agreement, p.item) == wanted)
    exact = Fraction(row["quantity"], 10**6) * weight
    of = f"{_percent(weight)} of {format_micros(row['quantity'])}"
    return {
        "share_of": name,
        "rate_line": f"share of {name} by {item.split.rule.label}: {_percent(weight)}",
        "arithmetic": f"{of} = {fraction_text(exact)} -> {amount}",
    }


def _percent(weight: Fraction) -> str:
    """A part as people write it: a percentage where that is a decimal, else the fraction."""
    percent = fraction_text(weight * 100)
    return f"{weight.numerator}/{weight.denominator}" if "/" in percent else f"{percent} %"


def _terms(row: Row, book: Book) -> Terms:
    period = row["period"]
    return book.terms(Series(row["agreement"], row["version"], row["item"], "", "", period, period))
