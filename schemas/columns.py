"""Avro bytes to columns and back: the one place that knows the decoder.

A batch of framed messages becomes one Arrow struct array per usage family, with the index of the
message each event came in. Nothing here costs a Python object per event: messages are grouped by
their schema id, and a group is decoded by one call. The five-byte frame is not cut off but decoded
along with the datum, as five one-byte integers in front of it (every byte below 128 is a valid Avro
int), so that no message is copied only to lose its frame.

Bad input never stops a batch. When a group does not decode it is cut up until the messages at
fault stand alone; those are refused with a reason and the rest goes on.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

import fastavro
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyruhvro

from schemas.codes import Reason, Service
from schemas.frames import Indices, Refused, bad_frame, by_schema, size_of
from schemas.registry import ENVELOPE_OFFSET as ENVELOPE
from schemas.registry import (
    FRAME_BYTES,
    MAGIC,
    UNREADABLE_ID,
    WireSchema,
    current_id,
    current_schema,
    wire_schemas,
)
from schemas.sizes import Shape, encoded_bytes, is_blocks

ASCII_END = 128
PIECES = 16  # a group that does not decode is cut into so many
FRAME_FIELDS = tuple(f"frame_{i}" for i in range(FRAME_BYTES))


@dataclass(frozen=True)
class Family:
    """Events of one family: a column per field, and where each event stood.

    `message[i]` is the index, in the values given to `decode`, of the message of event i;
    `row[i]` its place inside an envelope (0 for a message of its own).
    """

    service: Service
    columns: Mapping[str, pa.Array]
    message: Indices
    row: Indices

    def __len__(self) -> int:
        return len(self.message)


@dataclass(frozen=True)
class Unreadable:
    """Lines of files that an adapter could not read: identity, reason word and text."""

    message: int
    source: str
    sequence: int
    reason: str
    text: str


@dataclass(frozen=True)
class Decoded:
    """What a batch of messages turned out to be."""

    families: tuple[Family, ...]
    unreadable: tuple[Unreadable, ...]
    refused: tuple[Refused, ...]


def decode(values: Iterable[bytes | None]) -> Decoded:
    """Decode framed usage messages; every message ends in exactly one of the three results."""
    families: list[Family] = []
    unreadable: list[Unreadable] = []
    groups, refused = by_schema(values)
    for schema_id, group in groups.items():
        wire, index = wire_schemas().get(schema_id), group.index
        if wire is None:
            found = zip(index.tolist(), group.values, strict=True)
            refused += [bad_frame(i, value or b"") for i, value in found]
            continue
        schema = _framed(schema_id)
        parts = _decode_group(group.values, group.size, index, schema, refused)
        if not parts:
            continue
        batch, at = parts[0] if len(parts) == 1 else _joined(parts)
        if wire.service is None:
            unreadable += _lines(batch, at)
        else:
            families.append(_family(wire, batch, at))
    return Decoded(tuple(families), tuple(unreadable), tuple(refused))


def _joined(parts: Sequence[tuple[pa.RecordBatch, Indices]]) -> tuple[pa.RecordBatch, Indices]:
    """The pieces of a group that was cut up as one again."""
    batch = pa.concat_batches([part for part, _ in parts])
    return batch, np.concatenate([indices for _, indices in parts])


def _decode_group(
    group: list[bytes | None], size: int, index: Indices, schema: str, refused: list[Refused]
) -> list[tuple[pa.RecordBatch, Indices]]:
    """Decode messages of one schema id; cut up on failure until the bad ones stand alone."""
    try:
        batch = _decode_exactly(group, size, schema)
    except BaseException as error:  # the decoder's panics are not Exceptions
        if isinstance(error, (KeyboardInterrupt, SystemExit, MemoryError)):
            raise
        if len(group) == 1:
            value = group[0] or b""
            if value[: FRAME_BYTES - 1] != bytes(FRAME_BYTES - 1):
                refused.append(bad_frame(int(index[0]), value))
            else:
                refused.append(Refused(int(index[0]), Reason.UNDECODABLE, str(error)))
            return []
        step = -(-len(group) // PIECES)
        pieces = [slice(start, start + step) for start in range(0, len(group), step)]
        parts = [
            _decode_group(group[p], size_of(group[p]), index[p], schema, refused) for p in pieces
        ]
        return list(chain.from_iterable(parts))
    wrong = np.zeros(len(group), bool)
    for name in FRAME_FIELDS[: FRAME_BYTES - 1]:
        wrong |= batch.column(name).to_numpy() != 0
    if not wrong.any():
        return [(batch, index)]
    refused += [
        bad_frame(int(index[at]), group[at] or b"") for at in np.flatnonzero(wrong).tolist()
    ]
    return [(batch.filter(pa.array(~wrong)), index[~wrong])]


def _decode_exactly(group: list[bytes | None], size: int, schema: str) -> pa.RecordBatch:
    """Decode messages that are one whole datum each.

    The decoder neither minds bytes behind a datum nor text that is not UTF-8; both would let part
    of what was sent vanish or crash later. A datum never takes more than its message has, so when
    the canonical sizes of all that was decoded add up to the messages' sizes, each fits exactly.

    Raises:
        ValueError: it does not decode, or not exactly.
    """
    batch = pyruhvro.deserialize_array(group, schema)
    if not all(map(_is_ascii, batch.columns)):
        batch.validate(full=True)
    # Each field of the frame takes a byte at least; where one takes more the sum does not fit.
    fields = zip(batch.schema.names[FRAME_BYTES:], batch.columns[FRAME_BYTES:], strict=True)
    decoded = FRAME_BYTES * len(group) + encoded_bytes(fields, _shape(schema))
    if decoded != size and not (len(group) == 1 and _is_whole(group[0] or b"", schema)):
        msg = f"the datum takes {decoded} bytes of the {size} that were sent"
        raise ValueError(msg)
    return batch


def _is_ascii(column: pa.Array) -> bool:
    """Whether a column's texts are ASCII: nearly all are, and it is quicker told than UTF-8."""
    if pa.types.is_list(column.type):
        return all(map(_is_ascii, column.flatten().flatten()))
    if not pa.types.is_string(column.type) or column.null_count == len(column):
        return True
    text = np.frombuffer(column.buffers()[2], np.uint8)
    return int(text.max(initial=0)) < ASCII_END


def _is_whole(message: bytes, schema: str) -> bool:
    """Whether one message is one datum: an array in blocks has more bytes than its events take."""
    parsed = _parsed(schema)
    kind = parsed["fields"][-1]["type"]
    is_array = isinstance(kind, dict) and kind["type"] == "array"
    return is_array and is_blocks(message[FRAME_BYTES:], kind["items"])


def _family(wire: WireSchema, batch: pa.RecordBatch, index: Indices) -> Family:
    """The events of a decoded group under the newest schema's fields."""
    if wire.service is None:
        msg = "Invariant: only usage families have columns"
        raise ValueError(msg)
    if wire.envelope:
        lists = batch.column("events")
        counts = np.diff(lists.offsets.to_numpy())
        events: pa.StructArray = lists.flatten()
        message = np.repeat(index, counts)
        starts = np.repeat(np.cumsum(counts) - counts, counts)
        row = np.arange(len(message), dtype=np.int64) - starts
        columns = {f.name: events.field(f.name) for f in events.type}
    else:
        message, row = index, np.zeros(len(index), np.int64)
        columns = {n: batch.column(n) for n in batch.schema.names if n not in FRAME_FIELDS}
    for name, fill in _defaults(wire.service).items():
        if name not in columns:
            columns[name] = fill(len(message))
    return Family(wire.service, columns, message, row)


def _lines(batch: pa.RecordBatch, index: Indices) -> list[Unreadable]:
    """Unreadable lines as values: there are few, and each is shown to a person."""
    rows = batch.to_pylist()
    return [
        Unreadable(int(at), r["source"], r["sequence"], r["reason"], r["text"])
        for at, r in zip(index, rows, strict=True)
    ]


@cache
def _parsed(schema: str) -> Any:  # noqa: ANN401 - the library's own form of a schema
    # Without logical types: a time outside of any calendar is well encoded, and refused by name.
    return fastavro.parse_schema(json.loads(schema, object_hook=_physical))


def _physical(node: dict[str, Any]) -> dict[str, Any]:
    """A part of a schema as it is encoded, whatever it means."""
    return {name: value for name, value in node.items() if name != "logicalType"}


@cache
def _shape(schema: str) -> Shape:
    """What a schema says of its fields that their columns do not, those in an array included."""
    fields = json.loads(schema)["fields"]
    for field in list(fields):
        if isinstance(field["type"], dict) and field["type"]["type"] == "array":
            fields += field["type"]["items"]["fields"]
    kinds = {f["name"]: f["type"]["type"] for f in fields if isinstance(f["type"], dict)}
    return Shape(
        enums=frozenset(name for name, kind in kinds.items() if kind == "enum"),
        unions=frozenset(f["name"] for f in fields if isinstance(f["type"], list)),
    )


@cache
def _framed(schema_id: int) -> str:
    """A wire schema as JSON, with the five frame bytes in front as fields."""
    schema = copy.deepcopy(wire_schemas()[schema_id].schema)
    schema["fields"] = [{"name": n, "type": "int"} for n in FRAME_FIELDS] + schema["fields"]
    return json.dumps(schema)


def _arrow_type(avro: Any) -> pa.DataType:  # noqa: ANN401 - Avro types are JSON of any shape
    """The Arrow type that the decoder gives for an Avro type of the allowed subset."""
    if isinstance(avro, list):
        return _arrow_type(next(t for t in avro if t != "null"))
    if isinstance(avro, dict):
        if avro.get("logicalType") == "timestamp-micros":
            return pa.timestamp("us")
        return pa.string() if avro["type"] == "enum" else _arrow_type(avro["type"])
    simple = {
        "string": pa.string(),
        "int": pa.int32(),
        "long": pa.int64(),
        "boolean": pa.bool_(),
    }
    return simple[avro]


@cache
def arrow_schema(service: Service) -> pa.Schema:
    """The columns of a family as the decoder gives them and the encoder wants them."""
    return columns_of(current_schema(service)["fields"])


def columns_of(fields: Sequence[Mapping[str, Any]]) -> pa.Schema:
    """The columns of an Avro record's fields."""
    return pa.schema(
        [
            pa.field(f["name"], _arrow_type(f["type"]), nullable=isinstance(f["type"], list))
            for f in fields
        ]
    )


@cache
def _defaults(service: Service) -> dict[str, Callable[[int], pa.Array]]:
    """For each field with a default, a maker of a column of that default."""
    kinds = arrow_schema(service)

    def maker(name: str, value: object) -> Callable[[int], pa.Array]:
        scalar = pa.scalar(value, type=kinds.field(name).type)
        return lambda rows: pa.repeat(scalar, rows)

    return {
        f["name"]: maker(f["name"], f["default"])
        for f in current_schema(service)["fields"]
        if "default" in f
    }


def conform(service: Service, columns: Mapping[str, pa.Array]) -> pa.RecordBatch:
    """Columns of a family in schema order, defaults filled in and types made exact.

    Raises:
        KeyError: a field without a default is missing, or a column is not in the schema.
    """
    schema = arrow_schema(service)
    unknown = set(columns) - set(schema.names)
    if unknown:
        msg = f"{service.label} usage has no field {', '.join(sorted(unknown))}"
        raise KeyError(msg)
    rows = len(next(iter(columns.values())))
    arrays = []
    for field in schema:
        column = columns.get(field.name)
        if column is None:
            if field.name not in _defaults(service):
                msg = f"{service.label} usage needs the field {field.name}"
                raise KeyError(msg)
            column = _defaults(service)[field.name](rows)
        arrays.append(column.cast(field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def encode(service: Service, columns: Mapping[str, pa.Array]) -> pa.BinaryArray:
    """Events as framed messages of their own, one each, in order."""
    batch = conform(service, columns)
    return _serialize(batch.columns, batch.schema, current_id(service), batch.num_rows)


def encode_envelopes(
    service: Service, columns: Mapping[str, pa.Array], offsets: npt.NDArray[np.int32]
) -> pa.BinaryArray:
    """Events as framed envelopes: envelope i holds events offsets[i] to offsets[i + 1]."""
    batch = conform(service, columns)
    lists = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), batch.to_struct_array())
    schema = pa.schema([pa.field("events", lists.type, nullable=False)])
    return _serialize([lists], schema, current_id(service) + ENVELOPE, len(lists))


def encode_unreadable(lines: Sequence[Unreadable]) -> pa.BinaryArray:
    """Lines that an adapter could not read, as framed messages."""
    text = pa.string()
    arrays = [
        pa.array([line.source for line in lines], text),
        pa.array([line.sequence for line in lines], pa.int64()),
        pa.array([line.reason for line in lines], text),
        pa.array([line.text for line in lines], text),
    ]
    names = ("source", "sequence", "reason", "text")
    schema = pa.schema(
        [pa.field(n, a.type, nullable=False) for n, a in zip(names, arrays, strict=True)]
    )
    return _serialize(arrays, schema, UNREADABLE_ID, len(lines))


def _serialize(
    arrays: Sequence[pa.Array], schema: pa.Schema, schema_id: int, rows: int
) -> pa.BinaryArray:
    """Arrow columns to framed Avro; the frame's bytes are written as Avro ints."""
    if rows == 0:
        return pa.array([], pa.binary())
    # Avro writes int n as zigzag: byte b is read back as (b >> 1) ^ -(b & 1).
    frame = [(b >> 1) ^ -(b & 1) for b in (MAGIC, 0, 0, 0, schema_id)]
    columns = [pa.repeat(pa.scalar(n, pa.int32()), rows) for n in frame]
    fields = [pa.field(n, pa.int32(), nullable=False) for n in FRAME_FIELDS]
    batch = pa.RecordBatch.from_arrays([*columns, *arrays], schema=pa.schema([*fields, *schema]))
    chunks = pyruhvro.serialize_record_batch(batch, _framed(schema_id), 1)
    return chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks)


def records_codec(
    schema: dict[str, Any],
) -> tuple[Callable[[pa.RecordBatch], pa.BinaryArray], Callable[[Sequence[bytes]], pa.RecordBatch]]:
    """An encoder and a decoder of unframed records of one schema, for Weir's own topics."""
    text = json.dumps(schema)

    def encode_records(batch: pa.RecordBatch) -> pa.BinaryArray:
        chunks = pyruhvro.serialize_record_batch(batch, text, 1)
        return chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks)

    def decode_records(values: Sequence[bytes]) -> pa.RecordBatch:
        return pyruhvro.deserialize_array(list(values), text)

    return encode_records, decode_records
