"""The bodies of usage taken in, on disk: eight bytes an event, looked at only on a hit.

When a key comes a second time, the question is whether it is the same event again or another one
under the same number. The answer is a digest of the first one's body. Digests grow with usage, so
they lie in RocksDB: a run of consecutive sequence numbers is one value, found by seeking backwards
to the run that covers a number. Usage known only by an event id has one entry an id, which is also
its duplicate mark.

The store is a copy of what `marks.v1` says. It is written after the transaction committed, in one
batch together with the input position it covers, so that what was missed in a crash is known and
taken from the topic again.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rocksdict import Options, Rdict, WriteBatch

Digests = npt.NDArray[np.uint64]

RUN, IDENTITY, META = b"r", b"i", b"m"
WRITE_BUFFER_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Run:
    """Body digests of consecutive sequence numbers of one source and epoch."""

    source: str
    epoch: int
    first: int
    bodies: Digests


@dataclass(frozen=True)
class Identity:
    """Body digest of one event that is known by its id."""

    source: str
    event_id: str
    body: int


@dataclass(frozen=True)
class Marks:
    """What one batch adds for one usage partition, and the input positions that it covers."""

    partition: int
    positions: Mapping[str, int]
    runs: Sequence[Run]
    identities: Sequence[Identity]

    def to_bytes(self) -> bytes:
        """For `marks.v1`: a JSON head, its length in front, then all digests, little-endian."""
        head = json.dumps(
            {
                "partition": self.partition,
                "positions": dict(self.positions),
                "runs": [[r.source, r.epoch, r.first, len(r.bodies)] for r in self.runs],
                "identities": [[i.source, i.event_id] for i in self.identities],
            },
            separators=(",", ":"),
        ).encode()
        identity_bodies = np.array([i.body for i in self.identities], "<u8")
        bodies = [r.bodies.astype("<u8") for r in self.runs]
        tail = b"".join(b.tobytes() for b in [*bodies, identity_bodies])
        return struct.pack("<I", len(head)) + head + tail

    @staticmethod
    def from_bytes(data: bytes) -> Marks:
        """As read from `marks.v1`."""
        (size,) = struct.unpack_from("<I", data)
        head = json.loads(data[4 : 4 + size])
        bodies = np.frombuffer(data, "<u8", offset=4 + size)
        runs, at = [], 0
        for source, epoch, first, count in head["runs"]:
            runs.append(Run(source, epoch, first, bodies[at : at + count]))
            at += count
        identities = [
            Identity(source, event_id, int(body))
            for (source, event_id), body in zip(head["identities"], bodies[at:], strict=True)
        ]
        return Marks(head["partition"], head["positions"], runs, identities)


class BodyStore:
    """The digests of one usage partition in one directory."""

    def __init__(self, directory: Path) -> None:
        options = Options(raw_mode=True)
        options.create_if_missing(create_if_missing=True)
        options.set_write_buffer_size(WRITE_BUFFER_BYTES)
        directory.mkdir(parents=True, exist_ok=True)
        self._db = Rdict(str(directory), options=options)

    def positions(self) -> dict[str, int]:
        """The input positions that the store covers; empty when it is new."""
        stored = self._db.get(META + b"positions")
        return dict(json.loads(stored)) if stored else {}

    def write(self, marks: Iterable[Marks]) -> None:
        """Add what batches brought, atomically with their positions."""
        batch = WriteBatch(raw_mode=True)
        for mark in marks:
            for run in mark.runs:
                batch.put(
                    _run_key(run.source, run.epoch, run.first), run.bodies.astype("<u8").tobytes()
                )
            for i in mark.identities:
                batch.put(_identity_key(i.source, i.event_id), struct.pack("<Q", i.body))
            batch.put(META + b"positions", json.dumps(dict(mark.positions)).encode())
        self._db.write(batch)

    def bodies(self, source: str, epoch: int, sequences: Sequence[int]) -> list[int | None]:
        """The digest of each sequence number; None where it is past the horizon."""
        prefix = _run_prefix(source, epoch)
        found: list[int | None] = []
        cursor = self._db.iter()
        for sequence in sequences:
            cursor.seek_for_prev(prefix + struct.pack(">Q", sequence))
            body = None
            if cursor.valid() and cursor.key().startswith(prefix):
                (first,) = struct.unpack(">Q", cursor.key()[len(prefix) :])
                at = (sequence - first) * 8
                value = cursor.value()
                if at < len(value):
                    (body,) = struct.unpack_from("<Q", value, at)
            found.append(body)
        return found

    def identity(self, source: str, event_id: str) -> int | None:
        """The digest of an event known by its id; None when it was never taken in."""
        stored = self._db.get(_identity_key(source, event_id))
        return None if stored is None else int(struct.unpack("<Q", stored)[0])

    def close(self) -> None:
        """Flush and let go of the directory."""
        self._db.close()


def _run_prefix(source: str, epoch: int) -> bytes:
    name = source.encode()
    return RUN + struct.pack(">H", len(name)) + name + struct.pack(">i", epoch)


def _run_key(source: str, epoch: int, first: int) -> bytes:
    return _run_prefix(source, epoch) + struct.pack(">Q", first)


def _identity_key(source: str, event_id: str) -> bytes:
    name = source.encode()
    return IDENTITY + struct.pack(">H", len(name)) + name + event_id.encode()
