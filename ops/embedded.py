"""Weir in one directory: the embedded log, both hops, the archive and the reference settled by.

This is what `weir settle`, the demo and small operators run: no server, one process. A data
directory holds everything of one settlement:

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
from ops.reading import Topics, current_reference, kept_references
from schemas.codes import Reason
from schemas.records import codec
from schemas.reference import Reference, load
from schemas.topics import (
    COMMANDS,
    QUARANTINE,
    RATED,
    RECYCLE,
    SUSPENSE,
    USAGE,
    partition_of,
)
from state.archive import Archive
from state.tables import Tables, build
from streams.files import FileReport, read_file
from streams.local import LocalStore
from streams.log import Message
from streams.privacy import Tokens

DRAIN_BYTES = 16_000_000


class Embedded(Topics):
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
        """Open a directory and settle what waits on its log.

        Args:
            data: the directory; made when it is new.
            reference: the reference files to settle by from now on; None for those settled by last.
            usage_partitions: of a new directory; see `LocalStore`.
            settlement_partitions: of a new directory.
            observe: told of every step of both loops.

        Raises:
            InvalidReferenceError: the reference files cannot be used; nothing was touched.
            NoReferenceError: none was given, and nothing was settled in the directory yet.
            DirectoryError: another process is writing there.
        """
        self.data = data
        self.reference: Reference = load(
            current_reference(data) if reference is None else reference
        )
        self.tables: Tables = build(self.reference)
        data.mkdir(parents=True, exist_ok=True)
        super().__init__(
            LocalStore(
                data / "log",
                usage_partitions=usage_partitions,
                settlement_partitions=settlement_partitions,
            )
        )
        try:
            # Only the writer of the log may say what is settled by, so this comes after its lock.
            self.reference_directory = keep_reference(data, self.reference, reference)
            self.archive = Archive(data / "archive")
            self.archive.sweep()
            tokens = Tokens(token_key(data / "token.key"))
            state = data / "state"
            self.engine = Engine(self.tables, tokens, state, self.store.hop, Pace(), observe)
            self.drain()
        except BaseException:
            self.store.close()
            raise

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
        """Take in a usage file, settling as it goes; yields the report after each stretch."""
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
        """Try all suspended usage again; returns how many events were tried.

        Conflicting bodies are left out: which of two bodies is right is for an operator to say.
        """
        tried = 0
        records = codec("suspense.avsc")
        for partition, key, value in self.latest(SUSPENSE.name):
            if records.decode(value)["reason"] != Reason.CONFLICTING_BODY.label:
                self.store.append(RECYCLE.name, partition, [(key, value)])
                tried += 1
        self.drain()
        return tried

    def replay(self) -> int:
        """Send all quarantined records again, as they came; returns how many."""
        sent = 0
        records = codec("quarantine.avsc")
        for partition, _, value in self.latest(QUARANTINE.name):
            record = records.decode(value)
            self.store.append(USAGE.name, partition, [(record["key"], record["message"])])
            sent += 1
        self.drain()
        return sent

    def outcomes(self) -> Mapping[tuple[str, str], int]:
        """How many events had which outcome and reason."""
        counts = self.engine.rate_hop.outcomes()
        return {(o.label, r.label): n for (o, r), n in sorted(counts.items()) if n}

    def close(self) -> None:
        """Bring the archive up to date and let go of the directory."""
        self.project()
        self.engine.close()
        self.store.close()


def keep_reference(data: Path, loaded: Reference, given: Path | None) -> Path:
    """Keep a copy of the reference that is settled by from now on; where it lies.

    A copy is complete before it has its name, whatever interrupts it.

    Args:
        data: the data directory, whose log this process writes.
        loaded: the reference.
        given: the directory that it was loaded from; None when it is the one kept last.
    """
    kept = kept_references(data) / loaded.reference_id
    if given is None:
        return kept
    if not kept.exists():
        unfinished = kept.with_name(kept.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(given, unfinished)
        unfinished.rename(kept)
    current = kept.with_name("current")
    renewed = kept.with_name("current.unfinished")
    renewed.write_text(loaded.reference_id + "\n")
    renewed.replace(current)
    return kept
