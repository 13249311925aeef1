"""Weir in one directory: the embedded log, both hops, the archive and the reference they settle by.

This is what `weir settle`, the demo and small operators run: no server, one process. A data directory
holds everything of one settlement:

    log/          the embedded log with every topic (SQLite)
    state/        digests of usage bodies (RocksDB), a copy of what the log says
    archive/      rated usage as Parquet
    reference/    the reference files that were settled by, one directory a version
    token.key     the key of subscriber tokens
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ops.config import token_key
from ops.engine import Engine, Observer, Pace, ignore
from schemas.records import codec
from schemas.reference import Reference, load
from schemas.topics import (
    COMMANDS,
    QUARANTINE,
    RATED,
    RECYCLE,
    STATEMENTS,
    SUSPENSE,
    USAGE,
    partition_of,
)
from state.archive import Archive
from state.tables import Tables, build
from streams.files import FileReport, read_file
from streams.local import LocalStore
from streams.log import Message, Segment
from streams.privacy import Tokens

DRAIN_BYTES = 16_000_000


class NoReferenceError(Exception):
    """A data directory that nothing was settled in yet, and no reference was given."""


class Embedded:
    """A data directory opened for writing."""

    def __init__(
        self,
        data: Path,
        reference: Path | None = None,
        *,
        usage_partitions: int | None = None,
        settlement_partitions: int | None = None,
        observe: Observer = ignore,
    ) -> None:
        self.data = data
        data.mkdir(parents=True, exist_ok=True)
        self.reference_directory = keep_reference(data, reference)
        self.reference: Reference = load(self.reference_directory)
        self.tables: Tables = build(self.reference)
        self.store = LocalStore(
            data / "log",
            usage_partitions=usage_partitions,
            settlement_partitions=settlement_partitions,
        )
        self.archive = Archive(data / "archive")
        self.archive.sweep()
        tokens = Tokens(token_key(data / "token.key"))
        self.engine = Engine(self.tables, tokens, data / "state", self.store.hop, Pace(), observe)
        self.drain()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def ingest(self, path: Path) -> Iterator[FileReport]:
        """Take in a usage file, settling as it goes; yields the report so far after each stretch."""
        report, waiting = FileReport(path), 0
        for block in read_file(path, self.store.partitions(USAGE.name)):
            for partition, messages in block.messages.items():
                waiting += self.append(partition, messages)
            report = report.plus(block)
            if waiting >= DRAIN_BYTES:
                self.drain()
                waiting = 0
                yield report
        self.drain()
        yield report

    def append(self, partition: int, messages: Sequence[Message]) -> int:
        """Put usage messages on the log; returns their size in bytes."""
        self.store.append(USAGE.name, partition, messages)
        return sum(len(v) for _, v in messages if v is not None)

    def drain(self) -> None:
        """Settle everything on the log and bring the archive up to it."""
        self.engine.drain()

    def project(self) -> None:
        """Bring the archive up to the log."""
        reader = self.store.tail([RATED.name], self.archive.positions())
        while segments := reader.read(1_000, 0):
            for segment in segments:
                self.archive.add(segment)
        self.archive.flush()
        reader.close()

    def close_periods(self, agreements: Sequence[str], period: str) -> list[dict[str, Any]]:
        """Close a period of some agreements; returns the statements that this made."""
        before = {d["number"] for d in self.statements()}
        pools = {a.name: a.pool for a in self.tables.agreements}
        for agreement in agreements:
            pool = pools[agreement]
            command = {"close": {"agreement": agreement, "period": period}}
            partition = partition_of(pool, self.store.partitions(COMMANDS.name))
            message = (pool.encode(), json.dumps(command).encode())
            self.store.append(COMMANDS.name, partition, [message])
        self.drain()
        return [d for d in self.statements() if d["number"] not in before]

    def recycle(self) -> int:
        """Try all suspended usage again; returns how many events were tried."""
        tried = 0
        for partition, key, value in self.latest(SUSPENSE.name):
            self.store.append(RECYCLE.name, partition, [(key, value)])
            tried += 1
        self.drain()
        return tried

    def replay(self) -> int:
        """Send all quarantined records again, as they came; returns how many."""
        sent = 0
        records = codec("quarantine.avsc")
        for partition, key, value in self.latest(QUARANTINE.name):
            record = records.decode(value)
            self.store.append(USAGE.name, partition, [(record["key"], record["message"])])
            sent += 1
        self.drain()
        return sent

    def read(self, topic: str) -> Iterator[Segment]:
        """A topic from its beginning to its end as of now."""
        reader = self.store.tail([topic])
        while segments := reader.read(10_000, 0):
            yield from segments
        reader.close()

    def latest(self, topic: str) -> Iterator[tuple[int, bytes, bytes]]:
        """Partition, key and value of what a compacted topic holds now."""
        found: dict[tuple[int, bytes], bytes] = {}
        for segment in self.read(topic):
            for key, value in zip(segment.keys, segment.values, strict=True):
                if key is not None and value is not None:
                    found[(segment.partition, key)] = value
                elif key is not None:
                    found.pop((segment.partition, key), None)
        for (partition, key), value in found.items():
            yield partition, key, value

    def statements(self) -> list[dict[str, Any]]:
        """All statements, by number."""
        documents = [json.loads(v) for _, _, v in self.latest(STATEMENTS.name)]
        return sorted(documents, key=lambda d: d["number"])

    def outcomes(self) -> Mapping[tuple[str, str], int]:
        """How many events had which outcome and reason."""
        counts = self.engine.rate_hop.outcomes()
        return {(o.label, r.label): n for (o, r), n in sorted(counts.items()) if n}

    def close(self) -> None:
        """Bring the archive up to date and let go of the directory."""
        self.project()
        self.engine.close()
        self.store.close()


def current_reference(data: Path) -> Path:
    """The reference files that a data directory was settled by last.

    Raises:
        NoReferenceError: nothing was settled there yet.
    """
    current = data / "reference" / "current"
    if not current.exists():
        msg = f"{data} has no reference yet: settle something there first, with --reference DIR"
        raise NoReferenceError(msg)
    return current.parent / current.read_text().strip()


def keep_reference(data: Path, given: Path | None) -> Path:
    """The reference to settle by: a copy of the one given, else the one settled by last."""
    if given is None:
        return current_reference(data)
    kept = data / "reference"
    reference_id = load(given).reference_id
    if not (kept / reference_id).exists():
        kept.mkdir(parents=True, exist_ok=True)
        shutil.copytree(given, kept / reference_id)
    (kept / "current").write_text(reference_id + "\n")
    return kept / reference_id
