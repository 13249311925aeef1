"""Who is meant, in whatever way a reference says it."""

from __future__ import annotations

import pytest

from streams.control.parties import Engaged, engaged, mappings, partners, role_holder, roles
from tests.streams.control.told import (
    JANUARY,
    agreement,
    change,
    entities,
    gone,
    organization,
    part,
    role,
)


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ([{"party": "ALFA", "role": "Partner"}], [Engaged("ALFA", "partner")]),
        ([{"party": "", "role_id": "R-1", "role": "seller"}], [Engaged("ALFA", "seller")]),
        ({"id": "ALFA"}, [Engaged("ALFA", "")]),
        ([{"party": "", "role_id": "R-9", "id": "R-9"}], []),
        ("ALFA", []),
        (None, []),
    ],
)
def test_a_reference_leads_to_a_party(told: object, meant: list[Engaged]) -> None:
    """The id of a role is never taken for that of a party: its holder is looked up."""
    assert engaged(entities(role("R-1", "ALFA")), told) == meant


def test_a_role_that_has_ended_still_says_whose_it_was() -> None:
    """Fragments do not repeat the party, and a deletion says nothing at all."""
    things = entities(
        role("R-1", "ALFA"),
        part("partyRole", "R-1", "2026-02-01", status="ended"),
        gone("partyRole", "R-1", "2026-03-01"),
    )
    assert role_holder(things, "R-1") == "ALFA"
    assert role_holder(things, "R-2") == ""
    assert roles(things) == {"ALFA": ["R-1"]}


def test_partners_are_those_who_are_engaged_as_such() -> None:
    """By an agreement in the role partner, by a role, or by a partnership; not by being known."""
    owner = {"party": "HOME", "role_id": "", "role": "operator", "name": ""}
    bravo = {"party": "BRAVO", "role_id": "", "role": "partner", "name": ""}
    things = entities(
        *(organization(name) for name in ("ALFA", "BRAVO", "CHARLIE", "HOME")),
        role("R-1", "ALFA"),
        agreement("B-1", "BRAVO", engagedParty=[owner, bravo]),
        change("partnership", "1", JANUARY, partner=[{"engagedParty": {"id": "DELTA"}}]),
    )
    assert partners(things) == ["ALFA", "BRAVO", "DELTA"]


def test_only_objects_are_objects() -> None:
    """Whatever stands where a list of objects should."""
    assert mappings([{"a": 1}, 5, None, [{"b": 2}]]) == [{"a": 1}]
    assert mappings({"a": 1}) == [{"a": 1}]
