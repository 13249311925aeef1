"""Worlds to try a log in: what the conformance tests ask of the surroundings of a `Log`.

A world has fresh topics, one hop that reads two of them, and ways to act on the log from outside:
to write as mediation does, to look as a stranger does, to kill the member. It is the only thing
that a new implementation of `Log` brings; the tests of `tests/log_conformance.py` do the rest.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol
from unittest import mock

from schemas.topics import RATE_CHANGELOG, RATED, RECYCLE, USAGE
from streams.local import LocalStore
from streams.local_database import Database
from streams.log import Log, Message
from tests.sim.broker import Fault, Point, SimulatedBroker
from tests.sim.log import SimulatedLog

HOP = "hop"
PARTITIONS = 2

Stored = tuple[int, bytes | None, bytes | None]  # offset, key, value


class World(Protocol):
    """Surroundings of one hop. Topics are the world's own: no other test writes to them.

    All four topics have `PARTITIONS` partitions; the hop reads `source` and `second`.
    """

    source: str  # an input, append-only
    second: str  # another input, append-only, co-partitioned with the first
    output: str  # append-only
    table: str  # compacted
    linger_seconds: float  # how long a read may take to get what is there; more is only slower

    def append(self, topic: str, partition: int, messages: Sequence[Message]) -> None:
        """Write as somebody else, outside transactions; durable and visible on return."""

    def open(self) -> Log:
        """The hop's only member, as a newly started process in the one slot.

        Called at first and after `kill` or `close`. The member owns all partitions after its first
        reads, without further help of the world.
        """

    def kill(self, log: Log) -> None:
        """End a member as kill -9 would: nothing is aborted, closed or said to anybody."""

    def visible(self, topic: str, partition: int) -> list[Stored]:
        """What a stranger sees committed at this moment; does not wait for open transactions."""

    def lose_answer(self, log: Log, *, happens: bool) -> None:
        """Make the next commit of this member raise Unknown.

        `happens` is the wish whether it takes effect; a world that cannot choose may ignore it.
        """


class LocalWorld:
    """The embedded log in a directory."""

    source, second, output, table = (
        topic.name for topic in (USAGE, RECYCLE, RATED, RATE_CHANGELOG)
    )

    linger_seconds = 0.0

    def __init__(self, directory: Path, *, overlap: bool = False) -> None:
        """A new log in an empty directory."""
        self._directory = directory
        self._overlap = overlap
        self._store = LocalStore(directory, usage_partitions=PARTITIONS)

    def append(self, topic: str, partition: int, messages: Sequence[Message]) -> None:
        """Write outside the hop."""
        self._store.append(topic, partition, messages)

    def open(self) -> Log:
        """The hop with all its partitions."""
        return self._store.hop(HOP, [self.source, self.second], overlap=self._overlap)

    def kill(self, log: Log) -> None:
        """Close without a word and open the directory again, as the next process does.

        What a true kill -9 leaves on disk is tried in `tests/streams/test_local.py`.
        """
        self._store.close()
        self._store = LocalStore(self._directory)

    def visible(self, topic: str, partition: int) -> list[Stored]:
        """Read as another process does, from the beginning."""
        with LocalStore(self._directory, read_only=True) as store:
            reader = store.tail([topic])
            found: list[Stored] = []
            while not reader.caught_up:
                for segment in reader.read(1_000, 0):
                    if segment.partition == partition:
                        offsets = segment.offsets.tolist()
                        found += zip(offsets, segment.keys, segment.values, strict=True)
            return found

    def lose_answer(self, log: Log, *, happens: bool) -> None:
        """Let the sync of the next commit fail, after or before it had an effect."""
        fail_next_commit(self._store.database, sqlite3.SQLITE_IOERR_FSYNC, happens=happens)

    def close(self) -> None:
        """End the world."""
        self._store.close()


class SimulatedWorld:
    """The simulated broker; its seed decides how late answers race and reads are cut."""

    source, second, output, table = (
        topic.name for topic in (USAGE, RECYCLE, RATED, RATE_CHANGELOG)
    )

    linger_seconds = 0.0

    def __init__(self, seed: int = 0) -> None:
        """A new broker."""
        self.broker = SimulatedBroker(seed, usage_partitions=PARTITIONS, is_ragged=True)

    def append(self, topic: str, partition: int, messages: Sequence[Message]) -> None:
        """Write outside transactions."""
        self.broker.append(topic, partition, messages)

    def open(self) -> SimulatedLog:
        """A member in the one slot."""
        return SimulatedLog(self.broker, HOP, [self.source, self.second])

    def kill(self, log: Log) -> None:
        """End the member; its session runs out before anybody else joins."""
        assert isinstance(log, SimulatedLog)
        log.kill()
        log.expire()

    def visible(self, topic: str, partition: int) -> list[Stored]:
        """Read committed messages from the beginning, as far as the last stable offset."""
        segment = self.broker.segment((topic, partition), 0, 1_000_000)
        return list(zip(segment.offsets.tolist(), segment.keys, segment.values, strict=True))

    def lose_answer(self, log: Log, *, happens: bool) -> None:
        """Lose the answer of a commit that took effect, or a request that may still arrive."""
        self.broker.fail_at(Point.COMMIT, Fault.LOST_APPLIED if happens else Fault.LOST_LATE)

    def close(self) -> None:
        """End the world."""


def fail_next_commit(database: Database, code: int, *, happens: bool) -> None:
    """Let one commit of an embedded log fail with an error code of SQLite.

    Args:
        database: of the log.
        code: the extended error code that the commit reports.
        happens: whether the commit takes effect all the same.
    """
    genuine = database.commit

    def commit() -> None:
        patch.stop()
        if happens:
            genuine()
        error = sqlite3.OperationalError("simulated")
        error.sqlite_errorcode = code
        raise error

    patch = mock.patch.object(database, "commit", commit)
    patch.start()
