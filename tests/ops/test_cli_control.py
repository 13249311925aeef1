"""Notifications sent, refused, listed and sent again, by the commands of users."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ops.cli import app
from ops.cli_control import TOPICS, Stream
from ops.embedded import Embedded
from schemas.topics import EXCEPTIONS, NOTIFIED, PARTY, REFERENCE
from streams.control.changes import Change, Refusal
from tests.notices import broken, told
from tests.ops.books import reference, settle

NONE = {"taken": 0, "repeated": 0, "refused": 0, "ignored": 0}


def weir(*arguments: str | Path, exits: int = 0, given: bytes | None = None) -> Result:
    """Run a command in this process; it must exit as said."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], input=given)
    assert result.exit_code == exits, result.output
    return result


def as_json(*arguments: str | Path, exits: int = 0, given: bytes | None = None) -> Any:  # noqa: ANN401
    """The document that a command prints with `-o json`."""
    return json.loads(weir(*arguments, "-o", "json", exits=exits, given=given).stdout)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A directory in which the books were settled."""
    settle(tmp_path / "data")
    return tmp_path / "data"


def changes(data: Path) -> list[Change]:
    """What is on `reference.v1`."""
    with Embedded(data) as opened:
        return [Change.from_bytes(value) for _, _, value in opened.latest(REFERENCE.name)]


def test_every_stream_has_its_topic() -> None:
    """Six masters, six topics, by the same names."""
    assert {f"{stream}.v1": topic.name for stream, topic in TOPICS.items()} == {
        topic.name: topic.name for topic in NOTIFIED
    }


def test_sent_notifications_are_taken_at_once(data: Path, tmp_path: Path) -> None:
    """Two are told and one of them twice; the key on the topic is what it is about."""
    file = tmp_path / "parties.jsonl"
    file.write_bytes(b"\n".join([told("1"), told("2"), told("1")]))
    send = ("change", "send", file, "--stream", "party", "--data", data)
    assert as_json(*send) == [{"topic": PARTY.name, "sent": 3, **NONE, "taken": 2, "repeated": 1}]
    assert as_json(*send) == [{"topic": PARTY.name, "sent": 3, **NONE, "repeated": 3}]
    assert [(c.id, c.position) for c in changes(data)] == [
        ("1", "party.v1/0/0/0"),
        ("2", "party.v1/0/1/0"),
    ]
    with Embedded(data) as opened:
        keys = [key for segment in opened.read(PARTY.name) for key in segment.keys]
    assert keys == [b"1", b"2", b"1"] * 2


def test_what_is_refused_is_a_finding_and_is_listed(data: Path) -> None:
    """Exit 1 says that something was refused; from standard input, here."""
    content = told("1") + b"\n" + broken(1)
    send = ("change", "send", "-", "--stream", Stream.PARTY.value, "--data", data)
    (row,) = as_json(*send, exits=1, given=content)
    assert row == {"topic": "party.v1", "sent": 2, **NONE, "taken": 1, "refused": 1}
    (waiting,) = as_json("exceptions", "list", "--data", data)
    assert (waiting["position"], waiting["reason"]) == ("party.v1/0/1/0", "malformed")
    assert waiting["known"].endswith("Z")


def test_a_replay_closes_what_can_be_read_now(data: Path) -> None:
    """One exception was refused by a reader that knew less; the other one is refused again."""
    before = Refusal("unknown_event", "is not known", "party.v1/0/7/0", 5, told("9"))
    bad = Refusal("malformed", "is no JSON", "party.v1/0/8/0", 5, broken(1))
    with Embedded(data) as opened:
        opened.store.append(EXCEPTIONS.name, 0, [(r.key, r.to_bytes()) for r in (before, bad)])
    gone = weir("exceptions", "replay", "party.v1/0/9/0", "--data", data, exits=1)
    assert "no exception is open at party.v1/0/9/0" in gone.stderr
    replay = ("exceptions", "replay", "--data", data)
    assert as_json(*replay, before.position) == [{"sent": 1, "closed": 1, "open": 1}]
    assert as_json(*replay) == [{"sent": 1, "closed": 0, "open": 1}]
    assert [c.id for c in changes(data)] == ["9"]


def test_parts_of_one_notification_are_sent_once(data: Path) -> None:
    """Two of its elements were refused, under two positions: it is one message."""
    positions = ("party.v1/0/7/1", "party.v1/0/7/4")
    parts = [Refusal("no_id", "has no id", position, 5, told("9")) for position in positions]
    with Embedded(data) as opened:
        opened.store.append(EXCEPTIONS.name, 0, [(r.key, r.to_bytes()) for r in parts])
    assert as_json("exceptions", "replay", "--data", data) == [{"sent": 1, "closed": 2, "open": 0}]


def test_a_new_directory_needs_a_reference(tmp_path: Path) -> None:
    """As for settling usage: what is settled by is said first; an empty file sends nothing."""
    file = tmp_path / "none.json"
    file.write_text("[]")
    send = ("change", "send", file, "--stream", "party", "--data", tmp_path / "data")
    assert "--reference DIR" in weir(*send, exits=2).stderr
    given = reference(tmp_path / "reference")
    assert as_json(*send, "--reference", given) == [{"topic": PARTY.name, "sent": 0, **NONE}]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Nothing is sent."""
    result = weir("change", "send", tmp_path / "no", "--stream", "party", "--data", ".", exits=2)
    assert "No such file" in result.stderr
