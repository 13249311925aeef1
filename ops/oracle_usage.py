"""The oracle's own reading of usage: one framed message to usage events, one datum at a time.

A message is a zero byte, a four-byte schema id and Avro. It holds one event, an envelope of many,
or the note that a line of a file could not be read. What is no usage at all becomes a `Fault` with
the reason, and so does an event that cannot be true: without identity, of a negative quantity, at
an impossible time. The Avro schemas are read as data; the decoder is fastavro's plain reader, with
timestamps left as the integers they are.
"""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import fastavro
from fastavro.types import Schema

FAMILIES = {1: "voice", 2: "sms", 3: "data", 4: "bandwidth", 5: "circuit", 6: "transaction"}
SECOND_VERSIONS = {16: 6}  # by schema id the id of the first version
UNREADABLE_ID = 9
ENVELOPE_OFFSET = 100
FRAME_BYTES = 5

SEQUENCE_UPTO = 2**43 - 1
QUANTITY_UPTO = 2**44
STARTED_FROM_US = 946_684_800_000_000  # 2000-01-01T00:00:00Z
STARTED_UPTO_US = 4_102_444_800_000_000  # 2100-01-01T00:00:00Z
UTC_OFFSET_MINUTES_MAX = 900
NUMBER_DIGITS_MAX = 15
INT_MIN, INT_MAX = -(2**31), 2**31 - 1

# What becomes of an event, by the reason that it has no price, or none.
OUTCOMES = {
    "none": "rated",
    "test": "excluded",
    "retail": "excluded",
    "test_partner": "excluded",
    "no_attribution_key": "suspended",
    "unknown_route": "suspended",
    "unknown_access_point": "suspended",
    "unknown_network": "suspended",
    "unknown_product": "suspended",
    "unknown_channel": "suspended",
    "no_agreement": "suspended",
    "no_item": "suspended",
    "no_rate": "suspended",
    "currency_mismatch": "suspended",
    "future_time": "suspended",
    "conflicting_body": "suspended",
    "charge_overflow": "suspended",
    "session_expired": "suspended",
    "no_receiver": "suspended",
    "too_long": "suspended",
    "no_original_time": "suspended",
    "not_entitled": "suspended",
    "outside_territory": "suspended",
}

# Fields that count something; the amount, negative for a refund; and the E.164 numbers.
COUNTS = ("duration_ms", "volume_up_bytes", "volume_down_bytes", "units")
AMOUNT = "retail_amount_micros"
SIGNED = (AMOUNT, "cost_amount_micros")  # negative for a refund
# What a later version has more, where it says no more than the version before.
UNSAID = {"original_started_at": None, "cost_amount_micros": 0}
UNSAID_BYTES = bytes(len(UNSAID))  # at the end of a datum: of no branch, of nothing
NUMBERS = ("called_number", "routing_number")
NUMBERING = ("source", "epoch", "sequence")

# Reasons that a file adapter may give for a line it could not read.
UNREADABLE_REASONS = frozenset(
    {
        "undecodable",
        "negative_quantity",
        "quantity_overflow",
        "impossible_time",
        "invalid_number",
        "unreadable_line",
        "unknown_service",
    }
)

Identity = tuple[str, int, int] | tuple[str, str]
Value = str | int | bool | None
# What fastavro raises on bytes that are no datum of the schema.
UNDECODABLE = (EOFError, IndexError, ValueError)


@dataclass(frozen=True)
class Schemas:
    """The Avro schemas by schema id, parsed, and which of their fields are 32 bits wide."""

    parsed: Mapping[int, Schema]
    narrow: Mapping[int, frozenset[str]]


@dataclass(frozen=True)
class Usage:
    """One usage event: its family, its fields, and its bytes to tell repeats from conflicts."""

    service: str
    fields: Mapping[str, Value]
    body: bytes

    def text(self, name: str) -> str | None:
        """A text field; None when it is null or the family has no such field."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else None

    def number(self, name: str) -> int:
        """An integer field that the family must have."""
        value = self.fields[name]
        if not isinstance(value, int):
            raise TypeError(f"{self.service} usage: {name} is {value!r}, not an integer")
        return value

    @property
    def source(self) -> str:
        """The element or feed that counts the event."""
        return self.text("source") or ""

    @property
    def priced_at(self) -> int:
        """When the terms were in force that price it: at the start of what it reverses, if any."""
        original = self.fields.get("original_started_at")
        return original if isinstance(original, int) else self.number("started_at")

    @property
    def identity(self) -> Identity | None:
        """What makes the event the same event: its number at the source, else its id there."""
        event_id = self.text("event_id")
        if _is_numbered(self.fields):
            return (self.source, self.number("epoch"), self.number("sequence"))
        return (self.source, event_id) if event_id else None


@dataclass(frozen=True)
class Fault:
    """What is not usage at all: why, whose it claims to be, and what was said about it."""

    reason: str
    identity: Identity | None
    text: str


def read_schemas(directory: Traversable | None = None) -> Schemas:
    """Read the Avro schemas of usage, by default those that the project publishes."""
    place = resources.files("schemas") if directory is None else directory
    parsed: dict[int, Schema] = {}
    narrow: dict[int, frozenset[str]] = {}
    files = {**FAMILIES, UNREADABLE_ID: "unreadable"}
    files |= {later: f"{FAMILIES[first]}.v2" for later, first in SECOND_VERSIONS.items()}
    for schema_id, file in files.items():
        schema = json.loads(place.joinpath(f"usage_{file}.avsc").read_text(encoding="utf-8"))
        for field in schema["fields"]:
            # A timestamp far outside of any calendar must still decode, to be refused by name.
            field["type"] = _plain_type(field["type"])
        narrow[schema_id] = frozenset(
            field["name"] for field in schema["fields"] if field["type"] in ("int", ["null", "int"])
        )
        parsed[schema_id] = fastavro.parse_schema(schema, named_schemas={})
    return Schemas(parsed, narrow)


def _plain_type(kind: Any) -> Any:  # noqa: ANN401 - Avro types are JSON of any shape
    """A type, or each of several, as the number that a logical type is written as."""
    if isinstance(kind, list):
        return [_plain_type(one) for one in kind]
    return kind["type"] if isinstance(kind, dict) and "logicalType" in kind else kind


def read_message(message: bytes, schemas: Schemas) -> list[Usage | Fault]:
    """All events of one message, in order; exactly one fault when the message is not readable."""
    if len(message) < FRAME_BYTES or message[0] != 0:
        return [Fault("bad_magic", None, "no zero byte and schema id in front")]
    schema_id = int.from_bytes(message[1:FRAME_BYTES], "big")
    family_id = schema_id - ENVELOPE_OFFSET if schema_id > ENVELOPE_OFFSET else schema_id
    if family_id not in schemas.parsed or schema_id == UNREADABLE_ID + ENVELOPE_OFFSET:
        return [Fault("unknown_schema", None, f"schema id {schema_id}")]
    data = io.BytesIO(message[FRAME_BYTES:])
    try:
        if schema_id > ENVELOPE_OFFSET:
            events: list[Usage | Fault] = list(_envelope(data, family_id, schemas))
        elif schema_id == UNREADABLE_ID:
            events = [_unreadable(_datum(data, UNREADABLE_ID, schemas)[0])]
        else:
            events = [_usage(data, family_id, schemas)]
    except UNDECODABLE as error:
        return [Fault("undecodable", None, str(error))]
    if data.read(1):
        return [Fault("undecodable", None, "bytes are left after the datum")]
    return events


def _envelope(data: io.BytesIO, family_id: int, schemas: Schemas) -> list[Usage]:
    """The events of an envelope: an Avro array, which is blocks of events ended by an empty one."""
    events = []
    while (count := _long(data)) != 0:
        if count < 0:
            # A negative count says that the block's size in bytes stands between count and events.
            count = -count
            _long(data)
        for _ in range(count):
            events.append(_usage(data, family_id, schemas))  # noqa: PERF401 - one event at a time
    return events


def _long(data: io.BytesIO) -> int:
    """One Avro long: seven bits a byte, the lowest first, then the zigzag undone."""
    bits = shift = 0
    while True:
        byte = data.read(1)
        if not byte:
            raise EOFError("the envelope ends inside a count")
        bits |= (byte[0] & 0x7F) << shift
        if byte[0] & 0x80 == 0:
            return (bits >> 1) ^ -(bits & 1)
        shift += 7


def _usage(data: io.BytesIO, family_id: int, schemas: Schemas) -> Usage:
    """One event of a family; what it says is the same in every version that it can be said in."""
    fields, body = _datum(data, family_id, schemas)
    first_id = SECOND_VERSIONS.get(family_id, family_id)
    is_plain = all(fields.get(name) == value for name, value in UNSAID.items())
    if first_id != family_id and is_plain:
        body = body.removesuffix(UNSAID_BYTES)
        fields = {name: value for name, value in fields.items() if name not in UNSAID}
        family_id = first_id
    if not _is_numbered(fields):
        # Known by its id: a number that identifies nothing says nothing about the event either.
        said = {name: value for name, value in fields.items() if name not in NUMBERING}
        body = json.dumps(said, sort_keys=True).encode()
    return Usage(FAMILIES[first_id], fields, bytes([family_id]) + body)


def _is_numbered(fields: Mapping[str, Value]) -> bool:
    """Whether the source's own number identifies the event."""
    sequence = fields["sequence"]
    return isinstance(sequence, int) and 0 <= sequence < SEQUENCE_UPTO


def _datum(data: io.BytesIO, schema_id: int, schemas: Schemas) -> tuple[dict[str, Value], bytes]:
    """One datum as a mapping, and the bytes it was read from.

    The datum is written again and must give the same bytes: the plain reader takes an enum or union
    index of -1, or a boolean of 7, without complaint.
    """
    start = data.tell()
    schema = schemas.parsed[schema_id]
    datum = fastavro.schemaless_reader(data, schema, None)
    if not isinstance(datum, dict):
        raise TypeError(f"schema {schema_id} is not a record")
    for name in schemas.narrow[schema_id]:
        if datum[name] is not None and not INT_MIN <= datum[name] <= INT_MAX:
            raise ValueError(f"{name} does not fit 32 bits")
    body = bytes(data.getbuffer()[start : data.tell()])
    again = io.BytesIO()
    fastavro.schemaless_writer(again, schema, datum)
    if again.getvalue() != body:
        raise ValueError("the bytes are not what a writer of this schema would give")
    return datum, body


def _unreadable(line: Mapping[str, Value]) -> Fault:
    """A line of a file that could not be read, with the reason that the adapter gave."""
    source, sequence, reason = str(line["source"]), line["sequence"], str(line["reason"])
    known = bool(source) and isinstance(sequence, int) and 0 <= sequence < SEQUENCE_UPTO
    return Fault(
        reason if reason in UNREADABLE_REASONS else "unreadable_line",
        (source, 0, int(sequence or 0)) if known else None,
        str(line["text"]),
    )


def fault_of(usage: Usage, partition: int, partitions: int) -> str | None:
    """Why a decoded event cannot be true: the first of the checks, in order, that it fails."""
    checks: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("no_source", lambda: usage.source == ""),
        ("wrong_partition", lambda: zlib.crc32(usage.source.encode()) % partitions != partition),
        ("no_identity", lambda: usage.identity is None),
        ("negative_quantity", lambda: any(count < 0 for count in _counts(usage))),
        ("quantity_overflow", lambda: any(abs(q) >= QUANTITY_UPTO for q in _quantities(usage))),
        ("impossible_time", lambda: _impossible_time(usage)),
        ("invalid_number", lambda: any(_invalid(usage.text(name)) for name in NUMBERS)),
    )
    return next((reason for reason, fails in checks if fails()), None)


def _counts(usage: Usage) -> list[int]:
    """Everything an event counts."""
    return [usage.number(name) for name in COUNTS if name in usage.fields]


def _quantities(usage: Usage) -> list[int]:
    """What an event can be charged for: its counts, both volumes together, its amount."""
    quantities = _counts(usage)
    if "volume_up_bytes" in usage.fields:
        quantities.append(usage.number("volume_up_bytes") + usage.number("volume_down_bytes"))
    return quantities + [usage.number(name) for name in SIGNED if name in usage.fields]


def _impossible_time(usage: Usage) -> bool:
    """Whether an event starts outside of this century, ends before it starts, or is off the map."""
    started = usage.number("started_at")
    if not STARTED_FROM_US <= started < STARTED_UPTO_US:
        return True
    if "ended_at" in usage.fields and usage.number("ended_at") < started:
        return True
    if not STARTED_FROM_US <= usage.priced_at <= started:
        return True
    return abs(usage.number("utc_offset_minutes")) > UTC_OFFSET_MINUTES_MAX


def _invalid(number: str | None) -> bool:
    """Whether a number is given and is no number."""
    return number is not None and not is_number(number)


def is_number(text: str) -> bool:
    """Whether a text is 1 to 15 digits and nothing else."""
    return text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS_MAX


def suspense_id(identity: Identity) -> str:
    """The id under which an event waits: its identity as people write it, marks escaped."""
    marks = str.maketrans({"%": "%25", "/": "%2F", "#": "%23"})
    names = [str(part).translate(marks) for part in identity]
    return "//".join(names) if len(names) == 2 else "/".join(names)  # noqa: PLR2004
