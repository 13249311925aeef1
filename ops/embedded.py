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

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from ops.amended import amendments, leads_to
from ops.asking import Desk
from ops.config import token_key
from ops.engine import Engine, Observer, Pace, ignore
from ops.immutable import refuse_changed_versions
from ops.metrics import Metrics
from ops.reading import Stored, current_reference, kept_references
from ops.reload import Fingerprint, Reload, Taker, at_once, between_batches
from schemas.reference import Reference, load
from schemas.topics import COMMANDS, RATED, USAGE
from state.archive import Archive
from state.tables import Tables, build
from streams.files import FileReport, read_file
from streams.local import LocalStore, wall_clock_us
from streams.local_reader import READ_BYTES_MAX
from streams.log import Message
from streams.privacy import Tokens


class Embedded(Desk, Stored):
    """A data directory opened for writing."""

    def __init__(
        self,
        data: Path,
        reference: Path | None = None,
        *,
        usage_partitions: int | None = None,
        settlement_partitions: int | None = None,
        observe: Observer = ignore,
        clock: Callable[[], int] = wall_clock_us,
    ) -> None:
        """Open a directory and settle what waits on its log.

        Args:
            data: the directory; made when it is new.
            reference: the reference files to settle by from now on; None for those settled by last.
            usage_partitions: of a new directory; see `LocalStore`.
            settlement_partitions: of a new directory.
            observe: told of every step of both loops.
            clock: log time in microseconds.

        Raises:
            InvalidReferenceError: the reference files cannot be used, or change a version of an
                agreement that was settled by; nothing was touched.
            NoReferenceError: none was given, and nothing was settled in the directory yet.
            DirectoryError: another process is writing there.
        """
        given = load(current_reference(data) if reference is None else reference)
        data.mkdir(parents=True, exist_ok=True)
        Stored.__init__(
            self,
            data,
            LocalStore(
                data / "log",
                usage_partitions=usage_partitions,
                settlement_partitions=settlement_partitions,
                clock=clock,
            ),
        )
        try:
            led = self._led()
            self.reference: Reference = led if reference is None and led is not None else given
            self.tables = build(self.reference)
            if reference is not None:
                refuse_changed_versions(self, self.reference)
            # Only the writer of the log may say what is settled by, so this comes after its lock.
            self.reference_directory = keep_reference(data, self.reference, reference)
            self.archive = Archive(data / "archive")
            self.archive.sweep()
            tokens = Tokens(token_key(data / "token.key"))
            state = data / "state"
            open_hop = partial(self.store.hop, overlap=True)
            self.engine = Engine(self.tables, tokens, state, open_hop, Pace(), observe)
            self.drain()
        except BaseException:
            self.store.close()
            raise

    def _led(self) -> Reference | None:
        """The reference that amendments lead on to; it is in force from then on, if there is one.

        An amendment is on the log a moment before its reference is the one settled by.
        """
        if not (kept_references(self.data) / "current").exists():
            return None
        before = self.newest_reference()
        after = leads_to(amendments(self.snapshot), before)
        if after == before:
            return None
        reference = load(self.reference_of(after))
        keep_reference(self.data, reference, self.reference_of(after))
        return reference

    def amend(
        self, reference: Reference, files: Path, commands: Mapping[int, Sequence[Message]]
    ) -> None:
        """Carry out the commands of an amendment, by its reference, and settle by it from then on.

        Both hops know the reference before they read a command: rows may be of new versions.
        """
        self.drain()
        copy_reference(self.data, reference, files)
        tables = build(reference)
        self._use(tables)
        self.engine.accrue_hop.use(tables)
        self.engine.rate_hop.use(tables)
        self.put(COMMANDS.name, commands)
        self._keep(reference, files)

    def ingest(self, path: Path) -> Iterator[FileReport]:
        """Take in a usage file, settling as it goes; yields the report after each stretch."""
        report, waiting = FileReport(path), 0
        for block in read_file(path, self.store.partitions(USAGE.name)):
            waiting += self._log(USAGE.name, block.messages)
            report = report.plus(block)
            if waiting >= READ_BYTES_MAX:
                self.engine.advance()  # beside the commit of which the next stretch is read
                waiting = 0
                yield report
        self.drain()
        yield report

    def append(self, partition: int, messages: Sequence[Message]) -> int:
        """Put usage messages on the log; returns their size in bytes."""
        return self._log(USAGE.name, {partition: messages})

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

    def put(self, topic: str, messages: Mapping[int, Sequence[Message]]) -> None:
        """Log messages by partition as input, and settle them."""
        self._log(topic, messages)
        self.drain()

    def _log(self, topic: str, messages: Mapping[int, Sequence[Message]]) -> int:
        """Write messages by partition in one transaction; returns their size in bytes."""
        self.store.append_all(topic, messages)
        return sum(len(v) for rows in messages.values() for _, v in rows if v is not None)

    def following(
        self, directory: Path, known: Fingerprint, metrics: Metrics, *shown: Taker
    ) -> Reload:
        """What takes changes of the reference files over while the engine runs.

        Args:
            directory: the reference files that this was opened with.
            known: their fingerprint from before that.
            metrics: counts what is refused.
            shown: who shows figures, and gets new terms first.
        """
        engine = self.engine
        takers = [
            Taker(at_once(self._use)),
            *shown,
            Taker(between_batches(engine.accrue, engine.accrue_hop.use)),
            Taker(between_batches(engine.rate, engine.rate_hop.use)),
        ]
        return Reload(directory, self.reference, known, takers, metrics, self._keep)

    def _keep(self, reference: Reference, files: Path) -> None:
        """Settle by a reference from now on."""
        self.reference_directory = keep_reference(self.data, reference, files)
        self.reference = reference

    def _use(self, tables: Tables) -> None:
        """Ask and answer by a reference from now on."""
        self.tables = tables
        self.__dict__.pop("book", None)  # made of the tables when it is asked for

    def close(self) -> None:
        """Bring the archive up to date and let go of the directory."""
        self.project()
        self.engine.close()
        self.store.close()


def keep_reference(data: Path, loaded: Reference, given: Path | None) -> Path:
    """Keep a copy of the reference that is settled by from now on; where it lies.

    Args:
        data: the data directory, whose log this process writes.
        loaded: the reference.
        given: the directory that it was loaded from; None when it is the one kept last.
    """
    if given is None:
        return kept_references(data) / loaded.reference_id
    kept = copy_reference(data, loaded, given)
    current = kept.with_name("current")
    renewed = kept.with_name("current.unfinished")
    renewed.write_text(loaded.reference_id + "\n")
    renewed.replace(current)
    return kept


def copy_reference(data: Path, loaded: Reference, given: Path) -> Path:
    """Keep a copy of a reference under its id; where it lies.

    A copy is complete before it has its name, whatever interrupts it.
    """
    kept = kept_references(data) / loaded.reference_id
    if not kept.exists():
        unfinished = kept.with_name(kept.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(given, unfinished)
        unfinished.rename(kept)
    return kept
