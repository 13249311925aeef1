"""Records of Weir's own low-volume topics, one at a time.

Suspense, quarantine and the like are few and are read by people and tools; they are plain Avro
records, read one by one, and written so and validated against their schema. What is many goes
through `schemas/columns.py` instead, and so does suspended usage on its way out, of which a missing
route makes thousands.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache
from typing import Any

import fastavro

from schemas.registry import read_schema


class RecordCodec:
    """Encode and decode records of one schema file."""

    def __init__(self, file: str) -> None:
        self._schema = fastavro.parse_schema(read_schema(file))

    def encode(self, record: Mapping[str, Any]) -> bytes:
        """A record as an Avro datum."""
        sink = io.BytesIO()
        fastavro.schemaless_writer(sink, self._schema, record, strict_allow_default=True)
        return sink.getvalue()

    def decode(self, data: bytes) -> dict[str, Any]:
        """A record from an Avro datum."""
        record: dict[str, Any] = fastavro.schemaless_reader(io.BytesIO(data), self._schema, None)  # type: ignore[assignment]
        return record


def bytes_field(data: bytes) -> bytes:
    """Avro's form of a field of type bytes: the length as a variable-length long, then the data."""
    sink = io.BytesIO()
    fastavro.schemaless_writer(sink, "bytes", data)
    return sink.getvalue()


@cache
def codec(file: str) -> RecordCodec:
    """The codec of a schema file in this package."""
    return RecordCodec(file)
