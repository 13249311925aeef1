"""Facts: what a declaration may say, which version counts, and that the changelog has all of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fx import FxRate
from streams.facts import Amendment, Declared, Facts, Which, is_newer, read_declaration
from streams.payment import Frozen

WHICH = Which("P", "2026-11", "texts", "amount")
SAID: dict[str, Any] = {"agreement": "P", "period": "2026-11", "item": "texts", "version": 1}


def test_a_declaration_is_read_without_needless_zeros() -> None:
    """So that the same figure is the same text."""
    assert read_declaration({**SAID, "amount": "0100.50"}) == (WHICH, 1, "100.5")
    assert read_declaration({**SAID, "quantity": "-0.25"})[2] == "-0.25"
    assert read_declaration({**SAID, "quantity": "7"})[0].figure == "quantity"


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({}, ValueError),
        ({"amount": "1", "quantity": "1"}, ValueError),
        ({"amount": "1,5"}, ValueError),
        ({"amount": 1}, TypeError),
        ({"amount": "1", "version": 0}, ValueError),
        ({"amount": "1", "version": True}, ValueError),
        ({"amount": "1", "version": "2"}, ValueError),
        ({"amount": "1", "item": 3}, TypeError),
    ],
)
def test_what_makes_no_sense_is_refused(more: dict[str, Any], error: type[Exception]) -> None:
    """One figure, as text, in a version."""
    with pytest.raises(error):
        read_declaration({**SAID, **more})
    with pytest.raises(KeyError):
        read_declaration({"amount": "1"})


def test_the_highest_version_counts() -> None:
    """An older one that comes late changes nothing; the same one again is the same."""
    known = Declared(2, "10", "2026-11")
    assert is_newer(None, 1, "5")
    assert is_newer(known, 3, "5")
    assert not is_newer(known, 1, "5")
    assert not is_newer(known, 2, "10")
    with pytest.raises(ValueError, match="version 2 was declared as 10; give a new version"):
        is_newer(known, 2, "11")


@given(order=st.permutations([(1, "5"), (2, "7"), (3, "6"), (3, "6"), (1, "5")]))
def test_in_whatever_order_versions_come_the_last_one_stays(order: list[tuple[int, str]]) -> None:
    """Figures are absolute: none adds to another."""
    facts = Facts()
    for version, value in order:
        if is_newer(facts.known(WHICH), version, value):
            facts.declare(WHICH, Declared(version, value, "2026-11"))
    assert facts.known(WHICH) == Declared(3, "6", "2026-11")


def test_the_changelog_brings_everything_back() -> None:
    """Rates and figures, whichever came last; other records are passed over."""
    facts = Facts()
    use = Frozen("P", "2026-10", "EUR", "JPY")
    facts.rates[use] = FxRate("2026-10-30", "150")
    facts.declare(WHICH, Declared(1, "100.5", "2026-12"))
    found = Facts()
    for key, value in [(b"closed/[]", b'"P-000001"'), *facts.messages()]:
        found.take(key, value)
    assert found == facts
    assert found.of("P", "2026-12") == {WHICH: Declared(1, "100.5", "2026-12")}
    assert found.of("P", "2026-11") == {}
    more = Facts()
    more.declare(WHICH, Declared(2, "9", "2026-12"))
    assert found.with_more(more, "P").known(WHICH) == Declared(2, "9", "2026-12")
    assert found.known(WHICH) == Declared(1, "100.5", "2026-12")


def test_amendments_are_facts_of_the_books_that_they_change() -> None:
    """The changelog brings them back in their order; a document shows those of its book."""
    facts = Facts()
    books = (("P", "2026-11"), ("Q", "2026-12"))
    for name, shown in (("A-2", books), ("A-1", books[:1])):
        facts.amended[name] = Amendment(name, "A. Lee", "memo 7", "a", "b", shown)
    found = Facts()
    for key, value in facts.messages():
        found.take(key, value)
    assert found == facts
    assert [one.id for one in found.amending("P", "2026-11")] == ["A-2", "A-1"]
    assert [one.id for one in found.amending("Q", "2026-12")] == ["A-2"]
    assert found.amending("P", "2026-12") == []
    more = Facts(amended={"A-3": Amendment("A-3", "A. Lee", "", "b", "a", books[:1])})
    assert [*found.with_more(more, "P").amended] == ["A-2", "A-1", "A-3"]
    found.update(more)
    assert [*found.amended] == ["A-2", "A-1", "A-3"]
