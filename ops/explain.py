"""Explain: one event's way, from what the network sent to the line of a statement.

Every step is shown with the figures it used: where the event stands on the log, whether it was the
first of its key, whose it is and by which rule, which version of the agreement was in force, the
rate line, the arithmetic, the accrual it is part of, and the statement line that accrual became.
What was not rated is shown with the reason and with what to do about it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from ops import (
    explain_bands,
    explain_clawback,
    explain_intervals,
    explain_session,
    explain_shares,
)
from ops.explain_event import (
    Appearance,
    EventName,
    Kept,
    appearances,
    is_suspended,
    kept,
    outcomes,
    rated_legs,
)
from ops.explain_leg import arithmetic, cap_note, rate_line
from ops.explain_selection import candidates_of, unmet
from ops.figures import period_rows
from ops.reading import NoReferenceError, Topics
from ops.verify_log import InForce
from schemas.codes import Outcome, Reason, Role
from schemas.money import format_micros
from schemas.records import codec
from schemas.reference import load
from schemas.topics import ACCRUALS, RECYCLE, USAGE
from state.tables import Tables, build
from streams.accrual import Book
from streams.attribution import attribute
from streams.contribution import Series
from streams.terms import Terms

Row = Mapping[str, Any]
Document = dict[str, Any]

TRY_AGAIN = "then it is tried again by itself"
CONFLICT = "the first body counts; judge which is right with the operator of the source"
ADVICE = {
    Reason.NO_ATTRIBUTION_KEY: "the source has to send a route, subscriber, product or channel",
    Reason.NO_AGREEMENT: f"give the agreement a version in force at that time, {TRY_AGAIN}",
    Reason.NO_ITEM: "add an item whose conditions this usage meets, in a version of its own,"
    f" {TRY_AGAIN}",
    Reason.NO_RATE: f"add the prefix, or a rate in force at that time, to the deck, {TRY_AGAIN}",
    Reason.CURRENCY_MISMATCH: "the retail currency has to be the agreement's; check the source",
    Reason.FUTURE_TIME: "check the clock of the source; once that time has come, recycle it",
    Reason.CONFLICTING_BODY: CONFLICT,
    Reason.NO_ORIGINAL_TIME: "a reversal has to say when its original began; check the source",
    Reason.NO_RECEIVER: "give those who receive a share a version in force at that time,"
    f" {TRY_AGAIN}",
    Reason.SESSION_EXPIRED: "it came too late for its session; settle it by hand",
    Reason.OUTSIDE_TERRITORY: "if the partner may use it there, widen the territory in a version of"
    f" its own, {TRY_AGAIN}",
    Reason.TOO_LONG: "check the duration with the source; only start_band takes such a record",
}


def explain(topics: Topics, name: EventName) -> Document | None:
    """Everything known of an event; None when it never came."""
    partitions = topics.partitions(USAGE.name)
    found = appearances(topics.read(USAGE.name), name, partitions)
    came = sorted(found, key=lambda a: a.position)
    if not came:
        return None
    holds, rows = kept(topics, name), rated_legs(topics, name)
    request = last_request(topics, name)
    told = outcomes(came, holds, rows, partial(why_excluded, topics, request))
    document: Document = {
        "event": str(name),
        "source": [
            {"position": str(a.position), "service": a.service, "outcome": o, "fields": a.fields}
            for a, o in told
        ],
        "duplicate_check": _duplicate_check([o for _, o in told]),
        "not_rated": [_waits(k, came, topics.tables) for k in holds],
        "legs": [],
    }
    if rows:
        accrued, documents = topics.latest(ACCRUALS.name), topics.statements()
        running = period_rows(accrued, topics.book)
        document |= margin_of(rows[0], topics.book)
        for row in rows:
            told_leg = leg(row, topics.tables, topics.book)
            told_leg |= explain_shares.told(row, rows, topics.book)
            told_leg["candidates"] = _candidates(row, came, topics.tables)
            period = booked(row, request, documents, topics.book)
            told_leg["booked"] = period
            told_leg["accrual"] = accrual_of(row, period, running)
            told_leg["statement_lines"] = statement_lines(row, period, documents)
            document["legs"].append(told_leg)
    return document


def why_excluded(topics: Topics, request: tuple[int, int] | None, came: Appearance) -> str:
    """Why nothing came of an event, by the reference that it was settled by, if that is there.

    Args:
        topics: the log.
        request: partition and offset of the last request to try it again, if there was one.
        came: the appearance that was taken in.
    """
    if came.event is None:
        return Reason.RETAIL.label
    place = (USAGE.name, came.position.partition, came.position.offset)
    if request is not None:
        place = (RECYCLE.name, *request)
    known, tables = InForce(topics.snapshot).reference_id(*place), topics.tables
    if known is not None and known != tables.reference_id:
        with suppress(NoReferenceError):
            tables = build(load(topics.reference_of(known)))
    usage, index = came.event
    reason = Reason(int(attribute(usage, np.array([index], np.int64), tables)[1][0]))
    return reason.label if reason.outcome is Outcome.EXCLUDED else "by an earlier reference"


def margin_of(row: Row, book: Book) -> Document:
    """What the event of a leg earns, where both sides of it are owed for; else nothing to say."""
    margin = row.get("margin_micros")
    if margin is None:
        return {}
    said = f"{format_micros(margin)} {_terms(row, book).version.currency}, receivable less payable"
    return {"margin": f"{said}: a loss" if row["loss"] else said}


def _duplicate_check(found: Sequence[str]) -> str:
    """How often the event came, and how many of the appearances were repeats or conflicts."""
    counts = {
        "repeat": found.count("duplicate"),
        "conflicting body": found.count("suspended: conflicting_body"),
    }
    later = " and ".join(f"{n} {what}{'s' * (n > 1)}" for what, n in counts.items() if n)
    first = "this number came once" if len(found) == 1 else f"this number came {len(found)} times"
    return f"{first}: {later or 'nothing was a repeat'}"


def _candidates(row: Row, came: Sequence[Appearance], tables: Tables) -> list[Document]:
    """The items that competed for a leg, held against the event as it came; see there."""
    place = (row["partition"], row["offset"], row["row"])
    event = next((one.event for one in came if one.position == place), None)
    if event is None or row.get("sender_leg") is not None:
        return []
    return candidates_of(row, *event, tables)


def _waits(held: Kept, came: Sequence[Appearance], tables: Tables) -> Document:
    """What was not rated, why, and what to do about it."""
    event = next((one.event for one in came if one.position == held.position), None)
    reason = Reason[held.reason.upper()]
    if held.state == "quarantined":
        advice = "mend it at the source and send it under the same number"
    elif reason in ADVICE:
        advice = ADVICE[reason]
    else:
        kind, _, key = held.detail.partition(":")
        when = " at the time of the event" if reason is Reason.NOT_ENTITLED else ""
        advice = f"list {kind} {key} in attribution.csv{when}, {TRY_AGAIN}"
    return {
        "position": str(held.position),
        "state": held.state,
        "reason": held.reason,
        "detail": held.detail,
        "what_to_do": advice,
        "candidates": unmet(*event, tables) if event and reason is Reason.NO_ITEM else [],
    }


def leg(row: Row, tables: Tables, book: Book) -> Document:
    """One rated leg: attribution, agreement, rate line and arithmetic in words and figures."""
    terms = _terms(row, book)
    item, version = terms.item, terms.version
    return {
        "role": Role(row["role"]).label,
        "attribution": f"{row['key']} -> {row['agreement']} ({terms.partner}, {terms.model})",
        "agreement_version": f"{row['agreement']} version {row['version']}"
        f"{f', within {version.territory}' if version.territory else ''}",
        "item": f"{row['item']}: {item.price_kind.label} per {item.per}, {item.flow.label}"
        f"{', surcharge' if item.surcharge else ''}"
        f"{f', master {item.book}' if item.book else ''}",
        "rate_line": rate_line(row, item, tables)
        + cap_note(row, item, tables)
        + explain_clawback.window(row, item),
        "measured": f"{row['raw_quantity']} {item.quantity.label}",
        "charged": f"{row['quantity']} {item.quantity.label}",
        "session": explain_session.in_words(row, item),
        "parts": explain_bands.parts(row, item)
        + explain_intervals.stretch(row, item, version.zone),
        "arithmetic": arithmetic(row, item),
        "charge": None if terms.tiered else format_micros(row["charge_micros"]),
        "currency": version.currency,
        "rounding": f"{version.rounding_place.label}, {version.rounding_mode.label},"
        f" {version.decimals} decimals",
        "period": row["period"],
        "hour": explain_intervals.hour(row),
        "reference": row["reference"],
    }


def _terms(row: Row, book: Book) -> Terms:
    period = row["period"]
    return book.terms(Series(row["agreement"], row["version"], row["item"], "", "", period, period))


def last_request(topics: Topics, name: EventName) -> tuple[int, int] | None:
    """Partition and offset of the last request to try an event again; None: there was none."""
    found = None
    records = codec("suspense.avsc")
    for segment in topics.read(RECYCLE.name):
        for offset, value in zip(segment.offsets.tolist(), segment.values, strict=True):
            if value is not None and is_suspended(records.decode(value), name):
                found = (segment.partition, offset)
    return found


def booked(row: Row, request: tuple[int, int] | None, documents: Sequence[Row], book: Book) -> str:
    """The period that a leg counts in: its own, or the next one that was open when it came."""
    if request is None:
        place, offset = f"{USAGE.name}/{row['partition']}", row["offset"]
    else:
        place, offset = f"{RECYCLE.name}/{request[0]}", request[1]
    cuts = {d["period"]: d["cut"] for d in documents if d["agreement"] == row["agreement"]}
    periods, period = _terms(row, book).version.periods, str(row["period"])
    while period in cuts and offset >= cuts[period].get(place, 0):
        period = periods.label(periods.parse(period) + 1)
    return period


def accrual_of(row: Row, period: str, found: Sequence[Row]) -> list[Document]:
    """The accrual rows of a booked period that a leg is part of, as they stand."""
    return [
        {k: r[k] for k in ("booked", "original", "events", "quantity", "amount", "currency")}
        for r in found
        if (r["agreement"], r["version"], r["item"], r["original"], r["booked"])
        == (row["agreement"], row["version"], row["item"], row["period"], period)
        and r["line"] in ("", row["zone"])
    ]


def statement_lines(row: Row, period: str, documents: Sequence[Row]) -> list[str]:
    """The lines of the statement of a booked period that a leg is part of."""
    return [
        f"{d['number']} line {n}: {line['item']}{' ' + line['zone'] if line['zone'] else ''}"
        f" {line['amount']} {line['currency']}"
        for d in documents
        if (d["agreement"], d["period"]) == (row["agreement"], period)
        for n, line in enumerate(d["lines"], 1)
        if (line["item"], line["agreement_version"], line["original_period"])
        == (row["item"], row["version"], row["period"])
        and line["zone"] in ("", row["zone"])
        and "kind" not in line  # a commitment's line is of the period, not of a leg
    ]
