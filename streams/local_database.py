"""One SQLite file as a log: where messages lie in it and how a transaction reaches it.

Every topic partition is a *shelf*: a range of row ids that starts at its `base`, so that the
message at an offset is the row `base + offset` and reading in offset order is one walk along a
B-tree. Append-only topics keep every row. Compacted topics keep one row a key, the latest: a newer
value removes the older row, whose offset stays empty for ever; a tombstone is kept as a row without
a value, because a reader that stands between the value and its deletion must still learn of it.
Messages, the next offset of each shelf and the positions of hops are written in one SQLite
transaction, which the write-ahead log makes durable and atomic: a kill at any moment leaves the
whole of it or nothing.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from schemas.topics import CONTROL_PARTITIONS, Topic
from streams.log import Aborted, LogError, Message, TopicPartition, Unknown

SCHEMA_VERSION = 1
FILE_NAME = "log.sqlite"

# A row id is topic * 2**56 + partition * 2**40 + offset: it must stay a positive 64-bit integer.
OFFSET_BITS = 40
PARTITION_BITS = 16
OFFSETS_MAX = 1 << OFFSET_BITS
PARTITIONS_MAX = 1 << PARTITION_BITS
TOPICS_MAX = (1 << (63 - OFFSET_BITS - PARTITION_BITS)) - 1

# Large pages keep the chain of overflow pages of a block of columns short, small pages keep the
# replacing of single keys cheap: of 4, 8, 16 and 32 KiB, 8 KiB writes blocks at 80 % of the best
# and replaces keys at the speed of the best (32 KiB needs two to three times as long).
PAGE_BYTES = 8_192
CHECKPOINT_PAGES = 4_096
WAL_BYTES_KEPT = 2 * CHECKPOINT_PAGES * PAGE_BYTES
# Messages are read once and in order, so a reader gains nothing from a page cache: a small one was
# as fast as any or faster. The writer keeps the keys of compacted topics warm.
READER_CACHE_KIBIBYTES = 2_048
WRITER_CACHE_KIBIBYTES = 32_768
BUSY_TIMEOUT_SECONDS = 10

# Errors of syncing a file: the bytes may have arrived, and a restart may find them complete.
_SYNC_ERRORS = frozenset({sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC})

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE topics (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, compacted INTEGER NOT NULL) STRICT;
CREATE TABLE ends (base INTEGER PRIMARY KEY, next_offset INTEGER NOT NULL) STRICT;
CREATE TABLE positions (
    hop TEXT NOT NULL, base INTEGER NOT NULL, next_offset INTEGER NOT NULL,
    PRIMARY KEY (hop, base)) STRICT, WITHOUT ROWID;
CREATE TABLE messages (
    id INTEGER PRIMARY KEY, logged_at_us INTEGER NOT NULL, key BLOB, value BLOB) STRICT;
CREATE TABLE latest (
    id INTEGER PRIMARY KEY, logged_at_us INTEGER NOT NULL, base INTEGER NOT NULL,
    key BLOB NOT NULL, value BLOB, UNIQUE (base, key)) STRICT;
"""
_APPEND = "INSERT INTO messages (id, logged_at_us, key, value) VALUES (?, ?, ?, ?)"
_REPLACE = (
    "INSERT OR REPLACE INTO latest (id, logged_at_us, base, key, value) VALUES (?, ?, ?, ?, ?)"
)
_SET_END = "INSERT OR REPLACE INTO ends (base, next_offset) VALUES (?, ?)"
_SET_POSITION = "INSERT OR REPLACE INTO positions (hop, base, next_offset) VALUES (?, ?, ?)"

Send = tuple[str, int, Sequence[Message]]  # topic, partition, messages


class DirectoryError(LogError):
    """This directory cannot serve as the log that was asked for; the message says what to do."""


@dataclass(frozen=True)
class Shelf:
    """Where one topic partition lies: row id `base + offset`, in one of the two tables."""

    base: int
    compacted: bool


def ends(connection: sqlite3.Connection) -> dict[int, int]:
    """The next offset of every shelf that was ever written to, by base."""
    return dict(connection.execute("SELECT base, next_offset FROM ends").fetchall())


def positions(connection: sqlite3.Connection, hop: str) -> dict[int, int]:
    """The committed next offsets of a hop, by base."""
    return dict(
        connection.execute(
            "SELECT base, next_offset FROM positions WHERE hop = ?", (hop,)
        ).fetchall()
    )


class Database:
    """The file of one log directory and, unless `read_only`, its one writing connection."""

    def __init__(
        self,
        directory: Path,
        topics: Sequence[Topic],
        partitions: Mapping[str, int | None],
        *,
        read_only: bool,
    ) -> None:
        """Open the file; create it first when there is none and writing is allowed.

        Args:
            directory: where the file lies.
            topics: all topics that can be read and written.
            partitions: the wanted count of each axis that has one to be chosen; None takes what
                is there, or 1.
            read_only: leave the file as it is.

        Raises:
            DirectoryError: the file is missing, foreign, or was created with other settings.
        """
        self.path = directory / FILE_NAME
        self.read_only = read_only
        self.news = threading.Condition()
        self._turn = threading.Lock()
        if read_only and not self.path.exists():
            raise DirectoryError(f"{directory} holds no log yet: start a writer on it first")
        try:
            self._writer = self._connect_writer()
            try:
                self.counts = self._open_schema(partitions)
                self.shelves = self._open_topics(topics)
                self.ends = ends(self._writer)
            except BaseException:
                self._writer.close()
                raise
        except sqlite3.Error as error:
            raise DirectoryError(f"{self.path} cannot be opened as a log: {error}") from error

    def _connect_writer(self) -> sqlite3.Connection:
        if self.read_only:
            return self.connect_reader()
        return _connect(
            self.path,
            "rwc",
            f"PRAGMA cache_size = -{WRITER_CACHE_KIBIBYTES}",
            f"PRAGMA page_size = {PAGE_BYTES}",  # takes effect in a new file only
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}",
            f"PRAGMA journal_size_limit = {WAL_BYTES_KEPT}",
        )

    def connect_reader(self) -> sqlite3.Connection:
        """A connection of its own for one reader; SQLite readers never wait for the writer."""
        return _connect(self.path, "ro", f"PRAGMA cache_size = -{READER_CACHE_KIBIBYTES}")

    def _open_schema(self, wanted: Mapping[str, int | None]) -> dict[str, int]:
        has_schema = self._writer.execute(
            "SELECT 1 FROM sqlite_schema WHERE name = 'meta'"
        ).fetchone()
        if has_schema is None:
            if self.read_only:
                raise DirectoryError(f"{self.path} is still being created: try again")
            self._create({axis: 1 if count is None else count for axis, count in wanted.items()})
        meta = dict(self._writer.execute("SELECT name, value FROM meta").fetchall())
        if meta["schema_version"] != SCHEMA_VERSION:
            raise DirectoryError(
                f"{self.path} has log format {meta['schema_version']}, this program knows "
                f"{SCHEMA_VERSION}: use the version of the program that wrote it"
            )
        for axis, count in wanted.items():
            there = meta[f"{axis}_partitions"]
            if count not in (None, there):
                raise DirectoryError(
                    f"{self.path.parent} was created with {axis}_partitions={there}, not {count}: "
                    f"the count is fixed at creation; ask for {there} or use a new directory"
                )
        counts = {axis: meta[f"{axis}_partitions"] for axis in wanted}
        return {**counts, "control": CONTROL_PARTITIONS}

    def _create(self, counts: Mapping[str, int]) -> None:
        for axis, count in counts.items():
            if not 0 < count <= PARTITIONS_MAX:
                raise ValueError(f"{axis}_partitions={count} is not from 1 to {PARTITIONS_MAX}")
        meta = {f"{axis}_partitions": count for axis, count in counts.items()}
        self._writer.execute("BEGIN IMMEDIATE")
        for statement in filter(str.strip, _SCHEMA.split(";")):
            self._writer.execute(statement)
        self._writer.executemany(
            "INSERT INTO meta VALUES (?, ?)", [("schema_version", SCHEMA_VERSION), *meta.items()]
        )
        self._writer.execute("COMMIT")
        _sync_directory(self.path.parent)  # the name of a new file is durable only after this

    def _open_topics(self, topics: Sequence[Topic]) -> dict[TopicPartition, Shelf]:
        """The row ranges of all topics; a writer adds topics that an older directory lacks."""
        rows = self._writer.execute("SELECT name, id, compacted FROM topics").fetchall()
        known = {name: (topic_id, bool(compacted)) for name, topic_id, compacted in rows}
        if not self.read_only:
            self._add_topics([topic for topic in topics if topic.name not in known], known)
        shelves: dict[TopicPartition, Shelf] = {}
        for topic in topics:
            if topic.name not in known:
                continue
            topic_id, compacted = known[topic.name]
            if compacted != topic.compacted:
                raise DirectoryError(f"{self.path} has {topic.name} with compacted={compacted}")
            for partition in range(self.counts[topic.axis]):
                base = (topic_id << PARTITION_BITS | partition) << OFFSET_BITS
                shelves[topic.name, partition] = Shelf(base, compacted)
        return shelves

    def _add_topics(self, topics: Sequence[Topic], known: dict[str, tuple[int, bool]]) -> None:
        first = 1 + max((topic_id for topic_id, _ in known.values()), default=0)
        if first + len(topics) - 1 > TOPICS_MAX:
            raise DirectoryError(f"a log directory holds at most {TOPICS_MAX} topics")
        rows = [
            (topic_id, topic.name, int(topic.compacted))
            for topic_id, topic in enumerate(topics, first)
        ]
        self._writer.execute("BEGIN IMMEDIATE")
        self._writer.executemany("INSERT INTO topics VALUES (?, ?, ?)", rows)
        self._writer.execute("COMMIT")
        known.update({topic.name: (at, topic.compacted) for at, topic in enumerate(topics, first)})

    def shelf(self, place: TopicPartition) -> Shelf:
        """Where a topic partition lies.

        Raises:
            ValueError: there is no such topic or partition.
        """
        if place not in self.shelves:
            raise ValueError(f"{self.path} has no partition {place[1]} of a topic {place[0]!r}")
        return self.shelves[place]

    def ends_now(self, connection: sqlite3.Connection) -> Mapping[int, int]:
        """The ends as of now: the only writer remembers them, other processes ask the file."""
        return ends(connection) if self.read_only else self.ends

    def write(
        self, sends: Sequence[Send], hop: str, marks: Mapping[TopicPartition, int], now_us: int
    ) -> None:
        """Write messages and a hop's positions as one durable transaction; wake waiting readers.

        Raises:
            Aborted: nothing of it was written (disk full, file busy, ...).
            Unknown: the final sync failed, so a restart may or may not find it.
        """
        changed: dict[int, int] = {}
        with self._turn:
            is_committing = False
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                for topic, partition, messages in sends:
                    shelf = self.shelves[topic, partition]
                    start = changed.get(shelf.base, self.ends.get(shelf.base, 0))
                    self._insert(shelf, start, messages, now_us)
                    changed[shelf.base] = start + len(messages)
                self._writer.executemany(_SET_END, changed.items())
                self._writer.executemany(
                    _SET_POSITION,
                    [(hop, self.shelves[place].base, mark) for place, mark in marks.items()],
                )
                is_committing = True
                self.commit()
            except sqlite3.Error as error:
                self.reopen()
                raise _failure(error, is_committing=is_committing) from error
            except BaseException:
                self.reopen()
                raise
            self.ends = {**self.ends, **changed}  # swapped whole: readers take no lock for it
        with self.news:
            self.news.notify_all()

    def _insert(self, shelf: Shelf, start: int, messages: Sequence[Message], now_us: int) -> None:
        row_id = shelf.base + start
        if start + len(messages) > OFFSETS_MAX:
            raise LogError(f"a partition of a log directory holds at most {OFFSETS_MAX} offsets")
        if shelf.compacted:
            base = shelf.base
            self._writer.executemany(
                _REPLACE,
                (
                    (at, now_us, base, key, value)
                    for at, (key, value) in enumerate(messages, row_id)
                ),
            )
        else:
            self._writer.executemany(
                _APPEND,
                ((at, now_us, key, value) for at, (key, value) in enumerate(messages, row_id)),
            )

    def commit(self) -> None:
        """Make the open transaction durable: the one call whose failure may be ambiguous."""
        self._writer.execute("COMMIT")

    def reopen(self) -> None:
        """Drop the writing connection with whatever it left open, and learn anew what is there."""
        try:
            self._writer.close()
            self._writer = self._connect_writer()
            self.ends = ends(self._writer)
        except sqlite3.Error as error:
            raise LogError(f"{self.path} cannot be opened again: {error}") from error

    def close(self) -> None:
        """Close the writing connection; the last one to close folds the write-ahead log in."""
        self._writer.close()


def _connect(path: Path, mode: str, *settings: str) -> sqlite3.Connection:
    """A connection in autocommit, for any thread (by turns), with its settings made."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        for setting in settings:
            connection.execute(setting)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _failure(error: sqlite3.Error, *, is_committing: bool) -> LogError:
    """What a failed transaction means to the loop.

    A sync that failed leaves complete frames in a file: not visible now and overwritten by the next
    commit, but a restart before that would find them. Other errors come before the last frame.
    """
    if is_committing and getattr(error, "sqlite_errorcode", 0) in _SYNC_ERRORS:
        return Unknown(f"the embedded log could not sync its commit: {error}")
    if isinstance(error, sqlite3.OperationalError):
        return Aborted(f"the embedded log refused the transaction: {error}")
    return LogError(f"the embedded log is damaged or was misused: {error}")
