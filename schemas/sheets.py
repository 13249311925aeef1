"""Reading CSV: columns of text with the line of each row, checked a column at a time.

A deck may have a million rows, so a file without quotes and without a fault in its shape is read in
columns at once: there a row is a line. All others are read row by row by the standard library,
which knows on which line a row ends and what is wrong with it. A `Sheet` is such a file being
checked: each check marks the bad cells of a column, notes the first few of them with file, line and
field, and the rows that have one are left out of the checks that follow.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Protocol

import polars as pl
import pyarrow as pa
import pyarrow.csv as arrow_csv

from schemas.documents import Problems, decode
from schemas.moments import OPEN_FROM_S, OPEN_UPTO_S, parse_moment
from schemas.money import NANOS_DECIMALS, parse_column

_ROWS_PER_CHUNK = 5_000

# A column that is wrong throughout is one mistake, not a million.
REPORTED_MAX = 20


def read_csv(
    content: bytes, file: str, columns: Sequence[str], problems: Problems
) -> pl.DataFrame | None:
    """The rows of a CSV file as text without outer spaces, with each row's `line`.

    The first line names the columns, in any order. None when the file cannot be used at all.
    """
    text = decode(content, file, problems)
    if text is None:
        return None
    plain = _plain(content, text, columns)
    if plain is not None:
        return plain
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader)]
        if not _check_header(header, file, columns, problems):
            return None
        return _rows(reader, header, file, problems)
    except csv.Error as error:
        message = f"is not CSV ({error}); check the quotes on this line"
        problems.add(file, reader.line_num, "", message)
        return None


def _plain(content: bytes, text: str, columns: Sequence[str]) -> pl.DataFrame | None:
    """The rows of a file in which every line is a whole row and nothing is quoted, else None.

    What the two readers might understand differently is left to the other one, as is everything
    that somebody has to be told about.
    """
    first = re.match(r"[^\r\n]*", text)
    header = [name.strip() for name in first.group().split(",")] if first else []
    lines = content.rstrip(b"\r\n")
    # A blank line is no row, but shifts the lines of those below it.
    shifted = b"\n\n" in lines or b"\n\r" in lines or lines.count(b"\r") != lines.count(b"\r\n")
    if shifted or '"' in text or sorted(header) != sorted(columns):
        return None
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(lines),
            arrow_csv.ReadOptions(column_names=header, skip_rows=1),
            arrow_csv.ParseOptions(quote_char=False, ignore_empty_lines=False),
            arrow_csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string())),
        )
    except pa.ArrowInvalid:
        return None
    frame = pl.DataFrame(pl.from_arrow(table))
    longest = frame.select(pl.max_horizontal(pl.col(header).str.len_bytes().max())).item()
    if longest is None or longest > csv.field_size_limit():
        return None
    return frame.select(
        pl.col(header).str.strip_chars(), line=pl.int_range(2, frame.height + 2, dtype=pl.Int64)
    )


def _check_header(
    header: Sequence[str], file: str, columns: Sequence[str], problems: Problems
) -> bool:
    """Whether the header names exactly these columns; if not, say what to change."""
    wanted = ",".join(columns)
    missing = [name for name in columns if name not in header]
    unknown = [name for name in header if name not in columns]
    separators = {"\t": "tabs", ";": "semicolons"}
    for separator, name in separators.items():
        if len(header) == 1 and separator in header[0]:
            message = f"has {name} between its columns; save it with commas"
            problems.add(file, 1, "", message)
            return False
    if missing:
        message = f"has no column {', '.join(missing)}; the first line must read {wanted}"
        problems.add(file, 1, missing[0], message)
    for name in unknown:
        problems.add(file, 1, name, f"is not a column; the first line must read {wanted}")
    if len(set(header)) != len(header):
        problems.add(file, 1, "", f"names a column twice; the first line must read {wanted}")
        return False
    return not missing and not unknown


class _Lines(Protocol):
    """What the standard library's CSV reader is."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]:
        """The rows to come."""
        ...


def _rows(reader: _Lines, header: list[str], file: str, problems: Problems) -> pl.DataFrame:
    """The rows below the header; those with another number of fields are noted and left out."""
    schema = dict.fromkeys(header, pl.String)
    frames = [pl.DataFrame(schema=schema | {"line": pl.Int64})]
    whole = _whole(reader, len(header), file, problems)
    # Small chunks, because Python slows down with the number of lists that are alive.
    while rows := list(islice(whole, _ROWS_PER_CHUNK)):
        *columns, lines = zip(*rows, strict=True)
        frame = pl.DataFrame(dict(zip(header, columns, strict=True)), schema=schema)
        frames.append(frame.with_columns(line=pl.Series(lines, dtype=pl.Int64)))
    return pl.concat(frames).with_columns(pl.col(header).str.strip_chars())


def _whole(
    reader: _Lines, width: int, file: str, problems: Problems
) -> Iterator[tuple[str | int, ...]]:
    """The rows that have as many fields as the header, each with its line behind."""
    for row in reader:
        if len(row) == width:
            yield (*row, reader.line_num)
        elif row:  # a blank line is a row without fields, and harmless
            message = f"has {len(row)} values, not {width}; check the commas"
            problems.add(file, reader.line_num, "", message)


class Sheet:
    """The rows of one CSV file on their way from text to values."""

    def __init__(self, frame: pl.DataFrame, file: str, problems: Problems) -> None:
        self.frame = frame
        self.file = file
        self._problems = problems

    def refuse(
        self, field: str, bad: pl.Expr, explain: Callable[[str], str], column: str | None = None
    ) -> None:
        """Note the rows where `bad` holds and drop them.

        The message is what `explain` says of the text in `column`, by default the field itself.
        """
        mask = self.frame.select(bad.fill_null(value=True)).to_series()
        if not mask.any():
            return
        wrong = self.frame.filter(mask).select("line", text=pl.col(column or field).cast(pl.String))
        for line, text in wrong.head(REPORTED_MAX).iter_rows():
            self._problems.add(self.file, line, field, explain(text))
        if wrong.height > REPORTED_MAX:
            more = wrong.height - REPORTED_MAX
            message = f"and {more} more rows like the {REPORTED_MAX} before; mend these first"
            self._problems.add(self.file, wrong["line"][REPORTED_MAX], field, message)
        self.frame = self.frame.filter(~mask)

    def match(self, field: str, pattern: str, advice: str) -> None:
        """Keep the rows whose field is of this form."""
        self.refuse(field, ~pl.col(field).str.contains(f"^(?:{pattern})$"), _not_like(advice))

    def values(self, field: str, read: Callable[[str], int], column: str) -> None:
        """Replace a field of few distinct texts by the column of what `read` makes of them."""
        texts = self.frame[field].unique().to_list()
        known: dict[str, int] = {}
        reasons: dict[str, str] = {}
        for text in texts:
            try:
                known[text] = read(text)
            except ValueError as error:
                reasons[text] = str(error)
        if reasons:
            self.refuse(field, pl.col(field).is_in(list(reasons)), reasons.__getitem__)
        schema = {"text": pl.String, "number": pl.Int64}
        numbers = pl.DataFrame(list(known.items()), schema=schema, orient="row")
        self.frame = (
            self.frame.join(
                numbers, left_on=field, right_on="text", how="left", maintain_order="left"
            )
            .drop(field)
            .rename({"number": column})
        )

    def nanos(self, field: str, read: Callable[[str], int], column: str, most: int) -> None:
        """Replace a field of prices by a column of nanos from 0 to `most`.

        `read` is the reader of a single price, and explains why a text is not one.
        """
        self.frame = self.frame.with_columns(
            parse_column(self.frame[field], NANOS_DECIMALS).alias(column)
        )

        def explain(text: str) -> str:
            """Why `read` refuses it."""
            try:
                read(text)
            except ValueError as error:
                return str(error)
            return f"{text!r} is not a price; write it without leading zeros or signs"

        self.refuse(field, pl.col(column).is_null() | (pl.col(column) > most), explain)
        self.frame = self.frame.drop(field)

    def validity(self) -> None:
        """Replace `valid_from` and `valid_upto` by seconds; dates are UTC, empty means open."""
        opens = {"valid_from": OPEN_FROM_S, "valid_upto": OPEN_UPTO_S}
        for field, open_end in opens.items():
            self.values(field, _second_or(open_end), f"{field}_s")
        late = pl.col("valid_upto_s") <= pl.col("valid_from_s")
        self.refuse(
            "valid_upto",
            late,
            lambda _: "is not after valid_from; exchange the two",
            "valid_upto_s",
        )

    def succession(self, group: Sequence[str], *, gaps_refused: bool) -> None:
        """Refuse rows of a group that overlap the row before, or leave a gap to it."""
        same = pl.all_horizontal(pl.col(column) == pl.col(column).shift(1) for column in group)
        self.frame = self.frame.sort(*group, "valid_from_s", maintain_order=True).with_columns(
            before_upto_s=pl.when(same).then(pl.col("valid_upto_s").shift(1)),
            before_line=pl.when(same).then(pl.col("line").shift(1)),
        )
        follows = pl.col("before_line").is_not_null()
        self.refuse(
            "valid_from",
            follows & (pl.col("before_upto_s") > pl.col("valid_from_s")),
            lambda line: f"overlaps the row on line {line}; end that row where this one begins",
            "before_line",
        )
        if gaps_refused:
            self.refuse(
                "valid_from",
                follows & (pl.col("before_upto_s") < pl.col("valid_from_s")),
                lambda line: f"leaves a gap after the row on line {line}; begin where it ends",
                "before_line",
            )
        self.frame = self.frame.drop("before_upto_s", "before_line")


def _not_like(advice: str) -> Callable[[str], str]:
    """An explanation for a text that lacks the wanted form."""

    def explain(text: str) -> str:
        """What is wrong with this one."""
        return f"{text!r} {advice}" if text else f"is empty; {advice.rpartition('; ')[2]}"

    return explain


def _second_or(open_end: int) -> Callable[[str], int]:
    """A reader of one end of a validity."""

    def read(text: str) -> int:
        """The second, or the open end."""
        return parse_moment(text).seconds("UTC") if text else open_end

    return read
