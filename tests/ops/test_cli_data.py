"""The commands on a data directory: results on one stream, notes on the other, exit codes."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ops.cli import app
from ops.embedded import Embedded
from tests.ops.books import ALL, ATTRIBUTION, call, close, reference, settle, usage_file
from tests.tamper import tamper

OUTCOMES = {
    ("rated", "none"): 6,
    ("duplicate", "none"): 1,
    ("suspended", "unknown_route"): 1,
    ("suspended", "conflicting_body"): 1,
    ("quarantined", "negative_quantity"): 1,
    ("excluded", "test"): 1,
    ("excluded", "retail"): 1,
}


def weir(*arguments: str | Path, exits: int = 0) -> Result:
    """Run a command in this process; it must exit as said."""
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == exits, result.output
    return result


def as_json(*arguments: str | Path, exits: int = 0) -> Any:  # noqa: ANN401
    """The document that a command prints with `-o json`."""
    return json.loads(weir(*arguments, "-o", "json", exits=exits).stdout)


def as_csv(*arguments: str | Path, exits: int = 0) -> list[dict[str, str]]:
    """The rows that a command prints with `-o csv`."""
    return list(csv.DictReader(StringIO(weir(*arguments, "-o", "csv", exits=exits).stdout)))


def outcomes_in(document: dict[str, Any]) -> dict[tuple[str, str], int]:
    """Outcome counts by outcome and reason."""
    return {(r["outcome"], r["reason"]): r["events"] for r in document["outcomes"]}


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with one event of every service and outcome."""
    data = tmp_path_factory.mktemp("cli") / "data"
    settle(data)
    return data


@pytest.fixture
def data(settled: Path, tmp_path: Path) -> Path:
    """A copy of it, for a command that writes."""
    shutil.copytree(settled, tmp_path / "data")
    return tmp_path / "data"


def test_settling_again_changes_nothing(tmp_path: Path) -> None:
    """The second run of the same file is nothing but duplicates; amounts stay to the last digit."""
    given = ("--reference", reference(tmp_path / "reference"), "--data", tmp_path / "data")
    usage = ("--usage", usage_file(tmp_path / "usage.jsonl", ALL))
    first = as_json("settle", *given, *usage)
    again = as_json("settle", *given, *usage)
    assert outcomes_in(first) == OUTCOMES
    assert outcomes_in(again) == {**OUTCOMES, ("duplicate", "none"): 1 + 12}
    assert again["accruals"] == first["accruals"]
    # W-1: 0.076 + 1 + 10 to receive, 0.005 to pay; S-1 is shown unrounded while it is open.
    assert {(r["agreement"], r["flow"]): r["amount"] for r in first["accruals"]} == {
        ("W-1", "receivable"): "11.076000",
        ("W-1", "payable"): "0.005000",
        ("M-1", "receivable"): "0.012000",
        ("S-1", "receivable"): "2.997000",
    }


def test_files_come_as_a_shell_gives_them(tmp_path: Path) -> None:
    """`--usage usage*` is one option and several files: all of them are settled."""
    parts = ("a.jsonl", ALL[:6]), ("b.jsonl", ALL[6:])
    files = [usage_file(tmp_path / name, events) for name, events in parts]
    given = ("--reference", reference(tmp_path / "r"), "--data", tmp_path / "data")
    apart = as_json("settle", *given, "--usage", files[0], "--usage", files[1])
    given = ("--reference", reference(tmp_path / "r2"), "--data", tmp_path / "data2")
    assert as_json("settle", *given, "--usage", *files) == apart


def test_a_file_that_cannot_be_read_is_a_finding(tmp_path: Path) -> None:
    """What could be read is settled, the problem is named, and the exit code says so."""
    given = ("--reference", reference(tmp_path / "reference"), "--data", tmp_path / "data")
    result = weir("settle", *given, "--usage", tmp_path / "gone.jsonl", exits=1)
    assert "gone.jsonl" in result.stderr


def test_a_bad_reference_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    """All that is wrong is said; there is no half-made data directory."""
    bad = reference(tmp_path / "reference", ATTRIBUTION.splitlines()[0] + "\nroute,A,X,,\n")
    usage = usage_file(tmp_path / "usage.jsonl", [call(1)])
    data = tmp_path / "data"
    result = weir("settle", "--reference", bad, "--usage", usage, "--data", data, exits=2)
    assert "attribution.csv:2" in result.stderr
    assert not data.exists()


@pytest.mark.parametrize(
    "command",
    [
        ["accruals"],
        ["statements"],
        ["explain", "msc-1/1"],
        ["verify"],
        ["suspense", "list"],
        ["quarantine", "list"],
        ["state", "hash"],
        ["suspense", "recycle"],
        ["close", "--period", "2024-11"],
    ],
)
def test_an_empty_directory_is_explained(tmp_path: Path, command: list[str]) -> None:
    """Nothing was settled there: the command says so and what to do, and makes nothing."""
    result = weir(*command, "--data", tmp_path / "data", exits=2)
    assert "weir settle --reference DIR" in " ".join(result.stderr.split())
    assert result.stdout == ""
    assert not (tmp_path / "data").exists()


def test_looking_needs_no_lock(data: Path) -> None:
    """While another process writes, everything that only looks works."""
    with Embedded(data):
        for command in (
            ["accruals"],
            ["statements"],
            ["explain", "msc-1/1"],
            ["verify"],
            ["suspense", "list"],
            ["quarantine", "list"],
            ["state", "hash"],
        ):
            weir(*command, "--data", data)
        said = weir("suspense", "recycle", "--data", data, exits=2).stderr
        assert "is being written by another process" in said


def test_a_reader_of_another_process_sees_a_writer_at_work(data: Path) -> None:
    """As it is used: `weir verify` beside a running settlement."""
    with Embedded(data):
        command = [sys.executable, "-c", "from ops.cli import main; main()", "verify"]
        done = subprocess.run(
            [*command, "--data", str(data)], capture_output=True, check=True, text=True
        )
    assert "12 events" in done.stdout
    assert "0 differences" in done.stdout


def test_accruals_are_filtered(settled: Path) -> None:
    """By agreement and by period; what is not there is said, with what is."""
    rows = as_json("accruals", "--data", settled, "--agreement", "M-1", "--period", "2024-11")
    assert [(r["item"], r["events"], r["quantity"], r["amount"]) for r in rows] == [
        ("data", 1, 2_000_000, "0.012000")
    ]
    none = weir("accruals", "--data", settled, "--agreement", "X")
    assert "M-1, S-1, W-1" in none.stderr
    none = weir("accruals", "--data", settled, "--agreement", "M-1", "--period", "2024-12")
    assert "the periods 2024-11" in none.stderr


def test_accruals_as_csv_and_as_table(settled: Path) -> None:
    """Both have a row an item; the table's amounts are whole."""
    rows = as_csv("accruals", "--data", settled)
    assert sorted(r["amount"] for r in rows) == [
        "0.005000",
        "0.012000",
        "0.076000",
        "1.000000",
        "10.000000",
        "2.997000",
    ]
    table = weir("accruals", "--data", settled).stdout
    assert all(r["amount"] in table for r in rows)


def test_a_statement_is_what_the_accruals_were(data: Path) -> None:
    """Closing changes no figure: each line is the live row of the moment before, each total too."""
    before = as_json("accruals", "--data", data)
    closed = as_json("close", "--data", data, "--period", "2024-11")
    assert [r["number"] for r in closed] == ["M-1-000001", "S-1-000001", "W-1-000001"]
    lines = [
        (d["agreement"], line["item"], line["events"], line["quantity"], line["amount"])
        for number in (r["number"] for r in closed)
        for d in [json.loads(weir("statements", number, "--data", data).stdout)]
        for line in d["lines"]
    ]
    live = [(r["agreement"], r["item"], r["events"], r["quantity"], r["amount"]) for r in before]
    assert sorted(lines) == sorted(live)
    # S-1 rounds its statement to two decimals: 2.997 is 3.00. W-1: 11.076 less 0.005.
    assert {r["number"]: r["net"] for r in closed} == {
        "M-1-000001": "0.012000",
        "S-1-000001": "3.000000",
        "W-1-000001": "11.071000",
    }
    assert as_json("statements", "--data", data) == closed
    assert weir("verify", "--data", data).stdout.endswith(
        "3 statements recomputed: 0 differences\n"
    )


def test_late_usage_adjusts_the_next_period(data: Path, tmp_path: Path) -> None:
    """The statement stays, the late call is booked in December for November."""
    close(data)
    before = weir("statements", "W-1-000001", "--data", data).stdout
    usage = usage_file(tmp_path / "late.jsonl", [call(20)])
    weir("settle", "--reference", tmp_path / "r", "--usage", usage, "--data", data, exits=2)
    given = ("--reference", reference(tmp_path / "r"), "--data", data)
    weir("settle", *given, "--usage", usage)
    (late,) = as_json("accruals", "--data", data, "--period", "2024-12")
    assert (late["original"], late["item"], late["amount"]) == ("2024-11", "voice-in", "0.076000")
    assert weir("statements", "W-1-000001", "--data", data).stdout == before
    weir("verify", "--data", data)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--period", "2024-10"], "open periods with usage are 2024-11"),
        (["--period", "November"], "open periods with usage are 2024-11"),
        (["--period", "2024-11-01", "--agreement", "W-1"], "write it like 2026-11"),
        (["--period", "2024-11", "--agreement", "W-2"], "no agreement W-2 in the reference; is it"),
    ],
)
def test_a_close_of_nothing_says_why(data: Path, arguments: list[str], said: str) -> None:
    """No statement is made, no period is spent, and the way on is shown."""
    result = weir("close", "--data", data, *arguments, exits=1)
    assert said in result.stderr
    assert result.stdout == ""
    assert as_json("statements", "--data", data) == []


def test_a_second_close_names_the_statement(data: Path) -> None:
    """A period is closed once."""
    weir("close", "--data", data, "--period", "2024-11")
    again = weir("close", "--data", data, "--period", "2024-11", exits=1)
    assert "W-1: 2024-11 was closed with statement W-1-000001" in again.stderr
    assert "there is no open period with usage" in again.stderr


def test_a_named_agreement_is_closed_without_usage(data: Path) -> None:
    """Who names it means it: the statement has no lines, and is listed."""
    (row,) = as_json("close", "--data", data, "--period", "2024-10", "--agreement", "W-1")
    assert (row["number"], row["lines"], row["net"]) == ("W-1-000001", 0, "")
    weir("verify", "--data", data)


def test_a_statement_that_is_not_there(settled: Path) -> None:
    """A wrong number is a finding."""
    assert "weir statements" in weir("statements", "X-1", "--data", settled, exits=1).stderr


def test_tampering_is_a_finding_that_is_named(data: Path) -> None:
    """Exit 1 and the line, in each form."""
    done = tamper(data)
    name = f"accrual {done.agreement} v1 {done.item} EUR 2024-11 period"
    text = weir("verify", "--data", data, exits=1).stdout
    assert f"difference: {name}" in text
    assert text.endswith("recomputed: 1 difference\n")
    document = as_json("verify", "--data", data, exits=1)
    assert (document["events"], len(document["references"])) == (12, 1)
    assert document["differences"][0].startswith(name)
    assert as_csv("verify", "--data", data, exits=1) == [{"difference": document["differences"][0]}]


def test_explain_for_people_and_for_programs(settled: Path) -> None:
    """The same steps as text, as a document and as rows."""
    text = weir("explain", "msc-1/1", "--data", settled).stdout
    assert "66 x 0.06 / 60 + 0.01 = 0.076 -> 0.076000" in text
    assert "none yet: 2024-11 is open" in text
    document = as_json("explain", "msc-1/0/1", "--data", settled)
    assert document["legs"][0]["charge"] == "0.076000"
    rows = as_csv("explain", "msc-1/1", "--data", settled)
    assert {"step": "charge", "text": "0.076000 EUR"} in rows


@pytest.mark.parametrize(("name", "exits"), [("msc-1/99", 1), ("msc-1", 2)])
def test_explain_of_nothing(settled: Path, name: str, exits: int) -> None:
    """An event that never came is a finding, a text that names none a mistake."""
    assert name in weir("explain", name, "--data", settled, exits=exits).stderr
