"""Statement: a closed period, immutable and numbered.

The last noun. `draft` gathers an agreement's rows of one booked period into a document: a line per
item, version and original period (per zone where the agreement rounds per line), the tiers of each
line, totals by currency and direction of payment, and the residue that rounding left. It is a pure
function, so the draft that is shown live and the statement that closes the period are the same
figures. Closing adds a number, the cut (which usage is in it) and a digest of the document, and
nothing in it changes ever after: usage that arrives later becomes an adjustment in the next period.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from schemas.codes import RoundingMode, RoundingPlace
from schemas.money import format_micros
from state.curves import Part
from streams.accrual import NANOS, Book, Row, Terms, Volume, round_amount
from streams.worth import Worth, parts, used, worth

Document = dict[str, Any]


def draft(rows: Sequence[Row], siblings: Mapping[Volume, Sequence[Row]], book: Book) -> Document:
    """The lines and totals of one agreement and booked period, as they stand.

    Args:
        rows: the period's rows.
        siblings: for rows under tiers and of deals, all rows on the same counter (`Book.counter`).
        book: the agreements' terms.
    """
    lines: list[Document] = []
    totals: dict[tuple[str, str], int] = {}
    exact_totals: dict[tuple[str, str], dict[tuple[RoundingMode, int], tuple[Terms, Fraction]]] = {}
    for row in sorted(rows, key=lambda r: r.series):
        terms = book.terms(row.series)
        counter = book.counter(row.series)
        beside = (row,) if counter is None else siblings.get(counter, (row,))
        found = worth(row, beside, book)
        lines.append(_line(terms, row, found, parts(row, beside, book) if terms.tiered else None))
        if found.shortfall:
            lines.append(_shortfall(terms, row, found, beside, book))
        key = (row.series.currency, terms.item.flow.label)
        if terms.version.rounding_place is RoundingPlace.STATEMENT:
            # One rounding a total and rule: versions that round alike are summed before.
            rule = (terms.version.rounding_mode, terms.version.decimals)
            by_rule = exact_totals.setdefault(key, {})
            value = by_rule.get(rule, (terms, Fraction(0)))[1] + found.value + found.shortfall
            by_rule[rule] = (terms, value)
        else:
            totals[key] = totals.get(key, 0) + found.micros + found.shortfall_micros
    for key, by_rule in exact_totals.items():
        for terms, value in by_rule.values():
            totals[key] = totals.get(key, 0) + round_amount(terms, value)
    return {"lines": lines, "totals": _totals(totals)}


def _totals(totals: Mapping[tuple[str, str], int]) -> list[Document]:
    """Receivable, payable and net of each currency; net is what the partner owes the operator."""
    documents = []
    for currency in sorted({c for c, _ in totals}):
        receivable = totals.get((currency, "receivable"), 0)
        payable = totals.get((currency, "payable"), 0)
        documents.append(
            {
                "currency": currency,
                "receivable": format_micros(receivable),
                "payable": format_micros(payable),
                "net": format_micros(receivable - payable),
            }
        )
    return documents


def _line(terms: Terms, row: Row, found: Worth, tiers: Sequence[Part] | None) -> Document:
    """One line: what was counted, what it is worth, how it was rounded."""
    line = {
        **_head(terms, row),
        "events": row.events,
        "quantity": row.quantity,
        "amount": format_micros(found.micros),
    }
    if terms.item.deal is not None:
        line["deal"] = terms.item.price_kind.label
    elif tiers is None:
        line["residue"] = fraction_text(found.value - Fraction(found.micros, 10**6))
    else:
        line["tiers"] = [_tier(terms, part) for part in tiers]
    return line


def _shortfall(terms: Terms, row: Row, found: Worth, beside: Sequence[Row], book: Book) -> Document:
    """A line for what was committed and not used; a later one that takes some back is negative."""
    duty = book.duty(row.series)
    if terms.item.deal is not None:
        return _missed(terms, row, found)
    committed, days = (Fraction(0), "") if duty is None else (duty.at_least, duty.days)
    return {
        **_head(terms, row),
        "kind": "shortfall",
        "events": 0,
        "quantity": 0,
        "committed": fraction_text(committed),
        "days": days,
        "used": used(row, beside),
        "amount": format_micros(found.shortfall_micros),
    }


def _missed(terms: Terms, row: Row, found: Worth) -> Document:
    """A line for what a minimum adds to a deal."""
    return {
        **_head(terms, row),
        "kind": "shortfall",
        "events": 0,
        "quantity": 0,
        "deal": terms.item.price_kind.label,
        "amount": format_micros(found.shortfall_micros),
    }


def _head(terms: Terms, row: Row) -> Document:
    """What every line says: which item of whose terms it is of, and how that rounds."""
    series, item = row.series, terms.item
    return {
        "item": series.item,
        "agreement_version": series.version,
        "zone": series.line,
        "service": terms.service,
        "flow": item.flow.label,
        "original_period": series.original,
        "adjustment": series.original != series.booked,
        "quantity_unit": item.quantity.label,
        "currency": series.currency,
        "rounding": {
            "place": terms.version.rounding_place.label,
            "mode": terms.version.rounding_mode.label,
            "decimals": terms.version.decimals,
        },
    }


def _tier(terms: Terms, part: Part) -> Document:
    """A part of what a line under tiers is worth, with its exact amount.

    What lies in a tier says its price; a `flat` amount, what a `cap` takes off and what was `free`
    say so.
    """
    curve = terms.curve
    step = curve.steps[part.tier]
    found: Document = {
        "from": curve.below(part.tier),
        "up_to": step.upto,
        "quantity": part.quantity,
        "amount": fraction_text(part.amount),
    }
    match part.what:
        case "tier":
            found |= {"price": format_nanos(step.price_nanos), "per": terms.item.per}
            if step.block:
                found["per"] = f"block of {step.block} {terms.item.quantity.label}"
        case "free":
            found = {"what": "free", "quantity": part.quantity, "amount": "0"}
        case "flat":
            found |= {"what": "flat", "price": format_nanos(step.flat_nanos)}
        case _:
            found |= {"what": "cap", "price": format_nanos(step.cap_nanos or 0)}
    return found


def format_nanos(nanos: int) -> str:
    """A price as a decimal string, without trailing zeros."""
    whole, part = divmod(abs(nanos), NANOS)
    text = f"{whole}.{part:09d}".rstrip("0").rstrip(".")
    return f"-{text}" if nanos < 0 else text


def fraction_text(value: Fraction) -> str:
    """An exact amount: a decimal where it is one, else a fraction."""
    numerator, denominator = value.numerator, value.denominator
    places, rest = 0, denominator
    for factor in (2, 5):
        count = 0
        while rest % factor == 0:
            rest //= factor
            count += 1
        places = max(places, count)
    if rest != 1:
        return f"{numerator}/{denominator}"
    digits = str(abs(numerator) * 10**places // denominator).rjust(places + 1, "0")
    text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"-{text}" if numerator < 0 else text


def seal(document: Document) -> Document:
    """A document with the SHA-256 digest of its canonical JSON in it."""
    digest = hashlib.sha256(canonical(document)).hexdigest()
    return {**document, "digest": digest}


def canonical(document: Document) -> bytes:
    """The bytes that a digest is taken of: sorted keys, no blanks, UTF-8."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
