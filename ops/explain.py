"""Explain: one event's way, from what the network sent to the line of a statement.

Every step is shown with the figures it used: where the event stands on the log, whether it was the
first of its key, whose it is and by which rule, which version of the agreement was in force, the rate
line, the arithmetic, the accrual it is part of, and the statement line that accrual became.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import numpy as np

from schemas.codes import PriceKind, Role
from schemas.money import format_micros
from schemas.records import codec
from schemas.topics import SUSPENSE, USAGE
from state.tables import Tables
from streams.accrual import NANOS, Book
from streams.contribution import HOUR_US, Series
from streams.log import Segment
from streams.privacy import mask
from streams.statement import format_nanos, fraction_text
from streams.usage import read_usage

MASKED = ("calling_number", "called_number", "routing_number", "subscriber")


@dataclass(frozen=True)
class EventName:
    """An event as people name it: `source/epoch/sequence`, `source/sequence` or `source//id`."""

    source: str
    epoch: int
    sequence: int | None
    event_id: str | None

    @staticmethod
    def parse(text: str) -> EventName:
        """Read a name.

        Raises:
            ValueError: it has none of the three forms.
        """
        if "//" in text:
            source, _, event_id = text.partition("//")
            return EventName(source, 0, None, event_id)
        parts = text.rsplit("/", 2)
        if len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit():  # noqa: PLR2004
            return EventName(parts[0], int(parts[1]), int(parts[2]), None)
        source, _, sequence = text.rpartition("/")
        if source and sequence.isdigit():
            return EventName(source, 0, int(sequence), None)
        msg = f"{text!r} names no event: write source/epoch/sequence, source/sequence or source//id"
        raise ValueError(msg)


def appearances(
    segments: Iterator[Segment], name: EventName, partitions: int
) -> Iterator[dict[str, Any]]:
    """Every time an event came on the log, with its position and fields, numbers masked."""
    for segment in segments:
        usage, _ = read_usage([segment], partitions)
        hit = np.array([v == name.source for v in usage.source.values] + [False])[
            usage.source.codes
        ]
        if name.sequence is not None:
            hit &= (usage.sequence == name.sequence) & (usage.epoch == name.epoch)
        for index in np.flatnonzero(hit).tolist():
            if name.event_id is not None and usage.event_id[index].as_py() != name.event_id:
                continue
            family, at = usage.origin(index)
            fields = (
                {"text": usage.unreadable[at].text}
                if family is None
                else {
                    k: c[at].as_py() for k, c in family.columns.items() if c[at].as_py() is not None
                }
            )
            fields.pop("source", None)
            yield {
                "position": f"{USAGE.name}/{usage.partition[index]}/{usage.offset[index]}"
                f" row {usage.row[index]}",
                "fields": {k: mask(v) if k in MASKED else str(v) for k, v in fields.items()},
            }


def kept(records: Sequence[tuple[str, bytes]], name: EventName) -> list[dict[str, Any]]:
    """What suspense and quarantine hold of an event."""
    found = []
    for topic, value in records:
        record = codec("suspense.avsc" if topic == SUSPENSE.name else "quarantine.avsc").decode(
            value
        )
        if topic == SUSPENSE.name:
            same = (record["source"], record["epoch"]) == (name.source, name.epoch) and (
                record["sequence"] == name.sequence
                if name.event_id is None
                else record["event_id"] == name.event_id
            )
            said = {"state": "suspended", "reason": record["reason"], "missing": record["missing"]}
        else:
            same = record["source"] == name.source and _identity_in(record, name)
            said = {"state": "quarantined", "reason": record["reason"], "detail": record["detail"]}
        if same:
            found.append(said)
    return found


def _identity_in(record: Mapping[str, Any], name: EventName) -> bool:
    """Whether a quarantined record is of the event named."""
    position = np.zeros(1, np.int64)
    segment = Segment(USAGE.name, record["partition"], position, [None], [record["message"]], 1, 0)
    usage, _ = read_usage([segment], 1)
    if len(usage) != 1:
        return False
    if name.event_id is not None:
        return bool(usage.event_id[0].as_py() == name.event_id)
    return bool(usage.sequence[0] == name.sequence and usage.epoch[0] == name.epoch)


def leg(row: Mapping[str, Any], tables: Tables, book: Book) -> dict[str, Any]:
    """One rated leg: attribution, agreement, rate line and arithmetic in words and figures."""
    series = Series(
        row["agreement"], row["version"], row["item"], "", "", row["period"], row["period"]
    )
    terms = book.terms(series)
    item, version = terms.item, terms.version
    price, unit = row["price_nanos"], item.unit
    top = price * row["quantity"] + (row["connect_nanos"] * unit if row["quantity"] else 0)
    exact = Fraction(top, unit * NANOS)
    if item.price_kind is PriceKind.TIERS:
        arithmetic = "priced by the period's volume: this event moves it by its quantity"
    else:
        fee = f" + {format_nanos(row['connect_nanos'])} connect fee" if row["connect_nanos"] else ""
        arithmetic = (
            f"{row['quantity']} x {format_nanos(price)} / {unit}{fee} = {fraction_text(exact)}"
            f" -> {format_micros(row['charge_micros'])}"
        )
    return {
        "role": Role(row["role"]).label,
        "attribution": f"{row['key']} -> {row['agreement']} ({terms.partner}, {terms.model})",
        "agreement_version": f"{row['agreement']} version {row['version']}",
        "item": f"{row['item']}: {item.price_kind.label} per {item.per}, {item.flow.label}",
        "rate_line": _rate_line(row, terms.tiered),
        "measured": f"{row['raw_quantity']} {item.quantity.label}",
        "charged": f"{row['quantity']} {item.quantity.label}",
        "arithmetic": arithmetic,
        "charge": None if terms.tiered else format_micros(row["charge_micros"]),
        "currency": version.currency,
        "rounding": f"{version.rounding_place.label}, {version.rounding_mode.label},"
        f" {version.decimals} decimals",
        "period": row["period"],
        "hour": row["started_us"] // HOUR_US,
        "reference": tables.reference_id,
    }


def _rate_line(row: Mapping[str, Any], tiered: bool) -> str:  # noqa: FBT001
    if tiered:
        return "graduated tiers of the item"
    zone = f"zone {row['zone']}, " if row["zone"] else ""
    return f"{zone}price {format_nanos(row['price_nanos'])}"


def accrual_of(row: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The accrual rows of the period that a leg is part of, as they stand."""
    return [
        {k: r[k] for k in ("booked", "original", "events", "quantity", "amount", "currency")}
        for r in found
        if (r["agreement"], r["version"], r["item"], r["original"])
        == (row["agreement"], row["version"], row["item"], row["period"])
        and r["line"] in ("", row["zone"])
    ]


def statement_lines(row: Mapping[str, Any], documents: Sequence[Mapping[str, Any]]) -> list[str]:
    """The lines of statements that a leg is part of."""
    return [
        f"{d['number']} line {n}: {line['item']} {line['zone']} {line['amount']} {line['currency']}"
        for d in documents
        if d["agreement"] == row["agreement"]
        for n, line in enumerate(d["lines"], 1)
        if (line["item"], line["agreement_version"], line["original_period"])
        == (row["item"], row["version"], row["period"])
        and line["zone"] in ("", row["zone"])
    ]


def at(us: int) -> str:
    """An instant as people read it."""
    return datetime.fromtimestamp(us // 1_000_000, UTC).isoformat().replace("+00:00", "Z")
