"""Routes, ranges and the like hold while the thing that carries them is in service."""

from __future__ import annotations

from typing import Any

import pytest

from streams.control.agreement_names import AgreementNames
from streams.control.changes import Change, Form
from streams.control.facilities import held
from tests.streams.control.inventory_makers import agreement, day_of, day_text, known, told

ROUTE = {"kind": "route", "key": "TG-001", "agreement": "ALFA-1"}
RANGE = {"kind": "number_range", "key": "49155", "agreement": "ALFA-1"}


def thing(day: int, kind: str = "resource", **said: Any) -> Change:  # noqa: ANN401
    """A full image of trunk group T on a day, recognised as a route unless it says otherwise."""
    return told(kind, "T", day, {"characteristics": {"weirKey": ROUTE}, **said})


def part(day: int, kind: str = "resource", **said: Any) -> Change:  # noqa: ANN401
    """Some attributes of T that changed on a day."""
    return told(kind, "T", day, said, Form.PART)


def found(*changes: Change) -> tuple[list[tuple[Any, ...]], list[str]]:
    """Kind, key, agreement and days from and up to (None for open); and the reasons of findings."""
    entities = known(changes)
    spans, findings = held(entities, AgreementNames(entities))
    days = [
        (*holding, day_of(span.from_us), day_of(span.upto_us))
        for holding, of_holding in sorted(spans.items())
        for span in of_holding
    ]
    return days, [finding.reason for finding in findings]


def route(*days: tuple[int, int | None]) -> list[tuple[Any, ...]]:
    """The route of ALFA-1 on these days."""
    return [("route", "TG-001", "ALFA-1", *held_days) for held_days in days]


def test_a_resource_is_in_service_unless_a_state_rules_it_out() -> None:
    """Locked from day 4 to day 6, in the spelling of either dialect; shutting down is still up."""
    days, reasons = found(
        thing(0),
        part(4, administrativeState="locked"),
        part(6, administrativeState="shuttingDown"),
    )
    assert (days, reasons) == (route((0, 4), (6, None)), [])


@pytest.mark.parametrize(
    "said",
    [
        {"administrativeState": "locked"},
        {"operationalState": "disabled"},
        {"operationalState": "disable"},
        {"resourceStatus": "suspended"},
        {"resourceStatus": " Reserved"},
    ],
)
def test_every_state_that_rules_a_resource_out(said: dict[str, str]) -> None:
    """From the day on which it is told."""
    assert found(thing(0), part(5, **said))[0] == route((0, 5))


@pytest.mark.parametrize(
    "said",
    [
        {"administrativeState": "unlocked", "operationalState": "enable"},
        {"resourceStatus": "alarm", "usageState": "busy"},
        {"lifecycleState": "installed"},
    ],
)
def test_other_states_rule_nothing_out(said: dict[str, str]) -> None:
    """A resource in alarm still carries traffic."""
    assert found(thing(0, **said))[0] == route((0, None))


def test_a_planned_resource_is_not_there_yet() -> None:
    """Installed on day 5, operating since day 3, as its date says."""
    days, _ = found(
        thing(0, lifecycleState="planned", startOperatingDate=day_text(3)),
        part(5, lifecycleState="installed"),
    )
    assert days == route((3, None))
    assert found(thing(0, lifecycleState="planned", startOperatingDate=day_text(3)))[0] == []


def test_the_dates_of_a_resource_bound_it() -> None:
    """Told on day 9: operating from 2 to 7."""
    days, _ = found(thing(9, startOperatingDate=day_text(2), endOperatingDate=day_text(7)))
    assert days == route((2, 7))


def test_the_states_of_a_service() -> None:
    """Designed, active from day 3, suspended from 5 to 6, over on 8, and back on 10."""
    days, reasons = found(
        thing(0, "service", state="designed"),
        part(3, "service", state="active"),
        part(5, "service", state="suspended"),
        part(6, "service", state="active"),
        part(8, "service", state="terminated"),
        part(10, "service", state="active"),
    )
    assert (days, reasons) == (route((3, 5), (6, 8), (10, None)), [])


def test_the_dates_of_a_service_bound_it() -> None:
    """A state is not always told: then the dates say it alone."""
    dates = {"startDate": day_text(2), "endDate": day_text(7)}
    assert found(thing(9, "service", state="active", **dates))[0] == route((2, 7))
    assert found(thing(9, "service", **dates))[0] == route((2, 7))
    assert found(thing(9, "service"))[0] == []


def test_a_state_that_nobody_knows() -> None:
    """Changes nothing, and is told if the service is recognised by anything."""
    changes = (thing(0, "service", state="active"), part(5, "service", state="odd"))
    assert found(*changes) == (route((0, None)), ["unknown_status"])
    assert found(told("service", "T", 0, {"state": "odd"})) == ([], [])


def test_several_keys_of_one_thing() -> None:
    """A list; one key goes on day 5, another comes."""
    days, _ = found(
        thing(0, characteristics={"weirKey": [ROUTE, RANGE]}),
        part(5, characteristics={"weirKey": [RANGE, {**ROUTE, "key": "TG-002"}]}),
    )
    assert days == [
        ("number_range", "49155", "ALFA-1", 0, None),
        ("route", "TG-001", "ALFA-1", 0, 5),
        ("route", "TG-002", "ALFA-1", 5, None),
    ]


def test_a_key_changes_hands() -> None:
    """From ALFA-1 to BETA-1 on day 5, without a gap."""
    days, _ = found(thing(0), part(5, characteristics={"weirKey": {**ROUTE, "agreement": "B"}}))
    assert days == [("route", "TG-001", "ALFA-1", 0, 5), ("route", "TG-001", "B", 5, None)]


def test_whose_it_is() -> None:
    """An agreement by its id, or the operator itself, whatever an agreement is called."""
    alfa = agreement("ALFA-1", "ALFA", own_id="4711")
    for said, meant in (("4711", "ALFA-1"), ("own", "own"), ("FILE-1", "FILE-1")):
        days, _ = found(
            alfa,
            agreement("odd", own_id="own"),
            thing(0, characteristics={"weirKey": {**ROUTE, "agreement": said}}),
        )
        assert days == [("route", "TG-001", meant, 0, None)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "trunk"},
        {"key": None},
        {"kind": "number_range", "key": "+49155"},
        {"kind": "imsi_range", "key": "2620712345"},
        {"agreement": "Alfa Carrier"},
        {"agreement": None},
    ],
)
def test_a_key_that_is_none_is_told(wrong: dict[str, Any]) -> None:
    """The others of the thing hold."""
    days, reasons = found(thing(0, characteristics={"weirKey": [{**RANGE, **wrong}, ROUTE]}))
    assert (days, reasons) == (route((0, None)), ["bad_key"])


def test_a_value_that_is_no_object_is_told() -> None:
    """Neither alone nor in a list."""
    for said in ("TG-001", ["TG-001"], 5):
        assert found(thing(0, characteristics={"weirKey": said})) == ([], ["bad_key"])


def test_one_key_for_two_agreements_in_one_thing() -> None:
    """The first holds it, the second is told."""
    two = [ROUTE, {**ROUTE, "agreement": "BETA-1"}]
    assert found(thing(0, characteristics={"weirKey": two})) == (route((0, None)), ["bad_key"])


def test_a_wrong_key_that_is_corrected_is_forgotten() -> None:
    """The findings are of the newest version."""
    days, reasons = found(
        thing(0, characteristics={"weirKey": {**ROUTE, "kind": "trunk"}}),
        part(3, characteristics={"weirKey": ROUTE}),
    )
    assert (days, reasons) == (route((3, None)), [])


def test_what_has_no_key_is_no_concern() -> None:
    """Most of an inventory; a part may be lacking its key, so that it is told."""
    assert found(thing(0, characteristics={}, startOperatingDate="soon")) == ([], [])
    assert found(part(0, administrativeState="locked")) == ([], ["incomplete"])


@pytest.mark.parametrize("kind", ["resource", "logicalResource", "physicalResource"])
def test_every_kind_of_resource(kind: str) -> None:
    """Until it is deleted."""
    assert found(thing(0, kind), told(kind, "T", 6, {}, Form.GONE))[0] == route((0, 6))
