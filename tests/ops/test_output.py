"""Results in each form: tables that cut nothing, JSON as it is, CSV that no spreadsheet runs."""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest

from ops.output import Exit, Form, fail, print_json, show

ROWS = [
    {"name": "=1+1", "amount": "-0.500000", "more": "[red]"},
    {"name": "@x", "amount": "12345678901234567890.123456"},
]
COLUMNS = ("name", "amount", "more")


def test_json_has_the_columns_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    """What a row lacks is null; amounts stay strings."""
    show(Form.JSON, "Rows", ROWS, COLUMNS)
    assert json.loads(capsys.readouterr().out) == [
        {"name": "=1+1", "amount": "-0.500000", "more": "[red]"},
        {"name": "@x", "amount": "12345678901234567890.123456", "more": None},
    ]


def test_csv_defuses_formulas_and_keeps_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that begins like a formula gets a quote in front; a negative amount does not."""
    show(Form.CSV, "Rows", ROWS, COLUMNS)
    assert list(csv.reader(StringIO(capsys.readouterr().out))) == [
        ["name", "amount", "more"],
        ["'=1+1", "-0.500000", "[red]"],
        ["'@x", "12345678901234567890.123456", ""],
    ]


def test_a_table_cuts_no_amount_and_reads_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    """Everything is there in full, brackets too."""
    show(Form.TABLE, "Rows", ROWS, COLUMNS)
    out = capsys.readouterr().out
    assert "12345678901234567890.123456" in out
    assert "[red]" in out
    assert "Rows" in out


def test_an_empty_table_is_one_word(capsys: pytest.CaptureFixture[str]) -> None:
    """No empty frame; JSON and CSV stay what programs expect."""
    show(Form.TABLE, "Rows", [], COLUMNS)
    show(Form.JSON, "Rows", [], COLUMNS)
    show(Form.CSV, "Rows", [], COLUMNS)
    assert capsys.readouterr().out.split() == ["Rows:", "none", "[]", "name,amount,more"]


def test_json_keeps_letters(capsys: pytest.CaptureFixture[str]) -> None:
    """Names are written as they are."""
    print_json({"name": "Télé Münster"})
    assert "Télé Münster" in capsys.readouterr().out


def test_a_failure_is_said_beside_the_results(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, with the exit code of its kind."""
    assert fail("no such [thing]").exit_code == Exit.USAGE
    assert fail("it differs", Exit.FINDING).exit_code == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "no such [thing]" in printed.err
