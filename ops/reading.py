"""Reading a settlement: what its topics hold, wherever its log lies.

Commands look at a settlement through `Topics`: messages by topic, and the reference that figures
are explained by. Two kinds of log are behind it. A data directory (`Stored`, here) is one file that
one process writes and any number may read, so whoever only looks never takes the writer's lock:
figures can be shown and verified while another process settles into the same directory. A Kafka
deployment is in `ops/deployed.py`.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from schemas.codes import Outcome, Reason
from schemas.reference import load
from schemas.topics import ACCRUE_CHANGELOG, RATE_CHANGELOG, RATED, STATEMENTS
from state.archive import Archive, read_block
from state.tables import Tables, build
from streams.accrual import Book
from streams.facts import Facts
from streams.local import LocalStore
from streams.log import Closeable, Segment

Latest = tuple[int, bytes, bytes]  # partition, key, value
POSITION_KEY = b"position"


class NoReferenceError(Exception):
    """A reference that is needed is not there; the sentence says which and what to do."""


class Topics(Closeable):
    """What a log holds, by topic, and the reference that it is explained by."""

    @abstractmethod
    def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""

    @abstractmethod
    def snapshot(self, topics: Sequence[str]) -> Iterator[Segment]:
        """Everything in some topics, each partition in its order, as of one moment."""

    @abstractmethod
    def newest_reference(self) -> str:
        """The id of the reference in force.

        Raises:
            NoReferenceError: there is none yet.
        """

    @abstractmethod
    def reference_of(self, reference_id: str) -> Path:
        """The files of a reference that usage was settled by.

        Raises:
            NoReferenceError: they are not there.
        """

    def read(self, topic: str) -> Iterator[Segment]:
        """A topic from its beginning to its end as of now."""
        return self.snapshot([topic])

    def latest(self, topic: str) -> list[Latest]:
        """What a compacted topic holds now: by partition, in the order in which it came to be."""
        found: dict[tuple[int, bytes], bytes] = {}
        for segment in self.read(topic):
            for key, value in zip(segment.keys, segment.values, strict=True):
                if key is not None:
                    found.pop((segment.partition, key), None)
                    if value is not None:
                        found[(segment.partition, key)] = value
        held = [(partition, key, value) for (partition, key), value in found.items()]
        return sorted(held, key=lambda one: one[0])

    def rated(self, where: pc.Expression) -> list[dict[str, Any]]:
        """The rated legs that a filter lets through, as rows."""
        return _legs(self.read(RATED.name), where)

    def statements(self) -> list[dict[str, Any]]:
        """All statements, by number."""
        documents = [json.loads(value) for _, _, value in self.latest(STATEMENTS.name)]
        return sorted(documents, key=lambda d: str(d["number"]))

    def facts(self) -> Facts:
        """What is known besides usage and terms: figures of partners, frozen rates of exchange."""
        found = Facts()
        for _, key, value in self.latest(ACCRUE_CHANGELOG.name):
            found.take(key, value)
        return found

    def outcomes(self) -> Mapping[tuple[str, str], int]:
        """How many events had which outcome and reason, in the order of their codes."""
        counts: Counter[tuple[Outcome, Reason]] = Counter()
        for _, key, value in self.latest(RATE_CHANGELOG.name):
            if key == POSITION_KEY:
                for outcome, reason, count in json.loads(value)["outcomes"]:
                    counts[Outcome[outcome.upper()], Reason[reason.upper()]] += count
        return {(o.label, r.label): n for (o, r), n in sorted(counts.items()) if n}

    @cached_property
    def tables(self) -> Tables:
        """The reference in force.

        Ask for it after the figures: a figure never needs a reference newer than itself.

        Raises:
            NoReferenceError: there is none yet.
        """
        return build(load(self.reference_of(self.newest_reference())))

    @cached_property
    def book(self) -> Book:
        """The terms of all agreements."""
        return Book(self.tables)


class Stored(Topics):
    """A log in a data directory."""

    def __init__(self, data: Path, store: LocalStore) -> None:
        self.data = data
        self.store = store

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""
        return self.store.partitions(topic)

    def snapshot(self, topics: Sequence[str]) -> Iterator[Segment]:
        """Everything in some topics as of one commit."""
        return self.store.snapshot(topics)

    def newest_reference(self) -> str:
        """The id of the reference settled by last."""
        return current_reference(self.data).name

    def reference_of(self, reference_id: str) -> Path:
        """The copy that was kept of a reference."""
        kept = kept_references(self.data)
        if not (kept / reference_id).is_dir():
            msg = (
                f"usage was settled by reference {reference_id}, which is not in {kept}: "
                "put the directory back that was there"
            )
            raise NoReferenceError(msg)
        return kept / reference_id

    def rated(self, where: pc.Expression) -> list[dict[str, Any]]:
        """Legs from the archive, and from the log what is not archived yet."""
        archive = Archive(self.data / "archive")
        # Positions are asked for first: what is archived in between is found twice, never missed.
        reader = self.store.tail([RATED.name], archive.positions())
        rows = [row for table in archive.read(where) for row in table.to_pylist()]
        while segments := reader.read(1_000, 0):
            rows += _legs(segments, where)
        reader.close()
        return rows

    def close(self) -> None:
        """Close the log."""
        self.store.close()


class Opened(Stored):
    """A data directory opened for reading; another process may be writing it.

    Raises:
        NoReferenceError: nothing was settled there yet.
        DirectoryError: the log cannot be read.
    """

    def __init__(self, data: Path) -> None:
        if not (data / "log").is_dir():
            raise NoReferenceError(_nothing_settled(data))
        super().__init__(data, LocalStore(data / "log", read_only=True))


def _legs(
    segments: Iterator[Segment] | list[Segment], where: pc.Expression
) -> list[dict[str, Any]]:
    """The legs in some segments of `rated.v1` that a filter lets through."""
    return [
        row
        for segment in segments
        for value in segment.values
        if value is not None
        for row in read_block(value).filter(where).to_pylist()
    ]


def kept_references(data: Path) -> Path:
    """The directory with a directory for each reference that was settled by, named by its id."""
    return data / "reference"


def _nothing_settled(data: Path) -> str:
    command = f"weir settle --reference DIR --usage FILE --data {data}"
    return f"nothing was settled in {data} yet: `{command}` settles something there"


def current_reference(data: Path) -> Path:
    """The reference files that a data directory was settled by last.

    Raises:
        NoReferenceError: nothing was settled there yet.
    """
    current = kept_references(data) / "current"
    if not current.exists():
        raise NoReferenceError(_nothing_settled(data))
    return current.parent / current.read_text().strip()
