"""Entries of agreements.yaml, from the images of an agreement."""

from __future__ import annotations

from typing import Any

import pytest

from state.entities import Entities
from streams.control.changes import Form
from streams.control.contracts import Contract, images, located, state
from streams.control.times import parse_time
from tests.streams.control.told import (
    Json,
    agreement,
    entities,
    gone,
    part,
    terms,
    version,
)

MARCH = "2026-03-01T00:00:00+00:00"
SECOND = version(2, "2026-03-01")
BAD = version(1, "2026-01-01", currency="Euro")


def newest(things: Entities) -> Contract:
    """What is in force of the agreement ALFA-1."""
    found = next((i.contract for i in images(things, "ALFA-1") if i.contract is not None), None)
    assert found is not None
    return found


def wrong(things: Entities) -> list[str]:
    """What is wrong with the newest image that is approved."""
    return [*next(images(things, "ALFA-1")).sentences]


def reasons(things: Entities) -> list[str]:
    """Why the newest image is not taken, its terms apart."""
    return [finding.reason for finding in state(things, "ALFA-1")]


def end(things: Entities) -> str | None:
    """When the last version ends, as it is written."""
    ending: str | None = newest(things).entry["versions"][-1].get("valid_upto")
    return ending


def test_an_approved_agreement_is_an_entry() -> None:
    """Its name, its partner and its terms; marks of the interface stay behind."""
    found = newest(entities(agreement()))
    entry = {"agreement": "ALFA-1", "partner": "ALFA", "model": "wholesale"}
    assert found.entry == {**entry, "versions": [version()]}
    assert (found.id, found.name, found.agreement.partner) == ("ALFA-1", "ALFA-1", "ALFA")
    assert not found.has_master


def test_without_a_name_the_id_is_the_name() -> None:
    """TMF651 asks for a name, and masters forget it."""
    assert newest(entities(agreement(name=None))).name == "ALFA-1"
    assert newest(entities(agreement(name="ALFA-X"))).name == "ALFA-X"


@pytest.mark.parametrize("status", ["Approved", " ACTIVE ", "inForce", "in force", "signed", None])
def test_words_for_approved(status: str | None) -> None:
    """In any case; an agreement without status counts as approved."""
    things = entities(agreement(status=status))
    assert newest(things).name == "ALFA-1"
    assert reasons(things) == []


@pytest.mark.parametrize("status", ["in process", "rejected", "", 5])
def test_another_status_leaves_what_was_approved(status: object) -> None:
    """A draft of new terms, refused or not, changes nothing until it is approved."""
    draft: Json = {"status": status, "characteristics": terms(version(), version(2))}
    assert reasons(entities(agreement(**draft))) == ["not_approved"]
    assert list(images(entities(agreement(**draft)), "ALFA-1")) == []
    things = entities(agreement(), agreement("ALFA-1", "ALFA", "2026-02-01", **draft))
    assert reasons(things) == ["not_approved"]
    assert newest(things).entry["versions"] == [version()]


@pytest.mark.parametrize("status", ["terminated", "Cancelled"])
def test_a_terminated_agreement_ends_when_it_was_terminated(status: str) -> None:
    """It was in force until then, and usage until then is settled by it."""
    things = entities(agreement(), part("agreement", "ALFA-1", "2026-03-01", status=status))
    assert (end(things), reasons(things)) == (MARCH, ["not_approved"])
    things.add(part("agreement", "ALFA-1", "2026-04-01", status="in process"))
    assert end(things) == MARCH


def test_the_period_of_a_terminated_agreement_says_its_end() -> None:
    """Whoever gives notice says so before the day."""
    said: Json = {"status": "terminated", "agreementPeriod": {"endDateTime": "2026-03-01"}}
    things = entities(agreement(), part("agreement", "ALFA-1", "2026-02-01", **said))
    assert end(things) == MARCH


def test_an_end_in_the_terms_stays_unless_the_agreement_is_deleted_before() -> None:
    """The end in the terms is 1 May: a termination in March leaves it, a deletion does not."""
    limited = agreement(characteristics=terms(version(valid_upto="2026-05-01")))
    ended = part("agreement", "ALFA-1", "2026-03-01", status="terminated")
    assert end(entities(limited, ended)) == "2026-05-01"
    assert end(entities(limited, gone("agreement", "ALFA-1", "2026-03-01"))) == MARCH
    assert end(entities(limited, gone("agreement", "ALFA-1", "2026-06-01"))) == "2026-05-01"


def test_a_deletion_ends_what_was_in_force() -> None:
    """To the second, rounded up; versions that would begin later are left out."""
    first = version(valid_upto="2026-03-01")
    told = agreement(characteristics=terms(first, SECOND))
    things = entities(told, gone("agreement", "ALFA-1", "2026-02-01T00:00:00.5Z"))
    kept = {**first, "valid_upto": "2026-02-01T00:00:01+00:00"}
    assert newest(things).entry["versions"] == [kept]
    assert reasons(things) == []
    late = entities(told, gone("agreement", "ALFA-1", "2026-04-01"))
    assert [v["version"] for v in newest(late).entry["versions"]] == ["1", "2"]


def test_what_ended_before_it_began_was_never_in_force() -> None:
    """Nothing is left of it."""
    deleted = gone("agreement", "ALFA-1", "2026-01-01")
    things = entities(agreement("ALFA-1", "ALFA", "2025-12-01"), deleted)
    assert "never in force" in wrong(things)[0]


def test_an_end_in_a_far_century_is_none() -> None:
    """A file cannot say the year 2600, and nobody means it."""
    assert end(entities(agreement(), gone("agreement", "ALFA-1", "2600-01-01"))) is None


def test_terms_that_are_wrong_leave_those_before() -> None:
    """All that is wrong is told, by field; the last image that is right stays."""
    two = version(2, "2026-02-01", zone="Mars/Base")
    bad: Json = {"characteristics": terms(BAD, two)}
    things = entities(agreement(), agreement("ALFA-1", "ALFA", "2026-02-01", **bad))
    sentences = wrong(things)
    assert [s.partition(":")[0] for s in sentences] == ["versions[0].currency", "versions[1].zone"]
    assert newest(things).entry["versions"] == [version()]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"characteristics": {}}, "0 characteristics weirTerms"),
        ({"characteristics": None}, "0 characteristics weirTerms"),
        ({"characteristics": {"weirTerms": {"model": "wholesale"}}}, "not of @type"),
        ({"engagedParty": []}, "0 engaged parties as partner"),
        ({"characteristics": terms(model=1.5)}, "model"),
        ({"characteristics": terms(pool="a\nb")}, "cannot be printed"),
        ({"characteristics": terms(versions=[])}, "is empty; write at least one version"),
        ({"characteristics": terms(versions="all")}, "must be a list"),
        ({"name": "own"}, "means the operator itself"),
        ({"characteristics": terms(version(), version(2))}, "overlaps"),
    ],
)
def test_what_is_wrong_is_said(said: dict[str, Any], sentence: str) -> None:
    """As it would be of a file, with the field."""
    assert sentence in "; ".join(wrong(entities(agreement(**said))))


def test_terms_that_are_nested_without_end_are_refused() -> None:
    """Before anything walks down into them."""
    deep: dict[str, Any] = {}
    for _ in range(500):
        deep = {"a": deep}
    assert (
        "nested more than 20 deep" in wrong(entities(agreement(characteristics=terms(b=deep))))[0]
    )


def test_numbers_and_truth_count_as_their_text() -> None:
    """A master may write 1 for "1"; what stands in the entry is text."""
    number = {**version(), "version": 1}
    number["items"] = [{**number["items"][0], "surcharge": False}]
    [found] = newest(entities(agreement(characteristics=terms(number)))).entry["versions"]
    assert (found["version"], found["items"][0]["surcharge"]) == ("1", "false")


def test_parts_alone_are_not_taken() -> None:
    """Until the whole image comes, whenever that is."""
    things = entities(agreement(form=Form.PART))
    assert reasons(things) == ["incomplete"]
    assert list(images(things, "ALFA-1")) == []
    things.add(agreement("ALFA-1", "ALFA", "2025-12-01", status="in process"))
    assert (reasons(things), newest(things).name) == ([], "ALFA-1")


def test_an_agreement_with_a_master_list_is_checked_where_the_list_is() -> None:
    """Its own items may be none, which would be wrong without the master list."""
    listed = {**version(), "items": [], "master": {"book": "retail", "version": "1"}}
    assert newest(entities(agreement(characteristics=terms(listed)))).has_master


def test_located_values_are_named_by_their_place() -> None:
    """As if they stood in a file."""
    value = located({"a": [{"b": "c"}], "d": None})
    assert value == {"a": [{"b": "c"}], "d": None}


def test_a_reinstated_agreement_is_in_force_as_its_new_terms_say() -> None:
    """What was ended before does not end it again."""
    things = entities(
        agreement(),
        part("agreement", "ALFA-1", "2026-03-01", status="terminated"),
        part("agreement", "ALFA-1", "2026-04-01", status="active"),
    )
    assert end(things) is None
    assert parse_time("2026-04-01") == things.history("agreement", "ALFA-1")[-1].from_us
