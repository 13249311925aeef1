"""Small makers of what a view is fed with: accrual messages, statements and segments of a log.

Amounts are worked out here with the functions of `streams/terms.py`, as the accrue hop does, from
sums by series and hour; so a test says what was used and need not say what a message holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from schemas.records import codec
from schemas.topics import ACCRUALS
from state.tables import Tables
from streams.accrual import Book, Row, Volume, volume_of
from streams.contribution import Series
from streams.log import Message, Segment
from streams.statement import canonical, draft, seal
from streams.worth import worth
from tests.builders import reference_dir, tables

# One agreement of each way to price and round. Volumes are counted in events, so sums stay small.
AGREEMENTS = """\
- agreement: PLAIN
  partner: ALFA
  model: wholesale
  versions:
    - version: 1
      valid_from: 2026-01-01
      zone: UTC
      currency: EUR
      items:
        - {item: calls, role: ingress, service: voice, flow: receivable,
           price: {kind: unit, per: minute, amount: "0.06"}}
        - {item: texts, role: ingress, service: sms, flow: payable,
           price: {kind: unit, per: event, amount: "0.01"}}
- agreement: TIERED
  partner: ALFA
  model: mvno
  versions:
    - version: 1
      valid_from: 2026-01-01
      valid_upto: 2026-11-16
      zone: UTC
      currency: EUR
      rounding: {place: line, mode: half_up, decimals: 2}
      items: &tiered
        - {item: texts, role: subscriber, service: sms, flow: receivable,
           price: {kind: tiers, per: event, tiers: [{up_to: 10, price: "0.015"}, {price: "0.01"}]}}
        - {item: calls, role: subscriber, service: voice, flow: receivable,
           price: {kind: unit, per: minute, amount: "0.05"}}
    - version: 2
      valid_from: 2026-11-16
      zone: UTC
      currency: EUR
      rounding: {place: line, mode: half_up, decimals: 2}
      items: *tiered
- agreement: WHOLE
  partner: BRAVO
  model: referral
  versions:
    - version: 1
      valid_from: 2026-01-01
      zone: UTC
      currency: EUR
      rounding: {place: statement, mode: half_up, decimals: 2}
      items:
        - {item: texts, role: subscriber, service: sms, flow: payable,
           price: {kind: tiers, per: event,
                   tiers: [{up_to: 10, price: "0.0015"}, {price: "0.001"}]}}
        - {item: calls, role: subscriber, service: voice, flow: payable,
           price: {kind: unit, per: minute, amount: "0.05"}}
"""

ATTRIBUTION = """\
kind,key,agreement,valid_from,valid_upto
route,TG-001,PLAIN,,
"""

Sums = tuple[int, int, int, int]  # events, quantity, charge_micros, residue
Usage = Mapping[tuple[Series, int], Sums]


def view_tables(directory: Path) -> Tables:
    """Tables with the agreements above."""
    return tables(reference_dir(directory, agreements=AGREEMENTS, attribution=ATTRIBUTION))


def series(
    agreement: str,
    item: str,
    booked: str = "2026-11",
    *,
    version: int = 1,
    original: str | None = None,
) -> Series:
    """A series in euros, without lines."""
    return Series(agreement, version, item, "", "EUR", original or booked, booked)


def totals(usage: Usage) -> dict[Series, Row]:
    """The rows of whole periods."""
    sums: dict[Series, list[int]] = {}
    for (name, _), counted in usage.items():
        before = sums.setdefault(name, [0, 0, 0, 0])
        sums[name] = [a + b for a, b in zip(before, counted, strict=True)]
    return {name: Row(name, *found) for name, found in sums.items()}


def by_volume(whole: Mapping[Series, Row], book: Book) -> dict[Volume, list[Row]]:
    """Rows that lie on the same volume."""
    volumes: dict[Volume, list[Row]] = {}
    for name, row in whole.items():
        volumes.setdefault(volume_of(name, book.terms(name)), []).append(row)
    return volumes


def publish(usage: Usage, book: Book, as_of_us: int = 1) -> list[Message]:
    """The messages of all books and hours of this usage, as the accrue hop publishes them."""
    whole = totals(usage)
    groups: dict[tuple[str, str, int | None], list[dict[str, object]]] = {}
    volumes = by_volume(whole, book)
    for name, row in whole.items():
        found = worth(row, volumes[volume_of(name, book.terms(name))], book)
        told = fields(row, found.micros) | {"shortfall_micros": found.shortfall_micros or None}
        groups.setdefault((name.agreement, name.booked, None), []).append(told)
    for (name, hour), counted in usage.items():
        row = Row(name, *counted)
        direct = book.terms(name).direct
        group = groups.setdefault((name.agreement, name.booked, hour), [])
        group.append(fields(row, row.charge_micros if direct else None))
    return [accrual_message(*key, rows, as_of_us) for key, rows in groups.items()]


def fields(row: Row, amount_micros: int | None) -> dict[str, object]:
    """A row as a message has it."""
    name = row.series
    return {
        "version": name.version,
        "item": name.item,
        "line": name.line,
        "currency": name.currency,
        "original": name.original,
        "events": row.events,
        "quantity": row.quantity,
        "charge_micros": row.charge_micros,
        "residue_high": row.residue >> 32,
        "residue_low": row.residue % 2**32,
        "amount_micros": amount_micros,
    }


def accrual_message(
    agreement: str,
    booked: str,
    hour: int | None,
    rows: Sequence[Mapping[str, object]],
    as_of_us: int = 1,
) -> Message:
    """One message of `accruals.v1`."""
    record = {
        "agreement": agreement,
        "booked": booked,
        "hour": hour,
        "as_of": as_of_us,
        "rows": [dict(row) for row in rows],
    }
    key = f"{agreement}|{booked}|{'total' if hour is None else hour}"
    return key.encode(), codec("accruals.avsc").encode(record)


def statement_message(usage: Usage, book: Book, agreement: str, period: str) -> Message:
    """The statement that closes a period, of `statements.v1`."""
    whole = totals(usage)
    rows = [r for n, r in whole.items() if (n.agreement, n.booked) == (agreement, period)]
    terms = book.terms(rows[0].series)
    head = {
        "number": f"{agreement}-000001",
        "agreement": agreement,
        "partner": terms.partner,
        "model": terms.model,
        "period": period,
        "from_us": 0,
        "upto_us": 1,
        "zone": "UTC",
        "reference": "0" * 16,
        "cut": {},
        "as_of_us": 1,
    }
    document = seal({**head, **draft(rows, by_volume(whole, book), book)})
    return document["number"].encode(), canonical(document)


def outcomes_message(*counts: tuple[str, str, int]) -> Message:
    """The rate hop's position record, with outcomes."""
    record = {"positions": {}, "outcomes": [list(c) for c in counts], "watermarks": {}}
    return b"position", json.dumps(record).encode()


def segment(
    messages: Iterable[Message],
    start: int = 0,
    *,
    topic: str = ACCRUALS.name,
    partition: int = 0,
    timestamp_us: int = 1_000_000,
) -> Segment:
    """Messages at consecutive offsets."""
    listed = list(messages)
    return Segment(
        topic,
        partition,
        np.arange(start, start + len(listed), dtype=np.int64),
        [k for k, _ in listed],
        [v for _, v in listed],
        start + len(listed),
        timestamp_us,
    )


def compacted(whole: Segment) -> Segment:
    """What compaction leaves: the latest message of each key, at its offset."""
    last = {key: at for at, key in enumerate(whole.keys)}
    kept = sorted(last.values())
    return Segment(
        whole.topic,
        whole.partition,
        whole.offsets[kept],
        [whole.keys[at] for at in kept],
        [whole.values[at] for at in kept],
        whole.next_offset,
        whole.timestamp_us,
    )
