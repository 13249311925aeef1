"""Whether a statement says what its usage comes to: every line, every tier, every total.

A statement was made when its period closed, and nothing has been booked in that period since; so
what the oracle books there in the end is what the statement has to say, to the last decimal. Its
digest is taken again from the document itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ops.oracle import Settlement
from ops.oracle_amounts import Accrual, AccrualKey, Amount, AmountKey

MICROS = 10**6
NOTHING = Accrual(0, 0, 0, Fraction(0))

Figures = dict[str, str]


def statement_differences(document: Mapping[str, Any], expected: Settlement) -> Iterator[str]:
    """What a statement says otherwise than the oracle, by line and field."""
    name = f"statement {document['number']}"
    if document.get("digest") != _digest(document):
        yield f"{name} digest: the document was changed after it was sealed"
    stated = {_name(line): _stated(line) for line in document["lines"]}
    wanted: dict[str, Figures] = {}
    for key, line in expected.lines.items():
        if (key.agreement, key.booked) == (document["agreement"], document["period"]):
            wanted[_line_name(key)] = _wanted(line, _accrual(key, expected))
            if line.missed:
                wanted[f"{_line_name(key)} shortfall"] = _missed(line)
    for said in sorted(stated.keys() | wanted.keys()):
        yield from _fields(f"{name} line {said}", stated.get(said), wanted.get(said))
    totals = {str(t["currency"]): _total(t) for t in document["totals"]}
    wanted_totals = {
        key.currency: {
            "receivable": f"{total.receivable:.6f}",
            "payable": f"{total.payable:.6f}",
            "net": f"{total.receivable - total.payable:.6f}",
        }
        for key, total in expected.totals.items()
        if (key.agreement, key.booked) == (document["agreement"], document["period"])
    }
    for currency in sorted(totals.keys() | wanted_totals.keys()):
        what = f"{name} total {currency}"
        yield from _fields(what, totals.get(currency), wanted_totals.get(currency))


def _digest(document: Mapping[str, Any]) -> str:
    """The digest of a document without its digest: SHA-256 of sorted keys, no blanks, UTF-8."""
    rest = {k: v for k, v in document.items() if k != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _name(line: Mapping[str, Any]) -> str:
    zone = f" {line['zone']}" if line["zone"] else ""
    version, original = line["agreement_version"], line["original_period"]
    kind = f" {line['kind']}" if "kind" in line else ""
    return f"{line['item']}{zone} v{version} of {original} in {line['currency']}{kind}"


def _line_name(key: AmountKey) -> str:
    zone = f" {key.line}" if key.line else ""
    return f"{key.item}{zone} v{key.version} of {key.original} in {key.currency}"


def _stated(line: Mapping[str, Any]) -> Figures:
    """The figures of a line as it has them."""
    figures = {name: str(line[name]) for name in ("events", "quantity", "amount", "flow")}
    if "tiers" in line:
        parts = [(Fraction(t["quantity"]), Fraction(t["amount"])) for t in line["tiers"]]
        figures["tiers"] = _parts(parts)
    if "residue" in line:
        figures["residue"] = str(Fraction(line["residue"]))
    return figures


def _wanted(line: Amount, accrual: Accrual) -> Figures:
    """The figures of a line as they have to be."""
    figures = {
        "events": str(accrual.events),
        "quantity": str(accrual.quantity),
        "amount": f"{Decimal(line.micros) / MICROS:.6f}",
        "flow": line.flow,
    }
    if line.is_deal:
        return figures
    figures["residue"] = str(line.exact - Fraction(line.micros, MICROS))
    if line.tiers is not None:
        figures["tiers"] = _parts(line.tiers)
    return figures


def _missed(line: Amount) -> Figures:
    """The figures of the line of a commitment that was missed."""
    amount = f"{Decimal(line.missed_micros) / MICROS:.6f}"
    return {"events": "0", "quantity": "0", "amount": amount, "flow": line.flow}


def _parts(parts: Any) -> str:  # noqa: ANN401 - pairs of quantity and price
    return "; ".join(f"{quantity} for {price}" for quantity, price in parts) or "none"


def _accrual(key: AmountKey, expected: Settlement) -> Accrual:
    """The accrual that a line is made of; none when other usage moved its price."""
    period = AccrualKey(
        key.agreement, key.version, key.item, key.line, key.currency, key.booked, key.original, None
    )
    return expected.accruals.get(period, NOTHING)


def _total(total: Mapping[str, Any]) -> Figures:
    return {name: str(total[name]) for name in ("receivable", "payable", "net")}


def _fields(what: str, stated: Figures | None, wanted: Figures | None) -> Iterator[str]:
    """The fields that differ; a line or total of nothing may as well be missing."""
    if stated is None or wanted is None:
        have = {k: v for k, v in (stated or wanted or {}).items() if not _is_nothing(v)}
        if have:
            there, not_there = ("stated", "recomputed") if wanted is None else ("due", "stated")
            said = ", ".join(f"{k} {v}" for k, v in have.items())
            yield f"{what}: {there} with {said}, but not {not_there}"
        return
    for field in sorted(stated.keys() | wanted.keys()):
        if stated.get(field) != wanted.get(field):
            yield (
                f"{what}: {field} {stated.get(field, 'nothing')} is stated; "
                f"recomputed from usage: {wanted.get(field, 'nothing')}"
            )


def _is_nothing(text: str) -> bool:
    return text in ("0", "0.000000", "none", "receivable", "payable")
