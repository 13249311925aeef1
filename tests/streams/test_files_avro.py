"""Tests of Avro containers: headers, blocks, codecs, other schemas, and damage."""

from __future__ import annotations

import copy
import io
import zlib
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codes import Service
from schemas.columns import decode
from schemas.registry import current_id, current_schema
from streams import files_avro
from streams.files_avro import (
    Block,
    Container,
    RowReader,
    logical_types,
    read_blocks,
    read_container,
    read_long,
    zigzag,
)
from streams.files_bytes import ByteStream, Damaged, UsageFileError
from tests.usage_makers import NOVEMBER_US, container, row

Schema = dict[str, Any]


def opened(path: Path) -> tuple[Container, list[Block | Damaged]]:
    """A container and all its blocks."""
    with ByteStream(path) as stream:
        head = read_container(stream)
        return head, list(read_blocks(stream, head))


def good(blocks: list[Block | Damaged]) -> list[Block]:
    """The blocks before any damage."""
    return [block for block in blocks if isinstance(block, Block)]


def damage(blocks: list[Block | Damaged]) -> str:
    """What ended the blocks."""
    assert isinstance(blocks[-1], Damaged)
    return str(blocks[-1])


def numbered(count: int) -> list[Schema]:
    """Messages numbered from 0."""
    return [row(sequence=n) for n in range(count)]


@given(st.integers(0, 2**62))
def test_numbers_are_written_as_avro_has_them(number: int) -> None:
    """Zigzag, seven bits a byte: the encoding of another library, and read back the same."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, "long", number)
    assert zigzag(number) == out.getvalue()


def test_a_number_without_an_end_is_damage(tmp_path: Path) -> None:
    """Eleven bytes that all say there is more are no number."""
    path = tmp_path / "long"
    path.write_bytes(b"\xff" * 11)
    with ByteStream(path) as stream, pytest.raises(Damaged, match="more than ten bytes"):
        read_long(stream)


@pytest.mark.parametrize("service", list(Service))
def test_a_block_is_an_envelope(tmp_path: Path, service: Service) -> None:
    """The body of a block, framed, decodes to the events that were written."""
    path = container(tmp_path / "usage", [row(service, sequence=n) for n in range(3)], service)
    head, blocks = opened(path)
    assert (head.service, head.schema_id) == (service, current_id(service))
    (block,) = good(blocks)
    (family,) = decode([block.envelope(current_id(service))]).families
    assert family.columns["sequence"].to_pylist() == [0, 1, 2]


def test_rows_are_numbered_over_all_blocks(tmp_path: Path) -> None:
    """A block knows the number of its first row in the file."""
    _, blocks = opened(container(tmp_path / "usage", numbered(100), block_bytes=200))
    found = good(blocks)
    assert len(found) > 5
    assert [b.first_row for b in found] == [
        sum(b.count for b in found[:i]) for i in range(len(found))
    ]
    assert sum(b.count for b in found) == 100


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_codecs_of_fastavro_are_read(tmp_path: Path, codec: str) -> None:
    """The codecs that every Avro library has."""
    _, blocks = opened(container(tmp_path / "usage", numbered(50), codec=codec))
    assert sum(b.count for b in good(blocks)) == 50


def recoded(path: Path, codec: str) -> Path:
    """A container with its blocks compressed by hand."""
    with ByteStream(path) as stream:
        head = read_container(stream)
        blocks = good(list(read_blocks(stream, head)))
    header = io.BytesIO()
    fastavro.writer(header, current_schema(Service.SMS), [], sync_marker=head.marker)
    out = header.getvalue().replace(b"\x14avro.codec\x08null", b"\x14avro.codec" + text(codec))
    for block in blocks:
        stored = COMPRESS[codec](block.body)
        out += zigzag(block.count) + zigzag(len(stored)) + stored + head.marker
    path.write_bytes(out)
    return path


def text(value: str) -> bytes:
    """A text as Avro writes it."""
    return zigzag(len(value)) + value.encode()


def snappy(body: bytes) -> bytes:
    """Snappy as Avro has it: the CRC-32 of the body behind it."""
    compressed: bytes = pa.Codec("snappy").compress(body, asbytes=True)
    return compressed + zlib.crc32(body).to_bytes(4, "big")


def zstandard(body: bytes) -> bytes:
    """One Zstandard frame."""
    compressed: bytes = pa.Codec("zstd").compress(body, asbytes=True)
    return compressed


COMPRESS = {"snappy": snappy, "zstandard": zstandard}


@pytest.mark.parametrize("codec", COMPRESS)
def test_other_codecs_are_read(tmp_path: Path, codec: str) -> None:
    """Snappy with its checksum, and Zstandard."""
    head, blocks = opened(recoded(container(tmp_path / "usage", numbered(50)), codec))
    assert head.codec == codec
    assert sum(b.count for b in good(blocks)) == 50


@pytest.mark.parametrize("codec", ["deflate", *COMPRESS])
def test_a_compressed_block_that_does_not_decompress_is_damage(tmp_path: Path, codec: str) -> None:
    """The marker is right, the contents are not."""
    path = container(tmp_path / "usage", numbered(50), codec="deflate")
    if codec in COMPRESS:
        path = recoded(path, codec)
    data = bytearray(path.read_bytes())
    at = len(data) - 16 - 40  # in the last block's body, before the marker
    data[at : at + 30] = b"\xaa" * 30
    path.write_bytes(data)
    _, blocks = opened(path)
    assert good(blocks) == []
    assert "does not decompress" in damage(blocks) or "checksum" in damage(blocks)


def test_an_unknown_codec_is_named(tmp_path: Path) -> None:
    """The message lists what is read."""
    path = container(tmp_path / "usage", numbered(1))
    path.write_bytes(path.read_bytes().replace(b"\x08null", b"\x06lz4", 1))
    with pytest.raises(UsageFileError, match=r"codec 'lz4' is not read here.*deflate, null"):
        opened(path)


def test_a_file_cut_in_a_block_gives_the_blocks_before(tmp_path: Path) -> None:
    """Half an upload: whole blocks are good, and the rest is told about."""
    path = container(tmp_path / "usage", numbered(100), block_bytes=200)
    _, whole = opened(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    _, blocks = opened(path)
    taken = good(blocks)
    assert taken == whole[: len(taken)]
    rows = sum(b.count for b in taken)
    assert "ends early: " in damage(blocks)
    assert f"the {rows} rows before it are taken, the rest is left out" in damage(blocks)


@given(st.data())
def test_a_file_cut_anywhere_never_gives_a_wrong_row(data: st.DataObject) -> None:
    """Whatever the length, rows are a beginning of the whole file's, or the header is refused."""
    whole = CUT_WHOLE
    length = data.draw(st.integers(4, len(whole) - 1))
    stream = Bytes(whole[:length])
    if length < CUT_HEADER:
        with pytest.raises(UsageFileError, match="header is damaged"):
            read_container(stream)
        return
    blocks = list(read_blocks(stream, read_container(stream)))
    assert good(blocks) == CUT_BLOCKS[: len(good(blocks))]


class Bytes(ByteStream):
    """A stream of bytes that are at hand."""

    def __init__(self, data: bytes) -> None:
        self.path = Path("usage.avro")
        self._data = data
        self.position = 0

    def read(self, count: int) -> bytes:
        """The next bytes."""
        piece, self._data = self._data[:count], self._data[count:]
        self.position += len(piece)
        return piece

    def peek(self, count: int) -> bytes:
        """The next bytes, left where they are."""
        return self._data[:count]


def _whole() -> bytes:
    """A container of several blocks, in memory."""
    out = io.BytesIO()
    fastavro.writer(out, current_schema(Service.SMS), numbered(30), sync_interval=200)
    return out.getvalue()


CUT_WHOLE = _whole()
_STREAM = Bytes(CUT_WHOLE)
_HEAD = read_container(_STREAM)
CUT_HEADER = _STREAM.position
CUT_BLOCKS = list(read_blocks(_STREAM, _HEAD))


@pytest.mark.parametrize(
    ("count", "size", "said"),
    [
        (1, 2**60, "a block of 1152921504606846976 bytes; at most"),
        (2**40, 3, "1099511627776 rows announced in 3 bytes"),
        (0, 3, "0 rows announced in 3 bytes"),
    ],
)
def test_sizes_beyond_reason_are_damage(tmp_path: Path, count: int, size: int, said: str) -> None:
    """A length read from garbage is not believed, and nothing is allocated for it."""
    path = container(tmp_path / "usage", [])
    head, _ = opened(path)
    block = zigzag(count) + zigzag(size) + b"abc" + head.marker
    path.write_bytes(path.read_bytes() + block)
    _, blocks = opened(path)
    assert said in damage(blocks)


def test_a_block_that_expands_beyond_reason_is_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bomb inside a block is cut off at the block's bound."""
    rows = [row(called_number="4" * 5_000) for _ in range(50)]
    for codec in ("deflate", "snappy", "zstandard"):
        path = container(tmp_path / codec, rows, codec="deflate", block_bytes=1 << 20)
        if codec in COMPRESS:
            recoded(path, codec)
        with monkeypatch.context() as patch:
            patch.setattr(files_avro, "BLOCK_BYTES_MAX", 100_000)
            _, blocks = opened(path)
        assert "expands to more than 100000 bytes" in damage(blocks)


def test_a_wrong_marker_is_damage(tmp_path: Path) -> None:
    """Between blocks stands the file's own marker; another one means that bytes were lost."""
    path = container(tmp_path / "usage", numbered(3))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    _, blocks = opened(path)
    assert "the marker after it is not the file's" in damage(blocks)


def test_an_empty_container_has_no_rows(tmp_path: Path) -> None:
    """A header alone says: no traffic."""
    assert opened(container(tmp_path / "usage", []))[1] == []


@pytest.mark.parametrize("name", ["Fax", "SmsEnvelope"])
def test_records_that_are_no_usage_are_refused(tmp_path: Path, name: str) -> None:
    """The record's name tells the family."""
    schema = {"type": "record", "name": name, "fields": [{"name": "a", "type": "int"}]}
    path = container(tmp_path / "usage", [{"a": 1}], schema=schema)
    with pytest.raises(
        UsageFileError, match="not usage; the record must be named one of Bandwidth"
    ):
        opened(path)


def test_a_header_without_a_schema_is_refused(tmp_path: Path) -> None:
    """Damage in the header leaves nothing to read with."""
    path = container(tmp_path / "usage", numbered(1))
    path.write_bytes(path.read_bytes().replace(b"avro.schema", b"avro.schemb", 1))
    with pytest.raises(UsageFileError, match="no valid schema"):
        opened(path)


def other(what: str) -> Schema:
    """A schema of messages that is not ours, by one difference."""
    schema = copy.deepcopy(current_schema(Service.SMS))
    fields = {f["name"]: f for f in schema["fields"]}
    if what == "fewer":
        schema["fields"] = [f for f in schema["fields"] if f["name"] not in ("units", "event_id")]
    elif what == "more":
        schema["fields"].append({"name": "imei", "type": ["null", "string"], "default": None})
    elif what == "elsewhere":
        schema["namespace"] = "com.example"
    elif what == "millis":
        fields["started_at"]["type"]["logicalType"] = "timestamp-millis"
    elif what == "plain":
        fields["started_at"]["type"] = "long"
    elif what == "nanos":
        fields["started_at"]["type"]["logicalType"] = "timestamp-nanos"
    elif what == "text":
        fields["units"] |= {"type": "string", "default": "1"}
    elif what == "lacking":
        schema["fields"] = [f for f in schema["fields"] if f["name"] != "called_number"]
    return schema


@pytest.mark.parametrize("what", ["fewer", "more", "elsewhere", "plain"])
def test_compatible_schemas_are_read_row_by_row(tmp_path: Path, what: str) -> None:
    """Missing fields get their defaults, extra ones are left out, a namespace does not matter."""
    path = container(tmp_path / "usage", numbered(3), schema=other(what))
    head, blocks = opened(path)
    assert head.schema_id is None
    columns = RowReader(head, path).read(good(blocks)[0])
    assert columns["sequence"].to_pylist() == [0, 1, 2]
    assert columns["units"].to_pylist() == [1, 1, 1]
    assert columns["started_at"].cast(pa.int64()).to_pylist() == [NOVEMBER_US] * 3
    assert "imei" not in columns


def test_milliseconds_are_not_taken_for_microseconds(tmp_path: Path) -> None:
    """The canonical forms are the same, the meaning is not: 2026-11-01, not 1970-01-21."""
    rows = [row(started_at=NOVEMBER_US // 1_000)]
    path = container(tmp_path / "usage", rows, schema=other("millis"))
    head, blocks = opened(path)
    assert head.schema_id is None
    columns = RowReader(head, path).read(good(blocks)[0])
    assert columns["started_at"].cast(pa.int64()).to_pylist() == [NOVEMBER_US]


def test_times_of_another_kind_are_refused(tmp_path: Path) -> None:
    """Nanoseconds and local times are not read as something else."""
    path = container(tmp_path / "usage", [], schema=other("nanos"))
    head, _ = opened(path)
    with pytest.raises(UsageFileError, match="times of type timestamp-nanos"):
        RowReader(head, path)


@pytest.mark.parametrize("what", ["text", "lacking"])
def test_incompatible_schemas_are_refused(tmp_path: Path, what: str) -> None:
    """A field of another type or a missing required one cannot be made up."""
    rows = [row(units="1")] if what == "text" else numbered(1)
    path = container(tmp_path / "usage", rows, schema=other(what))
    head, blocks = opened(path)
    with pytest.raises(UsageFileError, match="sms usage does not fit the contract"):
        RowReader(head, path).read(good(blocks)[0])


@pytest.mark.parametrize("body", [b"", b"\x0amsc", b"\xff" * 40])
def test_rows_that_do_not_decode_are_damage(tmp_path: Path, body: bytes) -> None:
    """A block of garbage is told apart from a schema that does not fit."""
    path = container(tmp_path / "usage", numbered(2), schema=other("more"))
    head, _ = opened(path)
    with pytest.raises(Damaged, match="its rows do not"):
        RowReader(head, path).read(Block(0, 1, body))


def test_rows_must_fill_their_block(tmp_path: Path) -> None:
    """A count that is too low would lose rows without a word."""
    path = container(tmp_path / "usage", numbered(2), schema=other("more"))
    head, blocks = opened(path)
    (block,) = good(blocks)
    with pytest.raises(Damaged, match="do not fill it"):
        RowReader(head, path).read(Block(0, 1, block.body))


def test_logical_types_are_found_in_unions_too() -> None:
    """A nullable time is a time."""
    time = {"type": "long", "logicalType": "timestamp-millis"}
    schema = {"fields": [{"name": "a", "type": ["null", time]}, {"name": "b", "type": "long"}]}
    assert logical_types(schema) == {"a": "timestamp-millis"}
