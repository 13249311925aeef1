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

from schemas.money import MICROS, NANOS, format_micros
from schemas.prices import PERS
from state.curves import Exact, Part
from state.items import ItemInfo
from state.measures import EACH_WORDS, MeasureInfo
from state.tables import AgreementInfo, VersionInfo
from streams.accrual import Book, Duty, Row, Volume, stretch_of
from streams.allowance import Freed
from streams.deals import undeclared
from streams.facts import NO_FACTS, Facts
from streams.measures import Value
from streams.payment import missing, total_documents
from streams.terms import Terms
from streams.totals import Sums
from streams.worth import Worth, allowed, measured, parts, values, worth

Document = dict[str, Any]


def draft(
    rows: Sequence[Row],
    siblings: Mapping[Volume, Sequence[Row]],
    book: Book,
    facts: Facts = NO_FACTS,
) -> Document:
    """The lines and totals of one agreement and booked period, as they stand.

    Args:
        rows: the period's rows.
        siblings: for rows under tiers and of deals, all rows on the same counter (`Book.counter`).
        book: the agreements' terms.
        facts: what else is known by then: rates of earlier statements and what was declared.
    """
    lines: list[Document] = []
    sums, reasons = Sums(), set[str]()
    for row in sorted(rows, key=lambda r: r.series):
        terms = book.terms(row.series)
        counter = book.counter(row.series)
        beside = (row,) if counter is None else siblings.get(counter, (row,))
        found = worth(row, beside, book)
        in_parts = terms.tiered or terms.item.deal is not None
        lines.append(_line(terms, row, found, parts(row, beside, book) if in_parts else None))
        if terms.item.allowance is not None:
            lines[-1]["allowance"] = _allowance(allowed(row, beside, terms))
        elif terms.item.measure is not None:
            found_values = values(row, beside, book)
            lines[-1]["measure"] = _measure(terms.item, terms.item.measure, found_values)
        if why := undeclared(row, beside, terms):
            lines[-1]["provisional"] = why
            reasons.add(why)
        if found.shortfall:
            lines.append(_shortfall(terms, row, found, beside, book))
        sums.add(terms, row.series, found)
    name = (rows[0].series.agreement, rows[0].series.booked) if rows else ("", "")
    totals = total_documents(book, name, sums, facts.rates)
    document: Document = {"lines": lines, "totals": totals}
    if whys := [*missing(totals), *sorted(reasons)]:
        document["provisional"] = whys
    return document


def _line(terms: Terms, row: Row, found: Worth, tiers: Sequence[Part] | None) -> Document:
    """One line: what was counted, what it is worth, how it was rounded."""
    line = {
        **_head(terms, row),
        "events": row.events,
        "quantity": row.quantity,
        "amount": format_micros(found.micros),
    }
    if terms.item.deal is not None:
        return line | _deal(terms, tiers or ())
    line["residue"] = fraction_text(found.value - Fraction(found.micros, MICROS))
    if tiers is not None:
        line["tiers"] = [_tier(terms, part) for part in tiers]
    return line


def _shortfall(terms: Terms, row: Row, found: Worth, beside: Sequence[Row], book: Book) -> Document:
    """A line for what was committed and not used; a later one that takes some back is negative."""
    duty = book.duty(row.series)
    if terms.item.deal is not None:
        return _missed(terms, row, found, duty)
    committed, days = (Fraction(0), "") if duty is None else (duty.at_least, duty.days)
    return {
        **_head(terms, row),
        "kind": "shortfall",
        "events": 0,
        "quantity": 0,
        "committed": fraction_text(committed),
        "days": days,
        "used": _number(measured(row, beside, book)),
        **({} if terms.item.measure is None else {"unit": PERS[terms.item.per].quantity.label}),
        "amount": format_micros(found.shortfall_micros),
    }


def _missed(terms: Terms, row: Row, found: Worth, duty: Duty | None) -> Document:
    """A line for what a minimum or a commitment adds to a deal."""
    return {
        **_head(terms, row),
        "kind": "shortfall",
        "events": 0,
        "quantity": 0,
        "deal": terms.item.price_kind.label,
        **_committed(terms, duty),
        "amount": format_micros(found.shortfall_micros),
    }


def _committed(terms: Terms, duty: Duty | None) -> Document:
    """To how much a deal is committed for the days in force; hours have a commitment each."""
    deal = terms.item.deal
    if deal is not None and deal.by_hour:
        return {"committed_by_hour": terms.item.at_least}
    if duty is None or not duty.at_least:
        return {}
    return {"committed": fraction_text(duty.at_least), "days": duty.days}


def _deal(terms: Terms, parts: Sequence[Part]) -> Document:
    """What kind of deal a line is of, and the steps that add up to what it asks for.

    The line is that itself, or where it replaces what its items come to, less these.
    """
    item, deal = terms.item, terms.item.deal
    found: Document = {"deal": item.price_kind.label}
    if item.curve is None or deal is None:
        return found | ({"steps": [_step(terms, p) for p in parts]} if parts else {})
    steps = [_tier(terms, part) for part in parts]
    for step in steps:
        step["quantity"] = fraction_text(Fraction(step["quantity"]))
    return {**found, "replaces": deal.replaces, "steps": steps}


def _step(terms: Terms, part: Part) -> Document:
    """A part of what a capacity or a swap asks for."""
    deal = terms.item.deal
    amount = fraction_text(part.amount)
    if deal is None or deal.swap is None:
        return {"what": part.what, "tier": part.tier + 1, "amount": amount}
    price = deal.swap.balanced if part.what == "balanced" else deal.swap.unbalanced
    said = {"price": fraction_text(price * terms.item.unit), "per": terms.item.per}
    return {"what": part.what, "quantity": part.quantity, **said, "amount": amount}


def _head(terms: Terms, row: Row) -> Document:
    """What every line says: which item of whose terms it is of, and how that rounds."""
    series, item = row.series, terms.item
    stretch = {} if terms.span is None else {"span": stretch_of(series, terms)}
    return {
        "item": series.item,
        "agreement_version": series.version,
        "zone": series.line,
        "service": terms.service,
        "flow": item.flow.label,
        "original_period": series.original,
        **stretch,
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
        "quantity": _number(part.quantity),
        "amount": fraction_text(part.amount),
    }
    match part.what:
        case "tier":
            found |= {"price": format_nanos(step.price_nanos), "per": terms.item.per}
            if step.block:
                found["per"] = f"block of {step.block} {terms.item.quantity.label}"
        case "free":
            found = {"what": "free", "quantity": _number(part.quantity), "amount": "0"}
        case "flat":
            found |= {"what": "flat", "price": format_nanos(step.flat_nanos)}
        case _:
            found |= {"what": "cap", "price": format_nanos(step.cap_nanos or 0)}
    return found


def _number(quantity: Exact) -> int | str:
    """A quantity as a document has it: a number where it is whole, else exact text."""
    whole = Fraction(quantity)
    return int(whole) if whole.denominator == 1 else fraction_text(whole)


def _allowance(events: Sequence[Freed]) -> Document:
    """What was free in the period: events, the last one perhaps in part, and their quantity."""
    return {"events": len(events), "quantity": sum(event.free for event in events)}


def _measure(item: ItemInfo, measure: MeasureInfo, found: Sequence[Value]) -> Document:
    """What was reduced to what is priced: values, with their ranks where windows are ranked.

    The unit is that of values, of what lies in tiers, and of commitments.
    """
    said: Document = {"of": measure.kind.label, "unit": PERS[item.per].quantity.label}
    if measure.is_ranked:
        said["window"] = EACH_WORDS[measure.window]
        said |= {"percent": fraction_text(measure.part * 100), "missing": measure.missing.label}
        said["levels" if measure.is_level else "values"] = [_value(value) for value in found]
    elif measure.is_windowed:
        windows = sum(value.times for value in found)
        said |= {"each": EACH_WORDS[measure.each], "windows": windows}
    else:
        said["value"] = sum(_number(value.amount) for value in found)
    return said


def _value(value: Value) -> Document:
    """The window at the rank, of a port or of all together."""
    return {
        **({"port": value.member} if value.member else {}),
        **({} if value.way is None else {"direction": value.way.label}),
        "samples": value.samples,
        "rank": value.rank,
        "value": _number(value.amount),
    }


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


def heading(agreement: AgreementInfo, version: VersionInfo, index: int, count: int) -> Document:
    """What a statement says first: which of an agreement's it is, of whom and of which period."""
    start, upto = version.periods.bounds(index)
    return {
        "number": f"{agreement.name}-{count:06d}",
        "agreement": agreement.name,
        "partner": agreement.partner,
        "model": agreement.model.label,
        "period": version.periods.label(index),
        "from_us": start,
        "upto_us": upto,
        "zone": version.zone,
    }


def seal(document: Document) -> Document:
    """A document with the SHA-256 digest of its canonical JSON in it."""
    digest = hashlib.sha256(canonical(document)).hexdigest()
    return {**document, "digest": digest}


def canonical(document: Document) -> bytes:
    """The bytes that a digest is taken of: sorted keys, no blanks, UTF-8."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
