"""`weir declare` on a data directory: the figure beside ours, refusals, wrong arguments."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ops.cli import app
from tests.ops.books import close, settle, verdict

VOICE = ("W-1", "2024-11", "voice-in")


def weir(*arguments: str, exits: int = 0) -> Result:
    """Run a command in this process; it must exit as said."""
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == exits, result.output
    return result


@pytest.fixture
def data(tmp_path: Path) -> str:
    """A data directory with a call that is charged for 66 seconds."""
    settle(tmp_path / "data")
    return str(tmp_path / "data")


def test_a_figure_is_shown_beside_ours(data: str) -> None:
    """In the unit of the line, version after version; the statement has it, and is verified."""
    said = weir(
        "declare", *VOICE, "--quantity", "1", "--per", "minute", "--data", data, "-o", "json"
    )
    found = json.loads(said.stdout)
    assert (found["own"], found["declared"], found["difference"]) == ("66", "60", "6")
    said = weir("declare", *VOICE, "--quantity", "66", "--data", data, "-o", "csv")
    assert "W-1,voice-in,2024-11,quantity,seconds,2,66,66,0,,2024-11" in said.stdout
    [document] = close(Path(data), "2024-11", "W-1")
    assert [d["declared"] for d in document["declarations"]] == ["66"]
    assert verdict(Path(data)).differences == []


def test_what_cannot_be_declared_is_said(data: str) -> None:
    """Before anything is written, or with the reason that the settlement gives."""
    said = weir("declare", *VOICE, "--data", data, exits=2)
    assert "say one figure: --quantity Q or --amount A" in said.stderr
    said = weir("declare", "W-1", "2024-11", "calls", "--amount", "1", "--data", data, exits=2)
    assert "W-1 has no item calls" in said.stderr
    said = weir("declare", "W-1", "2024", "voice-in", "--amount", "1", "--data", data, exits=1)
    assert "is not a month from 2000 to 2100" in said.stderr
