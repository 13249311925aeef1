"""A notification becomes changes, refusals with a reason, or a count; nothing is lost."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from streams.control.changes import Form, Place
from streams.control.reading import DEPTH_MAX, Reading, read
from streams.control.resources import IGNORED
from tests.notifications import AT, AT_US, KNOWN_US, change, notice, place, reading, refusal

AGREEMENT = {"id": "A-1", "name": "ALFA", "agreementType": "interconnect"}


def test_a_notification_is_a_change() -> None:
    """All that is said comes with where and when it was said."""
    told = change("agreement", notice("agreement", "CreateEvent", AGREEMENT, eventId="569"))
    assert (told.kind, told.id, told.at_us, told.form) == ("agreement", "A-1", AT_US, Form.FULL)
    assert (told.source, told.event_id) == ("agreement", "569")
    assert (told.position, told.known_us) == ("agreement.v1/0/7/0", KNOWN_US)
    assert told.attributes == AGREEMENT


def test_a_resource_may_stand_in_the_event_itself() -> None:
    """Without a name around it; what it says of itself, or the event type, names it."""
    event = {"eventTime": AT, "eventType": "ProductCreateEvent"}
    product = {"id": "pr-1", "product": [{"id": "pr-2"}]}
    told = change("inventory", {**event, "event": {**product, "@type": "Product"}})
    assert (told.kind, told.id) == ("product", "pr-1")
    assert change("inventory", {**event, "event": {"id": "pr-1", "status": "active"}}).id == "pr-1"
    # An id beside a named resource is that of the event.
    wrapped = {"id": "e-1", "product": {"id": "pr-1"}}
    assert change("inventory", {**event, "event": wrapped}).id == "pr-1"


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        (None, "is empty"),
        (b"", "is empty"),
        (b"{", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "is not JSON"),
        (b'{"a": "\\ud800"}', "half a character"),
        (b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1), "nested more than 100 deep"),
        (b"[" * 100_000 + b"]" * 100_000, "is not JSON"),
        (b"17", "is no object"),
    ],
)
def test_what_is_no_notification_is_malformed(message: bytes | None, detail: str) -> None:
    """Whatever it is, it becomes a refusal that keeps the bytes."""
    found = read(message, place("party"))
    [refused] = found.refusals
    assert (refused.reason, refused.message) == ("malformed", message or b"")
    assert detail in refused.detail
    assert found.changes == ()


@pytest.mark.parametrize(
    ("said", "reason", "detail"),
    [
        ([], "no_payload", "the list is empty"),
        ({"eventTime": AT}, "no_payload", "there is no event"),
        ({"eventTime": AT, "event": {}}, "no_payload", "holds no resource"),
        ({"eventTime": AT, "event": {"agreement": None}}, "no_payload", "holds no resource"),
        ({"eventTime": AT, "event": {"agreement": [5]}}, "no_payload", "no agreement in"),
        ({"eventTime": AT, "event": {"usage": {"id": "1"}}}, "unknown_event", "is of usage"),
        (notice("agreement", "CreateEvent", {"name": "x"}), "no_id", "has no id"),
        (notice("agreement", "CreateEvent", {"id": " "}), "no_id", "has no id"),
        (notice("agreement", "CreateEvent", {"id": []}), "bad_shape", "agreement.id is a list"),
        ({"event": {"agreement": {"id": "1"}}}, "no_time", "since when"),
        (
            notice("organization", "CreateEvent", {"id": "1"}),
            "wrong_topic",
            "organization belongs on party.v1 and came on agreement.v1",
        ),
        (
            notice("agreement", "CreateEvent", {"id": "1", "engagedParty": "Alfa"}),
            "bad_shape",
            "agreement 1: agreement.engagedParty is text; send a list of objects",
        ),
    ],
)
def test_a_refusal_says_why(said: object, reason: str, detail: str) -> None:
    """Each reason with its sentence."""
    found = refusal("agreement", said)
    assert found.reason == reason
    assert detail in found.detail


def test_without_a_time_of_the_event_the_last_update_counts() -> None:
    """It is the payload's own word for since when it is so."""
    told = change("agreement", {"event": {"agreement": {"id": "1", "lastUpdate": AT}}})
    assert told.at_us == AT_US


def test_what_is_beside_the_resource_is_ignored_and_counted() -> None:
    """Jobs of the catalogue, and resources of other topics that come along."""
    assert reading("catalog", notice("importJob", "CreateEvent", {"id": "1"})) == Reading(
        ignored={"importjob": 1}
    )
    both = {"productOrder": {"id": "1"}, "productOffering": {"id": "2"}}
    found = reading("order", {"eventTime": AT, "event": both})
    assert [c.kind for c in found.changes] == ["productOrder"]
    assert found.ignored == {"beside": 1}


def test_rows_go_on_from_the_place_that_is_given() -> None:
    """A message that is itself a part of one keeps its number."""
    found = read(
        json.dumps([notice("agreement", "CreateEvent", AGREEMENT), 5]).encode(),
        Place("agreement.v1", 0, 7, 3, KNOWN_US),
    )
    assert found.changes[0].position == "agreement.v1/0/7/3"
    assert found.refusals[0].position == "agreement.v1/0/7/4"


@pytest.mark.parametrize(
    ("stem", "kind", "said"),
    [
        ("party", "partyRole", {"validFor": {"startDateTime": AT, "endDateTime": "2026-10-31"}}),
        (
            "agreement",
            "agreement",
            {"agreementPeriod": {"startDateTime": AT, "endDateTime": "2026-11-01T12:00:59+01:00"}},
        ),
        ("inventory", "product", {"startDate": AT, "terminationDate": "2026-10-31"}),
        ("inventory", "service", {"startDate": AT, "endDate": "2026-10-31"}),
        ("inventory", "resource", {"startOperatingDate": AT, "endOperatingDate": "2026-10-31"}),
    ],
)
def test_contradictory_validity_is_refused(stem: str, kind: str, said: dict[str, Any]) -> None:
    """An end before its start, offsets counted, says nothing that could be settled by."""
    found = refusal(stem, notice(kind, "CreateEvent", {"id": "1", **said}))
    assert found.reason == "contradictory_validity"
    assert "is before" in found.detail


def test_a_delete_of_something_else_is_refused() -> None:
    """Event types are wrong at times; a thing is not ended on the word of one that is."""
    event = notice("productCatalog", "DeleteEvent", {"id": "1", "name": "Wholesale"})
    assert reading("catalog", event).changes[0].form is Form.GONE
    for told in ("CatalogDeleteEvent", "DeleteEvent", "RemoveEvent", "productCatalogDelete"):
        assert change("catalog", {**event, "eventType": told}).form is Form.GONE
    refused = refusal("catalog", {**event, "eventType": "CategoryDeleteEvent"})
    assert refused.reason == "unknown_event"
    assert "categorydeleteevent holds productCatalog 1" in refused.detail


def test_reasons_and_counts_are_documented() -> None:
    """Each word that the reader gives stands on the page of the control plane."""
    root = Path(__file__).parents[3]
    modules = [root / "streams" / "control" / f"{name}.py" for name in ("reading", "shapes")]
    code = "".join(module.read_text(encoding="utf-8") for module in modules)
    page = (root / "docs" / "control-plane.md").read_text(encoding="utf-8")
    reasons = set(re.findall(r'Unfit\(\s*"(\w+)"', code))
    assert reasons == set(re.findall(r"^\| `(\w+)` ", page.split("## Reasons")[1], re.MULTILINE))
    assert {"beside", "price_without_id", *IGNORED} <= set(re.findall(r"`(\w+)`", page))
