"""Tests of how lines of CSV and JSON become frames, and of lines that cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import files_text
from streams.files_bytes import ByteStream, Damaged, UsageFileError
from streams.files_fields import Fault
from streams.files_text import Lines, csv_frame, json_frame, read_header, read_lines

HEADER = ["service", "source", "units"]


def lines_of(tmp_path: Path, text: bytes, rows: int = 100) -> list[Lines | Damaged]:
    """A text split into blocks of lines."""
    path = tmp_path / "usage"
    path.write_bytes(text)
    with ByteStream(path) as stream:
        return list(read_lines(stream, rows))


def rows_in(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame."""
    return frame.to_dicts()


def shown(faults: list[Fault]) -> list[tuple[int, str]]:
    """Rows and what is wrong with them."""
    return [(fault.row, fault.what) for fault in faults]


def test_lines_come_in_blocks_with_their_numbers(tmp_path: Path) -> None:
    """Five lines, two a block; the last has no line end and is a line all the same."""
    assert lines_of(tmp_path, b"a\nb\nc\nd\ne", 2) == [
        Lines(0, [b"a", b"b"]),
        Lines(2, [b"c", b"d"]),
        Lines(4, [b"e"]),
    ]


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    """They carry nothing, so they get no number either."""
    assert lines_of(tmp_path, b"a\n\n  \r\nb\n\n") == [Lines(0, [b"a", b"b"])]


@given(
    st.lists(st.binary(max_size=30).filter(lambda b: b"\n" not in b and len(b) <= 30)),
    st.integers(1, 9),
    st.integers(1, 40),
    st.booleans(),
)
def test_lines_do_not_depend_on_how_bytes_arrive(
    lines: list[bytes], rows: int, piece_bytes: int, last_end: bool
) -> None:
    """Any lines in pieces of any size: each one once, in order, too long ones marked as such."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files_text, "PIECE_BYTES", piece_bytes)
        patch.setattr(files_text, "LINE_BYTES_MAX", 20)
        stream = FakeStream(b"\n".join(lines) + (b"\n" if last_end else b""))
        blocks = list(read_lines(stream, rows))
    found = [line for block in blocks if isinstance(block, Lines) for line in block.lines]
    expected = [line if len(line) <= 20 else None for line in lines if line.strip()]
    assert found == expected


class FakeStream(ByteStream):
    """A stream of bytes that are at hand."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, count: int) -> bytes:
        """The next bytes."""
        piece, self._data = self._data[:count], self._data[count:]
        return piece


def test_a_line_too_long_is_skipped_in_bounded_memory(tmp_path: Path) -> None:
    """Five megabytes without a line end are one row that cannot be read; the next one can."""
    text = b"a\n" + b"x" * 5_000_000 + b"\nb\n"
    assert lines_of(tmp_path, text) == [Lines(0, [b"a", None, b"b"])]
    (block,) = lines_of(tmp_path, text)
    assert isinstance(block, Lines)
    assert block.shown(1) == "(a line of more than 65536 bytes)"


def test_damage_comes_after_the_lines_before_it() -> None:
    """The line that was being written when the file broke off is not taken."""

    class Broken(FakeStream):
        """A stream that breaks."""

        def read(self, count: int) -> bytes:
            """Bytes until there are none, then damage."""
            piece = super().read(count)
            if not piece:
                raise Damaged("it broke")
            return piece

    blocks = list(read_lines(Broken(b"a\nb\nhalf a li"), 10))
    assert blocks[0] == Lines(0, [b"a", b"b"])
    assert isinstance(blocks[1], Damaged)


def test_a_line_is_shown_to_people_cut_and_in_text() -> None:
    """Bytes that are no text are made visible, and nobody has to read a megabyte."""
    lines = Lines(5, [b"caf\xe9", b"x" * 600])
    assert lines.shown(5) == "caf\\xe9"
    assert lines.shown(6) == "x" * 500


def header_of(tmp_path: Path, text: bytes) -> list[str]:
    """The header of a CSV text."""
    path = tmp_path / "usage.csv"
    path.write_bytes(text)
    with ByteStream(path) as stream:
        return read_header(stream)


@pytest.mark.parametrize(
    "text",
    [
        b"service,source,units\nrest",
        b'"service", "source" ,units\r\nrest',
        b"\xef\xbb\xbfservice,source,units\n",
        b"service,source,units",
    ],
)
def test_a_header_names_the_columns(tmp_path: Path, text: bytes) -> None:
    """Quotes, blanks, a byte order mark and any line end are taken in stride."""
    assert header_of(tmp_path, text) == HEADER


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"service,source,colour,size\n", "names 'colour', 'size', which no usage has"),
        (b"service,source,source\n", "names source twice"),
        (b"source,units\n", "no column `service`"),
        (b"service;source;units\n", "not recognised.*separated by commas"),
        (b"Dear Sir or Madam\n", "not recognised"),
        (b"\x00\x01\x02\x80\x81", "neither Avro, JSON Lines nor CSV in UTF-8"),
    ],
)
def test_a_header_of_something_else_is_refused(tmp_path: Path, text: bytes, said: str) -> None:
    """A misspelt column would be missing from every row, so the file is not begun at all."""
    with pytest.raises(UsageFileError, match=said):
        header_of(tmp_path, text)


def test_plain_csv_is_read_as_text() -> None:
    """Nothing is guessed about types; an empty value is none."""
    frame, faults = csv_frame(Lines(7, [b"sms,007,1", b"sms,,NaN"]), HEADER)
    assert faults == []
    assert rows_in(frame.select("row", *HEADER)) == [
        {"row": 7, "service": "sms", "source": "007", "units": "1"},
        {"row": 8, "service": "sms", "source": None, "units": "NaN"},
    ]


def test_quoted_csv_is_read_as_text() -> None:
    """Quotes may hold commas and doubled quotes; accents and Windows line ends are fine."""
    lines: list[bytes | None] = [b'sms,"a,""b""",1\r', "sms,é,2".encode()]
    frame, faults = csv_frame(Lines(0, lines), HEADER)
    assert faults == []
    assert frame["source"].to_list() == ['a,"b"', "é"]
    assert frame["units"].to_list() == ["1", "2"]


def test_a_bad_line_of_csv_is_a_fault_of_its_own() -> None:
    """Too few or many columns, an open quote, bytes that are no text: the rows around are read."""
    lines: list[bytes | None] = [
        b"sms,a,1",
        b"sms,a",
        b"sms,a,1,2",
        b'sms,"a,1',
        b"sms,\xff,1",
        None,
        b"sms,b,2",
    ]
    frame, faults = csv_frame(Lines(0, lines), HEADER)
    assert frame["row"].to_list() == [0, 6]
    assert frame["source"].to_list() == ["a", "b"]
    assert shown(faults) == [
        (1, "2 columns where the header has 3"),
        (2, "4 columns where the header has 3"),
        (3, "the line is not CSV in UTF-8 (unexpected end of data)"),
        (4, faults[3].what),
        (5, "the line is longer than 65536 bytes"),
    ]
    assert faults[3].what.startswith("the line is not CSV in UTF-8 ('utf-8' codec")


def test_a_block_of_bad_lines_alone_is_in_order() -> None:
    """No row is left, and no exception either."""
    frame, faults = csv_frame(Lines(0, [b"x", b"y"]), HEADER)
    assert len(frame) == 0
    assert len(faults) == 2


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)


@given(st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=1))
def test_any_csv_is_read_alike_quoted_or_not(rows: list[tuple[str, str, str]]) -> None:
    """The quick way for plain lines and the careful way for quoted ones agree."""
    plain: list[bytes | None] = []
    quoted: list[bytes | None] = []
    for values in rows:
        texts = [v.replace('"', "").replace(",", "") for v in values]
        plain.append(",".join(texts).encode())
        quoted.append(",".join(f'"{text}"' for text in texts).encode())
    one, _ = csv_frame(Lines(0, plain), HEADER)
    two, _ = csv_frame(Lines(0, quoted), HEADER)
    assert rows_in(one.select(two.columns)) == rows_in(two)


def test_json_keeps_integers_and_text_apart() -> None:
    """Integers stay integers; a decimal stays the text that it was."""
    lines: list[bytes | None] = [
        b'{"service": "sms", "units": 2, "test": true}',
        b'  {"service": "sms", "units": null, "retail_amount": 0.10}  ',
    ]
    frame, faults = json_frame(Lines(3, lines))
    assert faults == []
    assert rows_in(frame.select("row", "service", "units", "test", "retail_amount")) == [
        {"row": 3, "service": "sms", "units": 2, "test": True, "retail_amount": None},
        {"row": 4, "service": "sms", "units": None, "test": None, "retail_amount": "0.10"},
    ]


def test_json_of_mixed_kinds_becomes_text() -> None:
    """A field that is now a number, now a text, is read by its text; no digit is lost."""
    lines: list[bytes | None] = [
        b'{"service": "sms", "units": 2, "sequence": 99999999999999999999999}',
        b'{"service": "sms", "units": "3", "sequence": 1}',
        b'{"service": "sms", "units": true}',
    ]
    frame, _ = json_frame(Lines(0, lines))
    assert frame["units"].to_list() == ["2", "3", "true"]
    assert frame["sequence"].to_list() == ["99999999999999999999999", "1", None]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"[1]", "the line is not a JSON object"),
        (b"7", "the line is not a JSON object"),
        (b'{"service": "sms"', "the line is not JSON"),
        (b'{"service": "sms"} {}', "the line goes on after its JSON object"),
        (b'{"units": NaN}', "the line is not JSON (NaN is no number)"),
        (b'{"units": -Infinity}', "the line is not JSON (-Infinity is no number)"),
        (b'{"source": "\xff"}', "the line is not JSON ('utf-8' codec"),
        (b'{"colour": "red"}', "no usage has the field 'colour'"),
        (b'{"source": ["a"]}', "`source` is a list or an object"),
        (b'{"source": {"a": 1}}', "`source` is a list or an object"),
        (b'{"source": "\\ud800"}', "`source` holds half a character"),
        (b'{"source": ' + b"[" * 30_000 + b"}", "the line is not JSON"),
        (b'{"units": ' + b"9" * 5_000 + b"}", "the line is not JSON"),
        (None, "the line is longer than 65536 bytes"),
    ],
)
def test_a_bad_line_of_json_is_a_fault_of_its_own(line: bytes | None, said: str) -> None:
    """The rows before and behind are read, with their own numbers."""
    good = b'{"service": "sms", "source": "a"}'
    frame, faults = json_frame(Lines(0, [good, line, good]))
    assert frame["row"].to_list() == [0, 2]
    assert frame["source"].to_list() == ["a", "a"]
    assert [fault.row for fault in faults] == [1]
    assert faults[0].what.startswith(said)


def test_bad_lines_are_found_in_any_part_of_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects are taken apart a few at a time; row numbers do not slip."""
    monkeypatch.setattr(files_text, "OBJECTS_AT_ONCE", 2)
    good = b'{"service": "sms", "source": "a"}'
    bad = b'{"service": "sms", "source": []}'
    frame, faults = json_frame(Lines(10, [good, b"x", good, bad, good]))
    assert frame["row"].to_list() == [10, 12, 14]
    assert [fault.row for fault in faults] == [11, 13]
