"""Explain, a line: what the lines of an item in a period are made of, and what becomes of them.

A line is a sum, a curve at a quantity, or a deal over other lines. Its parts are those that the
product itself computed for the statement or, while the period is open, for its draft: nothing is
reckoned here but their sum, which is held against the line. Below stand the shortfall, what the
partner declared, and what tax and conversion make of the total that the line is in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from ops.declare import beside_ours
from ops.explain_curve import tiers_in_words
from ops.explain_text import Step
from ops.reading import Topics
from schemas.money import NANOS
from schemas.topics import ACCRUALS
from state.deals import DealTerms
from state.view_amounts import lines_of
from streams.accrual import Book, Row
from streams.declared import item_terms
from streams.facts import FIGURES, Facts, Which
from streams.pools import qualified
from streams.statement import draft, format_nanos, fraction_text
from streams.terms import Terms
from streams.worth import gathered

Document = dict[str, Any]
TOTAL = b"|total"
ZERO = Fraction(0)
# What a line says besides its parts; whatever else stands in it is shown as it is.
TOLD = {
    *("item", "agreement_version", "zone", "service", "flow", "original_period", "adjustment"),
    *("quantity_unit", "currency", "rounding", "events", "quantity", "amount", "deal", "residue"),
    *("tiers", "steps", "replaces", "kind", "committed", "days", "used"),
}


class LineName(NamedTuple):
    """Which lines are meant: of an item or deal, in the document of a period."""

    agreement: str
    item: str
    period: str


def explain_line(topics: Topics, name: LineName) -> Document | None:
    """All that the lines of an item are made of; None when the period has none of it."""
    agreement, item, period = name
    facts = topics.facts()
    stated = {d["agreement"]: d for d in topics.statements() if d["period"] == period}
    found = stated.get(agreement)
    document = found or _draft(topics, agreement, period, facts)
    lines = [line for line in document["lines"] if line["item"] == item]
    if not lines:
        return None
    currencies = {line["currency"] for line in lines}
    seen = [
        {**line, "item": qualified(other, line["item"])}
        for other in topics.book.group(agreement)
        if other != agreement
        for line in (stated.get(other) or _draft(topics, other, period, facts))["lines"]
    ]
    seen += document["lines"]
    return {
        **name._asdict(),
        "state": f"statement {found['number']}" if found else "draft, as if closed now",
        "lines": [_explained(line, seen, topics.book, agreement) for line in lines],
        "declarations": _declared(topics, facts, name, found),
        "totals": [total for total in document["totals"] if total["currency"] in currencies],
    }


def _draft(topics: Topics, agreement: str, period: str, facts: Facts) -> Document:
    """The document of an open period, from the rows that are on the log."""
    prefixes = tuple(f"{member}|".encode() for member in topics.book.group(agreement))
    messages = [
        value
        for _, key, value in topics.latest(ACCRUALS.name)
        if key.startswith(prefixes) and key.endswith(TOTAL)
    ]
    rows: list[Row] = [line.row for lines in lines_of(messages) for line in lines]
    booked = [r for r in rows if (r.series.agreement, r.series.booked) == (agreement, period)]
    return draft(booked, gathered(rows, topics.book), topics.book, facts)


def _declared(
    topics: Topics, facts: Facts, name: LineName, found: Mapping[str, Any] | None
) -> list[Document]:
    """What the partner said of the item: as the statement has it, or by now."""
    if found is not None:
        return [d for d in found.get("declarations", ()) if d["item"] == name.item]
    asked = (Which(name.agreement, name.period, name.item, figure) for figure in FIGURES)
    return [beside_ours(topics, facts, which) for which in asked if facts.known(which)]


def _explained(
    line: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], book: Book, agreement: str
) -> Document:
    """A line with the words of its price, and what it is over if it is a deal's."""
    terms = item_terms(book, agreement, line["agreement_version"], line["item"])
    found: Document = {**line, "price": "" if terms is None else price_in_words(terms)}
    if terms is not None and terms.item.deal is not None and "kind" not in line:
        over = [
            one
            for one in lines
            if one["item"] in terms.item.deal.over
            and one["original_period"] == line["original_period"]
            and one["currency"] == line["currency"]
        ]
        found["over"] = [_member(one, of_money=terms.item.deal.of_money) for one in over]
        if terms.item.deal.of_money:
            found["sum"] = fraction_text(sum((Fraction(one["amount"]) for one in over), ZERO))
    if "tiers" in line:
        exact = sum((Fraction(part["amount"]) for part in line["tiers"]), ZERO)
        found["exact"] = fraction_text(exact)
    elif "residue" in line:
        found["exact"] = fraction_text(Fraction(line["amount"]) + Fraction(line["residue"]))
    return found


def _member(line: Mapping[str, Any], *, of_money: bool) -> str:
    """A line that a deal is over, with what the deal looks at."""
    kind = f" {line['kind']}" if "kind" in line else ""
    looked_at = line["amount"] if of_money else f"{line['quantity']} {line['quantity_unit']}"
    return f"{_name(line)}{kind}: {looked_at}"


def price_in_words(terms: Terms) -> str:
    """The price of an item or deal on one line."""
    item = terms.item
    if item.figure_of:
        return f"declared by the partner, in place of {', '.join(item.figure_of)}"
    if item.deal is not None and item.curve is None:
        return f"{item.price_kind.label}{_deal_in_words(item.deal)}"
    if item.curve is not None and (terms.tiered or item.deal is not None):
        return tiers_in_words(item)
    return f"{item.price_kind.label} per {item.per}, each event for itself"


def _deal_in_words(deal: DealTerms) -> str:
    """What a deal asks for: its fee, or its discount and bounds in the order they are taken."""
    said = []
    if deal.fee_nanos:
        said.append(format_nanos(deal.fee_nanos))
    if deal.discount_nanos:
        said.append(f"less {fraction_text(Fraction(deal.discount_nanos * 100, NANOS))} %")
    if deal.maximum_nanos is not None:
        said.append(f"at most {format_nanos(deal.maximum_nanos)}")
    if deal.minimum_nanos:
        said.append(f"at least {format_nanos(deal.minimum_nanos)}")
    return f": {', then '.join(said)}" if said else ""


def _name(line: Mapping[str, Any]) -> str:
    """A line as people name it."""
    zone = f" {line['zone']}" if line["zone"] else ""
    return f"{line['item']}{zone} v{line['agreement_version']}"


def line_steps(document: Mapping[str, Any]) -> Iterator[Step]:
    """All that there is to say about the lines of an item; a step without text is a heading."""
    for line in document["lines"]:
        late = f", late usage of {line['original_period']}" if line["adjustment"] else ""
        kind = f" {line['kind']}" if "kind" in line else ""
        where = f"{document['agreement']} {document['period']}"
        yield f"{_name(line)}{kind}, {where}{late}", ""
        yield from _line_steps(line)
    for one in document["declarations"]:
        unlike = f"{one['own']} {one['unit']}, theirs {one['declared']}: {one['difference']} apart"
        verdict = f", {one['result']}" if one.get("result") else ""
        yield "declared", f"ours {unlike}{verdict}"
    yield "stands in", document["state"]
    for total in document["totals"]:
        yield from _total_steps(total)


def _line_steps(line: Mapping[str, Any]) -> Iterator[Step]:
    """One line: price, quantity, parts, sum, rounding."""
    unit, currency = line["quantity_unit"], line["currency"]
    if line.get("kind") == "shortfall":
        if "committed" in line:
            days = f" ({line['days']} days)" if line["days"] else ""
            yield "committed", f"{line['committed']} {unit}{days}, used {line['used']}"
        yield "amount", f"{line['amount']} {currency}, {line['flow']}"
        return
    yield "price", line["price"]
    if "deal" not in line:
        yield "counted", f"{line['events']} events, {line['quantity']} {unit}"
    for member in line.get("over", ()):
        yield "over", member
    for part in (*line.get("tiers", ()), *line.get("steps", ())):
        yield "part", _part(part, unit)
    for field, value in line.items():
        if field not in TOLD and field not in {"price", "over", "sum", "exact"}:
            yield field.replace("_", " "), _as_it_is(value)
    rounding = line["rounding"]
    rule = f"{rounding['place']}, {rounding['mode']}, {rounding['decimals']} decimals"
    if "exact" in line:
        yield "sum", f"{line['exact']} -> {line['amount']} ({rule})"
    if "sum" in line:
        together = fraction_text(Fraction(line["sum"]) + Fraction(line["amount"]))
        yield "sum", f"{line['sum']} by themselves, {together} with this line"
    yield "amount", f"{line['amount']} {currency}, {line['flow']}"


def _part(part: Mapping[str, Any], unit: str) -> str:
    """A part of what a quantity costs: in a tier, or beside them."""
    if "what" in part:
        of = part.get("price") or part.get("tier") or f"{part.get('quantity', 0)} {unit}"
        if "per" in part:
            of = f"{part['quantity']} {unit} at {part['price']} per {part['per']}"
        return f"{part['what']} {of} = {part['amount']}"
    upto = "and above" if part["up_to"] is None else f"up to {part['up_to']}"
    tier = f"from {part['from']} {upto}: {part['quantity']} {unit}"
    return f"{tier} at {part['price']} per {part['per']} = {part['amount']}"


def _as_it_is(value: object) -> str:
    """Anything else that a line says, in words."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_as_it_is(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return "; ".join(map(_as_it_is, value))
    return str(value)


def _total_steps(total: Mapping[str, Any]) -> Iterator[Step]:
    """The total of a currency, and what tax and conversion make of it."""
    currency = total["currency"]
    flows = f"receivable {total['receivable']}, payable {total['payable']}"
    yield "total", f"{flows}, net {total['net']} {currency}"
    if "tax" in total:
        yield "tax", f"{total['tax_percent']} %: {total['tax']}, gross {total['gross']} {currency}"
    settled = total.get("settlement")
    if settled is None:
        return
    if "provisional" in settled:
        yield "settled in", f"{settled['currency']}: provisional, {settled['provisional']}"
        return
    rates = ", ".join(f"{r['rate']} of {r['date']} for {r['period']}" for r in settled["rates"])
    gross = f", gross {settled['gross']}" if "gross" in settled else ""
    at = f" at {settled['source']} {rates}" if rates else ""
    yield "settled in", f"{settled['currency']}: net {settled['net']}{gross}{at}"
