"""Reading a data directory: what the topics hold, without getting in a writer's way.

The log is one file that one process writes and any number may read, so whoever only looks never
takes the writer's lock: figures can be shown and verified while another process settles into the
same directory. `Topics` is what readers and the writer have in common; `Opened` is a directory
opened for reading, with the terms that its figures are explained by.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from schemas.reference import load
from schemas.topics import STATEMENTS
from state.tables import Tables, build
from streams.accrual import Book
from streams.local import LocalStore
from streams.log import Segment

Latest = tuple[int, bytes, bytes]  # partition, key, value


class NoReferenceError(Exception):
    """A data directory that nothing was settled in yet, and no reference was given."""


class Topics:
    """What a log holds, by topic."""

    def __init__(self, store: LocalStore) -> None:
        self.store = store

    def snapshot(self, topics: Sequence[str]) -> Iterator[Segment]:
        """Everything in some topics as of one commit."""
        return self.store.snapshot(topics)

    def read(self, topic: str) -> Iterator[Segment]:
        """A topic from its beginning to its end as of now."""
        return self.store.snapshot([topic])

    def latest(self, topic: str) -> list[Latest]:
        """What a compacted topic holds now, in the order in which it came to be so."""
        found: dict[tuple[int, bytes], bytes] = {}
        for segment in self.read(topic):
            for key, value in zip(segment.keys, segment.values, strict=True):
                if key is not None:
                    found.pop((segment.partition, key), None)
                    if value is not None:
                        found[(segment.partition, key)] = value
        return [(partition, key, value) for (partition, key), value in found.items()]

    def statements(self) -> list[dict[str, Any]]:
        """All statements, by number."""
        documents = [json.loads(value) for _, _, value in self.latest(STATEMENTS.name)]
        return sorted(documents, key=lambda d: str(d["number"]))


class Opened(Topics):
    """A data directory opened for reading; another process may be writing it.

    Raises:
        NoReferenceError: nothing was settled there yet.
        DirectoryError: the log cannot be read.
    """

    def __init__(self, data: Path) -> None:
        if not (data / "log").is_dir():
            raise NoReferenceError(_nothing_settled(data))
        super().__init__(LocalStore(data / "log", read_only=True))
        self.data = data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.store.close()

    @cached_property
    def tables(self) -> Tables:
        """The reference settled by last.

        Ask for it after the figures: a figure never needs a reference newer than itself.

        Raises:
            NoReferenceError: nothing was settled there yet.
        """
        return build(load(current_reference(self.data)))

    @cached_property
    def book(self) -> Book:
        """The terms of all agreements."""
        return Book(self.tables)


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
