"""The oracle's reading of master price lists, and of the items that a version has from one.

A version of an agreement has its own items first, then those of the list that it names, but for the
ones that it replaces: an own item of the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import yaml

from ops.oracle_files import TextLoader


class Named(Protocol):
    """Anything with a name, as items are."""

    @property
    def name(self) -> str:
        """The name by which an item replaces another."""
        ...


T = TypeVar("T", bound=Named)
Entry = Mapping[str, object]
Books = Mapping[tuple[str, str], Sequence[T]]
"""The items of every version of every book."""


def read_books(file: Path, read_item: Callable[[Entry, str], T]) -> Books[T]:
    """All books of a file, each item read with the name of its book; there need not be any."""
    if not file.exists():
        return {}
    return {
        (book["book"], version["version"]): [
            read_item(item, book["book"]) for item in version["items"]
        ]
        for book in yaml.load(file.read_text(encoding="utf-8"), Loader=TextLoader)  # noqa: S506
        for version in book["versions"]
    }


def joined(own: Sequence[T], master: object, books: Books[T]) -> tuple[T, ...]:
    """The items of a version and of the master that it names, if it names one."""
    if not isinstance(master, dict):
        return tuple(own)
    names = [item.name for item in own]
    listed = books[str(master["book"]), str(master["version"])]
    return (*own, *(item for item in listed if item.name not in names))
