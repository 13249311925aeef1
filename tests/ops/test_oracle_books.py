"""Master price lists as the oracle reads them, with items that are no more than names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.oracle_books import joined, read_books


@dataclass(frozen=True)
class Named:
    """An item of which only the name and the book are read."""

    name: str
    book: str = ""


def named(entry: Mapping[str, object], book: str) -> Named:
    """An item's name, and where it is from."""
    return Named(str(entry["item"]), book)


def test_a_version_has_what_it_does_not_replace(tmp_path: Path) -> None:
    """Own items first, then those of the named version of the book but for the one replaced."""
    (tmp_path / "books.yaml").write_text(
        "- {book: L, versions: [{version: 1, items: [{item: old}]},"
        " {version: 2, items: [{item: a}, {item: b}]}]}"
    )
    books = read_books(tmp_path / "books.yaml", named)
    own = [Named("b"), Named("c")]
    assert joined(own, {"book": "L", "version": "2"}, books) == (*own, Named("a", "L"))
    assert joined(own, None, books) == tuple(own)


def test_there_need_not_be_any_books(tmp_path: Path) -> None:
    """A reference without the file has none."""
    assert read_books(tmp_path / "books.yaml", named) == {}
