"""`weir deck`: what is printed, what is written, and how it ends."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.cli_deck import SHOWN_A_KIND
from schemas.price_list import COLUMNS
from tests.builders import PREFIXES, RATES, reference_dir

LIST = (
    ",".join(COLUMNS)
    + """
49,0.015,1,1,0,2026-12-01
4917,0.05,30,6,0.01,2026-12-01
4930,0.02,60,60,0,2027-01-01
44,0.0100,1,1,0,2026-12-01
31,0.03,1,1,0,2026-12-01
34,0.01,1,1,0,12/01/2026
"""
)
HEAD_OF_LIST = LIST.splitlines()[0]
OTHERS = "33,FR\n44,UK\n31,NL\n"
OTHER_RATES = "FR,0.01,1,1,0,,\nUK,0.01,1,1,0,,\nNL,0.02,1,1,0,,\n"
ARGUMENTS = ["--received", "2026-11-27"]


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """A reference whose deck has five prefixes."""
    return reference_dir(
        tmp_path / "reference", prefixes=PREFIXES + OTHERS, rates=RATES + OTHER_RATES
    )


def run(
    reference: Path, what: str, *options: str, text: str = LIST, name: str = "STANDARD"
) -> tuple[int, str, str]:
    """Exit code, output and remarks of a command on a list."""
    file = reference.parent / "list.csv"
    file.write_text(text)
    arguments = ["deck", what, name, str(file), "--reference", str(reference)]
    ended = CliRunner().invoke(app, [*arguments, *ARGUMENTS, *options])
    return ended.exit_code, ended.stdout, ended.stderr


def test_a_diff_has_every_kind_of_row(reference: Path) -> None:
    """One refused, two up within the notice, one down, one new, one closed, one unchanged."""
    code, output, _ = run(reference, "diff", "-o", "json")
    document = json.loads(output)
    assert code == 1
    assert document["received"] == "2026-11-27"
    assert document["notice_until"] == "2026-12-04"
    assert document["counts"] == {
        "refused": 1,
        "up": 2,
        "down": 1,
        "new": 1,
        "closed": 1,
        "unchanged": 1,
        "notice violated": 2,
    }
    rows = {row["prefix"]: row for row in document["rows"]}
    assert [row["change"] for row in document["rows"]] == [
        "refused",
        "up",
        "up",
        "down",
        "new",
        "closed",
        "unchanged",
    ]
    assert rows["49"] == {
        "change": "up",
        "prefix": "49",
        "zone": "DE",
        "line": 2,
        "from": "2026-12-01",
        "before": "0.012 1/1",
        "after": "0.015 1/1",
        "percent": "+25.0",
        "remark": "notice violated: rises before 2026-12-04",
    }
    assert rows["4917"]["before"] == "0.06 30/6 + 0.01"
    assert rows["4917"]["percent"] == "-16.7"
    assert rows["4930"]["before"] == "0.012 1/1"
    assert rows["33"]["remark"] == "then without a price"
    assert rows["34"]["remark"].startswith("valid_from: '12/01/2026' is not a date")


def test_a_diff_reads_well(reference: Path) -> None:
    """Counts above, the pressing rows first, what is unchanged left out unless asked for."""
    code, output, _ = run(reference, "diff")
    lines = output.splitlines()
    assert code == 1
    assert lines[:2] == [
        "Deck STANDARD, list list.csv of 2026-11-27, prices may rise from 2026-12-04",
        "1 refused, 2 up, 1 down, 1 new, 1 closed, 1 unchanged, 2 notice violated",
    ]
    assert "44" not in output.split("Rows")[1]
    assert "unchanged" in run(reference, "diff", "--unchanged")[1].split("Rows")[1]


def test_rows_are_also_csv(reference: Path) -> None:
    """All of them."""
    rows = list(csv.DictReader(io.StringIO(run(reference, "diff", "-o", "csv")[1])))
    assert len(rows) == 7
    assert rows[-1]["change"] == "unchanged"


def test_a_long_diff_is_cut_on_a_terminal(reference: Path) -> None:
    """With the number of rows left out."""
    many = "".join(f"{number},0.01,1,1,0,2026-12-01\n" for number in range(500, 600))
    _, output, remarks = run(reference, "diff", text=f"{HEAD_OF_LIST}\n{many}")
    assert output.count("│ new ") == SHOWN_A_KIND
    assert "60 more new; `-o csv` lists all" in remarks


def test_apply_refuses_what_needs_a_look(reference: Path) -> None:
    """First the refused rows, then the notice; nothing is written until both are accepted."""
    code, _, said = run(reference, "apply")
    assert (code, "rows refused: 1;" in said) == (1, True)
    code, _, said = run(reference, "apply", "--without-refused")
    assert (code, "prices that rise before 2026-12-04: 2;" in said) == (1, True)
    assert (reference / "decks/STANDARD.rates.csv").read_text() == RATES + OTHER_RATES


def test_apply_takes_the_list_over(reference: Path) -> None:
    """Afterwards only the refused row differs, and there is nothing to apply any more."""
    accepted = "--without-refused", "--accept-notice"
    code, _, said = run(reference, "apply", *accepted)
    assert code == 0
    assert "applied to deck STANDARD" in said
    code, output, _ = run(reference, "diff", "-o", "json")
    counts = json.loads(output)["counts"]
    assert (code, counts["unchanged"], counts["refused"]) == (1, 5, 1)
    assert sum(counts.values()) == 6
    code, _, said = run(reference, "apply", *accepted)
    assert (code, "nothing to apply" in said) == (0, True)


def test_a_list_that_says_what_the_deck_says_ends_well(reference: Path) -> None:
    """Exit code 0: there is nothing to look at."""
    rows = "49,0.012,1,1,0", "4917,0.06,30,6,0.01", "33,0.01,1,1,0", "44,0.01,1,1,0"
    text = "\n".join([HEAD_OF_LIST, *(f"{r},2026-12-01" for r in (*rows, "31,0.02,1,1,0"))])
    assert run(reference, "diff", text=text)[0] == 0


def test_a_deck_is_made_only_if_that_is_meant(reference: Path) -> None:
    """A mistyped name would make one."""
    text = f"{HEAD_OF_LIST}\n49,0.015,1,1,0,2026-12-01\n"
    code, _, said = run(reference, "apply", name="STANDART", text=text)
    assert code == 2
    assert "there is no deck STANDART: there are STANDARD; --new makes it" in said
    code, _, said = run(reference, "apply", "--new", name="../OTHER", text=text)
    assert (code, "the deck's name '../OTHER' is not a name" in said) == (2, True)
    code, _, _ = run(reference, "apply", "--new", name="OTHER", text=text)
    assert code == 0
    assert (reference / "decks/OTHER.rates.csv").exists()


def test_what_cannot_be_read_is_named(reference: Path) -> None:
    """A list without its columns, a deck with a mistake, a file that is not there."""
    code, _, said = run(reference, "diff", text="prefix,price\n49,1\n")
    assert (code, "list.csv:1: price_per_minute: has no column" in said) == (2, True)
    arguments = ["deck", "diff", "STANDARD", "nowhere.csv", "--reference", str(reference)]
    ended = CliRunner().invoke(app, arguments)
    assert (ended.exit_code, "nowhere.csv: No such file" in ended.stderr) == (2, True)
    (reference / "decks/STANDARD.rates.csv").write_text("zone\n")
    code, _, said = run(reference, "diff")
    assert (code, "decks/STANDARD.rates.csv:1:" in said) == (2, True)


def test_a_reference_that_is_broken_elsewhere_is_not_written(reference: Path) -> None:
    """The problem is named, whichever file it is in."""
    (reference / "attribution.csv").write_text("kind\n")
    code, _, said = run(reference, "apply", "--without-refused", "--accept-notice")
    assert code == 2
    assert "the reference would not load" in said
    assert "attribution.csv:1: key: has no column" in said
    assert (reference / "decks/STANDARD.rates.csv").read_text() == RATES + OTHER_RATES
