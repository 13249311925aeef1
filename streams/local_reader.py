"""Reading the embedded log: committed messages of some topic partitions, from where one stands.

A reader has a connection of its own, so it never waits for the writer nor the writer for it. Each
read is one snapshot: all topics as of the same commit. What is awaited between reads is a larger
`end` of some partition: the writing process hears of it at once, other processes look every 20 ms.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

import numpy as np

from streams.local_database import Database, Shelf, ends
from streams.log import Segment, TopicPartition

# One read hands out about this much at most, whatever `messages_max` says: a message of usage may
# be an envelope and one of rated usage a block of columns, of up to megabytes each.
READ_BYTES_MAX = 16_000_000
RECOVER_MESSAGES_MAX = 5_000
RECOVER_BYTES_MAX = 4_000_000
POLL_SECONDS = 0.02

_READ_MESSAGES = """SELECT id, logged_at_us, key, value FROM messages
    WHERE id >= ? AND id < ? ORDER BY id LIMIT ?"""
_READ_LATEST = """SELECT id, logged_at_us, key, value FROM latest
    WHERE id >= ? AND id < ? ORDER BY id LIMIT ?"""


class Reader:
    """Follows topic partitions; of a compacted topic it sees what is the latest at each read."""

    def __init__(self, database: Database, since: Mapping[TopicPartition, int]) -> None:
        """Follow the partitions that are keys of `since` from the offsets that are its values."""
        self._database = database
        self._connection = database.connect_reader()
        self._positions = dict(since)
        self._turn = 0

    @property
    def positions(self) -> dict[TopicPartition, int]:
        """Where the next read goes on, by topic partition."""
        return dict(self._positions)

    @property
    def caught_up(self) -> bool:
        """Whether everything that is committed now was read."""
        return self._available(1) == 0

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        """Go on from other offsets."""
        self._positions.update(positions)

    def read(
        self, messages_max: int, linger_seconds: float, wait_seconds: float | None = None
    ) -> list[Segment]:
        """New messages, at most one segment a partition; waits `linger_seconds` to fill up.

        The first message is waited for as long, or for `wait_seconds` where they are given.
        """
        if wait_seconds is not None and not self._await(1, wait_seconds):
            return []
        if not self._await(messages_max, linger_seconds):
            return []
        # Each read begins with another partition: a long backlog of one cannot starve the rest.
        places = list(self._positions)
        self._turn = (self._turn + 1) % max(1, len(places))
        segments: list[Segment] = []
        bytes_left = READ_BYTES_MAX
        with _snapshot(self._connection):
            upto = ends(self._connection)
            for place in places[self._turn :] + places[: self._turn]:
                shelf = self._database.shelf(place)
                span = (self._positions[place], upto.get(shelf.base, 0))
                if span[0] >= span[1]:
                    continue
                found = _segment(self._connection, place, shelf, span, (messages_max, bytes_left))
                self._positions[place] = found.next_offset
                if len(found):
                    segments.append(found)
                messages_max -= len(found)
                bytes_left -= sum(len(value) for value in found.values if value is not None)
                if messages_max <= 0 or bytes_left <= 0:
                    break
        return segments

    def _available(self, enough: int) -> int:
        """How many offsets lie ahead, counted no further than `enough`."""
        upto = self._database.ends_now(self._connection)
        count = 0
        for place, position in self._positions.items():
            count += max(0, upto.get(self._database.shelf(place).base, 0) - position)
            if count >= enough:
                break
        return count

    def _await(self, messages: int, seconds: float) -> bool:
        """Wait until that many messages lie ahead or time is over; whether there are any."""
        if seconds > 0 and not self._database.read_only:
            with self._database.news:
                self._database.news.wait_for(lambda: self._available(messages) >= messages, seconds)
        elif seconds > 0:
            deadline = time.monotonic() + seconds
            while self._available(messages) < messages:
                left_seconds = deadline - time.monotonic()
                if left_seconds <= 0:
                    break
                time.sleep(min(POLL_SECONDS, left_seconds))
        return self._available(1) > 0

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def recover(database: Database, place: TopicPartition, from_offset: int) -> Iterator[Segment]:
    """All of one partition up to its end as of this call, in segments of bounded size."""
    return snapshot(database, {place: from_offset})


def snapshot(database: Database, since: Mapping[TopicPartition, int]) -> Iterator[Segment]:
    """All of some partitions, one after another, as of one commit.

    The snapshot is taken here and not at the first segment, and held until the last one.
    """
    connection = database.connect_reader()
    connection.execute("BEGIN")
    upto = ends(connection)
    spans = {
        place: (start, upto.get(database.shelf(place).base, 0)) for place, start in since.items()
    }
    return _of_snapshot(connection, database, spans)


def _of_snapshot(
    connection: sqlite3.Connection,
    database: Database,
    spans: Mapping[TopicPartition, tuple[int, int]],
) -> Iterator[Segment]:
    limits = (RECOVER_MESSAGES_MAX, RECOVER_BYTES_MAX)
    with closing(connection):
        for place, (start, upto) in spans.items():
            next_offset = start
            while next_offset < upto:
                span = (next_offset, upto)
                found = _segment(connection, place, database.shelf(place), span, limits)
                next_offset = found.next_offset
                if len(found):
                    yield found


def _segment(
    connection: sqlite3.Connection,
    place: TopicPartition,
    shelf: Shelf,
    span: tuple[int, int],
    limits: tuple[int, int],
) -> Segment:
    """The messages of a span of offsets (from, upto), cut at (messages, bytes), never before one.

    The segment may be empty: in a compacted topic every row of the span may have been replaced
    since. Its `next_offset` is then the end of the span.
    """
    start, upto = span
    messages_max, bytes_max = limits
    row_ids: list[int] = []
    keys: list[bytes | None] = []
    values: list[bytes | None] = []
    times_us: list[int] = []
    size_bytes = 0
    rows = connection.execute(
        _READ_LATEST if shelf.compacted else _READ_MESSAGES,
        (shelf.base + start, shelf.base + upto, messages_max),
    )
    for row_id, logged_at_us, key, value in rows:
        row_ids.append(row_id)
        keys.append(key)
        values.append(value)
        times_us.append(logged_at_us)
        if value is not None:
            size_bytes += len(value)
            if size_bytes >= bytes_max:
                break
    rows.close()  # a statement left in the middle would keep its snapshot open
    offsets = np.array(row_ids, np.int64) - shelf.base
    is_cut = len(row_ids) >= messages_max or size_bytes >= bytes_max
    next_offset = int(offsets[-1]) + 1 if is_cut else upto
    newest_us = max(times_us, default=0)
    return Segment(*place, offsets, keys, values, next_offset, newest_us, times_us.__getitem__)


@contextmanager
def _snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Everything read inside is as of one commit."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")
