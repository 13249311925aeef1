"""Sizes computed from columns against the bytes that another encoder writes."""

from __future__ import annotations

import io
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.sizes import Shape, encoded_bytes, is_blocks

ITEM = {
    "type": "record",
    "name": "Item",
    "fields": [{"name": "n", "type": "long"}, {"name": "t", "type": ["null", "string"]}],
}
RECORD = {
    "type": "record",
    "name": "R",
    "fields": [
        {"name": "a", "type": "long"},
        {"name": "b", "type": ["null", "int"]},
        {"name": "c", "type": "string"},
        {"name": "d", "type": ["null", "string"]},
        {"name": "e", "type": "boolean"},
        {"name": "f", "type": {"type": "enum", "name": "E", "symbols": ["x", "y"]}},
        {"name": "items", "type": {"type": "array", "items": ITEM}},
    ],
}
TYPES = pa.schema(
    [
        ("a", pa.int64()),
        ("b", pa.int32()),
        ("c", pa.string()),
        ("d", pa.string()),
        ("e", pa.bool_()),
        ("f", pa.string()),
        ("items", pa.list_(pa.struct([("n", pa.int64()), ("t", pa.string())]))),
    ]
)
SHAPE = Shape(enums=frozenset("f"), unions=frozenset("bdt"))
# Around the steps of seven bits, where a varint grows by a byte, and at the ends of 64 bits.
STEPS = [2**bits + delta for bits in range(5, 63, 7) for delta in (-1, 0, 1)]
LONGS = st.sampled_from([*STEPS, *(-n for n in STEPS), 2**63 - 1, -(2**63)]) | st.integers(-70, 70)
TEXT = st.text(max_size=70)
ITEMS = st.lists(st.fixed_dictionaries({"n": LONGS, "t": st.none() | TEXT}), max_size=4)
RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "a": LONGS,
            "b": st.none() | st.integers(-(2**31), 2**31 - 1),
            "c": TEXT,
            "d": st.none() | TEXT,
            "e": st.booleans(),
            "f": st.sampled_from("xy"),
            "items": ITEMS,
        }
    ),
    max_size=5,
)


def written(schema: Any, datum: Any) -> bytes:  # noqa: ANN401 - Avro data have any shape
    """A datum as fastavro writes it."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, datum)
    return out.getvalue()


@given(RECORDS, st.integers(0, 2))
def test_the_size_of_columns_is_that_of_their_bytes(
    records: list[dict[str, Any]], dropped: int
) -> None:
    """Whatever the records, and for a slice of a batch too, the sizes are equal to the byte."""
    batch = pa.RecordBatch.from_pylist(records, schema=TYPES)
    size = sum(len(written(RECORD, record)) for record in records[dropped:])
    part = batch.slice(dropped)
    assert encoded_bytes(zip(part.schema.names, part.columns, strict=True), SHAPE) == size


@given(ITEMS, st.lists(st.integers(1, 4), max_size=4), st.booleans())
def test_an_array_may_come_in_any_blocks(
    items: list[dict[str, Any]], sizes: list[int], sized: bool
) -> None:
    """Blocks of any length, with or without their size in bytes, are one array; a rest is not."""
    body, rest = b"", items
    for size in [*sizes, len(items)]:
        block, rest = rest[:size], rest[size:]
        data = b"".join(written(ITEM, item) for item in block)
        if block:
            head = [-len(block), len(data)] if sized else [len(block)]
            body += b"".join(written("long", n) for n in head) + data
    assert is_blocks(body + b"\x00", ITEM)
    assert not is_blocks(body + b"\x00\x00", ITEM)


@pytest.mark.parametrize(
    "body",
    [
        b"\x02\x82\x00\x00\x00",  # n = 1 written in two bytes, as 0x82 0x00
        b"\x02\x02\x82\x00\x00\x00",  # the branch of the union, 1, in two bytes: an empty text
    ],
)
def test_a_number_longer_than_needed_is_not_taken(body: bytes) -> None:
    """What no Avro writer writes is refused, even where a reader would make sense of it."""
    assert not is_blocks(body, ITEM)
