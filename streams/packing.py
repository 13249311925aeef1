"""Record batches as bytes: the form of blocks on the log.

A block is an Arrow stream of one record batch, its head as JSON in the schema's metadata, its
columns narrowed. Blocks of rated usage have megabytes: since memory that a process touches for the
first time costs more than what is written into it, a packer writes into a buffer of its own that it
uses again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from streams.narrowing import narrowed, widened

HEAD = b"weir"


class Packer:
    """Packs batches, one at a time."""

    def __init__(self) -> None:
        self._scratch = bytearray()

    def pack(self, columns: Mapping[str, pa.Array], head: Mapping[str, object]) -> bytes:
        """Columns of one length and a head as bytes."""
        metadata = {HEAD: json.dumps(head).encode()}
        said = {name: narrowed(column) for name, column in columns.items()}
        fields = [pa.field(name, c.type, metadata=of) for name, (c, of) in said.items()]
        arrays = [column for column, _ in said.values()]
        batch = pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields, metadata))
        counter = pa.MockOutputStream()
        _write(batch, counter)
        size = counter.size()
        if size > len(self._scratch):
            self._scratch = bytearray(size)
        _write(batch, pa.FixedSizeBufferWriter(pa.py_buffer(self._scratch)))
        with memoryview(self._scratch) as written:
            return bytes(written[:size])


def _write(batch: pa.RecordBatch, sink: pa.NativeFile) -> None:
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)


def unpack(data: bytes) -> pa.RecordBatch:
    """A block's record batch, its columns as wide as they were; see `head`."""
    with pa.ipc.open_stream(data) as stream:
        batch = stream.read_next_batch()
    pairs = zip(batch.columns, batch.schema, strict=True)
    columns = [widened(column, field.metadata) for column, field in pairs]
    names, metadata = batch.schema.names, batch.schema.metadata
    return pa.RecordBatch.from_arrays(columns, names=names, metadata=metadata)


def head(batch: pa.RecordBatch) -> dict[str, Any]:
    """What was packed beside the columns."""
    found: dict[str, Any] = json.loads(batch.schema.metadata[HEAD])
    return found
