"""The command line as a whole: what commands there are, and how it answers a wrong one."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from ops import cli
from ops.cli import app

COMMANDS = {
    *("demo", "generate", "settle", "price", "accruals", "statements", "close", "explain"),
    *("declare", "amendments"),
    *("verify", "worker", "api", "archive", "doctor", "suspense", "quarantine", "state"),
    *("change", "exceptions"),
    *("topics", "deck", "bench", "partner", "reference"),
}


def test_every_command_is_there() -> None:
    """No module of commands is left out, and nothing else is offered."""
    group = typer.main.get_command(app)
    assert set(getattr(group, "commands", {})) == COMMANDS


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help(command: str) -> None:
    """Each can be asked what it does."""
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_help_is_no_mistake() -> None:
    """It names commands on standard output."""
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    assert "settle" in result.stdout
    assert "quarantine" in result.stdout


def test_an_unknown_command_is_a_mistake() -> None:
    """Exit code 2, and nothing for a program to read."""
    result = CliRunner().invoke(app, ["setle"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "setle" in result.stderr


def test_the_console_script_runs_the_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`weir` takes its arguments from the process."""
    monkeypatch.setattr("sys.argv", ["weir", "doctor", "-o", "json"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    assert '"Python"' in capsys.readouterr().out


def test_an_exit_code_reaches_the_shell() -> None:
    """In a process of its own, as a user has it."""
    command = [sys.executable, "-c", "from ops.cli import main; main()"]
    assert subprocess.run([*command, "setle"], check=False, capture_output=True).returncode == 2
