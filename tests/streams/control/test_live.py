"""When a partner is live, by the roles that it plays."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.moments import OPEN_FROM_S, OPEN_UPTO_S
from state.entities import FOREVER_US, Entities
from streams.control.changes import Change
from streams.control.live import in_seconds, live
from streams.control.stretches import Stretch
from streams.control.times import moment, parse_time
from tests.streams.control.told import entities, gone, part, role


def days(things: Entities, *role_ids: str) -> list[str]:
    """When some roles are live, as `from..upto` in days."""
    return [
        f"{moment(p.start)[:10]}..{'' if p.end == FOREVER_US else moment(p.end)[:10]}"
        for p in live(things, role_ids or ("R-1",))
    ]


def then(at: str, **said: Any) -> Change:  # noqa: ANN401
    """A later fragment of the role R-1."""
    return part("partyRole", "R-1", at, **said)


@pytest.mark.parametrize("status", ["Active", "live", " LAUNCHED "])
def test_a_role_is_live_from_the_moment_that_its_status_says_so(status: str) -> None:
    """Not from its first image, in which it was being set up."""
    things = entities(role(status="initialised"), then("2026-02-01", status=status))
    assert days(things) == ["2026-02-01.."]


@pytest.mark.parametrize("status", ["initialised", "", None, "suspended"])
def test_another_status_is_not_live(status: str | None) -> None:
    """Nor is none: a role that nobody has set live is not."""
    assert days(entities(role(status=status))) == []


def test_the_validity_of_the_role_says_when_it_begins() -> None:
    """Earlier than it was told, or later; the last word on it counts."""
    period = {"validFor": {"startDateTime": "2025-11-01"}}
    assert days(entities(role(**period))) == ["2025-11-01.."]
    things = entities(role(**period), then("2026-01-02", validFor={"startDateTime": "2026-06-01"}))
    assert days(things) == ["2026-06-01.."]


def test_the_validity_of_the_role_says_when_it_ends() -> None:
    """Half-open: the end itself is not live."""
    things = entities(role(validFor={"endDateTime": "2026-06-01"}))
    assert days(things) == ["2026-01-01..2026-06-01"]


def test_a_suspended_role_is_not_live_until_it_is_again() -> None:
    """Its validity from January on does not fill the gap afterwards."""
    things = entities(
        role(validFor={"startDateTime": "2026-01-01"}),
        then("2026-02-01", status="suspended"),
        then("2026-03-01", status="active"),
        gone("partyRole", "R-1", "2026-04-01"),
    )
    assert days(things) == ["2026-01-01..2026-02-01", "2026-03-01..2026-04-01"]


def test_a_role_that_would_begin_after_it_was_suspended_never_does() -> None:
    """Live as of June by its validity, but suspended in February."""
    period = {"validFor": {"startDateTime": "2026-06-01"}}
    assert days(entities(role(**period), then("2026-02-01", status="suspended"))) == []


def test_of_several_roles_one_that_is_live_will_do() -> None:
    """Their stretches are put together."""
    second = role("R-2", "ALFA", "2026-02-01")
    things = entities(role(), then("2026-03-01", status="ended"), second)
    assert days(things, "R-1", "R-2") == ["2026-01-01.."]


def test_seconds_are_never_early_and_stay_within_what_files_can_say() -> None:
    """Half a second after midnight is the next second; before 1970 is the beginning."""
    us = parse_time("2026-01-01") + 500_000
    [half] = in_seconds([Stretch(us, FOREVER_US)])
    assert half == Stretch(us // 1_000_000 + 1, OPEN_UPTO_S)
    [old] = in_seconds([Stretch(parse_time("1500-01-01"), us)])
    assert old.start == OPEN_FROM_S
