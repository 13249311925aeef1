"""`weir price` as a user calls it: what it prints in each form, and its exit codes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ops import cli_price
from ops.cli import app
from schemas.codes import Service
from tests.ops.books import ALL, RATED, RETAIL, reference, settle, usage_file
from tests.usage_makers import container

GOLDEN = Path(__file__).parent.parent / "data" / "price.txt"


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing comes from the environment."""
    for name in ("WEIR_REFERENCE", "WEIR_DATA"):
        monkeypatch.delenv(name, raising=False)


def weir(*arguments: str | Path, exits: int = 0) -> Result:
    """Run `weir price` in this process; it must exit as said."""
    result = CliRunner().invoke(app, ["price", *(str(a) for a in arguments)])
    assert result.exit_code == exits, result.output
    return result


def said(result: Result) -> str:
    """What the command says on standard error, on one line."""
    return " ".join(result.stderr.split())


@pytest.fixture
def asked(tmp_path: Path) -> list[str | Path]:
    """Price the books' usage under W-1."""
    usage = usage_file(tmp_path / "usage.jsonl", ALL)
    terms = reference(tmp_path / "reference")
    return ["--agreement", "W-1", "--usage", usage, "--reference", terms]


def test_people_read_tables(asked: list[str | Path]) -> None:
    """Outcomes, every leg with its arithmetic, then the statement's lines and totals."""
    shown = weir(*asked, "--close", "2024-11").stdout
    lines = [line.rstrip() for line in shown.splitlines()]
    assert lines == GOLDEN.read_text(encoding="utf-8").splitlines()


def test_programs_read_one_document(asked: list[str | Path]) -> None:
    """With all that the tables show."""
    document = json.loads(weir(*asked, "-o", "json").stdout)
    assert document["agreement"] == "W-1"
    assert len(document["legs"]) == 8
    assert document["periods"][0]["totals"][0]["net"] == "11.223000"


def test_spreadsheets_read_columns(asked: list[str | Path]) -> None:
    """The legs are the second of four tables, one below the other."""
    rows = list(csv.reader(weir(*asked, "-o", "csv").stdout.splitlines()))
    starts = [n for n, row in enumerate(rows) if row[0] in ("outcome", "started_at", "agreement")]
    assert len(starts) == 4
    legs = rows[starts[1] : starts[2]]
    charges = [row[legs[0].index("charge")] for row in legs[1:]]
    assert charges == [
        *("0.076000", "0.005000", "1.000000", "10.000000", "0.076000", "0.076000"),
        *("", ""),
    ]


def test_a_long_list_is_cut_for_people_only(
    asked: list[str | Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of eight legs are shown, and where the others are is said."""
    monkeypatch.setattr(cli_price, "LEGS_SHOWN", 2)
    result = weir(*asked)
    assert result.stdout.count("voice-in") == 2  # a leg and the line
    assert "6 more legs; -o csv and -o json list them all" in said(result)
    assert weir(*asked, "-o", "csv").stdout.count("voice-in") == 4


def test_a_data_directory_is_asked_for_its_reference_only(tmp_path: Path) -> None:
    """Its figures stay what they are."""
    data = tmp_path / "data"
    settle(data, RATED)
    before = {path: path.read_bytes() for path in data.glob("**/*") if path.is_file()}
    usage = usage_file(tmp_path / "usage.jsonl", ALL)
    shown = weir("--agreement", "W-1", "--usage", usage, "--data", data, "-o", "json").stdout
    assert json.loads(shown)["periods"][0]["totals"][0]["net"] == "11.223000"
    assert {path: path.read_bytes() for path in data.glob("**/*") if path.is_file()} == before


def test_the_command_line_goes_before_the_environment(
    asked: list[str | Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell set up for a data directory can ask about other terms; without a choice it cannot."""
    monkeypatch.setenv("WEIR_DATA", str(tmp_path / "nothing"))
    assert weir(*asked, "-o", "json").exit_code == 0
    monkeypatch.setenv("WEIR_REFERENCE", str(tmp_path / "reference"))
    assert "say which terms" in said(weir(*asked[:4], exits=2))


@pytest.mark.parametrize(
    ("instead", "words"),
    [
        (["--agreement", "W1"], "there is no agreement W1"),
        (["--close", "2024-13"], "W-1: "),
        (["--reference", "nowhere"], "is not a directory"),
        (["--data", "nowhere"], "say which terms"),
    ],
)
def test_a_mistake_is_explained(asked: list[str | Path], instead: list[str], words: str) -> None:
    """Exit code 2, and nothing for a program to read."""
    result = weir(*asked, *instead, exits=2)
    assert words in said(result)
    assert result.stdout == ""


def test_usage_that_has_no_price_is_a_finding(tmp_path: Path) -> None:
    """S-1 sells by channels; a call names none. The outcomes are shown all the same."""
    usage = usage_file(tmp_path / "usage.jsonl", [RETAIL])
    terms = reference(tmp_path / "reference")
    given = ("--agreement", "S-1", "--usage", usage, "--reference", terms)
    result = weir(*given, exits=1)
    assert "nothing of it has a price under S-1" in said(result)
    assert "retail" in result.stdout


def test_a_file_that_is_none_is_a_finding(asked: list[str | Path], tmp_path: Path) -> None:
    """As for `weir settle`: the other files are named after it, or nothing is priced."""
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    assert "is empty" in said(weir(*asked, empty, exits=1))
    assert "No such file" in said(weir(*asked, tmp_path / "no.jsonl", exits=1))


def test_what_is_wrong_with_a_file_is_said_after_the_answer(
    asked: list[str | Path], tmp_path: Path
) -> None:
    """A container that ends early gives its whole blocks, and exit code 1."""
    whole = container(tmp_path / "w.avro", RATED[1:2], Service.SMS)
    half = tmp_path / "half.avro"
    half.write_bytes(whole.read_bytes() + whole.read_bytes()[-40:])
    result = weir(*asked, half, exits=1)
    assert "problem:" in said(result)
    assert "Totals" in result.stdout
