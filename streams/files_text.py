"""CSV and JSON Lines: lines into frames, a bounded block of them at a time.

A row is a line: there are no line breaks inside values, so one bad line can never swallow the rows
after it. Blank lines are no rows. A CSV file starts with a header of field names and `service`; in
JSON Lines every line is an object with such names. A line that has no such form (too long, not
UTF-8, a wrong number of columns, not an object) is a fault of that row alone.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from schemas.codes import Reason
from streams.files_bytes import PIECE_BYTES, ByteStream, Damaged, UsageFileError
from streams.files_fields import ROW, SERVICE, Fault, field_names

LINE_BYTES_MAX = 1 << 16
SHOWN_CHARACTERS = 500
OBJECTS_AT_ONCE = 500  # few enough to be still in the processor's cache when taken apart
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
KINDS_NONE = frozenset({type(None)})

Line = bytes | None  # None stands for a line longer than LINE_BYTES_MAX
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Lines:
    """Consecutive rows of a file as they are written; `first_row` is the number of the first."""

    first_row: int
    lines: list[Line]

    def shown(self, row: int) -> str:
        """A line for people: cut, and with bytes that are not UTF-8 made visible."""
        line = self.lines[row - self.first_row]
        if line is None:
            return f"(a line of more than {LINE_BYTES_MAX} bytes)"
        return line[:SHOWN_CHARACTERS].decode(errors="backslashreplace")


def read_lines(stream: ByteStream, rows: int) -> Iterator[Lines | Damaged]:
    """The rows of a file in blocks of at most `rows`; when the file is damaged, that comes last.

    A last line without line end is a row as well, unless the file is damaged there.
    """
    first_row, block = 0, list[Line]()
    for line in _split(stream):
        if isinstance(line, Damaged):
            if block:
                yield Lines(first_row, block)
            yield line
            return
        block.extend(line)
        while len(block) >= rows:
            yield Lines(first_row, block[:rows])
            first_row, block = first_row + rows, block[rows:]
    if block:
        yield Lines(first_row, block)


def _split(stream: ByteStream) -> Iterator[list[Line] | Damaged]:
    """Lines that are not blank, without their ends, a piece of the file at a time."""
    begun = b""
    overlong = False  # the line that `begun` belongs to is too long already
    while True:
        try:
            piece = stream.read(PIECE_BYTES)
        except Damaged as damage:
            yield damage
            return
        if not piece:
            break
        ended = (begun + piece).split(b"\n")
        begun = ended.pop()
        lines: list[Line] = [
            line if len(line) <= LINE_BYTES_MAX else None for line in ended if line.strip()
        ]
        if overlong and ended:
            lines = [None, *(lines[1:] if ended[0].strip() else lines)]
            overlong = False
        if len(begun) > LINE_BYTES_MAX:
            begun, overlong = b"", True
        yield lines
    if overlong:
        yield [None]
    elif begun.strip():
        yield [begun]


def read_header(stream: ByteStream) -> list[str]:
    """Take the header line of a CSV file.

    Raises:
        UsageFileError: it is not a header of known names that are each there once.
    """
    head = stream.peek(LINE_BYTES_MAX)
    end = head.find(b"\n")
    line = stream.exactly(end + 1 if end >= 0 else len(head))
    try:
        text = line.removeprefix(BYTE_ORDER_MARK).decode().strip()
    except UnicodeDecodeError as error:
        raise UsageFileError(
            f"{stream.path}: is neither Avro, JSON Lines nor CSV in UTF-8 text; send one of these"
        ) from error
    names = [name.strip() for name in next(csv.reader([text], skipinitialspace=True), [])]
    known = field_names()
    if not known.intersection(names):
        raise UsageFileError(
            f"{stream.path}: is not recognised: neither an Avro container, nor JSON Lines, nor CSV "
            "whose first line names usage fields separated by commas; send one of these"
        )
    unknown = sorted(set(names) - known)
    twice = sorted({name for name in names if names.count(name) > 1})
    if unknown or twice or SERVICE not in names:
        what = (
            f"the header names {', '.join(map(repr, unknown))}, which no usage has"
            if unknown
            else f"the header names {', '.join(twice)} twice"
            if twice
            else "the header has no column `service`"
        )
        raise UsageFileError(f"{stream.path}: {what}; name the columns as the usage contract does")
    return names


def csv_frame(block: Lines, header: Sequence[str]) -> tuple[pl.DataFrame, list[Fault]]:
    """Rows of CSV as a frame of text, and those without the header's number of columns."""
    whole = None if None in block.lines else b"\n".join(block.lines)  # type: ignore[arg-type]
    plain = whole is not None and whole.isascii() and not {b'"', b"\r"} & set(_rare(whole))
    if whole is not None and plain and _columns_match(whole, len(block.lines), len(header)):
        frame = pl.read_csv(
            whole,
            has_header=False,
            new_columns=list(header),
            infer_schema=False,
            quote_char=None,
        )
        numbers = np.arange(block.first_row, block.first_row + len(block.lines))
        return frame.with_columns(pl.Series(ROW, numbers)), []
    return _careful_csv(block, header)


def _rare(whole: bytes) -> list[bytes]:
    """Which of the bytes that plain CSV does without are there."""
    return [byte for byte in (b'"', b"\r") if byte in whole]


def _columns_match(whole: bytes, lines: int, columns: int) -> bool:
    """Whether every line of plain CSV has the right number of columns."""
    marks = np.frombuffer(whole, np.uint8)
    marks = marks[(marks == ord(",")) | (marks == ord("\n"))]
    marks = np.append(marks, ord("\n"))
    if len(marks) != lines * columns:
        return False
    shaped = marks.reshape(lines, columns)
    return bool((shaped[:, :-1] == ord(",")).all() and (shaped[:, -1] == ord("\n")).all())


def _careful_csv(block: Lines, header: Sequence[str]) -> tuple[pl.DataFrame, list[Fault]]:
    """Rows of CSV one line at a time, where some are quoted or wrong."""
    rows: list[Row] = []
    faults: list[Fault] = []
    for row, line in enumerate(block.lines, block.first_row):
        if line is None:
            faults.append(_unreadable(row, f"the line is longer than {LINE_BYTES_MAX} bytes"))
            continue
        try:
            (values,) = csv.reader([line.decode().rstrip("\r")], strict=True)
        except (UnicodeDecodeError, csv.Error, ValueError) as error:
            faults.append(_unreadable(row, f"the line is not CSV in UTF-8 ({error})"))
            continue
        if len(values) != len(header):
            what = f"{len(values)} columns where the header has {len(header)}"
            faults.append(_unreadable(row, what))
            continue
        rows.append((row, *(value or None for value in values)))
    schema = {ROW: pl.Int64} | dict.fromkeys(header, pl.String)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    return _frame(schema, columns), faults


def _unreadable(row: int, what: str) -> Fault:
    """A fault of a line as a whole."""
    return Fault(row, Reason.UNREADABLE_LINE, what)


def _frame(schema: dict[str, Any], columns: Sequence[Sequence[Any]]) -> pl.DataFrame:
    """Columns of Python values as a frame."""
    return pl.DataFrame(
        [pl.Series(n, v, dtype=t) for (n, t), v in zip(schema.items(), columns, strict=True)]
    )


def json_frame(block: Lines) -> tuple[pl.DataFrame, list[Fault]]:
    """Rows of JSON Lines as a frame, and those that are not flat objects of known names."""
    numbers: list[int] = []
    faults: list[Fault] = []
    values: dict[str, list[Any]] = {name: [] for name in sorted(field_names())}
    for at in range(0, len(block.lines), OBJECTS_AT_ONCE):
        objects: list[dict[str, Any]] = []
        lines = block.lines[at : at + OBJECTS_AT_ONCE]
        for row, line in enumerate(lines, block.first_row + at):
            read = _json_object(line, values)
            if isinstance(read, str):
                faults.append(_unreadable(row, read))
            else:
                objects.append(read)
                numbers.append(row)
        for name, column in values.items():
            column += [o.get(name) for o in objects]
    columns, bad = _json_columns(values)
    faults += [_unreadable(numbers[i], what) for i, what in bad.items()]
    frame = pl.DataFrame([pl.Series(ROW, numbers, dtype=pl.Int64), *columns])
    if bad:
        keep = np.ones(len(numbers), bool)
        keep[list(bad)] = False
        frame = frame.filter(pl.Series(keep))
    return frame, faults


def _json_object(line: Line, known: dict[str, list[Any]]) -> dict[str, Any] | str:
    """The object in a line, or why there is none."""
    if line is None:
        return f"the line is longer than {LINE_BYTES_MAX} bytes"
    try:
        text = line.strip().decode()
        value, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError) as error:
        return f"the line is not JSON ({error})"
    if end != len(text):
        return "the line goes on after its JSON object"
    if type(value) is not dict:
        return "the line is not a JSON object"
    if not known.keys() >= value.keys():
        name = min(value.keys() - known.keys())
        return f"no usage has the field {name[:80]!r}"
    return value


def _json_columns(values: dict[str, list[Any]]) -> tuple[list[pl.Series], dict[int, str]]:
    """The columns that some object has, and which objects have values that no column can hold."""
    columns: list[pl.Series] = []
    bad: dict[int, str] = {}
    for name, column in values.items():
        kinds = set(map(type, column)) - KINDS_NONE
        if not kinds and name != SERVICE:
            continue
        if not kinds.isdisjoint((list, dict)):
            nested = [i for i, v in enumerate(column) if type(v) in (list, dict)]
            bad |= dict.fromkeys(nested, f"`{name}` is a list or an object")
            _blank(column, nested)
            kinds -= {list, dict}
        try:
            series = _json_series(name, column, kinds)
        except UnicodeEncodeError:
            halves = [i for i, v in enumerate(column) if type(v) is str and not _encodes(v)]
            bad |= dict.fromkeys(halves, f"`{name}` holds half a character")
            _blank(column, halves)
            series = _json_series(name, column, kinds)
        columns.append(series)
    return columns, bad


def _blank(column: list[Any], at: Sequence[int]) -> None:
    """Take values out of a column whose rows are refused."""
    for i in at:
        column[i] = None


def _no_constant(name: str) -> None:
    """Refuse `NaN` and `Infinity`, which are not JSON."""
    raise ValueError(f"{name} is no number")


# Numbers with a point or an exponent stay text, so that no amount passes through a float.
_DECODER = json.JSONDecoder(parse_float=str, parse_constant=_no_constant)


def _encodes(text: str) -> bool:
    """Whether a text is whole characters; JSON can escape halves of them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _json_series(name: str, values: list[Any], kinds: set[type]) -> pl.Series:
    """One field's values: integers, booleans or text if all are, else the text of each."""
    if kinds <= {str}:
        return pl.Series(name, values, dtype=pl.String)
    if kinds == {bool}:
        return pl.Series(name, values, dtype=pl.Boolean)
    if kinds == {int}:
        with suppress(TypeError):  # one of them does not fit 64 bits
            return pl.Series(name, values, dtype=pl.Int64)
    words = {True: "true", False: "false"}
    texts = [
        v if v is None or type(v) is str else words[v] if type(v) is bool else str(v)
        for v in values
    ]
    return pl.Series(name, texts, dtype=pl.String)
