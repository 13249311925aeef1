"""The oracle's choice among items, worked by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.oracle_attribution import attribute
from ops.oracle_prices import Price
from ops.oracle_select import deck_number, holds, matching, select
from ops.oracle_usage import Usage, read_message, read_schemas
from tests.ops.oracle_makers import event, item, reference, unit, version

KNOWN = read_schemas()
DECKS = {"SOME": ("49,DE", "DE,0.01,1,1,0,,")}


def chosen(directory: Path, *items: str, **fields: object) -> tuple[str, list[str]]:
    """The item that prices a call from TG-1, and what is added."""
    known = reference(directory, {"A": [version(", ".join(items))]}, decks=DECKS)
    (usage,) = read_message(event("voice", ingress_route="TG-1", **fields), KNOWN)
    assert isinstance(usage, Usage)
    (claim,), _ = attribute(usage, known)
    found, added = select(usage, claim, known.agreements["A"].versions[0], known)
    return ("" if found is None else found.name), [more.name for more in added]


def priced(name: str, **terms: str) -> str:
    """An item for calls with this name."""
    return item(unit("event", "1"), item=name, **terms)


@pytest.mark.parametrize(
    ("number", "prefixes", "digits"),
    [("4930", {"49", "4"}, 2), ("4930", {"493", "49"}, 3), ("33", {"49"}, 0), ("", {"4"}, 0)],
)
def test_the_longest_prefix_counts(number: str, prefixes: set[str], digits: int) -> None:
    """Found by cutting digits off from the right."""
    assert matching(number, prefixes) == digits


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"called_number": "4930"}, "de"),
        ({"called_number": "4917"}, "mobile"),
        ({"called_number": "1809"}, "any"),
        ({"called_number": "4917", "routing_number": "1"}, "ported"),
        ({"called_number": "1809", "calling_number": "331234567x"}, "caller"),
        ({"called_number": "1809", "calling_number": "33x"}, "any"),
    ],
)
def test_precedence(tmp_path: Path, fields: dict[str, str], name: str) -> None:
    """Routing before called before calling number, the longer prefix first, and any last."""
    items = [
        priced("any"),
        priced("caller", where="{calling: [33]}"),
        priced("de", where="{called: [49]}"),
        priced("mobile", where="{called: [4917]}"),
        priced("ported", where="{routing: [1]}"),
    ]
    assert chosen(tmp_path, *items, **fields) == (name, [])
    assert chosen(tmp_path / "turned", *items[::-1], **fields) == (name, [])


def test_surcharges_are_added_and_never_win(tmp_path: Path) -> None:
    """Every one whose conditions hold; one by deck only for numbers of its deck."""
    deck = item("{kind: deck, deck: SOME}", item="by-deck", surcharge="true")
    items = [
        priced("any"),
        priced("origin", where="{calling: [33]}", surcharge="true"),
        deck,
    ]
    called = {"called_number": "1809", "calling_number": "33123"}
    assert chosen(tmp_path, *items, **called) == ("any", ["origin"])
    called = {"called_number": "4930", "calling_number": "44123"}
    assert chosen(tmp_path / "listed", *items, **called) == ("any", ["by-deck"])


def test_a_listed_number_is_one_with_a_zone(tmp_path: Path) -> None:
    """The routing number, where there is one, is what prices go by."""
    items = [
        item("{kind: deck, deck: SOME}", item="deck", where="{listed: true}"),
        priced("rest"),
    ]
    assert chosen(tmp_path, *items, called_number="4930") == ("deck", [])
    moved = {"called_number": "4930", "routing_number": "1809"}
    assert chosen(tmp_path / "moved", *items, **moved) == ("rest", [])


@pytest.mark.parametrize(
    ("number", "digits"),
    [("rated", "1809"), ("called", "4930"), ("routing", "1809"), ("calling", "331234567")],
)
def test_a_deck_is_looked_up_by_the_number_it_names(number: str, digits: str) -> None:
    """The routing number for the called one by default; of a caller nine digits."""
    fields = {"routing_number": "1809", "called_number": "4930", "calling_number": "33123456789"}
    (usage,) = read_message(event("voice", **fields), KNOWN)
    assert isinstance(usage, Usage)
    price = Price("deck", "minute", "seconds", 60, deck="SOME", number=number)
    assert deck_number(usage, price) == digits


def test_a_value_that_usage_does_not_give_matches_nothing(tmp_path: Path) -> None:
    """A call without a visited network is in none of the networks listed."""
    known = reference(
        tmp_path, {"A": [version(priced("roaming", where="{visited_network: [26201]}"))]}
    )
    (usage,) = read_message(event("voice", ingress_route="TG-1"), KNOWN)
    assert isinstance(usage, Usage)
    (claim,), _ = attribute(usage, known)
    (found,) = known.agreements["A"].versions[0].items
    assert not holds(found, usage, claim, known)
