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
from tests.builders import agreement_text, reference_dir
from tests.ops.books import (
    ALL,
    NOVEMBER_US,
    RATED,
    RETAIL,
    call,
    event,
    reference,
    settle,
    usage_file,
)
from tests.usage_makers import container

GOLDEN = Path(__file__).parent.parent / "data" / "price.txt"


# Calls at 2 by day and 1 by night, data in tiers with 5 MB committed, 30 % of sales to be paid.
AGREEMENT = """\
- agreement: ALFA-1
  partner: ALFA
  model: wholesale
  versions:
    - version: 1
      valid_from: 2024-01-01
      zone: UTC
      currency: EUR
      rounding: {place: line, mode: half_even, decimals: 2}
      items:
        - item: voice
          role: ingress
          service: voice
          flow: receivable
          price:
            kind: unit
            per: minute
            bands:
              of: WORKWEEK
              split: complete_increment
              prices:
                day: {amount: 2, initial_seconds: 60, next_seconds: 60}
                night: {amount: 1, initial_seconds: 30, next_seconds: 30}
        - {item: data, role: subscriber, service: data, flow: receivable,
           price: {kind: tiers, per: megabyte, tiers: [{up_to: 2, price: 0.5}, {price: 0.1}],
                   at_least: 5}}
        - {item: sales, role: channel, service: transaction, flow: payable,
           price: {kind: share, percent: 30}}
"""
WORKWEEK = """\
- bands: WORKWEEK
  days:
    mon-fri:
      - {from: "00:00", band: night}
      - {from: "08:00", band: day}
      - {from: "18:00", band: night}
    sat-sun: [{from: "00:00", band: night}]
"""
EDGE_US = NOVEMBER_US + 64_799_000_000  # Friday, 1 November 2024, 17:59:59
USAGE = (
    # 1 s by day opens a minute at 2, of the 2 s left 30 are charged at 1 a minute: 2.50.
    call(1, duration_ms=62_000, started_at=EDGE_US),
    call(2, duration_ms=0),
    # 2 MB at 0.5 and 1 MB at 0.1: 1.10; of the 5 MB committed 2 are missing, at 0.1: 0.20.
    event(Service.DATA, 3, access_point="a", volume_up_bytes=3_000_000, volume_down_bytes=0),
    # 30 % of 9.99 are 2.997: 3.00 on the line.
    event(Service.TRANSACTION, 4, sales_channel="CH-1"),
    call(5, duration_ms=-1),
)


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


def test_people_read_tables(tmp_path: Path) -> None:
    """Outcomes, every leg with its rate line, then the statement's lines and totals.

    2.50, 1.10 and a shortfall of 0.20 are received, 3.00 is paid.
    """
    terms = reference_dir(
        tmp_path / "reference",
        agreements=AGREEMENT,
        attribution="kind,key,agreement,valid_from,valid_upto\n",
        others={"bands.yaml": WORKWEEK},
    )
    usage = usage_file(tmp_path / "usage.jsonl", USAGE)
    asked = ("--agreement", "ALFA-1", "--usage", usage, "--reference", terms)
    shown = weir(*asked, "--close", "2024-11").stdout
    lines = [line.rstrip() for line in shown.splitlines()]
    assert lines == GOLDEN.read_text(encoding="utf-8").splitlines()


def test_deals_show_their_steps(tmp_path: Path) -> None:
    """20 minutes that only count: 15 at 10 and 5 at 5, on the line of the deal over them."""
    item = (
        "{item: voice, role: ingress, service: voice, flow: receivable, "
        "price: {kind: counted, per: minute}}"
    )
    tiers = "tiers: [{up_to: 15, price: 10}, {price: 5}]"
    price = f"{{kind: tiers, per: minute, {tiers}}}"
    deal = f"{{deal: pool, flow: receivable, over: [voice], price: {price}}}"
    terms = f"valid_from: 2024-01-01, zone: UTC, currency: EUR, deals: [{deal}]"
    directory = reference_dir(
        tmp_path / "reference",
        agreements=agreement_text(item, terms=terms),
        attribution="kind,key,agreement,valid_from,valid_upto\n",
    )
    usage = usage_file(tmp_path / "usage.jsonl", [call(1, duration_ms=1_200_000)])
    shown = weir("--agreement", "ALFA-1", "--usage", usage, "--reference", directory).stdout
    steps = shown[shown.index("Steps of deals") :]
    rows = [line.strip("│ ").split("│") for line in steps.splitlines() if "│ pool" in line]
    assert [(row[6].strip(), row[-1].strip()) for row in rows] == [("900", "150"), ("300", "25")]


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
