"""Weir in one directory: the embedded log, all hops, the archive and the reference settled by.

This is what `weir settle`, the demo and small operators run: no server, one process. A data
directory holds everything of one settlement:

    log/          the embedded log with every topic (SQLite)
    state/        digests of usage bodies (RocksDB), a copy of what the log says
    archive/      rated usage as Parquet
    reference/    the reference files that were settled by, one directory a version
    token.key     the key of subscriber tokens
"""

from __future__ import annotations

import filecmp
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from ops.amended import amendments, leads_to
from ops.asking import Desk
from ops.config import token_key
from ops.engine import Engine, Observer, Pace, ignore
from ops.follow import Follower, copy_files
from ops.immutable import refuse_changed_versions, refused_changes
from ops.logs import logger
from ops.metrics import Metrics
from ops.reading import Stored, current_reference, kept_references
from ops.reload import (
    SOON_SECONDS,
    Fingerprint,
    Reload,
    Taker,
    at_once,
    between_batches,
    forbidden,
)
from ops.retry import Again, Retry, waiting
from schemas.decks import Parsed
from schemas.reference import InvalidReferenceError, Reference, load
from schemas.topics import COMMANDS, RATED, RECYCLE, REFERENCE, SUSPENSE, USAGE
from state.archive import Archive
from state.tables import Tables, build
from streams.files import FileReport, read_file
from streams.local import LocalStore, wall_clock_us
from streams.local_reader import READ_BYTES_MAX, recover
from streams.log import Message
from streams.privacy import Tokens

LOG = logger("weir.embedded")


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
            observe: told of every step of all loops.
            clock: log time in microseconds.

        Raises:
            InvalidReferenceError: the reference files cannot be used, or change a version of an
                agreement that was settled by; nothing was touched.
            NoReferenceError: none was given, and nothing was settled in the directory yet.
            DirectoryError: another process is writing there.
        """
        given = current_reference(data) if reference is None else reference
        self._parsed = Parsed()
        self.reference: Reference = load(given, self._parsed)
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
            if reference is None:
                given = self._led(given)
            self.follower = self._followed(given, is_new=reference is not None)
            self.tables = build(self.reference)
            self.archive = Archive(data / "archive")
            self.archive.sweep()
            tokens = Tokens(token_key(data / "token.key"))
            state = data / "state"
            open_hop = partial(self.store.hop, overlap=True)
            self.engine = Engine(
                self.tables, tokens, state, open_hop, Pace(), observe, controls=True
            )
            self._retry = self._trying_again(state / "retried.json")
            self.drain()
        except BaseException:
            self.store.close()
            raise

    def _trying_again(self, note: Path) -> Retry:
        """What tries suspended usage again; the note says by which references it was."""
        return Retry(
            note,
            kept_references(self.data),
            lambda number: recover(self.store.database, (SUSPENSE.name, number), 0),
            lambda number, messages: self._log(RECYCLE.name, {number: messages}),
        )

    def _followed(self, given: Path, *, is_new: bool) -> Follower:
        """Settle by some files, and by what masters told; what hears more of that.

        Raises:
            InvalidReferenceError: the files change a version that usage was settled by.
        """
        last = current_kept(kept_references(self.data))
        follower = Follower(self.store.tail([REFERENCE.name]), given, last, self._parsed)
        # Only the writer of the log may say what is settled by, so this comes after its lock.
        if follower.hear():
            with tempfile.TemporaryDirectory(prefix="weir-open-") as place:
                copy = Path(place) / "reference"
                copy_files(given, copy)
                self.reference = follower.join(copy, partial(refused_changes, self))
                self.reference_directory = keep_reference(self.data, self.reference, copy)
        else:
            if is_new:
                refuse_changed_versions(self, self.reference)
            source = given if is_new else None
            self.reference_directory = keep_reference(self.data, self.reference, source)
        follower.base = self.reference_directory
        return follower

    def renew(self) -> None:
        """Take over what masters told since; it is in force for all usage read from now on."""
        self.engine.take_changes()
        if not self.follower.hear():
            return
        with tempfile.TemporaryDirectory(prefix="weir-renew-") as place:
            copy = Path(place) / "reference"
            copy_files(self.follower.base, copy)
            soon = int(time.time()) + SOON_SECONDS
            changed = partial(forbidden, self.reference, second=soon)
            try:
                reference = self.follower.join(copy, changed)
            except InvalidReferenceError as error:  # settling goes on by what is in force
                LOG.warning("reference refused", problems=[str(p) for p in error.problems])
                return
            if reference.reference_id == self.reference.reference_id:
                return
            self._keep(reference, copy)
        tables = build(reference)
        self._use(tables)
        self.engine.accrue.between(partial(self.engine.accrue_hop.use, tables))
        self.engine.rate.between(partial(self.engine.rate_hop.use, tables))

    def _led(self, given: Path) -> Path:
        """The reference that amendments lead on to from the one settled by last.

        An amendment is on the log a moment before its reference is the one settled by.
        """
        after = leads_to(amendments(self.snapshot), given.name)
        if after == given.name:
            return given
        self.reference = load(self.reference_of(after), self._parsed)
        return keep_reference(self.data, self.reference, self.reference_of(after))

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
                self.renew()
                self.engine.advance()  # beside the commit of which the next stretch is read
                waiting = 0
                yield report
        self.drain()
        yield report

    def append(self, partition: int, messages: Sequence[Message]) -> int:
        """Put usage messages on the log; returns their size in bytes."""
        return self._log(USAGE.name, {partition: messages})

    def drain(self) -> None:
        """Settle everything on the log, by what masters told on it; then what can be once more."""
        asked, is_settled = 0, False
        while not is_settled:
            before = self._suspended()
            self.renew()
            self.engine.drain()
            self.resettled += before - self._suspended() if asked else 0
            asked = self._again()
            is_settled = not asked and self.follower.caught_up

    def _again(self) -> int:
        """Ask for what the reference in force may settle by now; how many events that are."""
        due = self._retry.due(self.reference, self.engine.rate.log.owned)
        return self._retry.ask(self.reference, waiting(self.engine.rate_hop, due)) if due else 0

    def _suspended(self) -> int:
        """How many events wait in suspense."""
        return sum(len(m.suspended) for m in self.engine.rate_hop.memory.partitions.values())

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

    def tell(self, topic: str, messages: Sequence[Message]) -> Mapping[str, int]:
        """Log what a master tells and take it in; how much of it came to what."""
        hop = self.engine.control_hop
        before = Counter(hop.counts if hop else ())
        self.put(topic, {0: messages})
        return (hop.counts if hop else Counter()) - before

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
        reload = Reload(
            directory, self.reference, known, takers, metrics, self._keep, follower=self.follower
        )
        reload.again = Again(self._retry, engine.rate, engine.rate_hop)
        return reload

    def _keep(self, reference: Reference, files: Path) -> None:
        """Settle by a reference from now on."""
        self.reference_directory = keep_reference(self.data, reference, files)
        self.follower.base = self.reference_directory
        self.reference = reference

    def _use(self, tables: Tables) -> None:
        """Ask and answer by a reference from now on."""
        self.tables = tables
        self.__dict__.pop("book", None)  # made of the tables when it is asked for

    def close(self) -> None:
        """Bring the archive up to date and let go of the directory."""
        self.project()
        self.engine.close()
        self.follower.close()
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


def current_kept(references: Path) -> Path | None:
    """The copy of the reference that was kept last, if there is one."""
    current = references / "current"
    return references / current.read_text().strip() if current.exists() else None


def _copy_or_link(given: Path, like: Path | None, source: str, target: str) -> None:
    """Copy a file, or have it share the place of the same one in another copy.

    Every change that masters tell makes a reference, and decks are large.
    """
    if like is not None:
        same = like / Path(source).relative_to(given)
        if same.is_file() and filecmp.cmp(source, same, shallow=False):
            os.link(same, target)
            return
    shutil.copy2(source, target)


def copy_reference(data: Path, loaded: Reference, given: Path) -> Path:
    """Keep a copy of a reference under its id; where it lies.

    A copy is complete before it has its name, whatever interrupts it.
    """
    kept = kept_references(data) / loaded.reference_id
    if not kept.exists():
        unfinished = kept.with_name(kept.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        like = current_kept(kept.parent)
        shutil.copytree(given, unfinished, copy_function=partial(_copy_or_link, given, like))
        unfinished.rename(kept)
    return kept
