"""Explain says who was not entitled, and where an agreement does not reach."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from ops.explain import explain
from ops.explain_event import EventName
from ops.price import price
from ops.reading import Opened
from tests.builders import agreement_text, reference_dir
from tests.ops.books import call, recycle, settle, usage_file, verdict

ITEM = (
    "{item: calls, role: ingress, service: voice, flow: receivable,"
    " price: {kind: unit, per: event, amount: 1}}"
)
TERMS = "valid_from: 2024-01-01, zone: UTC, currency: EUR, territory: {called: [49]}"
KEYS = """\
kind,key,agreement,valid_from,valid_upto
route,TG-001,ALFA-1,,
route,TG-002,ALFA-1,2024-12-01,
"""
CALLS = [
    call(1),
    call(2, called_number="331234567890"),
    call(3, "TG-002"),
]


def reference(directory: Path) -> Path:
    """ALFA-1 holds for Germany, and TG-002 is its own from December on."""
    text = agreement_text(ITEM, terms=TERMS)
    return reference_dir(directory, agreements=text, attribution=KEYS)


@pytest.fixture(name="data", scope="module")
def _data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A call to Germany, one to France, and one of November over TG-002."""
    directory = tmp_path_factory.mktemp("entitled")
    settle(directory / "data", CALLS, reference(directory / "reference"))
    return directory / "data"


def told(data: Path, sequence: int) -> dict[str, Any]:
    """What is known of an event."""
    with Opened(data) as opened:
        document = explain(opened, EventName("msc-1", 0, sequence, None))
    assert document is not None
    return document


def test_a_rated_leg_shows_the_territory_that_it_lies_in(data: Path) -> None:
    """Beside the version that has it."""
    (leg,) = told(data, 1)["legs"]
    assert leg["agreement_version"] == "ALFA-1 version 1, within called 49"


@pytest.mark.parametrize(
    ("sequence", "reason", "detail", "advice"),
    [
        (
            2,
            "outside_territory",
            "agreement:ALFA-1 called:331234567",
            "if the partner may use it there, widen the territory in a version of its own",
        ),
        (
            3,
            "not_entitled",
            "route:TG-002",
            "list route TG-002 in attribution.csv at the time of the event",
        ),
    ],
)
def test_what_was_not_allowed_says_why(
    data: Path, sequence: int, reason: str, detail: str, advice: str
) -> None:
    """The agreement with what was outside of it, or the key, and what to do."""
    (waiting,) = told(data, sequence)["not_rated"]
    assert (waiting["reason"], waiting["detail"]) == (reason, detail)
    assert waiting["what_to_do"] == f"{advice}, then it is tried again by itself"


def test_verify_agrees(data: Path) -> None:
    """The oracle suspends the same calls for the same reasons."""
    assert list(verdict(data).differences) == []


def test_a_price_is_asked_within_the_territory_only(tmp_path: Path) -> None:
    """Every key counts as the agreement's, but what is outside of its territory has no price."""
    file = usage_file(tmp_path / "usage.jsonl", CALLS)
    found = price(reference(tmp_path / "reference"), "ALFA-1", [file], None)
    assert [(leg["event"], leg["reason"]) for leg in found["legs"]] == [
        ("msc-1/0/1", ""),
        ("msc-1/0/3", ""),
        ("msc-1/0/2", "suspended: outside_territory (agreement:ALFA-1 called:331234567)"),
    ]


def test_what_came_in_a_test_says_so_also_once_it_is_over(tmp_path: Path) -> None:
    """A call of the test stays excluded, the next one is settled; verify knows both references."""
    data, route = tmp_path / "data", call(1, called_number="33")
    live = reference(tmp_path / "live")
    tried = reference(tmp_path / "tried")
    partners = (tried / "partners.yaml").read_text().replace("country: DE", "test: true")
    (tried / "partners.yaml").write_text(partners)
    settle(data, [route, call(2)], tried)
    assert told(data, 2)["source"][0]["outcome"] == "excluded: test_partner"
    recycle(data, live)
    settle(data, [call(3)], live)
    for sequence, outcome in ((1, "excluded: test_partner"), (2, "excluded: test_partner")):
        document = told(data, sequence)
        assert document["source"][0]["outcome"] == outcome
        assert (document["not_rated"], document["legs"]) == ([], [])
    assert told(data, 3)["source"][0]["outcome"] == "rated"
    assert list(verdict(data).differences) == []


def test_a_suspended_event_may_turn_out_to_be_of_a_test(tmp_path: Path) -> None:
    """Tried again it is excluded, and explained by the reference of that moment."""
    data, live = tmp_path / "data", reference(tmp_path / "live")
    settle(data, [call(1, "TG-009")], live)
    tried = tmp_path / "tried"
    shutil.copytree(live, tried)
    more = agreement_text(ITEM, name="B-1", partner="BRAVO", terms=TERMS)
    (tried / "agreements.yaml").write_text((live / "agreements.yaml").read_text() + more)
    (tried / "attribution.csv").write_text(KEYS + "route,TG-009,B-1,,\n")
    partners = (live / "partners.yaml").read_text().replace("country: NO", "test: true")
    (tried / "partners.yaml").write_text(partners)
    recycle(data, tried)
    document = told(data, 1)
    assert document["source"][0]["outcome"] == "excluded: test_partner"
    assert document["not_rated"] == []
    assert list(verdict(data).differences) == []
