"""One partner with all that is known of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.control.changes import Change
from streams.control.derived import Known
from streams.control.describing import describe
from streams.control.parties import partners
from streams.control.times import parse_time
from tests.streams.control.test_deriving import FEWER, FOUND
from tests.streams.control.told import (
    agreement,
    change,
    entities,
    gone,
    known,
    organization,
    part,
    plain,
    product,
    role,
)

JANUARY = "2026-01-01T00:00:00+00:00"
THINGS = entities(
    organization(organizationParentRelationship={"organization": {"id": "GROUP"}}),
    organization("GROUP"),
    organization("BETA"),
    role(validFor={"startDateTime": "2026-01-01"}),
    role("R-2", "ALFA", status="ended"),
    agreement(),
    agreement("ALFA-2", "ALFA", status="in process"),
    agreement("BETA-1", "BETA"),
    product(),
    product("P-2", "BETA-1"),
    product("P-3", "ALFA-2"),
    gone("agreement", "ALFA-1", "2026-06-01"),
    change("product", "P-1", "2026-02-01", source="shop", status="active"),
)


def test_everything_of_a_partner_and_nothing_of_another() -> None:
    """Stages, parents, roles, agreements, keys, and what is wrong with any of these."""
    told = describe(THINGS, "ALFA", parse_time("2026-03-01"))
    assert (told["partner"], told["name"], told["country"]) == ("ALFA", "ALFA Carrier", "DE")
    stages = {stage["stage"]: stage["state"] for stage in told["stages"]}
    assert (stages["contract"], stages["go_live"], stages["certification"]) == (
        "done",
        "done",
        "missing",
    )
    assert told["parents"] == [{"organization": "GROUP", "name": "GROUP Carrier", "since": JANUARY}]
    roles = [(r["role"], r["status"], r["valid_from"], r["valid_upto"]) for r in told["roles"]]
    assert roles == [("R-1", "active", JANUARY, None), ("R-2", "ended", None, None)]
    agreements = [(a["agreement"], a["status"], a["taken"]) for a in told["agreements"]]
    assert agreements == [("ALFA-1", "deleted", "yes"), ("ALFA-2", "in process", "no")]
    assert told["agreements"][0]["valid_upto"] == "2026-06-01T00:00:00+00:00"
    assert [key["key"] for key in told["keys"]] == ["P-1"]
    assert {(f["id"], f["reason"]) for f in told["findings"]} == {
        ("ALFA-2", "not_approved"),
        ("P-3", "unknown_agreement"),
        ("P-1", "other_source"),
    }
    assert plain(told) == told


def test_the_moment_asked_for_decides_the_stages() -> None:
    """In July the agreement has ended."""
    told = describe(THINGS, "ALFA", parse_time("2026-07-01"))
    assert {s["stage"]: s["state"] for s in told["stages"]}["contract"] == "missing"


def test_a_party_that_is_not_whole_is_described_all_the_same() -> None:
    """It has no name yet, and the findings say why."""
    told = describe(
        entities(part("organization", "X", "2026-01-01", name="X"), role("R", "X")), "X"
    )
    assert told["name"] is None
    assert [finding["reason"] for finding in told["findings"]] == ["incomplete"]


def test_who_is_no_partner_is_not_described() -> None:
    """An organization that nobody has engaged is none."""
    with pytest.raises(KeyError, match="GROUP"):
        describe(THINGS, "GROUP")


def test_what_files_give_counts_as_a_contract() -> None:
    """Its terms stand in agreements.yaml, and its keys come from the inventory all the same."""
    files = Known(frozenset({"ALFA"}), frozenset({"ALFA-1"}))
    things = entities(organization(), agreement(), product())
    told = describe(things, "ALFA", parse_time("2026-03-01"), files)
    stages = {stage["stage"]: stage["state"] for stage in told["stages"]}
    assert {name for name, state in stages.items() if state == "done"} == {
        "contract",
        "entity",
        "catalogue",
        "integration",
        "certification",
        "go_live",
    }
    assert told["name"] == "ALFA Carrier"
    assert [key["key"] for key in told["keys"]] == ["P-1"]
    assert {f["reason"] for f in told["findings"]} == {"other_source"}


@given(FOUND, st.sampled_from([None, "2026-02-15", "2600-06-01"]))
@FEWER
def test_whatever_was_told_every_partner_can_be_described(
    told: list[Change], at: str | None
) -> None:
    """At any moment, as plain JSON."""
    things = known(told)
    for name in partners(things.of_record()[0]):
        described = describe(things, name, None if at is None else parse_time(at))
        assert plain(described) == described
        assert len(described["stages"]) == 7
