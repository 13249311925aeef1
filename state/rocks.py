"""The bodies of usage taken in, on disk: eight bytes an event, looked at only on a hit.

When a key comes a second time, the question is whether it is the same event again or another one
under the same number. The answer is a digest of the first one's body. Digests grow with usage, so
they lie in RocksDB. The numbers of a source are cut into pages of 4,096; what one batch brings of a
page is one value, a *strip*, however many holes are in it, so that sources whose numbers come mixed
(calls in one file, messages in the next) cost as little as those that come in order. All strips of
a page lie side by side and are read together. Usage known only by an event id has one entry an id,
which is also its duplicate mark.

The store is a copy of what `marks.v1` says. It is written after the transaction committed, in one
batch together with the input position it covers, so that what was missed in a crash is known and
taken from the topic again.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rocksdict import Options, Rdict, WriteBatch

Ints = npt.NDArray[np.int64]
Digests = npt.NDArray[np.uint64]
Marked = npt.NDArray[np.bool_]

STRIP, IDENTITY, META = b"s", b"i", b"m"
PAGE_BITS = 12
BODY_BYTES, PLACE_BYTES = 8, 2
WRITE_BUFFER_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Strip:
    """Body digests of some sequence numbers of one page of a source and epoch, rising."""

    source: str
    epoch: int
    sequences: Ints
    bodies: Digests

    @property
    def first(self) -> int:
        """The lowest number: no two strips share one, since a number is taken in once."""
        return int(self.sequences[0])

    def to_bytes(self) -> bytes:
        """Digests, then each number's distance from the first, little-endian."""
        places = (self.sequences - self.first).astype("<u2")
        return self.bodies.astype("<u8").tobytes() + places.tobytes()


def _strip(source: str, epoch: int, first: int, data: bytes) -> Strip:
    """From `Strip.to_bytes`."""
    places, bodies = _strip_columns(data)
    return Strip(source, epoch, places.astype(np.int64) + first, bodies.astype(np.uint64))


def _strip_columns(data: bytes) -> tuple[npt.NDArray[np.uint16], Digests]:
    """Each number's distance from the first, rising, and its digest."""
    count = len(data) // (BODY_BYTES + PLACE_BYTES)
    places = np.frombuffer(data, "<u2", offset=count * BODY_BYTES)
    return places, np.frombuffer(data, "<u8", count)


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
    strips: Sequence[Strip]
    identities: Sequence[Identity]

    def to_bytes(self) -> bytes:
        """For `marks.v1`: a JSON head, its length in front, the strips, the ids' digests."""
        strips = [strip.to_bytes() for strip in self.strips]
        heads = [
            [strip.source, strip.epoch, strip.first, len(data)]
            for strip, data in zip(self.strips, strips, strict=True)
        ]
        head = json.dumps(
            {
                "partition": self.partition,
                "positions": dict(self.positions),
                "strips": heads,
                "identities": [[i.source, i.event_id] for i in self.identities],
            },
            separators=(",", ":"),
        ).encode()
        identity_bodies = np.array([i.body for i in self.identities], "<u8").tobytes()
        return b"".join([struct.pack("<I", len(head)), head, *strips, identity_bodies])

    @staticmethod
    def from_bytes(data: bytes) -> Marks:
        """As read from `marks.v1`."""
        (size,) = struct.unpack_from("<I", data)
        at = 4 + size
        head = json.loads(data[4:at])
        strips = []
        for source, epoch, first, length in head["strips"]:
            strips.append(_strip(source, epoch, first, data[at : at + length]))
            at += length
        bodies = np.frombuffer(data, "<u8", offset=at).tolist()
        identities = [
            Identity(source, event_id, body)
            for (source, event_id), body in zip(head["identities"], bodies, strict=True)
        ]
        return Marks(head["partition"], head["positions"], strips, identities)


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
            for strip in mark.strips:
                prefix = _strip_prefix(strip.source, strip.epoch)
                batch.put(prefix + struct.pack(">Q", strip.first), strip.to_bytes())
            for i in mark.identities:
                batch.put(_identity_key(i.source, i.event_id), struct.pack("<Q", i.body))
            batch.put(META + b"positions", json.dumps(dict(mark.positions)).encode())
        self._db.write(batch)

    def bodies(self, source: str, epoch: int, sequences: Ints) -> tuple[Digests, Marked]:
        """The digest of each sequence number, and whether there is one."""
        prefix = _strip_prefix(source, epoch)
        found, known = np.zeros(len(sequences), np.uint64), np.zeros(len(sequences), bool)
        pages = sequences >> PAGE_BITS
        for page in np.unique(pages).tolist():
            at = np.flatnonzero(pages == page)
            for first, data in self._page(prefix, page):
                places, bodies = _strip_columns(data)
                wanted = sequences[at] - first
                place = np.minimum(np.searchsorted(places, wanted), len(places) - 1)
                hit = places[place] == wanted
                found[at[hit]], known[at[hit]] = bodies[place[hit]], True
        return found, known

    def _page(self, prefix: bytes, page: int) -> Iterator[tuple[int, bytes]]:
        """The strips of a page: the first number of each, and what is stored of it."""
        upto = prefix + struct.pack(">Q", (page + 1) << PAGE_BITS)
        cursor = self._db.iter()
        cursor.seek(prefix + struct.pack(">Q", page << PAGE_BITS))
        while cursor.valid() and cursor.key() < upto:
            (first,) = struct.unpack(">Q", cursor.key()[len(prefix) :])
            yield first, cursor.value()
            cursor.next()

    def identity(self, source: str, event_id: str) -> int | None:
        """The digest of an event known by its id; None when it was never taken in."""
        stored = self._db.get(_identity_key(source, event_id))
        return None if stored is None else int(struct.unpack("<Q", stored)[0])

    def close(self) -> None:
        """Flush and let go of the directory."""
        self._db.close()


def _strip_prefix(source: str, epoch: int) -> bytes:
    name = source.encode()
    return STRIP + struct.pack(">H", len(name)) + name + struct.pack(">i", epoch)


def _identity_key(source: str, event_id: str) -> bytes:
    name = source.encode()
    return IDENTITY + struct.pack(">H", len(name)) + name + event_id.encode()
