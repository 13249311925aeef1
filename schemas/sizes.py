"""How many bytes decoded columns take in Avro's shortest encoding.

Summed over a group of messages this says whether every byte that was sent was understood: see
`columns.py`. It is cheap because it counts, per column, how many values need one byte more.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import fastavro
import numpy as np
import numpy.typing as npt
import pyarrow as pa

VARINT_BITS = 7
LONG_BYTES_MAX = 10


@dataclass(frozen=True)
class Shape:
    """What columns do not tell of their Avro types, by field name.

    `enums` are text columns that are one byte a value (fewer than 64 symbols), `unions` columns
    whose values have a byte in front for the branch.
    """

    enums: frozenset[str]
    unions: frozenset[str]


def encoded_bytes(columns: Iterable[tuple[str, pa.Array]], shape: Shape) -> int:
    """The size of some fields of all records together, unions and lengths included."""
    return sum(_column(column, name, shape) for name, column in columns)


def _column(column: pa.Array, name: str, shape: Shape) -> int:
    """One column: a byte a row for the branch of a union, then what the values take."""
    branch = len(column) if name in shape.unions else 0
    if column.null_count == len(column):
        return branch
    values = column.drop_null() if column.null_count else column
    if name in shape.enums:
        return branch + len(values)
    return branch + _values(values, shape)


def _values(values: pa.Array, shape: Shape) -> int:
    kind = values.type
    if pa.types.is_boolean(kind):
        return len(values)
    if pa.types.is_string(kind):
        offsets = np.frombuffer(values.buffers()[1], np.int32)
        offsets = offsets[values.offset : values.offset + len(values) + 1]
        lengths = np.diff(offsets).astype(np.int64)
        return int(offsets[-1] - offsets[0]) + _varints(lengths)
    if pa.types.is_list(kind):
        return _lists(values, shape)
    if pa.types.is_timestamp(kind):
        values = values.view(pa.int64())
    return _varints(values.to_numpy(zero_copy_only=False).astype(np.int64, copy=False))


def _lists(lists: pa.ListArray, shape: Shape) -> int:
    """Arrays as one block each and the closing zero; an empty one is just the zero."""
    counts = np.diff(lists.offsets.to_numpy()).astype(np.int64)
    items: pa.StructArray = lists.flatten()
    inner = sum(
        _column(items.field(i), items.type.field(i).name, shape)
        for i in range(items.type.num_fields)
    )
    return inner + _varints(counts[counts > 0]) + len(counts)


def _varints(values: npt.NDArray[np.int64]) -> int:
    """The size of integers as zigzag varints: one byte for each seven bits begun.

    Zigzag doubles a number that is not negative; -1 - n takes what n takes.
    """
    if len(values) == 0:
        return 0
    if int(values.min()) < 0:
        values = values ^ (values >> 63)
    smallest, largest = int(values.min()), int(values.max())
    size = len(values)
    for count in range(1, LONG_BYTES_MAX):
        step = 1 << (VARINT_BITS * count - 1)
        if largest < step:
            break
        # Times are of one size: then nothing needs to be counted.
        size += len(values) if smallest >= step else int(np.count_nonzero(values >= step))
    return size


def is_blocks(body: bytes, item_schema: Any) -> bool:  # noqa: ANN401 - the library's own form
    """Whether bytes are one Avro array, in any blocks, of items in the shortest encoding.

    Only blocks, which a writer may make as it likes, can make an array longer than `encoded_bytes`
    says; an item that is longer than needed (or holds an int of more than 32 bits, which decoders
    cut off) is none that an Avro writer makes.
    """
    stream = io.BytesIO(body)
    while count := _long(stream):
        if count < 0:
            _long(stream)  # the size of the block, which may be given
        for _ in range(abs(count)):
            start = stream.tell()
            item = fastavro.schemaless_reader(stream, item_schema, None)
            again = io.BytesIO()
            fastavro.schemaless_writer(again, item_schema, item)
            fits = fastavro.validate(item, item_schema, raise_errors=False)
            if not fits or again.getvalue() != body[start : stream.tell()]:
                return False
    return stream.tell() == len(body)


def _long(stream: io.BytesIO) -> int:
    """One Avro long."""
    value = fastavro.schemaless_reader(stream, "long", None)
    if not isinstance(value, int):
        message = f"Invariant: a long decodes to an integer, not to {value!r}"
        raise TypeError(message)
    return value
