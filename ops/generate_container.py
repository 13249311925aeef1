"""Avro object containers written from columns, a block at a time.

The body of a container's block is what the envelope of the same events holds between its count and
its closing zero, so the encoder of envelopes does the work. Nothing in a container depends on when
or where it is written: its marker follows from the seed.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from typing import IO

import fastavro
import numpy as np
import pyarrow as pa

from schemas.codes import Service
from schemas.columns import encode_envelopes
from schemas.registry import FRAME_BYTES, current_schema
from streams.files_avro import MARKER_BYTES, zigzag

BLOCK_EVENTS = 2_000


class ContainerWriter:
    """Writes the events of one family to a file."""

    def __init__(self, file: IO[bytes], service: Service, seed: int) -> None:
        self._file = file
        self._service = service
        digest = hashlib.sha256(f"{seed}:{service.label}".encode()).digest()
        self._marker = digest[:MARKER_BYTES]
        header = io.BytesIO()
        schema = current_schema(service)
        fastavro.writer(header, schema, [], codec="null", sync_marker=self._marker)
        file.write(header.getvalue())

    def write(self, columns: Mapping[str, pa.Array]) -> None:
        """Add events."""
        rows = len(columns["source"])
        offsets = np.append(np.arange(0, rows, BLOCK_EVENTS), rows).astype(np.int32)
        values = encode_envelopes(self._service, columns, offsets).to_pylist()
        for value, count in zip(values, np.diff(offsets).tolist(), strict=True):
            head = zigzag(count)
            if value[FRAME_BYTES : FRAME_BYTES + len(head)] != head or value[-1] != 0:
                raise ValueError("Invariant: an envelope is one array block with a zero behind it")
            body = memoryview(value)[FRAME_BYTES + len(head) : -1]
            self._file.write(head + zigzag(len(body)))
            self._file.write(body)
            self._file.write(self._marker)
