"""Messages by the schema id in their five-byte frame.

A batch of messages is far larger than a processor's cache, and each walk over it fetches every
message from memory again. So everything that is asked of single messages is asked here, on one walk
over slices that fit: the id, which group it belongs to, and how long it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import compress, islice

import numpy as np
import numpy.typing as npt

from schemas.codes import Reason
from schemas.registry import FRAME_BYTES, MAGIC

Indices = npt.NDArray[np.int64]

SLICE_MESSAGES = 4096


@dataclass(frozen=True)
class Refused:
    """A message that does not decode: its index, why, and what the decoder said."""

    message: int
    reason: Reason
    detail: str


@dataclass
class Group:
    """The messages under one schema id, `size` bytes altogether; `index` counts over all."""

    values: list[bytes | None] = field(default_factory=list)
    size: int = 0
    parts: list[Indices] = field(default_factory=list)

    @property
    def index(self) -> Indices:
        """The index of each message in the order in which they were given."""
        return np.concatenate(self.parts)


def by_schema(values: Iterable[bytes | None]) -> tuple[dict[int, Group], list[Refused]]:
    """Messages by schema id, rising; those that have none are refused."""
    groups: dict[int, Group] = {}
    refused: list[Refused] = []
    start, rest = 0, iter(values)
    while part := list(islice(rest, SLICE_MESSAGES)):
        kinds = _ids(part, start, refused)
        for schema_id in np.flatnonzero(np.bincount(kinds)).tolist():
            if schema_id == 0:
                continue
            mask = kinds == schema_id
            chosen = list(compress(part, mask.tobytes()))
            group = groups.setdefault(schema_id, Group())
            group.values += chosen
            group.size += size_of(chosen)
            group.parts.append(np.flatnonzero(mask) + start)
        start += len(part)
    return dict(sorted(groups.items())), refused


def size_of(values: Sequence[bytes | None]) -> int:
    """The bytes of messages, none of which is missing."""
    return sum(map(len, values))  # type: ignore[arg-type]


def _ids(part: Sequence[bytes | None], start: int, refused: list[Refused]) -> npt.NDArray[np.uint8]:
    """The schema id of each message, 0 where it is refused outright (too short, empty)."""
    try:
        ids = bytes([value[FRAME_BYTES - 1] for value in part])  # type: ignore[index]
        kinds = np.frombuffer(ids, np.uint8)
    except (IndexError, TypeError):
        kinds = np.zeros(len(part), np.uint8)
        for i, value in enumerate(part):
            if value is None or len(value) < FRAME_BYTES:
                what = "shorter than the five-byte frame"
                refused.append(Refused(start + i, Reason.BAD_MAGIC, what))
            else:
                kinds[i] = value[FRAME_BYTES - 1]
    # An id that does not fit one byte shows in the frame's other bytes; they are looked at for
    # every group after decoding. Only an id whose last byte is 0 must be told apart here.
    for i in np.flatnonzero(kinds == 0).tolist():
        value = part[i]
        if value is not None and len(value) >= FRAME_BYTES:
            refused.append(bad_frame(start + i, value))
    return kinds


def bad_frame(message: int, value: bytes) -> Refused:
    """Say what is wrong with a frame: its first byte, or an id that is not known."""
    if value[0] != MAGIC:
        return Refused(message, Reason.BAD_MAGIC, f"first byte is {value[0]}, not {MAGIC}")
    schema_id = int.from_bytes(value[1:FRAME_BYTES], "big")
    return Refused(message, Reason.UNKNOWN_SCHEMA, f"schema id {schema_id} is not known")
