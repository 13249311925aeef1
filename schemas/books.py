"""Master prices: lists of the operator's own that versions of agreements build on.

A carrier has one price list for everybody and, with some partners, other prices for some of it. A
*book* holds such lists: versions of items, exactly as an agreement's version has them. A version of
an agreement names one version of one book as its `master`, and the items of that list join its own:
an item of the same name is replaced by the partner's, all others compete for usage by precedence,
where the partner's own go first. Because the version of the book is named, a version of an
agreement means the same for ever, whatever new versions the book gets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator

from schemas.agreements import Agreement, Item, Version
from schemas.codes import Model
from schemas.documents import Path
from schemas.fields import Name, Strict, currency_code, whole
from schemas.moments import parse_moment

FILE = "books.yaml"


class BookVersion(Strict):
    """One edition of a book: its items, with which it is complete."""

    version: Annotated[int, whole(1, 1_000_000)]
    items: tuple[Item, ...]


class Book(Strict):
    """A master price list in one currency; its versions are told apart by number only."""

    book: Name
    currency: Annotated[str, BeforeValidator(currency_code)]
    versions: tuple[BookVersion, ...]


class MasterItem(Item):
    """An item that a version of an agreement has from a book, named here."""

    book: str


@dataclass(frozen=True)
class Origin:
    """Where an item of a joined version stands: in the agreement, or in a version of a book."""

    book: str
    path: Path


@dataclass(frozen=True)
class Joined:
    """An agreement whose versions have the items of their masters, and where those stand.

    `origins` is by version and item, both by place, and has the items of books only.
    """

    agreement: Agreement
    origins: Mapping[tuple[int, int], Origin]

    def origin(self, path: Path) -> Origin | None:
        """What a path into the agreement leads to in a book; None when it stays in the agreement.

        The path is one into the joined agreement: `versions`, its place, `items`, its place, ...
        """
        if len(path) < 4 or path[2] != "items":  # noqa: PLR2004 - as said above
            return None
        found = self.origins.get((int(path[1]), int(path[3])))
        return None if found is None else Origin(found.book, (*found.path, *path[4:]))


def join(agreement: Agreement, books: Mapping[str, Book]) -> Joined:
    """An agreement with the items of its masters; a master that is not there adds nothing."""
    versions: list[Version] = []
    origins: dict[tuple[int, int], Origin] = {}
    for number, version in enumerate(agreement.versions):
        items = list(version.items)
        own = {item.item for item in items}
        for place, item in _master(version, books):
            if item.item not in own and version.master is not None:
                origins[number, len(items)] = Origin(version.master.book, place)
                items.append(_of_book(item, version.master.book))
        versions.append(
            version if version.master is None else version.model_copy(update={"items": (*items,)})
        )
    if not any(version.master for version in agreement.versions):
        return Joined(agreement, {})
    return Joined(agreement.model_copy(update={"versions": (*versions,)}), origins)


def _master(version: Version, books: Mapping[str, Book]) -> Iterator[tuple[Path, Item]]:
    """The items of a version's master, with their places in the book."""
    if version.master is None or version.master.book not in books:
        return
    for number, edition in enumerate(books[version.master.book].versions):
        if edition.version == version.master.version:
            for index, item in enumerate(edition.items):
                yield ("versions", number, "items", index), item
            return


def _of_book(item: Item, book: str) -> MasterItem:
    """The same item, with the book it is from."""
    values = {name: getattr(item, name) for name in Item.model_fields}
    return MasterItem.model_construct(item.model_fields_set | {"book"}, **values, book=book)


def alone(book: Book) -> Iterator[tuple[int, Agreement]]:
    """Each version of a book, by its place, as an agreement of its own to be checked like one.

    What depends on the agreement that builds on it, its zone and rounding, is the usual here.
    """
    for number, edition in enumerate(book.versions):
        version = Version.model_construct(
            version=edition.version,
            valid_from=parse_moment("2000-01-01"),
            zone="UTC",
            currency=book.currency,
            items=edition.items,
        )
        yield (
            number,
            Agreement.model_construct(
                agreement=book.book, partner=book.book, model=Model.WHOLESALE, versions=(version,)
            ),
        )


def check_book(book: Book) -> Iterator[tuple[Path, str]]:
    """The versions of a book have distinct numbers, and there is at least one."""
    if not book.versions:
        yield ("versions",), "is empty; write at least one version"
    seen: set[int] = set()
    for number, edition in enumerate(book.versions):
        if edition.version in seen:
            yield ("versions", number, "version"), "is given twice; choose another number"
        seen.add(edition.version)


def check_masters(
    agreement: Agreement, books: Mapping[str, Book], names: Collection[str]
) -> Iterator[tuple[Path, str]]:
    """Each master is there, and in the currency of the version that names it.

    `names` are those of all books, also of one with mistakes, which are told where it stands.
    """
    for number, version in enumerate(agreement.versions):
        if version.master is None:
            continue
        here: Path = ("versions", number, "master")
        name, wanted = version.master.book, version.master.version
        book = books.get(name)
        if book is None:
            if name not in names:
                yield (*here, "book"), f"there is no book {name!r}; add it to {FILE}"
            continue
        if wanted not in [edition.version for edition in book.versions]:
            yield (*here, "version"), f"book {name!r} has no version {wanted}; add it to {FILE}"
        if book.currency != version.currency:
            told = f"{name!r} is in {book.currency}, this version in {version.currency}"
            yield (*here, "book"), f"{told}; name a book in the same currency"
