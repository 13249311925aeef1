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
from streams.accrual import (
    NANOS,
    Book,
    Row,
    Terms,
    Volume,
    amount,
    exact,
    round_amount,
    tier_positions,
    volume_of,
)

Document = dict[str, Any]


def draft(rows: Sequence[Row], siblings: Mapping[Volume, Sequence[Row]], book: Book) -> Document:
    """The lines and totals of one agreement and booked period, as they stand.

    Args:
        rows: the period's rows.
        siblings: for tiered rows, all rows on the same volume (see `accrual.volume_of`).
        book: the agreements' terms.
    """
    lines: list[Document] = []
    totals: dict[tuple[str, str], int] = {}
    exact_totals: dict[tuple[str, str], dict[tuple[RoundingMode, int], tuple[Terms, Fraction]]] = {}
    for row in sorted(rows, key=lambda r: r.series):
        terms = book.terms(row.series)
        beside = siblings.get(volume_of(row.series, terms), (row,))
        micros, value = amount(terms, row, beside)
        lines.append(_line(terms, row, micros, beside))
        key = (row.series.currency, terms.item.flow.label)
        if terms.version.rounding_place is RoundingPlace.STATEMENT:
            # One rounding a total and rule: versions that round alike are summed before.
            rule = (terms.version.rounding_mode, terms.version.decimals)
            by_rule = exact_totals.setdefault(key, {})
            by_rule[rule] = (terms, by_rule.get(rule, (terms, Fraction(0)))[1] + value)
        else:
            totals[key] = totals.get(key, 0) + micros
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


def _line(terms: Terms, row: Row, micros: int, siblings: Sequence[Row]) -> Document:
    """One line: what was counted, what it is worth, how it was rounded."""
    series, item = row.series, terms.item
    line: Document = {
        "item": series.item,
        "agreement_version": series.version,
        "zone": series.line,
        "service": item.service.label,
        "flow": item.flow.label,
        "original_period": series.original,
        "adjustment": series.original != series.booked,
        "events": row.events,
        "quantity": row.quantity,
        "quantity_unit": item.quantity.label,
        "currency": series.currency,
        "amount": format_micros(micros),
        "rounding": {
            "place": terms.version.rounding_place.label,
            "mode": terms.version.rounding_mode.label,
            "decimals": terms.version.decimals,
        },
    }
    if terms.tiered:
        line["tiers"] = _tiers(terms, row, siblings)
    else:
        value = exact(terms, row.charge_micros, row.residue)
        line["residue"] = fraction_text(value - Fraction(micros, 10**6))
    return line


def _tiers(terms: Terms, row: Row, siblings: Sequence[Row]) -> list[Document]:
    """How much of a line's volume lies in each tier, and its exact price there."""
    (start, upto), (start_before, upto_before) = tier_positions(siblings, row)
    found, below = [], 0
    for bound, price_nanos in terms.item.tiers:
        top = bound if bound is not None else max(upto, upto_before, below)
        units = _overlap(below, top, start, upto) - _overlap(below, top, start_before, upto_before)
        if units:
            found.append(
                {
                    "from": below,
                    "up_to": bound,
                    "quantity": units,
                    "price": format_nanos(price_nanos),
                    "per": terms.item.per,
                    "amount": fraction_text(Fraction(units * price_nanos, terms.item.unit * NANOS)),
                }
            )
        below = top
    return found


def _overlap(low: int, high: int, start: int, upto: int) -> int:
    return max(0, min(high, upto) - max(low, start))


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
