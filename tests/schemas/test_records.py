"""Records of low-volume topics: encoded as their schema says, and nothing else accepted."""

from __future__ import annotations

import io
from typing import Any

import fastavro
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.records import bytes_field, codec

TEXT = st.text(max_size=5)
QUARANTINED = st.fixed_dictionaries(
    {
        "topic": TEXT,
        "partition": st.integers(-(2**31), 2**31 - 1),
        "offset": st.integers(-(2**63), 2**63 - 1),
        "row": st.integers(0, 2**31 - 1),
        "reason": TEXT,
        "detail": TEXT,
        "source": st.none() | TEXT,
        "key": st.none() | st.binary(max_size=5),
        "message": st.binary(max_size=20),
    }
)


@given(QUARANTINED)
def test_a_record_comes_back(record: dict[str, Any]) -> None:
    """Any record that fits the schema is the same after encoding and decoding."""
    assert codec("quarantine.avsc").decode(codec("quarantine.avsc").encode(record)) == record


def test_a_missing_field_is_an_error() -> None:
    """A field without a default is never filled in silently."""
    with pytest.raises(ValueError, match="topic"):
        codec("quarantine.avsc").encode({"partition": 1})


def test_a_codec_is_made_once() -> None:
    """Schemas are parsed once a process."""
    assert codec("suspense.avsc") is codec("suspense.avsc")


@given(data=st.binary(max_size=300))
@example(data=bytes(63))  # the last length of one byte: 2 * 63 = 126
@example(data=bytes(64))
@example(data=bytes(8_191))  # 2 * 8,191 = 16,382: the last of two bytes
@example(data=bytes(8_192))
def test_bytes_are_written_as_avro_writes_them(data: bytes) -> None:
    """The field apart is what the codec writes for a record that has nothing else."""
    sink = io.BytesIO()
    fastavro.schemaless_writer(sink, {"type": "bytes"}, data)
    assert bytes_field(data) == sink.getvalue()


@pytest.mark.parametrize(
    ("length", "front"),
    [
        (0, b"\x00"),
        (63, b"\x7e"),  # 2 * 63 = 126 = 0x7e
        (64, b"\x80\x01"),  # 128: seven zero bits and a mark that more follow, then 1
        (8_191, b"\xfe\x7f"),  # 16,382 = 127 * 128 + 126
        (8_192, b"\x80\x80\x01"),  # 16,384 = 1 * 128 * 128
    ],
)
def test_the_length_stands_in_front(length: int, front: bytes) -> None:
    """Avro 1.12, Binary Encoding: a long is zigzag-coded, seven bits a byte, the lowest first."""
    assert bytes_field(b"x" * length) == front + b"x" * length
