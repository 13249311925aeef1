"""Reading CSV a column at a time: lines are right and mistakes are not repeated endlessly."""

from __future__ import annotations

import csv
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas import sheets
from schemas.documents import Problems
from schemas.money import NANOS_DECIMALS, parse_decimal
from schemas.sheets import REPORTED_MAX, Sheet, read_csv


def read(text: str) -> tuple[pl.DataFrame | None, list[str]]:
    """The frame of a file called f.csv with columns a and b, and what was wrong with it."""
    problems = Problems()
    frame = read_csv(text.encode(), "f.csv", ("a", "b"), problems)
    return frame, [str(problem) for problem in problems.found]


def sheet_of(text: str) -> tuple[Sheet, Problems]:
    """A sheet of a file called f.csv with columns a and b."""
    problems = Problems()
    frame = read_csv(text.encode(), "f.csv", ("a", "b"), problems)
    assert frame is not None
    return Sheet(frame, "f.csv", problems), problems


def test_rows_know_their_lines() -> None:
    """Blank lines and quoted line ends do not shift the lines of later rows."""
    frame, complaints = read('a,b\n1,2\n\n"x\ny",3\n 4 ,5\n')
    assert complaints == []
    assert frame is not None
    # A row that spans lines counts by its last one.
    assert frame.rows() == [("1", "2", 2), ("x\ny", "3", 5), ("4", "5", 6)]


@given(
    st.sampled_from(["a,b\n", "b, a\r\n", "\ufeffa,b\r", "a\n", ""]),
    st.lists(st.text("ab, \r\n\t\"'\x00\x0b\x85\u2028é", max_size=6).map(lambda t: t + ",\n")),
    st.text("a,\n", max_size=3),
)
@example("a,b\n", ["1,2\r", "3,4\n"], "")
@example("a,b\n", ["1,2\n"] * 3, "5,6")
@example("a,b\n", ["1,2\n", "3\n", "4,5,6\n"], "")
def test_both_readers_understand_the_same(head: str, rows: list[str], rest: str) -> None:
    """The same rows on the same lines, and the same complaints: the quick one is only quicker."""
    text = "".join([head, *rows, rest])
    frame, complaints = read(text)
    with patch.object(sheets, "_plain", lambda *_: None):
        expected, of_slow = read(text)
    assert complaints == of_slow
    assert (frame is None) == (expected is None)
    if frame is not None and expected is not None:
        assert frame.equals(expected)
        assert frame.schema == expected.schema


@pytest.mark.parametrize(
    ("text", "quick"),
    [
        ("a,b\n1,2\n3,4", True),
        ("b,a\r\n1,\r\n\r\n", True),
        ('a,b\n"1",2\n', False),
        ("a,b\n1,2\n\n3,4\n", False),
        ("a,b\n1,2,3\n", False),
        ("a,b\n1\n", False),
        ("a,c\n1,2\n", False),
        ("a,b\n", False),
        (f"a,b\n1,{'x' * (csv.field_size_limit() + 1)}\n", False),
    ],
)
def test_only_plain_files_are_read_in_columns(text: str, quick: bool) -> None:
    """A row a line and nothing quoted; blank lines are no rows, but at the end they do no harm."""
    found = sheets._plain(text.encode(), text, ("a", "b"))  # noqa: SLF001 - which reader it takes
    assert (found is not None) == quick


def test_columns_may_come_in_any_order() -> None:
    """The header decides, so that columns can be moved in a spreadsheet."""
    frame, _ = read("b,a\n1,2\n")
    assert frame is not None
    assert frame["a"].to_list() == ["2"]


def test_a_wrong_header_says_what_the_right_one_is() -> None:
    """Missing and unknown columns are named, doubled ones refused."""
    assert read("a,c\n")[1] == [
        "f.csv:1: b: has no column b; the first line must read a,b",
        "f.csv:1: c: is not a column; the first line must read a,b",
    ]
    assert read("a,b,a\n")[1] == ["f.csv:1: names a column twice; the first line must read a,b"]


def test_other_separators_are_recognised() -> None:
    """Spreadsheets in half of Europe save semicolons."""
    assert read("a;b\n1;2\n")[1] == [
        "f.csv:1: has semicolons between its columns; save it with commas"
    ]
    assert read("a\tb\n1\t2\n")[1] == ["f.csv:1: has tabs between its columns; save it with commas"]


def test_a_row_of_another_width_is_refused() -> None:
    """A decimal comma makes one value too many."""
    frame, complaints = read("a,b\n0,5,x\n1,2\n")
    assert complaints == ["f.csv:2: has 3 values, not 2; check the commas"]
    assert frame is not None
    assert frame["a"].to_list() == ["1"]


def test_an_open_quote_is_refused() -> None:
    """It would swallow the rest of the file."""
    frame, complaints = read('a,b\n1,"2\n3,4\n')
    assert frame is None
    assert complaints == [
        "f.csv:3: is not CSV (unexpected end of data); check the quotes on this line"
    ]


def test_an_empty_file_is_refused() -> None:
    """A header alone is a table without rows; nothing at all is a failed copy."""
    assert read("")[1] == ["f.csv: is empty; an empty list is written []"]
    frame, complaints = read("a,b\n")
    assert complaints == []
    assert frame is not None
    assert frame.height == 0


def test_a_wrong_column_is_reported_in_short() -> None:
    """The first rows are named and the rest counted, by the line where counting starts."""
    rows = "".join(f"x{number},1\n" for number in range(REPORTED_MAX + 5))
    sheet, problems = sheet_of("a,b\n" + rows + "7,1\n")
    sheet.match("a", "[0-9]+", "is not a number; write digits")
    assert len(problems.found) == REPORTED_MAX + 1
    assert str(problems.found[0]) == "f.csv:2: a: 'x0' is not a number; write digits"
    assert str(problems.found[-1]) == (
        "f.csv:22: a: and 5 more rows like the 20 before; mend these first"
    )
    assert sheet.frame["a"].to_list() == ["7"]


def test_an_empty_cell_is_called_empty() -> None:
    """The message does not quote nothing."""
    sheet, problems = sheet_of("a,b\n,1\n")
    sheet.match("a", "[0-9]+", "is not a number; write digits")
    assert [str(problem) for problem in problems.found] == ["f.csv:2: a: is empty; write digits"]


def test_prices_become_nanos() -> None:
    """What fits is exact; what does not is explained by the reader of single prices."""
    sheet, problems = sheet_of("a,b\n0.012,1\n1e3,1\n")

    def price(text: str) -> int:
        """The amount in nanos."""
        return parse_decimal(text, NANOS_DECIMALS)

    sheet.nanos("a", price, "price_nanos", 10**9)
    assert sheet.frame["price_nanos"].to_list() == [12_000_000]
    assert [str(problem) for problem in problems.found] == [
        "f.csv:3: a: '1e3' is not a decimal number; write it out without an exponent"
    ]
