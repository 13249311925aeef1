"""Explain shows all candidates for a leg: which one won, which were outranked, which failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ops.doctor import examine
from ops.explain import explain
from ops.explain_event import EventName
from ops.explain_text import steps
from ops.reading import Opened
from tests.builders import agreement_text, reference_dir
from tests.ops.books import call, settle, verdict

USUAL = "role: ingress, service: voice, flow: receivable"
EACH = "price: {kind: unit, per: event, amount: 1}"
ITEMS = (
    f"{{item: any, {USUAL}, {EACH}}}, "
    f"{{item: de, {USUAL}, {EACH}, where: {{called: [49]}}}}, "
    f"{{item: mobile, {USUAL}, {EACH}, where: {{called: [4917]}}}}, "
    f"{{item: group, {USUAL}, {EACH}, where: {{key: [route:TG-002]}}}}, "
    f"{{item: origin, {USUAL}, {EACH}, where: {{calling: [33]}}, surcharge: true}}"
)
ATTRIBUTION = (
    "kind,key,agreement,valid_from,valid_upto\nroute,TG-001,ALFA-1,,\nroute,TG-002,ALFA-1,,\n"
)


@pytest.fixture(name="data", scope="module")
def _data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A call to a mobile with a caller from 33, and one that no candidate covers."""
    directory = tmp_path_factory.mktemp("selection")
    text = agreement_text(ITEMS, terms="valid_from: 2024-01-01, zone: UTC, currency: EUR")
    text += agreement_text(
        f"{{item: us, {USUAL}, {EACH}, where: {{called: [1]}}}}",
        name="BRAVO-1",
        partner="BRAVO",
        terms="valid_from: 2024-01-01, zone: UTC, currency: EUR",
    )
    keys = ATTRIBUTION + "route,TG-003,BRAVO-1,,\n"
    given = reference_dir(directory / "reference", agreements=text, attribution=keys)
    settle(
        directory / "data",
        [call(1, calling_number="33123456789"), call(2, route="TG-003")],
        given,
    )
    return directory / "data"


def told(data: Path, sequence: int) -> dict[str, Any]:
    """What is known of an event."""
    with Opened(data) as opened:
        document = explain(opened, EventName("msc-1", 0, sequence, None))
    assert document is not None
    return document


def test_every_candidate_is_shown_in_the_order_of_precedence(data: Path) -> None:
    """The winner, the outranked, the failed with what the event says, and what is added."""
    legs = told(data, 1)["legs"]
    assert [leg["item"] for leg in legs] == [
        "mobile: unit per event, receivable",
        "origin: unit per event, receivable, surcharge",
    ]
    assert [tuple(c.values()) for c in legs[0]["candidates"]] == [
        (1, "mobile", "called 4917", "prices the leg"),
        (2, "de", "called 49", "outranked"),
        (3, "any", "no condition", "outranked"),
        (None, "group", "key route:TG-002", "not met: key is route:TG-001"),
        (None, "origin", "surcharge, calling 33", "added"),
    ]
    # Shown once, with the leg that they competed for.
    assert legs[1]["candidates"] == []


def test_an_event_without_an_item_shows_what_failed(data: Path) -> None:
    """The condition and what the event says there, with nine digits of the number."""
    (waiting,) = told(data, 2)["not_rated"]
    assert waiting["reason"] == "no_item"
    assert [tuple(c.values()) for c in waiting["candidates"]] == [
        (None, "us", "called 1", "not met: called is 4917012340000")
    ]


def test_people_read_the_candidates_line_by_line(data: Path) -> None:
    """The first line says what they are, the others stand under it."""
    lines = [line for line in steps(told(data, 1)) if "mobile (" in line[1] or "de (" in line[1]]
    assert lines == [
        ("candidates", "1. mobile (called 4917): prices the leg"),
        ("", "2. de (called 49): outranked"),
    ]


def test_verify_agrees(data: Path) -> None:
    """The oracle chooses the same items and adds the same surcharge."""
    assert list(verdict(data).differences) == []


def test_a_price_above_its_cap_is_flagged(tmp_path: Path) -> None:
    """A cap that only flags lets 0.05 through, and the rate line says what the cap is."""
    item = (
        f"{{item: one, {USUAL}, regulated: LOW, price: {{kind: unit, per: minute, amount: 0.05}}}}"
    )
    terms = "valid_from: 2024-01-01, zone: UTC, currency: EUR"
    caps = (
        "- {cap: LOW, per: minute, currency: EUR, on_breach: flag,"
        " prices: [{amount: 0.02, valid_from: 2024-01-01}]}"
    )
    given = reference_dir(
        tmp_path / "reference",
        agreements=agreement_text(item, terms=terms),
        attribution=ATTRIBUTION,
        others={"caps.yaml": caps},
    )
    settle(tmp_path / "data", [call(1, duration_ms=60_000)], given)
    (leg,) = told(tmp_path / "data", 1)["legs"]
    assert leg["rate_line"] == (
        "0.05 per minute, increments 1/1 s, above the cap LOW of 0.02 a minute"
    )
    (note,) = [found for found in examine(None, None, given) if found.check == "Cap"]
    assert (note.result, "0.05 a minute is above the cap LOW" in note.detail) == ("note", True)


def test_the_partners_price_wins_over_the_masters_and_it_shows(tmp_path: Path) -> None:
    """Two prices for one call, 0.02 and 0.05 a minute: 0.02, and the explanation says why."""
    item = f"{{item: NAME, {USUAL}, price: {{kind: unit, per: minute, amount: PRICE}}}}"
    terms = "valid_from: 2024-01-01, zone: UTC, currency: EUR, master: {book: LIST, version: 1}"
    own = item.replace("NAME", "partner").replace("PRICE", "0.02")
    listed = item.replace("NAME", "everybody").replace("PRICE", "0.05")
    books = f"- {{book: LIST, currency: EUR, versions: [{{version: 1, items: [{listed}]}}]}}\n"
    given = reference_dir(
        tmp_path / "reference",
        agreements=agreement_text(own, terms=terms),
        attribution=ATTRIBUTION,
        others={"books.yaml": books},
    )
    settle(tmp_path / "data", [call(1, duration_ms=60_000)], given)
    (leg,) = told(tmp_path / "data", 1)["legs"]
    assert leg["charge"] == "0.020000"
    assert [tuple(c.values()) for c in leg["candidates"]] == [
        (1, "partner", "no condition", "prices the leg"),
        (2, "everybody", "master LIST", "outranked"),
    ]
    assert list(verdict(tmp_path / "data").differences) == []
