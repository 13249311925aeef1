"""The embedded log: every topic of Weir in one directory, durable, transactional, with no server.

One process is the writer of a directory (a file lock sees to it) and runs all hops on it, each
with all partitions. A hop gathers what it sends in memory; `commit` writes messages and positions
in one SQLite transaction (`local_database.py`), so there is never an open transaction on disk,
nothing aborted to skip and nothing to fence. Hops may run in one thread by turns or in a thread
each: commits, which may run beside them, take turns behind one lock, readers (`local_reader.py`)
never wait for it. Other processes may follow read-only.
"""

from __future__ import annotations

import fcntl
import os
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from schemas.topics import TOPICS, Topic
from streams.background import Background, patience
from streams.local_database import Database, DirectoryError, Send, positions
from streams.local_reader import Reader, recover, snapshot
from streams.log import (
    Assignment,
    Closeable,
    LogError,
    Message,
    Messages,
    Outcome,
    Segment,
    TopicPartition,
    Unknown,
    made,
)

LOCK_NAME = "log.lock"


def wall_clock_us() -> int:
    """Microseconds since the epoch, for the log time of messages."""
    return time.time_ns() // 1_000


class LocalStore(Closeable):
    """A log directory: makes hops, plain appends and readers, and closes them all with itself."""

    def __init__(
        self,
        directory: Path,
        *,
        usage_partitions: int | None = None,
        settlement_partitions: int | None = None,
        read_only: bool = False,
        clock: Callable[[], int] = wall_clock_us,
        topics: Sequence[Topic] = TOPICS,
    ) -> None:
        """Open a directory, creating it when needed.

        Args:
            directory: holds this log and nothing of another one.
            usage_partitions: fixed at creation; None takes what is there (1 for a new log).
            settlement_partitions: the same for the settlement topics.
            read_only: follow a log that may be written by another process at the same time.
            clock: log time in microseconds.
            topics: the topics that exist.

        Raises:
            DirectoryError: another writer is active, or the directory does not fit the request.
        """
        self.directory = directory
        self._clock = clock
        self._axes = {topic.name: topic.axis for topic in topics}
        self._compacted = frozenset(topic.name for topic in topics if topic.compacted)
        self._hops: dict[str, LocalLog] = {}
        self._readers: weakref.WeakSet[Reader] = weakref.WeakSet()
        self._lock_descriptor = None if read_only else _lock(directory)
        wanted = {"usage": usage_partitions, "settlement": settlement_partitions}
        try:
            self.database = Database(directory, topics, wanted, read_only=read_only)
        except BaseException:
            self._unlock()
            raise

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has.

        Raises:
            ValueError: there is no such topic.
        """
        if topic not in self._axes:
            raise ValueError(f"there is no topic {topic!r}")
        return self.database.counts[self._axes[topic]]

    def end(self, topic: str, partition: int) -> int:
        """The next offset of a topic partition: how far it is written."""
        shelf = self.database.shelf((topic, partition))
        with closing(self.database.connect_reader()) as connection:
            return self.database.ends_now(connection).get(shelf.base, 0)

    def append(
        self,
        topic: str,
        partition: int,
        messages: Sequence[Message],
        timestamp_us: int | None = None,
    ) -> int:
        """Write messages durably, outside any hop, as mediation and commands do.

        Args:
            topic: where to.
            partition: where to.
            messages: become visible together.
            timestamp_us: their log time; None asks the clock.

        Returns:
            The next offset after them.

        Raises:
            Aborted, Unknown: as for a commit.
        """
        self.append_all(topic, {partition: messages}, timestamp_us)
        return self.database.ends[self.database.shelf((topic, partition)).base]

    def append_all(
        self,
        topic: str,
        messages: Mapping[int, Sequence[Message]],
        timestamp_us: int | None = None,
    ) -> None:
        """`append` to several partitions at once: all become visible together."""
        for partition, rows in messages.items():
            self.check(topic, partition, rows)
        sends = [(topic, partition, rows) for partition, rows in messages.items()]
        self.write(sends, timestamp_us=timestamp_us)

    def hop(self, name: str, inputs: Sequence[str], *, overlap: bool = False) -> LocalLog:
        """The log as one hop sees it, from the positions that this hop has committed.

        Args:
            name: the hop's.
            inputs: the co-partitioned topics it reads.
            overlap: commit in the background, so that the next batch can be read meanwhile.

        Raises:
            ValueError: the inputs do not have one number of partitions.
            DirectoryError: the store is read-only, or a hop of this name is open already.
        """
        self._refuse_read_only()
        if len({self.partitions(topic) for topic in inputs}) != 1:
            raise ValueError(f"the inputs of a hop need one partition count: {', '.join(inputs)}")
        if name in self._hops:
            raise DirectoryError(
                f"hop {name!r} is open already on {self.directory}: close it first"
            )
        self._hops[name] = LocalLog(self, name, inputs, overlap=overlap)
        return self._hops[name]

    def release(self, name: str) -> None:
        """Let a hop be opened again: called by the hop when it closes."""
        self._hops.pop(name, None)

    def tail(
        self, topics: Sequence[str], since: Mapping[TopicPartition, int] | None = None
    ) -> Reader:
        """A reader of all partitions of some topics, from given next offsets or the beginning."""
        reader = Reader(self.database, {**dict.fromkeys(self._places(topics), 0), **(since or {})})
        self._readers.add(reader)
        return reader

    def snapshot(self, topics: Sequence[str]) -> Iterator[Segment]:
        """Everything in some topics, one after another, all as of the same commit.

        Of a topic that is newer than the directory there is nothing until a writer has opened it.
        """
        there = [place for place in self._places(topics) if place in self.database.shelves]
        return snapshot(self.database, dict.fromkeys(there, 0))

    def _places(self, topics: Sequence[str]) -> list[TopicPartition]:
        """All partitions of some topics."""
        return [(topic, number) for topic in topics for number in range(self.partitions(topic))]

    def check(self, topic: str, partition: int, messages: Sequence[Message]) -> None:
        """Refuse what could not be written later, while its sender is still on the stack.

        Raises:
            ValueError: there is no such topic partition, or a compacted topic's message has no key.
        """
        self.database.shelf((topic, partition))
        if topic in self._compacted and any(key is None for key, _ in messages):
            raise ValueError(f"{topic} keeps the latest value of each key: a message needs a key")

    def write(
        self,
        sends: Sequence[Send],
        *,
        hop: str = "",
        marks: Mapping[TopicPartition, int] | None = None,
        timestamp_us: int | None = None,
    ) -> None:
        """Write checked messages and a hop's positions as one transaction."""
        self._refuse_read_only()
        now_us = self._clock() if timestamp_us is None else timestamp_us
        self.database.write(sends, hop, marks or {}, now_us)

    def close(self) -> None:
        """Close all hops and readers, then the file, then let another process write."""
        for hop in list(self._hops.values()):
            hop.close()
        for reader in list(self._readers):
            reader.close()
        self.database.close()
        self._unlock()

    def _refuse_read_only(self) -> None:
        if self.database.read_only:
            raise DirectoryError(f"{self.directory} is opened read-only: this needs to write")

    def _unlock(self) -> None:
        if self._lock_descriptor is not None:
            os.close(self._lock_descriptor)
            self._lock_descriptor = None


class LocalLog:
    """One hop on a log directory: it owns all partitions of its inputs from the first read on."""

    def __init__(
        self, store: LocalStore, name: str, inputs: Sequence[str], *, overlap: bool
    ) -> None:
        """Made by `LocalStore.hop`."""
        self._store = store
        self._name = name
        count = store.partitions(inputs[0])
        self._inputs = tuple((topic, number) for topic in inputs for number in range(count))
        self._owned = frozenset(range(count))
        self._reader = Reader(store.database, self._committed())
        self._is_announced = False
        self._needs_rewind = False
        self._sends: list[tuple[str, int, Messages]] | None = None
        self._background = Background(name) if overlap else None

    def _committed(self) -> dict[TopicPartition, int]:
        database = self._store.database
        with closing(database.connect_reader()) as connection:
            marks = positions(connection, self._name)
        return {place: marks.get(database.shelf(place).base, 0) for place in self._inputs}

    def read(self, messages_max: int, linger_seconds: float) -> list[Segment]:
        """New committed messages, at most one segment a topic partition; see `Log.read`."""
        wait_seconds = patience(self._background, linger_seconds)
        return self._reader.read(messages_max, linger_seconds, wait_seconds)

    def changes(self) -> Assignment | None:
        """All partitions with their committed positions at the first call, then None.

        After an unknown outcome and `rewind` they are reported once more.
        """
        if self._is_announced:
            return None
        self._is_announced = True
        gained: dict[int, dict[str, int]] = {number: {} for number in sorted(self._owned)}
        for (topic, number), position in self._committed().items():
            gained[number][topic] = position
        return Assignment(gained, frozenset())

    @property
    def owned(self) -> frozenset[int]:
        """All partition numbers: one process owns the directory."""
        return self._owned

    def begin(self) -> None:
        """Open a transaction.

        Raises:
            LogError: one is open already, or an unknown outcome was not resolved by `rewind`.
        """
        if self._sends is not None:
            raise LogError("a transaction is open already: commit or abort it first")
        if self._needs_rewind:
            raise LogError("the last commit ended unknown: rewind and reload state first")
        self._sends = []

    def send(self, topic: str, partition: int, messages: Messages) -> None:
        """Add messages to the open transaction; they are held in memory until `commit`."""
        sends = self._open_sends()
        if self._background is None or not callable(messages):
            messages = made(messages)
            self._store.check(topic, partition, messages)
        sends.append((topic, partition, messages))

    def commit(self, positions: Mapping[TopicPartition, int]) -> Outcome | None:
        """Write everything sent and the positions as one durable transaction; see `Log.commit`."""
        sends, self._sends = self._open_sends(), None
        foreign = [place for place in positions if place not in self._inputs]
        if foreign:
            raise ValueError(f"hop {self._name!r} does not read {foreign}: no position to commit")
        if self._background is not None:
            return self._background.start(lambda: self._write(sends, positions))
        self._write(sends, positions)
        return None

    def _write(
        self,
        sends: Sequence[tuple[str, int, Messages]],
        positions: Mapping[TopicPartition, int],
    ) -> None:
        """Make what is still to be made, and write."""
        ready: list[Send] = []
        for topic, partition, messages in sends:
            sent = made(messages)
            if callable(messages):
                self._store.check(topic, partition, sent)
            ready.append((topic, partition, sent))
        try:
            self._store.write(ready, hop=self._name, marks=positions)
        except Unknown:
            self._needs_rewind = True
            raise

    def abort(self) -> None:
        """Forget what was sent since `begin`; nothing of it ever reached the disk."""
        self._sends = None

    def rewind(self) -> None:
        """Read again from the committed positions, as the file tells them now."""
        self._sends = None
        # After an unknown outcome the hop's memory may be wrong: have it recovered.
        self._is_announced = self._is_announced and not self._needs_rewind
        self._needs_rewind = False
        self._reader.seek(self._committed())

    def recover(self, topic: str, partition: int, from_offset: int = 0) -> Iterator[Segment]:
        """Everything committed in one partition up to its end as of this call, tombstones too."""
        return recover(self._store.database, (topic, partition), from_offset)

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""
        return self._store.partitions(topic)

    def close(self) -> None:
        """Forget an open transaction and stop reading; the name can then be opened again."""
        self._sends = None
        if self._background is not None:
            self._background.close()
        self._reader.close()
        self._store.release(self._name)

    def _open_sends(self) -> list[tuple[str, int, Messages]]:
        if self._sends is None:
            raise LogError("no transaction is open: begin one first")
        return self._sends


def _lock(directory: Path) -> int:
    """Become the only writer of a directory until the returned descriptor is closed.

    The operating system drops the lock with the process, however that ends.
    """
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(descriptor, 32).decode().strip() or "unknown"
        os.close(descriptor)
        raise DirectoryError(
            f"{directory} is being written by another process (id {holder}): stop it first, "
            "or open the log read-only"
        ) from error
    os.truncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor
