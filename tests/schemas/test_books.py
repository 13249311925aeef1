"""Master price lists: joined to versions, replaced by name, and checked where they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.books import MasterItem
from schemas.codes import Service
from schemas.reference import load
from tests.builders import agreement_text, complaints_of, reference_dir
from tests.builders import tables as compiled
from tests.streams.test_selection import call, names
from tests.usage_makers import message, row

KEYS = "kind,key,agreement,valid_from,valid_upto\nroute,TG-1,ALFA-1,,\n"
BOOKS = """\
- book: WHOLESALE
  currency: EUR
  versions:
    - version: 3
      items:
        - {item: voice-in, role: ingress, service: voice, flow: receivable,
           price: {kind: unit, per: minute, amount: 0.05}}
        - {item: germany, role: ingress, service: voice, flow: receivable, where: {called: [49]},
           price: {kind: unit, per: minute, amount: 0.03}}
        - {item: sms-in, role: ingress, service: sms, flow: receivable,
           price: {kind: unit, per: event, amount: 0.03}}
"""
OWN = (
    "{item: partner, role: ingress, service: voice, flow: receivable,"
    " price: {kind: unit, per: minute, amount: 0.02}}"
)
MASTER = "master: {book: WHOLESALE, version: 3}"


def directory_of(
    directory: Path, items: str = OWN, master: str = MASTER, books: str = BOOKS
) -> Path:
    """An agreement with these items on this master."""
    terms = f"valid_from: 2026-01-01, zone: UTC, currency: EUR, {master}"
    text = agreement_text(items, terms=terms)
    return reference_dir(directory, agreements=text, attribution=KEYS, others={"books.yaml": books})


def winners(directory: Path) -> list[str]:
    """What prices a call to Germany, a call elsewhere and a message."""
    calls = [call(1, called_number="4930"), call(2, called_number="33")]
    text = message(Service.SMS, row(Service.SMS, sequence=3, ingress_route="TG-1"))
    return [found[0] for found in names(compiled(directory), *calls, text)]


def test_the_partners_price_goes_before_the_masters(tmp_path: Path) -> None:
    """Also one without conditions before one that has some; the master prices the rest."""
    assert winners(directory_of(tmp_path)) == ["partner", "partner", "sms-in"]


def test_partner_and_master_compete_by_condition(tmp_path: Path) -> None:
    """A partner's price for Germany only: other calls cost what the master says."""
    items = OWN.replace("flow:", "where: {called: [49]}, flow:")
    assert winners(directory_of(tmp_path, items)) == ["partner", "voice-in", "sms-in"]


def test_an_item_of_the_same_name_replaces_the_masters(tmp_path: Path) -> None:
    """The list is in force as if that item were not in it: its germany is gone, voice-in stays."""
    items = OWN.replace("item: partner", "item: germany").replace(
        "flow:", "where: {called: [33]}, flow:"
    )
    directory = directory_of(tmp_path, items)
    assert winners(directory) == ["voice-in", "germany", "sms-in"]
    (version,) = load(directory).agreements[0].versions
    told = [(item.item, isinstance(item, MasterItem)) for item in version.items]
    assert told == [("germany", False), ("voice-in", True), ("sms-in", True)]


def test_a_version_may_have_no_items_of_its_own(tmp_path: Path) -> None:
    """The master alone is an agreement."""
    assert winners(directory_of(tmp_path, "")) == ["germany", "voice-in", "sms-in"]


@pytest.mark.parametrize(
    ("master", "complaint"),
    [
        (
            "master: {book: RETAIL, version: 3}",
            "book: there is no book 'RETAIL'; add it to books.yaml",
        ),
        (
            "master: {book: WHOLESALE, version: 2}",
            "version: book 'WHOLESALE' has no version 2; add it to books.yaml",
        ),
        ("master: {book: WHOLESALE}", "version: is missing; add it"),
    ],
)
def test_a_master_that_is_not_there_is_refused(tmp_path: Path, master: str, complaint: str) -> None:
    """With the place in the agreement, and the file to add it to."""
    (found,) = complaints_of(directory_of(tmp_path, OWN, master))
    assert found == f"agreements.yaml:2: versions[0].master.{complaint}"


def test_another_currency_is_refused(tmp_path: Path) -> None:
    """A price list in dollars says nothing in euros."""
    books = BOOKS.replace("currency: EUR", "currency: USD")
    (found,) = complaints_of(directory_of(tmp_path, books=books))
    assert found.endswith(
        "master.book: 'WHOLESALE' is in USD, this version in EUR; name a book in the same currency"
    )


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (
            "item: germany",
            "item: voice-in",
            "books.yaml:8: versions[0].items[1].item: 'voice-in' is given twice;",
        ),
        (
            "per: event",
            "per: megabyte",
            (
                "books.yaml:11: versions[0].items[2].price.per: sms is not counted so; write one of"
                " event, unit"
            ),
        ),
        (
            ", where: {called: [49]}",
            "",
            (
                "books.yaml:8: versions[0].items[1].direction: covers ingress voice in like item"
                " 'voice-in'; let one item cover it"
            ),
        ),
        (
            "versions:\n",
            "vrsions:\n",
            "books.yaml:1: versions: is missing; add it",
        ),
        ("amount: 0.05", "amount: 0x05", "books.yaml:7: versions[0].items[0].price.amount: '0"),
    ],
)
def test_a_mistake_in_a_book_is_told_where_it_stands(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    """In books.yaml, once, however many agreements build on it, and also when none does."""
    for place, master in (("used", MASTER), ("unused", "period: month")):
        broken = BOOKS.replace(old, new)
        found = complaints_of(directory_of(tmp_path / place, OWN, master, broken))
        assert [line for line in found if line.startswith(complaint)] == found[:1]
        assert not [line for line in found if line.startswith("agreements") and place == "unused"]


def test_a_book_is_part_of_the_reference(tmp_path: Path) -> None:
    """Another price in it is another reference, and another version of the agreement."""
    one = load(directory_of(tmp_path / "one"))
    other = load(directory_of(tmp_path / "other", books=BOOKS.replace("0.05", "0.06")))
    assert one.reference_id != other.reference_id
    assert one.agreements != other.agreements
