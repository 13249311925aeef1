"""A command's settlement is one directory or one deployment, and what is said goes first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.cli import app
from tests.ops.books import call, reference, settle

NOBODY = "127.0.0.1:1"


def run(
    *arguments: str | Path, exits: int = 0, environment: Mapping[str, str] | None = None
) -> str:
    """What a command says on standard error."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], env=environment)
    assert result.exit_code == exits, result.output
    return " ".join(result.stderr.split())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A directory with one call."""
    settle(tmp_path / "data", [call(1)])
    return tmp_path / "data"


@pytest.mark.parametrize(
    "command",
    [
        ["accruals"],
        ["statements"],
        ["close", "--period", "2024-11"],
        ["explain", "msc-1/1"],
        ["verify"],
        ["suspense", "list"],
        ["suspense", "recycle"],
        ["quarantine", "list"],
        ["quarantine", "replay"],
        ["state", "hash"],
    ],
)
def test_exactly_one_place_is_said(data: Path, command: list[str]) -> None:
    """Neither and both are refused by every command, with what to write."""
    for given in ((), ("--data", data, "--brokers", NOBODY)):
        assert "--data DIR for a directory, or --brokers" in run(*command, *given, exits=2)


def test_the_command_line_goes_before_the_environment(data: Path) -> None:
    """A shell set up for Kafka can look at a directory; set up for both it has to be told."""
    kafka = {"WEIR_BROKERS": NOBODY, "WEIR_REFERENCE": "nowhere"}
    run("accruals", "--data", data, environment=kafka)
    both = {**kafka, "WEIR_DATA": str(data)}
    assert "say which settlement" in run("accruals", environment=both, exits=2)
    run("accruals", environment={"WEIR_DATA": str(data)})
    said = run("accruals", "--brokers", NOBODY, environment=both, exits=2)
    assert "nowhere" in said


def test_a_directory_keeps_its_own_reference(data: Path, tmp_path: Path) -> None:
    """Only recycling takes another one; the rest says so rather than ignore it."""
    given = ("--data", data, "--reference", reference(tmp_path / "r"))
    for command in (["accruals"], ["verify"], ["close", "--period", "2024-11"]):
        assert "leave --reference out" in run(*command, *given, exits=2)
    run("suspense", "recycle", *given)


def test_asking_kafka_needs_the_reference_first() -> None:
    """Nothing is written before it is certain that the answer can be shown."""
    said = run("close", "--period", "2024-11", "--brokers", NOBODY, exits=2)
    assert "give --reference with the directory that the workers run with" in said
