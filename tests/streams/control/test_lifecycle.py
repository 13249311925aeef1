"""Seven stages, each with what would settle it."""

from __future__ import annotations

from typing import Any

import pytest

from state.entities import Entities
from streams.control.changes import Change
from streams.control.deriving import whole
from streams.control.lifecycle import Stage, Subject, stages
from streams.control.parties import roles
from streams.control.times import parse_time
from tests.streams.control.told import (
    JANUARY,
    agreement,
    change,
    entities,
    gone,
    organization,
    part,
    product,
    role,
    terms,
    version,
)

NAMES = [
    "qualification",
    "contract",
    "entity",
    "catalogue",
    "integration",
    "certification",
    "go_live",
]
JUNE = parse_time("2026-06-15")


def found(things: Entities, at_us: int | None = JUNE) -> dict[str, Stage]:
    """The stages of ALFA by name, in the middle of June by default."""
    known = whole(things)
    contracts = [c for c in known.contracts if c.agreement.partner == "ALFA"]
    names = {contract.name for contract in contracts}
    claims = [claim for claim in known.claims if claim.agreement in names]
    held = roles(things).get("ALFA", ())
    subject = Subject(known.entities, "ALFA", held, contracts, claims, at_us)
    told = stages(subject)
    assert [stage.name for stage in told] == NAMES
    return {stage.name: stage for stage in told}


def stage(name: str, *changes: Change, at: str = "2026-06-15") -> tuple[bool, str, int | None]:
    """One stage: whether it is done, the words, and since when."""
    return found(entities(*changes), parse_time(at))[name][1:]


def since(at: str) -> tuple[bool, int]:
    """What a stage says that has been done since a day."""
    return True, parse_time(at)


def done(name: str, *changes: Change, at: str = "2026-06-15") -> tuple[bool, int | None]:
    """Whether a stage is done, and since when."""
    is_done, _, since_us = stage(name, *changes, at=at)
    return is_done, since_us


def test_of_an_unknown_partner_everything_is_missing() -> None:
    """And each stage says what to do."""
    for told in found(entities()).values():
        assert not told.done
        assert told.since_us is None
        assert "; " in told.detail


def test_a_partner_that_has_everything_is_live() -> None:
    """All seven are done, whichever moment from June on is asked for."""
    things = entities(
        organization(status="validated", creditRating=[{"ratingScore": 3}]),
        role(characteristics={"licence": "none", "certifiedOn": "2026-03-01"}),
        agreement(),
        product(),
    )
    assert all(told.done for told in found(things).values())
    assert all(told.done for told in found(things, None).values())
    assert found(things)["certification"].since_us == parse_time("2026-03-01")


RATED = {"creditRating": [{"ratingScore": 3}]}


@pytest.mark.parametrize(
    ("said", "licence", "is_done"),
    [
        (RATED, {"licence": "none"}, True),
        (RATED, {"licenceValidUpto": "2026-07-01"}, True),
        (RATED, {"licenceValidUpto": "2026-06-01"}, False),
        (RATED, {"licenceValidUpto": "soon"}, False),
        (RATED, {}, False),
        ({}, {"licence": "none"}, False),
        (
            {"creditRating": [{"validFor": {"endDateTime": "2026-06-01"}}]},
            {"licence": "none"},
            False,
        ),
    ],
)
def test_qualification(said: dict[str, Any], licence: dict[str, Any], is_done: bool) -> None:
    """A credit rating and a licence, both valid on 15 June, or no need of a licence."""
    told = stage("qualification", organization(**said, characteristics=licence))
    assert told[0] == is_done
    missing = [word for word in ("credit rating", "licence") if f"no {word}" in told[1]]
    assert bool(missing) != is_done


def test_a_role_may_carry_the_qualification() -> None:
    """Its credit profile and its licence; since the later of the two."""
    things = [
        organization(),
        role(creditProfile=[{"creditScore": 5}]),
        part("partyRole", "R-1", "2026-02-01", characteristics={"licence": "none"}),
    ]
    assert done("qualification", *things) == since("2026-02-01")


def test_contract() -> None:
    """In force on 15 June: not one that begins in July, nor one that has ended."""
    later = terms(version(valid_from="2026-07-01"))
    assert done("contract", organization(), agreement()) == since(JANUARY)
    assert done("contract", organization(), agreement(characteristics=later)) == (False, None)
    assert not done("contract", organization(), agreement(status="in process"))[0]
    ended = gone("agreement", "ALFA-1", "2026-06-01")
    assert not done("contract", organization(), agreement(), ended)[0]
    assert done("contract", organization(), agreement(), ended, at="2026-05-31")[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (organization(status="Validated"), "is validated"),
        (organization(), "is validated"),
        (organization(status="closed"), "its status is 'closed'"),
        (part("organization", "ALFA", JANUARY, status="validated"), "only parts"),
        (gone("organization", "ALFA", JANUARY), "is not known"),
        (
            organization(organizationParentRelationship={"organization": {"id": "ALFA"}}),
            "is above itself",
        ),
    ],
)
def test_entity(change: Change, words: str) -> None:
    """Whole, validated where a status is told, and not above itself."""
    is_done, detail, since_us = stage("entity", change)
    assert words in detail
    assert is_done == (words == "is validated") == (since_us is not None)


def offering(status: str, at: str = JANUARY, **of: Any) -> Change:  # noqa: ANN401
    """An offering to an agreement."""
    return change("productOffering", "O-1", at, lifecycleStatus=status, agreement=[of])


def test_catalogue() -> None:
    """Prices are enough where nothing is offered to this agreement alone."""
    mine = [organization(), agreement()]
    assert done("catalogue", *mine) == since(JANUARY)
    assert done("catalogue", *mine, offering("In design", id="OTHER"))[0]
    assert not done("catalogue", *mine, offering("In design", id="ALFA-1"))[0]
    told = done("catalogue", *mine, offering("Launched", "2026-02-01", name="ALFA-1"))
    assert told == since("2026-02-01")
    assert not done("catalogue", organization())[0]


def test_integration() -> None:
    """One key in service, which need not hold before the partner is live."""
    waiting = role(status="initialised")
    mine = [organization(), agreement(), waiting]
    assert done("integration", *mine, product("P-1", "ALFA-1", "2026-02-01")) == since("2026-02-01")
    assert not done("integration", *mine)[0]
    assert not done("integration", *mine, product(status="created"))[0]
    assert "1 key in service" in stage("integration", *mine, product())[1]


def test_certification() -> None:
    """The day on which it passed, not one that is still to come."""
    mine = [organization(), agreement()]
    certified = role(characteristics={"certifiedOn": "2026-03-01"})
    assert done("certification", *mine, certified) == since("2026-03-01")
    assert not done("certification", *mine, certified, at="2026-02-01")[0]
    assert not done("certification", *mine, role())[0]


def test_go_live() -> None:
    """A role that is live on the day; else the statuses of all roles are told."""
    mine = [organization(), agreement()]
    assert done("go_live", *mine, role("R-1", "ALFA", "2026-02-01")) == since("2026-02-01")
    assert not done("go_live", *mine, role("R-1", "ALFA", "2026-07-01"))[0]
    told = stage("go_live", *mine, role(status="suspended"))
    assert not told[0]
    assert "R-1 is 'suspended'" in told[1]


def test_without_roles_the_agreement_stands_for_the_last_two_stages() -> None:
    """And says so; a partner without an agreement has neither."""
    for name in ("certification", "go_live"):
        is_done, detail, since_us = stage(name, organization(), agreement())
        assert (is_done, since_us) == since(JANUARY)
        assert "given by its agreement" in detail
        assert not stage(name, organization())[0]
