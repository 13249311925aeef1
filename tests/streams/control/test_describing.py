"""One partner with all that is known of it."""

from __future__ import annotations

import pytest

from streams.control.describing import describe
from streams.control.times import parse_time
from tests.streams.control.told import (
    agreement,
    change,
    entities,
    gone,
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
