"""Makers for the oracle's tests: usage as bytes, and reference directories as text.

Usage is written by fastavro straight from the published schemas, so that these tests rest on
nothing of the product either.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import fastavro

from ops.oracle import Settlement
from ops.oracle_reference import Reference, read_reference

SCHEMAS = Path(__file__).parents[2] / "schemas"
IDS = {"voice": 1, "sms": 2, "data": 3, "bandwidth": 4, "circuit": 5, "transaction": 6}
KEYS = "route,TG-1,A,,\nroute,TG-2,B,,\nroute,TG-own,own,,\nchannel,shop,A,,"
NOON = "2026-11-10T12:00:00+00:00"
MINUTE_US = 60_000_000

# What a family's event has when a test does not say otherwise.
COMMON: dict[str, Any] = {"source": "msc-1", "sequence": 1, "direction": "in", "started_at": NOON}
FILLED: dict[str, dict[str, Any]] = {
    "voice": {"called_number": "4915112345678", "duration_ms": 60_000},
    "sms": {"called_number": "4915112345678"},
    "data": {"volume_up_bytes": 0, "volume_down_bytes": 1_000_000},
    "bandwidth": {
        "product_instance": "port-1",
        "ended_at": NOON,
        "volume_up_bytes": 0,
        "volume_down_bytes": 0,
    },
    "circuit": {"product_instance": "circuit-1", "ended_at": NOON},
    "transaction": {"retail_amount_micros": 10_000_000, "retail_currency": "EUR"},
}


def micros(moment: str) -> int:
    """Microseconds since the epoch of an ISO timestamp with offset."""
    at = datetime.fromisoformat(moment)
    epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    elapsed = at - epoch
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds


def schema_of(family: str) -> Any:  # noqa: ANN401 - a parsed Avro schema has any shape
    """The published schema of a family, with plain integers for timestamps."""
    text = (SCHEMAS / f"usage_{family}.avsc").read_text()
    plain = text.replace('"logicalType": "timestamp-micros"', '"doc": "microseconds"')
    return fastavro.parse_schema(json.loads(plain), named_schemas={})


def datum(service: str, **fields: object) -> bytes:
    """The Avro datum of one event; fields left out have the family's usual values."""
    record = {**COMMON, **FILLED[service], **fields}
    for name in ("started_at", "ended_at"):
        if isinstance(record.get(name), str):
            record[name] = micros(record[name])
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema_of(service), record)
    return out.getvalue()


def framed(schema_id: int, body: bytes) -> bytes:
    """A message: zero byte, schema id, body."""
    return b"\x00" + schema_id.to_bytes(4, "big") + body


def event(service: str, **fields: object) -> bytes:
    """A message of one event."""
    return framed(IDS[service], datum(service, **fields))


def envelope(service: str, *bodies: bytes) -> bytes:
    """A message of many events: the Avro array of their datums (fewer than 64 of them)."""
    block = bytes([2 * len(bodies)]) + b"".join(bodies) if bodies else b""
    return framed(100 + IDS[service], block + b"\x00")


def unreadable(source: str, sequence: int, reason: str) -> bytes:
    """A message that stands for a line of a file that could not be read."""
    out = io.BytesIO()
    record = {"source": source, "sequence": sequence, "reason": reason, "text": "a;b;c"}
    fastavro.schemaless_writer(out, schema_of("unreadable"), record)
    return framed(9, out.getvalue())


def log(messages: Sequence[bytes], *, at: str = NOON) -> list[tuple[int, int, int, bytes]]:
    """The messages as partition 0 of a log, from offset 0, all with one log time."""
    return [(0, offset, micros(at), message) for offset, message in enumerate(messages)]


def version(items: str, **terms: str) -> str:
    """An agreement version in YAML; `terms` replaces or adds to the usual ones."""
    usual = {
        "version": "1",
        "valid_from": "2026-01-01",
        "zone": "UTC",
        "currency": "EUR",
        **terms,
    }
    lines = [f"{name}: {value}" for name, value in usual.items()]
    return "{" + ", ".join([*lines, f"items: [{items}]"]) + "}"


def item(price: str, **terms: str) -> str:
    """An item in YAML: by default incoming voice at the ingress, owed by the partner."""
    usual = {
        "item": "voice-in",
        "role": "ingress",
        "service": "voice",
        "flow": "receivable",
        **terms,
    }
    return "{" + ", ".join(f"{n}: {v}" for n, v in usual.items()) + f", price: {price}}}"


def tiers(per: str, *steps: tuple[str, str], **terms: str) -> str:
    """A graduated price in YAML: (bound, price) a step, the open last step with an empty bound."""
    bounds = [(f"up_to: {bound}, " if bound else "", price) for bound, price in steps]
    listed = ", ".join(f'{{{bound}price: "{price}"}}' for bound, price in bounds)
    more = "".join(f", {name}: {value}" for name, value in terms.items())
    return f"{{kind: tiers, per: {per}, tiers: [{listed}]{more}}}"


def unit(per: str, amount: str, **terms: str) -> str:
    """A unit price in YAML."""
    more = "".join(f', {name}: "{value}"' for name, value in terms.items())
    return f'{{kind: unit, per: {per}, amount: "{amount}"{more}}}'


def reference(
    directory: Path,
    agreements: Mapping[str, Sequence[str]],
    keys: str = "route,TG-1,A,,",
    decks: Mapping[str, tuple[str, str]] | None = None,
) -> Reference:
    """A reference directory of agreements (by name, their versions), keys and decks, read back."""
    directory.mkdir(parents=True, exist_ok=True)
    entries = [
        f"- {{agreement: {name}, partner: P-{name}, model: wholesale, "
        f"versions: [{', '.join(versions)}]}}"
        for name, versions in agreements.items()
    ]
    (directory / "partners.yaml").write_text(
        "".join(f"- {{partner: P-{name}, name: {name}}}\n" for name in agreements)
    )
    (directory / "agreements.yaml").write_text("\n".join(entries) + "\n")
    (directory / "attribution.csv").write_text(
        f"kind,key,agreement,valid_from,valid_upto\n{keys}\n"
    )
    (directory / "decks").mkdir(exist_ok=True)
    for name, (prefixes, rates) in (decks or {}).items():
        (directory / "decks" / f"{name}.prefixes.csv").write_text(f"prefix,zone\n{prefixes}\n")
        columns = "zone,price_per_minute,initial_seconds,next_seconds,connect_fee"
        (directory / "decks" / f"{name}.rates.csv").write_text(
            f"{columns},valid_from,valid_upto\n{rates}\n"
        )
    return read_reference(directory)


def market(directory: Path, rounding: str = "{}") -> Reference:
    """A owes 0.06 a minute for what it brings in, B is owed 0.03 for what goes out to it."""
    incoming = item(unit("minute", "0.06"), direction="any")
    outgoing = item(
        unit("minute", "0.03"), item="voice-out", role="egress", direction="out", flow="payable"
    )
    share = item('{kind: share, percent: "30"}', item="shop", role="channel", service="transaction")
    return reference(
        directory,
        {
            "A": [version(f"{incoming}, {share}", rounding=rounding)],
            "B": [version(outgoing, rounding=rounding)],
        },
        KEYS,
    )


def call(sequence: int = 1, **fields: object) -> bytes:
    """A minute that A brings in, unless said otherwise."""
    return event("voice", **{"sequence": sequence, "ingress_route": "TG-1", **fields})


def events_booked(settled: Settlement, agreement: str = "A") -> dict[tuple[str, str], int]:
    """How many events of an agreement are booked, by booked and original period."""
    return {
        (key.booked, key.original): accrual.events
        for key, accrual in settled.accruals.items()
        if key.agreement == agreement and key.hour is None
    }
