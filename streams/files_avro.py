"""Avro object containers: blocks of events that are already almost messages.

A container is a header (the writer's schema, a codec, a marker of sixteen bytes) and blocks: a
count, a size, the events one after the other, the marker again. The body of a block with its count
in front and a zero behind is, byte for byte, the Avro array of an envelope. So when the file was
written with a schema that Weir knows, a block becomes a message without being decoded at all.

Files of another but compatible schema (fields missing that have defaults, fields that usage does
not have) are read row by row and brought into the newest schema. A container that ends early or is
damaged gives the blocks before that, and then says so.
"""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
from fastavro import parse_schema, schemaless_reader
from fastavro.read import SchemaResolutionError
from fastavro.schema import SchemaParseException, UnknownType, to_parsing_canonical_form

from schemas.codes import Service
from schemas.columns import arrow_schema
from schemas.registry import ENVELOPE_OFFSET, VERSIONS, current_schema, frame, wire_schemas
from streams.files_bytes import ByteStream, Damaged, UsageFileError

AVRO_MAGIC = b"Obj\x01"
MARKER_BYTES = 16
HEADER_BYTES_MAX = 1 << 20
BLOCK_BYTES_MAX = 64 << 20
VARINT_BYTES_MAX = 10
MORE = 0x80  # the bit of a byte that says that the number goes on in the next
SNAPPY_CHECKSUM_BYTES = 4
TIMES = ("started_at", "ended_at", "original_started_at")
_TIME_FACTORS = {None: 1, "timestamp-micros": 1, "timestamp-millis": 1_000}


@dataclass(frozen=True)
class Container:
    """The header of a container: what its blocks hold and how to read them.

    `schema_id` is the id of the schema when it is one of Weir's own, else None.
    """

    service: Service
    schema: dict[str, Any]
    schema_id: int | None
    codec: str
    marker: bytes


@dataclass(frozen=True)
class Block:
    """A block of events, decompressed: the number of its first row, how many, and their bytes."""

    first_row: int
    count: int
    body: bytes

    def envelope(self, schema_id: int) -> bytes:
        """The block as a framed envelope, which it is but for its frame, its count and a zero."""
        return b"".join(
            (frame(schema_id + ENVELOPE_OFFSET), zigzag(self.count), self.body, b"\x00")
        )


def zigzag(number: int) -> bytes:
    """A whole number >= 0 as Avro writes it."""
    rest, out = number << 1, bytearray()
    while rest >= MORE:
        out.append(rest % MORE | MORE)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def read_container(stream: ByteStream) -> Container:
    """Take the header of a container.

    Raises:
        UsageFileError: there is no whole header, or not one of usage.
    """
    try:
        meta, marker = _read_header(stream)
    except Damaged as damage:
        raise UsageFileError(
            f"{stream.path}: the Avro header is damaged ({damage}); send the file again"
        ) from damage
    try:
        schema = json.loads(meta["avro.schema"])
        canonical = to_parsing_canonical_form(schema)
    except (KeyError, ValueError, SchemaParseException, RecursionError) as error:
        raise UsageFileError(
            f"{stream.path}: the Avro header has no valid schema ({error}); send the file again"
        ) from error
    codec = meta.get("avro.codec", b"null").decode(errors="replace")
    if codec not in _DECOMPRESSORS:
        raise UsageFileError(
            f"{stream.path}: Avro codec {codec!r} is not read here; write the file with one of "
            f"{', '.join(sorted(_DECOMPRESSORS))}"
        )
    service = _service_of(schema)
    if service is None:
        raise UsageFileError(
            f"{stream.path}: holds Avro records of {str(schema)[:80]}, not usage; the record must "
            f"be named one of {', '.join(sorted(s.label.title() for s in Service))}"
        )
    return Container(service, schema, _schema_id(schema, canonical), codec, marker)


def _read_header(stream: ByteStream) -> tuple[dict[str, bytes], bytes]:
    """The container's metadata and marker."""
    stream.exactly(len(AVRO_MAGIC))
    meta: dict[str, bytes] = {}
    while count := read_long(stream):
        if count < 0:
            count = -count
            read_long(stream)  # the size of this part of the map, which we do not need
        for _ in range(count):
            key = _read_bytes(stream).decode(errors="replace")
            meta[key] = _read_bytes(stream)
            if stream.position > HEADER_BYTES_MAX:
                raise Damaged(f"it is longer than {HEADER_BYTES_MAX} bytes")
    return meta, stream.exactly(MARKER_BYTES)


def _read_bytes(stream: ByteStream) -> bytes:
    """A length and as many bytes."""
    length = read_long(stream)
    if not 0 <= length <= HEADER_BYTES_MAX:
        raise Damaged(f"a length of {length} bytes")
    return stream.exactly(length)


def read_long(stream: ByteStream) -> int:
    """An Avro long.

    Raises:
        Damaged: the bytes end, or are no long.
    """
    value = 0
    for place in range(VARINT_BYTES_MAX):
        (byte,) = stream.exactly(1)
        value |= (byte % MORE) << (7 * place)
        if byte < MORE:
            return (value >> 1) ^ -(value & 1)
    raise Damaged("a number has more than ten bytes")


def _service_of(schema: object) -> Service | None:
    """The family that a record's name stands for, whatever its namespace."""
    if not isinstance(schema, dict) or schema.get("type") != "record":
        return None
    name = str(schema.get("name", "")).rpartition(".")[2]
    return next((s for s in Service if s.label == name.lower()), None)


def _schema_id(schema: dict[str, Any], canonical: str) -> int | None:
    """The id of a schema of our own with the same bytes and the same meaning of times."""
    for schema_id in VERSIONS:
        ours = wire_schemas()[schema_id].schema
        if to_parsing_canonical_form(ours) == canonical and logical_types(ours) == logical_types(
            schema
        ):
            return schema_id
    return None


def logical_types(schema: dict[str, Any]) -> dict[str, str]:
    """The logical type of each field that has one; canonical forms leave them out."""
    found = {}
    for field in schema["fields"]:
        kind = field["type"]
        for part in kind if isinstance(kind, list) else [kind]:
            if isinstance(part, dict) and "logicalType" in part:
                found[field["name"]] = str(part["logicalType"])
    return found


def read_blocks(stream: ByteStream, container: Container) -> Iterator[Block | Damaged]:
    """The blocks after the header; when the file is damaged, that comes last."""
    first_row = 0
    while True:
        began = stream.position
        try:
            if not stream.peek(1):
                return
            block = _read_block(stream, container, first_row)
        except Damaged as damage:
            yield Damaged(
                f"the Avro block at byte {began} is damaged ({damage}); the {first_row} rows "
                "before it are taken, the rest is left out"
            )
            return
        first_row += block.count
        if block.count:
            yield block


def _read_block(stream: ByteStream, container: Container, first_row: int) -> Block:
    """One block, its marker checked before its contents are looked at."""
    count, size = read_long(stream), read_long(stream)
    if not 0 <= size <= BLOCK_BYTES_MAX:
        raise Damaged(f"a block of {size} bytes; at most {BLOCK_BYTES_MAX} are read")
    stored = stream.exactly(size)
    if stream.exactly(MARKER_BYTES) != container.marker:
        raise Damaged("the marker after it is not the file's")
    body = _DECOMPRESSORS[container.codec](stored)
    if not 0 <= count <= len(body) or (body and not count):
        raise Damaged(f"{count} rows announced in {len(body)} bytes")
    return Block(first_row, count, body)


class RowReader:
    """Reads the blocks of a container of another schema, row by row, into the newest schema."""

    def __init__(self, container: Container, path: Path) -> None:
        newest = current_schema(container.service)
        self._path = path
        self._service = container.service
        self._logical = logical_types(container.schema)
        strange = {self._logical.get(name) for name in TIMES} - {None, *_TIME_FACTORS}
        if strange:
            raise self._unfit(f"times of type {strange.pop()}")
        try:
            self._writer = parse_schema(_plain(container.schema, newest))
        except (SchemaParseException, UnknownType) as error:
            raise self._unfit(str(error)) from error
        self._reader = parse_schema(_plain(newest, newest))

    def _unfit(self, what: str) -> UsageFileError:
        """The writer's schema is not one of usage."""
        return UsageFileError(
            f"{self._path}: its schema of {self._service.label} usage does not fit the contract "
            f"({what}); write the file with the published schema"
        )

    def read(self, block: Block) -> dict[str, pa.Array]:
        """The events of a block as columns.

        Raises:
            Damaged: the block does not decode.
            UsageFileError: the writer's schema cannot be read as usage.
        """
        body = io.BytesIO(block.body)
        try:
            rows = [self._row(body) for _ in range(block.count)]
        except SchemaResolutionError as error:
            raise self._unfit(str(error)) from error
        except Exception as error:  # fastavro raises whatever the bytes lead it to
            raise Damaged(f"its rows do not decode ({type(error).__name__}: {error})") from error
        if body.tell() != len(block.body):
            raise Damaged("its rows do not fill it")
        columns: dict[str, pa.Array] = {}
        for field in arrow_schema(self._service):
            values = [row[field.name] for row in rows]
            if field.name in TIMES:
                factor = _TIME_FACTORS[self._logical.get(field.name)]
                values = [None if value is None else value * factor for value in values]
            columns[field.name] = pa.array(values, field.type)
        return columns

    def _row(self, body: IO[bytes]) -> dict[str, Any]:
        """One event under the newest schema's names."""
        row = schemaless_reader(body, self._writer, self._reader)
        if not isinstance(row, dict):
            raise TypeError("a row is no record")
        return row


def _plain(schema: dict[str, Any], newest: dict[str, Any]) -> dict[str, Any]:
    """A schema under our name and without logical types: times are read as plain integers."""
    text = json.dumps(schema)
    plain: dict[str, Any] = json.loads(text, object_hook=_without_logical_type)
    return plain | {"name": newest["name"], "namespace": newest["namespace"]}


def _without_logical_type(node: dict[str, Any]) -> dict[str, Any]:
    """A part of a schema without its logical type."""
    return {key: value for key, value in node.items() if key != "logicalType"}


def _bounded(data: bytes) -> bytes:
    """Decompressed data, unless they are beyond reason."""
    if len(data) > BLOCK_BYTES_MAX:
        raise Damaged(f"it expands to more than {BLOCK_BYTES_MAX} bytes")
    return data


def _inflate(stored: bytes) -> bytes:
    """Raw deflate, as Avro has it."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        body = _bounded(inflater.decompress(stored, BLOCK_BYTES_MAX + 1))
    except zlib.error as error:
        raise Damaged(f"it does not decompress ({error})") from error
    if not inflater.eof:  # some writers leave bytes of a checksum behind the end
        raise Damaged("it does not decompress (its end is missing)")
    return body


def _unsnap(stored: bytes) -> bytes:
    """Snappy with the checksum of the result behind it; the length comes first."""
    compressed, checksum = stored[:-SNAPPY_CHECKSUM_BYTES], stored[-SNAPPY_CHECKSUM_BYTES:]
    length = 0
    for place, byte in enumerate(compressed[:VARINT_BYTES_MAX]):
        length |= (byte % MORE) << (7 * place)
        if byte < MORE:
            break
    if length > BLOCK_BYTES_MAX:
        raise Damaged(f"it expands to more than {BLOCK_BYTES_MAX} bytes")
    try:
        body: bytes = pa.Codec("snappy").decompress(compressed, length, asbytes=True)
    except (OSError, pa.ArrowException) as error:
        raise Damaged(f"it does not decompress ({error})") from error
    if zlib.crc32(body).to_bytes(SNAPPY_CHECKSUM_BYTES, "big") != checksum:
        raise Damaged("its checksum is wrong")
    return body


def _unzstandard(stored: bytes) -> bytes:
    """Zstandard."""
    try:
        with pa.CompressedInputStream(pa.BufferReader(stored), "zstd") as stream:
            return _bounded(stream.read(BLOCK_BYTES_MAX + 1))
    except (OSError, pa.ArrowException) as error:
        raise Damaged(f"it does not decompress ({error})") from error


_DECOMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "null": _bounded,
    "deflate": _inflate,
    "snappy": _unsnap,
    "zstandard": _unzstandard,
}
