"""Since when something holds, and the periods that masters write."""

from __future__ import annotations

import pytest

from state.entities import EntityVersion
from streams.control.periods import since, told_time, validity
from streams.control.times import parse_time
from tests.streams.control.told import JANUARY, entities, gone, organization, part

HISTORY = entities(
    organization(status="validated"),
    part("organization", "ALFA", "2026-02-01", note="x"),
    part("organization", "ALFA", "2026-03-01", status="closed"),
    part("organization", "ALFA", "2026-04-01", status="validated"),
).history("organization", "ALFA")


def is_validated(version: EntityVersion) -> bool:
    """What the tests ask for."""
    return str(version.attributes["status"]) == "validated"


@pytest.mark.parametrize(
    ("at", "begun"),
    [
        ("2025-12-31", None),  # not known yet
        ("2026-01-15", JANUARY),
        ("2026-02-15", JANUARY),  # another attribute has changed, not this one
        ("2026-03-15", None),
        ("2026-04-15", "2026-04-01"),
        (None, "2026-04-01"),
    ],
)
def test_an_interruption_begins_it_anew(at: str | None, begun: str | None) -> None:
    """Closed in March, so in April it has not held since January."""
    at_us = None if at is None else parse_time(at)
    found = since(HISTORY, is_validated, at_us)
    assert found == (None if begun is None else parse_time(begun))


def test_nothing_holds_of_what_is_deleted() -> None:
    """It is not asked then: there is nothing to look at."""
    things = entities(
        organization(status="validated"), gone("organization", "ALFA", "2026-02-01")
    ).history("organization", "ALFA")
    assert since(things, is_validated) is None
    assert since((), is_validated) is None


def test_a_period_may_be_open_or_wrong_at_each_end() -> None:
    """What is no time is no bound."""
    told = {"validFor": {"startDateTime": "2026-01-01", "endDateTime": "soon"}}
    assert validity(told) == (parse_time(JANUARY), None)
    assert validity({}) == (None, None) == validity({"validFor": "always"})
    assert (told_time(None), told_time(JANUARY)) == (None, parse_time(JANUARY))
