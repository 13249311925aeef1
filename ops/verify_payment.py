"""Whether totals say what is to be paid, and declarations what was declared.

A statement's totals are worked out again from recomputed lines, by the reference that was in force
when it was made: tax, the rate of exchange and what it converts. What partners declared is read
from the commands on the log, in their order among the closes: so it is known what had been declared
when a statement was made, and in which document each figure belongs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from ops.oracle import Settlement
from ops.oracle_amounts import AccrualKey, Amount, AmountKey
from ops.oracle_declared import Figure, first_with, is_figure, known_by, swap_of
from ops.oracle_money import Kept, own_figure, ruling, total_figures, verdict
from ops.oracle_rating import period_after
from ops.oracle_reference import Reference, Version
from ops.oracle_spans import last_closed
from ops.verify_log import Found
from schemas.topics import COMMANDS
from streams.log import Segment

BASIC = {"receivable", "payable", "net"}
FIGURES = ("quantity", "amount")
DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]{1,9}0*)?", re.ASCII)

Which = tuple[str, str, str, str]  # agreement, period, item, figure


@dataclass
class Declarations:
    """Figures of partners: version, value and where they are shown; and what documents had."""

    now: dict[Which, tuple[int, Fraction, str]] = field(default_factory=dict)
    shown: dict[tuple[str, str], dict[Which, tuple[int, Fraction]]] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)


def declarations(segments: Iterator[Segment], found: Found, reference: Reference) -> Declarations:
    """Go through the commands that have been carried out."""
    issued = {(str(d["agreement"]), str(d["period"])) for d in found.documents}
    result = Declarations()
    for segment in segments:
        upto = found.commanded_upto.get(segment.partition, 0)
        for offset, value in zip(segment.offsets.tolist(), segment.values, strict=True):
            if segment.topic != COMMANDS.name or offset >= upto:
                continue
            said = _json(value)
            close, declared = said.get("close"), said.get("declare")
            if isinstance(declared, dict):
                _declare(declared, result, reference)
            elif isinstance(close, dict):
                name = (str(close.get("agreement")), str(close.get("period")))
                if name in issued and name not in result.shown:
                    result.shown[name] = _in(result, name)
    return result


def _in(result: Declarations, name: tuple[str, str]) -> dict[Which, tuple[int, Fraction]]:
    return {
        which: (version, value)
        for which, (version, value, booked) in result.now.items()
        if (which[0], booked) == name
    }


def _json(value: bytes | None) -> dict[str, Any]:
    """A command; nothing where it is none."""
    try:
        said = json.loads(value or b"")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _declare(said: Mapping[str, Any], result: Declarations, reference: Reference) -> None:
    """Take a figure, unless it makes no sense or a newer one is known."""
    figures = [name for name in FIGURES if name in said]
    texts = [said.get(name) for name in ("agreement", "period", "item", *figures)]
    version = said.get("version")
    is_shaped = len(figures) == 1 and all(isinstance(text, str) for text in texts)
    if not is_shaped or type(version) is not int or version < 1:
        return
    agreement, period, item, value = map(str, texts)
    if DECIMAL.fullmatch(value) is None:
        return
    terms = terms_of(reference, agreement, period, item)
    if terms is None or not _is_period(terms, period):
        return
    swap = swap_of(terms, item)
    if swap is not None and not is_figure(figures[0], Fraction(value)):
        return
    which = (agreement, period, item, figures[0])
    if which in result.now and result.now[which][0] >= version:
        return
    booked = period
    while (agreement, booked) in result.shown:
        booked = period_after(booked)
    result.now[which] = (version, Fraction(value), booked)
    first = first_with(reference, agreement, item)
    if swap is not None and first is not None:
        booked = _open(result, first, reference.agreements[agreement].versions, period)
        named = (agreement, first.number, item, first.currency, period, booked)
        result.figures.append(Figure(*named, int(Fraction(value))))


def _open(result: Declarations, of: Version, versions: Sequence[Version], period: str) -> str:
    """The period in which a figure is booked: as late usage of it would be."""
    closed = [label for agreement, label in result.shown if agreement == of.agreement]
    spans = (deal.span for version in versions for deal in version.deals)
    span = next((span for span in spans if span is not None), None)
    booked = period if span is None else max(period, last_closed(span, period, closed))
    while booked in closed:
        booked = period_after(booked)
    return booked


def terms_of(reference: Reference, agreement: str, period: str, item: str) -> Version | None:
    """The version by which a figure is understood, among those that have the item or deal.

    With a partner in test nothing is settled, so no figure of it is understood.
    """
    known = reference.agreements.get(agreement)
    if known is None or known.in_test:
        return None
    having = [
        v
        for v in known.versions
        if item in {*(i.name for i in v.items), *(d.name for d in v.deals)}
    ]
    return ruling(having, period) if having else None


def _is_period(terms: Version, period: str) -> bool:
    """Whether a version has a period of this name."""
    try:
        day = date.fromisoformat(f"{period}-01" if terms.period == "month" else period)
    except ValueError:
        return False
    written = day.isoformat()[: len("2026-11")] if terms.period == "month" else day.isoformat()
    return written == period


def payment_differences(
    found: Found,
    expected: Settlement,
    commands: Iterator[Segment],
    newest: Reference,
    known: Mapping[str, Reference],
) -> Iterator[str]:
    """What totals and declarations say otherwise than they have to.

    Args:
        found: the figures on the log.
        expected: what usage comes to.
        commands: those of `commands.v1`.
        newest: the reference that is in force.
        known: references by their ids.
    """
    kept: Kept = {}
    declared = declarations(commands, found, newest)
    for document in found.documents:
        name = (str(document["agreement"]), str(document["period"]))
        lines = {k: a for k, a in expected.lines.items() if (k.agreement, k.booked) == name}
        made_by = known.get(str(document["reference"]), newest)
        wanted = total_figures(made_by, name, lines, kept)
        told = f"statement {document['number']}"
        stated = {str(total["currency"]): _flat(total) for total in document["totals"]}
        for currency in sorted(stated.keys() & wanted.keys()):
            what = f"{told} total {currency}"
            yield from _unlike(what, _besides(stated[currency]), _besides(wanted[currency]))
        by_currency = [figures for _, figures in sorted(wanted.items())]
        missing = [w["settlement.provisional"] for w in by_currency if _is_provisional(w)]
        missing += _undeclared(newest, lines, declared.figures)
        if document.get("provisional", []) != missing:
            yield f"{told}: says {document.get('provisional')} is missing; it is {missing}"
        yield from _declared(document, expected, declared.shown.get(name, {}), newest)
    frozen = {tuple(use): [day, str(rate)] for use, (day, rate) in kept.items()}
    state = {use: [day, str(Fraction(rate))] for use, (day, rate) in found.frozen.items()}
    yield from _unlike("frozen rates", _texts(state), _texts(frozen))
    now = {which: [v, str(value), booked] for which, (v, value, booked) in declared.now.items()}
    kept_as = {
        w: [v, str(Fraction(value)), booked] for w, (v, value, booked) in found.declared.items()
    }
    yield from _unlike("declared", _texts(kept_as), _texts(now))


def _undeclared(
    reference: Reference, lines: Mapping[AmountKey, Amount], figures: Sequence[Figure]
) -> list[str]:
    """What lines of swaps are provisional for: no figure is there by their statement."""
    found = set[str]()
    for key in lines:
        deals = reference.version(key.agreement, key.version).deals
        deal = next((d for d in deals if d.name == key.item and d.declared_as), None)
        own = [figure for figure in figures if figure.agreement == key.agreement]
        if deal is not None and known_by(own, deal, key.original, key.booked) is None:
            told = "is not declared; our own figure stands in"
            found.add(f"{deal.declared_as} of {key.original} {told}")
    return sorted(found)


def _declared(
    document: Mapping[str, Any],
    expected: Settlement,
    wanted: Mapping[Which, tuple[int, Fraction]],
    newest: Reference,
) -> Iterator[str]:
    """The declarations of a document against what had been declared."""
    stated = {
        f"{d['item']} {d['original_period']} {d['figure']}": {
            **{f: str(d[f]) for f in ("unit", "version")},
            **{f: str(Fraction(d[f])) for f in ("own", "declared", "difference")},
            "result": str(d.get("result", "")),
        }
        for d in document.get("declarations", ())
    }
    due: dict[str, dict[str, str]] = {}
    for which, (version, value) in sorted(wanted.items()):
        agreement, period, item, figure = which
        terms = terms_of(newest, agreement, period, item)
        if terms is None:
            continue
        unit = terms.currency if figure == "amount" else _unit(terms, item)
        quantities = _quantities(expected, agreement, newest)
        swap, upto = swap_of(terms, item), str(document["period"])
        ours = [(agreement, period, n, figure) for n in (swap.declared if swap else (item,))]
        own = sum(
            (own_figure(expected.lines, quantities, of, unit, upto) for of in ours), Fraction(0)
        )
        due[f"{item} {period} {figure}"] = {
            "unit": unit,
            "version": str(version),
            "own": str(own),
            "declared": str(value),
            "difference": str(own - value),
            "result": verdict(terms, own, value),
        }
    for name in sorted(stated.keys() | due.keys()):
        what = f"statement {document['number']} declaration {name}"
        yield from _unlike(what, stated.get(name, {}), due.get(name, {}))


def _quantities(
    expected: Settlement, agreement: str, reference: Reference
) -> dict[AmountKey, tuple[int, str]]:
    """What the lines of an agreement count."""
    found = {}
    for key, accrual in expected.accruals.items():
        if key.agreement == agreement and key.hour is None:
            unit = _unit(reference.version(agreement, key.version), key.item)
            found[_line(key)] = (accrual.quantity, unit)
    return found


def _line(key: AccrualKey) -> AmountKey:
    return AmountKey(
        key.agreement, key.item, key.version, key.line, key.currency, key.booked, key.original
    )


def _unit(terms: Version, item: str) -> str:
    """What an item counts, in the words of documents; a deal counts nothing."""
    counts = next((i.price.quantity for i in terms.items if i.name == item), "events")
    return "amount_micros" if counts == "amount" else counts


def _flat(total: Mapping[str, Any]) -> dict[str, str]:
    """A total with what is nested in it under names with dots, and its rates in a line."""
    found: dict[str, str] = {}
    for name, value in total.items():
        if name == "rates":
            told = (f"{r['period']} {r['date']} {Fraction(r['rate'])}" for r in value)
            found[name] = "; ".join(told)
        elif isinstance(value, dict):
            found |= {f"{name}.{inner}": text for inner, text in _flat(value).items()}
        else:
            found[name] = str(value)
    if "tax_percent" in found:
        found["tax_percent"] = str(Fraction(found["tax_percent"]))
    return found


def _besides(figures: Mapping[str, str]) -> dict[str, str]:
    """What a total says besides the two flows and their net, which are compared with the lines."""
    return {k: v for k, v in figures.items() if k not in {*BASIC, "currency"}}


def _is_provisional(figures: Mapping[str, str]) -> bool:
    return "settlement.provisional" in figures


def _texts(known: Mapping[Any, Sequence[object]]) -> dict[str, str]:
    return {" ".join(key): " ".join(map(str, value)) for key, value in known.items()}


def _unlike(what: str, stated: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[str]:
    """The fields that differ."""
    for name in sorted(stated.keys() | wanted.keys()):
        have, want = stated.get(name, "nothing"), wanted.get(name, "nothing")
        if have != want:
            yield f"{what}: {name} {have} is stated; recomputed: {want}"
