"""Which Avro schema stands behind which schema id.

A message on `usage.v1` starts with a zero byte and a four-byte schema id, as Confluent's framing
has it. The ids of Weir's own schemas are fixed here and never reused: a family of usage has one id
a version, and an envelope (many events of one family in one message) has the family's id plus 100.
A new version of a schema is a new line in `VERSIONS`; readers fill what an older writer did not
know from the defaults of the newest version, so an old id stays readable for ever.

The types are held to a small subset (see `docs/usage-contract.md`) that every columnar decoder
reads.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from schemas.codes import Service

MAGIC = 0
FRAME_BYTES = 5
ENVELOPE_OFFSET = 100
UNREADABLE_ID = 9
SINGLE_BYTE_ID_MAX = 127  # ids below 128 let the frame be decoded as part of the datum: columns.py

# schema id -> (family, file); the highest id of a family is the version that readers expect.
VERSIONS: dict[int, tuple[Service, str]] = {
    1: (Service.VOICE, "usage_voice.avsc"),
    2: (Service.SMS, "usage_sms.avsc"),
    3: (Service.DATA, "usage_data.avsc"),
    4: (Service.BANDWIDTH, "usage_bandwidth.avsc"),
    5: (Service.CIRCUIT, "usage_circuit.avsc"),
    6: (Service.TRANSACTION, "usage_transaction.avsc"),
    16: (Service.TRANSACTION, "usage_transaction.v2.avsc"),
}


@dataclass(frozen=True)
class WireSchema:
    """A schema id, what it carries, and its Avro schema as parsed JSON."""

    schema_id: int
    service: Service | None
    envelope: bool
    schema: dict[str, Any]


def read_schema(file: str) -> dict[str, Any]:
    """The Avro schema in a file of this package, as parsed JSON."""
    parsed: dict[str, Any] = json.loads(resources.files("schemas").joinpath(file).read_text())
    return parsed


def envelope_of(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a message that carries many events of one family."""
    return {
        "type": "record",
        "name": f"{schema['name']}Envelope",
        "namespace": schema["namespace"],
        "fields": [{"name": "events", "type": {"type": "array", "items": schema}}],
    }


@cache
def wire_schemas() -> dict[int, WireSchema]:
    """Every schema id that may stand on `usage.v1` or `recycle.v1`."""
    known = {
        UNREADABLE_ID: WireSchema(
            UNREADABLE_ID, None, envelope=False, schema=read_schema("usage_unreadable.avsc")
        )
    }
    for schema_id, (service, file) in VERSIONS.items():
        schema = read_schema(file)
        known[schema_id] = WireSchema(schema_id, service, envelope=False, schema=schema)
        envelope_id = schema_id + ENVELOPE_OFFSET
        known[envelope_id] = WireSchema(
            envelope_id, service, envelope=True, schema=envelope_of(schema)
        )
    if max(known) > SINGLE_BYTE_ID_MAX:
        msg = "Invariant: a schema id no longer fits one byte; columns.py relies on it"
        raise ValueError(msg)
    return known


def current_id(service: Service) -> int:
    """The schema id of the newest version of a family."""
    return max(schema_id for schema_id, (family, _) in VERSIONS.items() if family is service)


def current_schema(service: Service) -> dict[str, Any]:
    """The newest Avro schema of a family: the one that readers expect."""
    return wire_schemas()[current_id(service)].schema


def frame(schema_id: int) -> bytes:
    """The five bytes in front of a datum."""
    return bytes([MAGIC]) + schema_id.to_bytes(4, "big")
