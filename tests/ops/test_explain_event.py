"""Events are found by the names people give them, and numbers of people stay masked."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.embedded import Embedded
from ops.explain_event import EventName, appearances, kept, outcomes, rated_legs
from ops.reading import Opened
from schemas.codes import Service
from schemas.topics import USAGE
from tests.ops.books import CONFLICT, IMPOSSIBLE, call, event, reference, settle, usage_file


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("msc-1/0/7", EventName("msc-1", 0, 7, None)),
        ("msc-1/7", EventName("msc-1", 0, 7, None)),
        ("a/b/2/7", EventName("a/b", 2, 7, None)),
        ("a/-1/7", EventName("a", -1, 7, None)),
        ("msc-1//x-7", EventName("msc-1", 0, None, "x-7")),
        ("a%2Fb/0/7#64775c309d44d604", EventName("a/b", 0, 7, None)),
    ],
)
def test_events_have_names(text: str, name: EventName) -> None:
    """Source and number, with or without epoch; source and id; or a suspense id as it is listed."""
    assert EventName.parse(text) == name


@pytest.mark.parametrize("text", ["", "msc-1", "msc-1/x", "/7", "//x", "msc-1//"])
def test_what_is_no_name_is_refused(text: str) -> None:
    """The message shows how to write one."""
    with pytest.raises(ValueError, match="write source/epoch/sequence"):
        EventName.parse(text)


def test_a_name_is_written_as_it_is_read() -> None:
    """Both forms survive."""
    for text in ("msc-1/0/7", "msc-1//x-7"):
        assert str(EventName.parse(text)) == text


def test_numbers_of_people_are_masked(tmp_path: Path) -> None:
    """The called number keeps nine digits, and its length."""
    settle(tmp_path / "data", [call(1)])
    with Opened(tmp_path / "data") as opened:
        (one,) = appearances(opened.read(USAGE.name), EventName.parse("msc-1/1"), 1)
    assert one.service == "voice"
    assert one.fields["called_number"] == "4917012340000"
    assert one.fields["started_at"] == "2024-11-01T00:00:00Z"
    assert one.fields["direction"] == "in"
    assert str(one.position) == "usage.v1/0/0 row 0"


def test_an_event_known_by_an_id_is_found(tmp_path: Path) -> None:
    """A source that does not number is asked by its own ids."""
    named = {**event(Service.SMS, 0, ingress_route="TG-001"), "sequence": None, "event_id": "x-1"}
    settle(tmp_path / "data", [call(1), named])
    with Opened(tmp_path / "data") as opened:
        name = EventName.parse("msc-1//x-1")
        (one,) = appearances(opened.read(USAGE.name), name, 1)
        (leg,) = rated_legs(opened, name)
    assert one.service == "sms"
    assert (leg["item"], leg["charge_micros"]) == ("sms-in", 5_000)


def test_a_mended_event_counts_under_the_number_of_the_refused_one(tmp_path: Path) -> None:
    """Refused, refused again as a repeat, then mended: three appearances, three outcomes."""
    settle(tmp_path / "data", [IMPOSSIBLE, IMPOSSIBLE])
    settle(tmp_path / "data", [call(8), call(8)])
    with Opened(tmp_path / "data") as opened:
        name = EventName.parse("msc-1/8")
        came = list(appearances(opened.read(USAGE.name), name, 1))
        told = outcomes(came, kept(opened, name), rated_legs(opened, name), lambda _: "")
    assert [outcome for _, outcome in told] == [
        "quarantined: negative_quantity",
        "duplicate",
        "rated",
        "duplicate",
    ]


def test_suspense_and_quarantine_are_of_one_event_only(tmp_path: Path) -> None:
    """Another number's troubles are its own."""
    settle(tmp_path / "data", [call(1), CONFLICT, IMPOSSIBLE, call(2)])
    with Opened(tmp_path / "data") as opened:
        held = {n: kept(opened, EventName.parse(f"msc-1/{n}")) for n in (1, 2, 8)}
    assert [(k.state, k.reason) for k in held[1]] == [("suspended", "conflicting_body")]
    assert held[2] == []
    assert [(k.state, k.reason) for k in held[8]] == [("quarantined", "negative_quantity")]


def test_legs_are_found_before_and_after_they_are_archived(tmp_path: Path) -> None:
    """The archive is written when the directory is closed; until then the log has them."""
    data = tmp_path / "data"
    name = EventName.parse("msc-1/1")
    with Embedded(data, reference(tmp_path / "reference")) as weir:
        list(weir.ingest(usage_file(tmp_path / "usage.jsonl", [call(1)])))
        with Opened(data) as opened:
            before = rated_legs(opened, name)
    assert list((data / "archive" / "complete").iterdir())
    with Opened(data) as opened:
        after = rated_legs(opened, name)
    assert before == after
    assert [leg["charge_micros"] for leg in after] == [76_000]
