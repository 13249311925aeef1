"""`weir amendments` as a user calls it: what it prints in each form, and its exit codes."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ops.cli import app
from tests.ops.amend_makers import agreement, calls, settled, terms, version
from tests.ops.books import MENDED, close, reference, settle


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """1,000 minutes of November at 0.010: 10.00, stated."""
    path = settled(tmp_path / "data", agreement(version(1, "0.010")), calls(*range(1, 11)))
    close(path, "2024-11", "ALFA-1")
    return path


@pytest.fixture
def raised(tmp_path: Path) -> Path:
    """The same terms at 0.012."""
    return terms(tmp_path / "raised", agreement(version(1, "0.012")))


def weir(*arguments: str | Path, exits: int = 0, command: str = "show") -> Result:
    """Run a command in this process; it must exit as said."""
    result = CliRunner().invoke(app, ["amendments", command, *map(str, arguments)])
    assert result.exit_code == exits, result.output
    return result


def test_a_person_reads_what_differs_and_what_it_comes_to(data: Path, raised: Path) -> None:
    """The sentence, the line, the total, and where it would be booked."""
    shown = weir("--reference", raised, "--data", data)
    assert "ALFA-1 version 1: items[0].price.amount is 0.012, was 0.01" in shown.stdout
    cells = [line.strip("│ ").split() for line in shown.stdout.splitlines()]
    assert any("2.000000" in row and "2024-12" in row for row in cells)
    assert any({"10.000000", "12.000000", "2.000000"} <= {*row} for row in cells)
    assert "Outcomes" not in shown.stdout
    assert "closed, so what changes of it would be an adjustment: 2024-11" in shown.stderr


def test_a_program_reads_a_document(data: Path, raised: Path) -> None:
    """Amounts are decimal text; every figure is there."""
    document: dict[str, Any] = json.loads(
        weir("--reference", raised, "--data", data, "-o", "json").stdout
    )
    [effect] = document["effects"]
    assert {k: effect[k] for k in ("events", "quantity", "amount", "shortfall", "exact")} == {
        "events": 0,
        "quantity": 0,
        "amount": "2.000000",
        "shortfall": "0.000000",
        "exact": "2",
    }
    assert (effect["original"], effect["booked"], effect["adjustment"]) == (
        "2024-11",
        "2024-12",
        True,
    )
    [total] = document["totals"]
    assert (total["before"], total["after"], total["change"]) == (
        "10.000000",
        "12.000000",
        "2.000000",
    )
    assert document["from"] != document["to"]
    assert (document["outcomes"], document["suspended"]) == ([], [])


def test_a_spreadsheet_reads_lines(data: Path, raised: Path) -> None:
    """One line of the header's columns for each effect."""
    shown = weir("--reference", raised, "--data", data, "-o", "csv").stdout
    [row] = csv.DictReader(shown.splitlines())
    assert (row["partner"], row["item"], row["amount"], row["unit"]) == (
        "ALFA",
        "voice-in",
        "2.000000",
        "seconds",
    )


def test_no_effect_is_said(data: Path, tmp_path: Path) -> None:
    """The same terms: exit 0, and a note."""
    same = terms(tmp_path / "same", agreement(version(1, "0.010")))
    shown = weir("--reference", same, "--data", data)
    assert shown.stdout == ""
    assert "no effect: everything stays as it is" in shown.stderr


def test_usage_that_waits_is_told(tmp_path: Path) -> None:
    """A call under a route that the candidate lists: counted by the reason for which it waits."""
    settle(tmp_path / "books")
    mended = reference(tmp_path / "mended", MENDED)
    shown = weir("--reference", mended, "--data", tmp_path / "books")
    rows = [line.strip("│ ").split() for line in shown.stdout.splitlines()]
    assert ["unknown_route", "│", "1", "│", "0"] in rows
    assert "Outcomes" in shown.stdout


def test_mistakes_are_explained(data: Path, raised: Path, tmp_path: Path) -> None:
    """No settlement, two of them, a wrong candidate, references that a directory keeps itself."""
    assert "say which settlement" in weir("--reference", raised, exits=2).stderr
    kept = weir("--reference", raised, "--data", data, "--settled", raised, exits=2)
    assert "leave --settled out" in kept.stderr
    wrong = terms(tmp_path / "wrong", agreement(version(1, "0.012")).replace("EUR", "euros"))
    assert "currency" in weir("--reference", wrong, "--data", data, exits=2).stderr


def test_an_amendment_is_booked_by_somebody_for_a_reason(data: Path, raised: Path) -> None:
    """The effect is shown and the id said; then nothing is left to be changed."""
    who = ("--by", "A. Lee", "--why", "memo 7")
    done = weir("--reference", raised, "--data", data, *who, "-o", "json", command="approve")
    [effect] = json.loads(done.stdout)["effects"]
    assert (effect["amount"], effect["booked"]) == ("2.000000", "2024-12")
    assert "booked as amendment A-000001" in done.stderr
    assert "no effect" in weir("--reference", raised, "--data", data).stderr
    again = weir("--reference", raised, "--data", data, *who, exits=1, command="approve")
    assert "these are the terms in force" in again.stderr
    assert "nothing was booked" in again.stderr


def test_who_and_why_must_be_said(data: Path, raised: Path, tmp_path: Path) -> None:
    """Both are options that are needed; and a directory must be there."""
    weir("--reference", raised, "--data", data, "--by", "A. Lee", exits=2, command="approve")
    nowhere = ("--data", tmp_path / "nowhere", "--by", "A. Lee", "--why", "memo 7")
    said = weir("--reference", raised, *nowhere, exits=2, command="approve").stderr
    assert "nothing was settled in" in said
    assert not (tmp_path / "nowhere").exists()
