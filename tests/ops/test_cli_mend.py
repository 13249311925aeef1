"""Commands that mend, and the digest of what is owed; on a data directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ops.cli import app
from tests.ops.books import MENDED, call, reference, settle


def weir(*arguments: str | Path, exits: int = 0) -> Result:
    """Run a command in this process; it must exit as said."""
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == exits, result.output
    return result


def as_json(*arguments: str | Path, exits: int = 0) -> Any:  # noqa: ANN401
    """The document that a command prints with `-o json`."""
    return json.loads(weir(*arguments, "-o", "json", exits=exits).stdout)


def outcomes_in(document: dict[str, Any]) -> dict[tuple[str, str], int]:
    """Outcome counts by outcome and reason."""
    return {(r["outcome"], r["reason"]): r["events"] for r in document["outcomes"]}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with one event of every service and outcome."""
    settle(tmp_path / "data")
    return tmp_path / "data"


def test_suspended_usage_is_listed_and_recycled(data: Path, tmp_path: Path) -> None:
    """The list says what is missing; with it added the event is settled and leaves the list."""
    rows = as_json("suspense", "list", "--data", data)
    assert {(r["reason"], r["missing"]) for r in rows} == {
        ("unknown_route", "route:TX-1"),
        ("conflicting_body", "conflicting_body"),
    }
    assert {r["started_at"] for r in rows} == {"2024-11-01T00:00:00Z"}
    vain = weir("suspense", "recycle", "--data", data)
    assert "1 suspended events tried again: 0 settled, 2 still wait" in vain.stderr
    assert "what is missing" in vain.stderr
    mended = reference(tmp_path / "mended", MENDED)
    done = weir("suspense", "recycle", "--data", data, "--reference", mended, "-o", "json")
    assert "1 settled, 1 still wait" in done.stderr
    outcomes = outcomes_in(json.loads(done.stdout))
    assert (outcomes["rated", "none"], outcomes["suspended", "conflicting_body"]) == (7, 1)
    weir("verify", "--data", data)


def test_quarantine_is_listed_and_replayed(data: Path) -> None:
    """What comes again as it was is a repeat: nothing is quarantined twice."""
    before = as_json("quarantine", "list", "--data", data)
    assert [r["reason"] for r in before] == ["negative_quantity"]
    done = weir("quarantine", "replay", "--data", data, "-o", "json")
    assert "1 quarantined records sent again" in done.stderr
    outcomes = outcomes_in(json.loads(done.stdout))
    assert (outcomes["duplicate", "none"], outcomes["quarantined", "negative_quantity"]) == (2, 1)
    assert as_json("quarantine", "list", "--data", data) == before
    weir("verify", "--data", data)


def test_nothing_to_mend_is_said(tmp_path: Path) -> None:
    """Empty lists are empty, and there is nothing to try again."""
    settle(tmp_path / "data", [call(1)])
    given = ("--data", tmp_path / "data")
    assert weir("suspense", "list", *given).stdout == "Suspense: none\n"
    assert as_json("quarantine", "list", *given) == []
    assert "nothing is suspended" in weir("suspense", "recycle", *given).stderr
    assert "nothing is quarantined" in weir("quarantine", "replay", *given).stderr


def test_the_state_hash_is_of_what_is_owed(data: Path) -> None:
    """Repeats do not change it, a call more does."""
    before = weir("state", "hash", "--data", data).stdout
    settle(data)
    assert weir("state", "hash", "--data", data).stdout == before
    settle(data, [call(20)])
    assert weir("state", "hash", "--data", data).stdout != before
