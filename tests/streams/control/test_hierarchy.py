"""Which organization is below which, and chains that have no top."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.control.changes import Change
from streams.control.hierarchy import cycle, cycles, parents
from streams.control.times import parse_time
from tests.streams.control.told import JANUARY, entities, known, organization, part


def below(name: str, above: str, at: str = JANUARY) -> Change:
    """An organization with a parent."""
    return organization(name, at, organizationParentRelationship=relation(above))


def relation(above: str) -> dict[str, object]:
    """How the standard names a parent."""
    return {"relationshipType": "parent", "organization": {"id": above}}


def test_parents_are_listed_up_to_the_top_with_since_when() -> None:
    """ALFA is below GROUP since February, GROUP below the unknown HOLDING since January."""
    things = entities(
        organization("ALFA"),
        part(
            "organization", "ALFA", "2026-02-01", organizationParentRelationship=[relation("GROUP")]
        ),
        part("organization", "ALFA", "2026-03-01", status="validated"),
        below("GROUP", "HOLDING"),
    )
    assert parents(things, "ALFA") == [
        ("GROUP", "GROUP Carrier", parse_time("2026-02-01")),
        ("HOLDING", "", parse_time(JANUARY)),
    ]
    assert cycles(things, ["ALFA", "GROUP"]) == []


def test_who_is_above_itself_is_found() -> None:
    """A is below B, B below C, C below B: B and C are in the ring, A only hangs on it."""
    things = entities(below("A", "B"), below("B", "C"), below("C", "B"))
    assert cycle(things, "B") == ["B", "C", "B"]
    assert cycle(things, "A") == ()
    assert [parent.id for parent in parents(things, "A")] == ["B", "C"]
    assert [(f.id, f.reason) for f in cycles(things, ["A", "B", "C"])] == [
        ("B", "cycle"),
        ("C", "cycle"),
    ]
    assert "B below C below B" in cycles(things, ["B"])[0].detail


def test_its_own_parent_is_a_ring_of_one() -> None:
    """The shortest ring there is."""
    assert cycle(entities(below("A", "A")), "A") == ["A", "A"]
    assert parents(entities(below("A", "A")), "A") == []


@given(st.lists(st.integers(0, 6), min_size=7, max_size=7))
def test_rings_are_those_of_a_plain_walk(above: list[int]) -> None:
    """Whoever is met again within seven steps up from himself is in a ring."""
    things = known(below(str(n), str(parent)) for n, parent in enumerate(above))
    for start in range(7):
        met, here = set(), start
        for _ in range(7):
            here = above[here]
            met.add(here)
        assert bool(cycle(things, str(start))) == (start in met)
