"""Entries of partners.yaml, from what masters of parties and roles told."""

from __future__ import annotations

import pytest

from state.entities import Entities
from streams.control.partners import Entry, called, country_of, partners
from tests.streams.control.told import (
    agreement,
    change,
    entities,
    gone,
    organization,
    part,
    role,
)


def entry(things: Entities) -> Entry:
    """The only entry."""
    [found], findings = partners(things)
    assert list(findings) == []
    return found


def test_an_engaged_organization_is_a_partner() -> None:
    """Its id is its name everywhere, and its trading name is for people."""
    told = {"partner": "ALFA", "name": "ALFA Carrier", "country": "DE"}
    assert entry(entities(organization(), agreement())) == told


def test_a_person_can_be_a_partner() -> None:
    """With given name and family name."""
    person = change("individual", "ANNA", givenName="Anna", familyName="Roth")
    things = entities(person, agreement("A-1", "ANNA"))
    assert entry(things) == {"partner": "ANNA", "name": "Anna Roth"}


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({"tradingName": " Alfa\n Carrier ", "name": "Alfa AG"}, "Alfa Carrier"),
        ({"name": "Alfa AG", "tradingName": ""}, "Alfa AG"),
        ({"name": 5, "givenName": "Ann"}, "Ann"),
        ({"name": "\u200b"}, ""),
    ],
)
def test_names_are_words_on_one_line(attributes: dict[str, object], name: str) -> None:
    """What cannot be printed separates words, at most."""
    assert called(attributes) == name


@pytest.mark.parametrize(
    ("attributes", "country"),
    [
        ({"contactMedium": [{"mediumType": "Email"}, {"country": "NO"}]}, "NO"),
        ({"contactMedium": [{"characteristic": {"country": "SE"}}, {"country": "NO"}]}, "SE"),
        ({"contactMedium": [{"characteristics": {"country": "FI"}}]}, "FI"),
        ({"contactMedium": [{"country": "Norway"}]}, ""),
        ({"contactMedium": "x", "characteristics": {"country": "IS"}}, "IS"),
    ],
)
def test_the_country_is_two_capitals_of_a_contact(
    attributes: dict[str, object], country: str
) -> None:
    """The first contact that has such a country counts."""
    assert country_of(attributes) == country


@pytest.mark.parametrize("mark", [True, "true", "TRUE"])
def test_a_party_or_a_role_marks_a_partner_as_there_for_tests(mark: object) -> None:
    """One of the two is enough; a role that is deleted says nothing any more."""
    marked = {"test": mark}
    assert entry(entities(organization(characteristics=marked), agreement()))["test"] == "true"
    told = [organization(), role("R-1", characteristics=marked)]
    assert entry(entities(*told))["test"] == "true"
    assert "test" not in entry(entities(*told, gone("partyRole", "R-1", "2026-02-01")))


def test_what_is_not_a_name_is_a_finding() -> None:
    """A partner's id is its name in all files, so it has to be one."""
    entries, [finding] = partners(entities(organization("ALFA 1"), role("R-1", "ALFA 1")))
    assert entries == []
    assert (finding.id, finding.reason) == ("ALFA 1", "bad_name")


def test_parts_alone_make_no_partner() -> None:
    """Nor do they undo one: after a deletion and a late part the last whole image stays."""
    late = part("organization", "ALFA", "2026-03-01", name="New")
    entries, [finding] = partners(entities(late, agreement()))
    assert (entries, finding.reason) == ([], "incomplete")
    things = entities(organization(), agreement(), late)
    assert entry(things)["name"] == "ALFA Carrier"
    things.add(gone("organization", "ALFA", "2026-02-01"))
    [found], [finding] = partners(things)
    assert (found["name"], finding.reason) == ("ALFA Carrier", "incomplete")


def test_an_organization_and_a_person_of_one_id_are_told_apart() -> None:
    """The organization is the partner."""
    things = entities(organization("A"), change("individual", "A", givenName="Ann"), role("R", "A"))
    [found], [finding] = partners(things)
    assert found["name"] == "A Carrier"
    assert (finding.kind, finding.reason) == ("individual", "double_name")
