"""Seeded usage for the simulation, small enough to settle a thousand times.

A few elements report calls, texts, data and sales under three agreements, which price in every way
there is: per record, per line with tiers over two versions, per statement as a share. Events are
repeated, altered, swapped, late, early, unknown, unusable. The messages of a seed are the same
whatever the partition count; what becomes of each is asked of the oracle once, under the reference
as it is at first and as it is when it has been mended.
"""

from __future__ import annotations

import io
import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import fastavro

from ops.oracle import Settlement, Trace, settle
from ops.oracle_reference import Reference, read_reference
from ops.oracle_usage import Fault, fault_of, read_message, read_schemas
from schemas.codes import Service
from schemas.registry import ENVELOPE_OFFSET, current_id, current_schema, frame
from schemas.topics import partition_of
from state.tables import Tables
from streams.log import Message
from tests.builders import ATTRIBUTION, reference_dir, tables

# The broker's clock starts at 2023-11-14T22:13:20Z; the usage is of the days before.
NOW_US = 1_700_000_000_000_000
HOUR_US = 3_600_000_000
MESSAGES = 56
PERIODS = {
    "ALFA-1": ("2023-11-12", "2023-11-13", "2023-11-14"),
    "BRAVO-1": ("2023-10", "2023-11"),
    "CHARLIE-1": ("2023-11",),
}

AGREEMENTS = """\
- agreement: ALFA-1
  partner: ALFA
  model: wholesale
  versions:
    - version: 1
      valid_from: 2023-01-01
      zone: Europe/Berlin
      currency: EUR
      period: day
      rounding: {place: record, mode: half_up, decimals: 4}
      items:
        - {item: voice-in, role: ingress, service: voice, flow: receivable,
           count: {whole: session}, price: {kind: deck, deck: STANDARD}}
        - {item: sms-in, role: ingress, service: sms, flow: payable,
           price: {kind: unit, per: event, amount: "0.00125"}}
- agreement: BRAVO-1
  partner: BRAVO
  model: mvno
  versions:
    - version: 1
      valid_from: 2023-01-01
      valid_upto: 2023-11-14
      zone: UTC
      currency: EUR
      rounding: {place: line, mode: half_up, decimals: 2}
      items: &items
        - {item: sms, role: subscriber, service: sms, flow: receivable,
           price: {kind: tiers, per: event, tiers: [{up_to: 5, price: "0.013"}, {price: "0.007"}]}}
        - {item: data, role: subscriber, service: data, flow: receivable,
           price: {kind: unit, per: megabyte, amount: "0.0023"}}
        - {item: peak, role: subscriber, service: data, flow: receivable, surcharge: true,
           measure: {of: peak}, price: {kind: tiers, each: hour, per: megabyte, at_least: 9,
                                        tiers: [{up_to: 9, price: "0.7"}, {price: "0.04"}]}}
        - {item: users, role: subscriber, service: sms, flow: payable, surcharge: true,
           measure: {of: distinct, of_what: subscriber},
           price: {kind: tiers, per: unit, tiers: [{price: "1.13"}]}}
    - version: 2
      valid_from: 2023-11-14
      zone: UTC
      currency: EUR
      rounding: {place: line, mode: half_up, decimals: 2}
      items: *items
- agreement: CHARLIE-1
  partner: BRAVO
  model: reseller
  versions:
    - version: 1
      valid_from: 2023-01-01
      zone: UTC
      currency: EUR
      rounding: {place: statement, mode: half_even, decimals: 2}
      items:
        - {item: sales, role: channel, service: transaction, flow: payable,
           price: {kind: share, percent: "7.25"}}
"""
KEYS = "kind,key,agreement,valid_from,valid_upto\n" + ATTRIBUTION.split("\n", 1)[1]
KEYS += "channel,SHOP,CHARLIE-1,,\n"
MENDED = "route,TG-NEW,ALFA-1,,\n"

Bytes = tuple[str, bytes]  # the source that a message is keyed by, and the message


class Maker:
    """The messages of one seed, in the order they are sent."""

    def __init__(self, seed: int) -> None:
        """Nothing sent yet."""
        self._random = random.Random(f"usage-{seed}")
        self._counts = dict.fromkeys([f"element-{n}" for n in range(5)], 0)
        self._sessions = random.Random(f"sessions-{seed}")
        self._sent: list[tuple[Service, dict[str, Any]]] = []

    def messages(self, count: int) -> list[Bytes]:
        """So many messages; neighbours are swapped now and then."""
        made = [self._message() for _ in range(count)]
        for at in range(0, count - 1, 5):
            if self._random.random() < 1 / 3:
                made[at], made[at + 1] = made[at + 1], made[at]
        return made

    def _message(self) -> Bytes:
        """One event or an envelope of a family and source, a repeat, or bytes that are no usage."""
        chance = self._random.random()
        if chance < 0.03:
            source = self._random.choice(sorted(self._counts))
            return source, self._random.choice([b"", b"\x00\x00\x00\x00\x02\xff", b"\x07text"])
        if chance < 0.25 and self._sent:
            return self._repeat()
        service = self._random.choice(
            [Service.VOICE, Service.SMS, Service.SMS, Service.DATA, Service.TRANSACTION]
        )
        source = self._random.choice(sorted(self._counts))
        rows = [self._event(service, source) for _ in range(self._random.choice([1, 1, 2, 4]))]
        return source, packed(service, rows)

    def _repeat(self) -> Bytes:
        """An event again, one in four of them saying something else."""
        service, row = self._random.choice(self._sent)
        if self._random.random() < 1 / 4:
            row = row | {"started_at": row["started_at"] + 1_000_000}
        return row["source"], packed(service, [row])

    def _event(self, service: Service, source: str) -> dict[str, Any]:
        """The next event of an element; the last element numbers nothing, but names its events."""
        at = self._counts[source] = self._counts[source] + 1
        numbered = source != "element-4"
        row: dict[str, Any] = {
            "source": source,
            "sequence": at if numbered else None,
            "event_id": None if numbered else f"event-{at}",
            "direction": "in",
            "started_at": NOW_US - 2 * HOUR_US - self._random.randrange(60 * HOUR_US),
        }
        chance = self._random.random()
        if chance < 0.06:
            row["started_at"] -= 14 * 24 * HOUR_US  # late, of the month before
        elif chance < 0.09:
            row["started_at"] = NOW_US + 5 * HOUR_US
        elif chance < 0.12:
            row["test"] = True
        row |= self._family(service)
        if service is Service.VOICE and chance >= 0.12:
            row |= self._part(source, at)
        self._sent.append((service, row))
        return row

    def _part(self, source: str, at: int) -> dict[str, Any]:
        """Most calls are parts of one session of their element; of some the last come first."""
        if self._sessions.random() < 1 / 8:
            return {}
        number = at if int(source[-1]) % 2 else 1_000 - at
        return {
            "session_id": f"session of {source}",
            "partial_sequence": number,
            "called_number": "4917099999",  # of the zone with a fee and long increments
            "ingress_route": self._sessions.choice(["TG-001", "TG-001", "TG-001", "TG-NEW"]),
        }

    def _family(self, service: Service) -> dict[str, Any]:
        """What the families differ in."""
        route = self._random.choice(["TG-001", "TG-001", "TG-001", "TG-900", "TG-NEW", None])
        subscriber = self._random.choice(["491701234567", "491701234999"])
        number = self._random.choice(["4930123456", "4917099999", "4917000000", "33123456"])
        if service is Service.VOICE:
            seconds = self._random.randrange(-1, 300)
            return {"ingress_route": route, "called_number": number, "duration_ms": seconds * 997}
        if service is Service.SMS:
            if self._random.random() < 1 / 3:
                return {"ingress_route": route, "called_number": number}
            return {"subscriber": subscriber, "called_number": number}
        if service is Service.DATA:
            volume = self._random.randrange(3_000_000)
            return {
                "subscriber": subscriber,
                "volume_up_bytes": volume,
                "volume_down_bytes": 7 * volume,
            }
        return {
            "sales_channel": "SHOP",
            "retail_amount_micros": self._random.randrange(50_000_000),
            "retail_currency": self._random.choice(["EUR", "EUR", "EUR", "NOK"]),
        }


@cache
def _schema(service: Service) -> Any:  # noqa: ANN401 - fastavro's parsed schema
    return fastavro.parse_schema(current_schema(service))


def packed(service: Service, rows: Sequence[dict[str, Any]]) -> bytes:
    """One event as a message of its own, more of them as an envelope."""
    out = io.BytesIO()
    for row in rows:
        fastavro.schemaless_writer(out, _schema(service), row)
    if len(rows) == 1:
        return frame(current_id(service)) + out.getvalue()
    # An Avro array: a block of so many items (zigzag: twice the count), and an empty block.
    framed = frame(current_id(service) + ENVELOPE_OFFSET)
    return framed + bytes([2 * len(rows)]) + out.getvalue() + b"\x00"


Place = tuple[int, int]  # usage partition and offset


@dataclass(frozen=True)
class Fate:
    """What becomes of the usage under one reference: the traces of the events of each message."""

    reference: Reference
    tables: Tables
    settlement: Settlement
    traces: Mapping[Place, Sequence[Trace]]


@dataclass(frozen=True)
class Case:
    """The usage of one seed on so many partitions, and its fates before and after the mend."""

    messages: Sequence[tuple[int, Message]]  # partition and message, in sending order
    partitions: int
    first: Fate
    mended: Fate

    def fate(self, reference_id: str) -> Fate:
        """The fate under a reference."""
        return next(f for f in (self.first, self.mended) if f.tables.reference_id == reference_id)


@cache
def case(seed: int, partitions: int) -> Case:
    """The usage of a seed, made and settled once."""
    made = [
        (partition_of(source, partitions), (source.encode(), value))
        for source, value in Maker(seed).messages(MESSAGES)
    ]
    with tempfile.TemporaryDirectory() as directory:
        fates = [
            _fate(made, partitions, Path(directory) / name, keys)
            for name, keys in (("first", KEYS), ("mended", KEYS + MENDED))
        ]
    return Case(made, partitions, *fates)


def _fate(made: Sequence[tuple[int, Message]], partitions: int, directory: Path, keys: str) -> Fate:
    reference_dir(directory, agreements=AGREEMENTS, attribution=keys)
    reference, compiled = read_reference(directory), tables(directory)
    ends = dict.fromkeys(range(partitions), 0)
    log: list[tuple[int, int, int, bytes]] = []
    for partition, (_, value) in made:
        log.append((partition, ends[partition], NOW_US, value or b""))
        ends[partition] += 1
    settlement = settle(reference, log, usage_partitions=partitions)
    traces: dict[Place, list[Trace]] = {(p, o): [] for p, o, _, _ in log}
    for each in settlement.traces.values():
        for trace in each:
            traces[trace.position[:2]].append(trace)
    for partition, offset, _, value in log:
        traces[partition, offset] += _nameless(value, partition, partitions)
    return Fate(reference, compiled, settlement, traces)


def _nameless(value: bytes, partition: int, partitions: int) -> list[Trace]:
    """What is refused without an identity leaves no trace with the oracle but a count."""
    found = []
    for event in read_message(value, _oracle_schemas()):
        reason = (
            event.reason if isinstance(event, Fault) else fault_of(event, partition, partitions)
        )
        if event.identity is None:
            found.append(Trace((partition, -1, -1), None, "quarantined", str(reason), None))  # type: ignore[arg-type]
    return found


@cache
def _oracle_schemas() -> Any:  # noqa: ANN401
    return read_schemas()
