"""What commands print: tables for people, JSON and CSV for programs.

Results go to standard output in the form asked for, everything else (progress, notes, mistakes) to
standard error, so that a pipe gets results only. Exit codes are the same for all commands.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from enum import IntEnum, StrEnum
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

WIDTH_PIPED = 240
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class Exit(IntEnum):
    """What a command's exit code says."""

    OK = 0
    FINDING = 1
    USAGE = 2
    UNREACHABLE = 3
    UNSAFE = 4


class Form(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


notes = Console(stderr=True)


def show(form: Form, title: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print rows with the given columns, in order."""
    if form is Form.JSON:
        print_json([{c: r.get(c) for c in columns} for r in rows])
    elif form is Form.CSV:
        writer = csv.writer(sys.stdout)
        writer.writerow(columns)
        writer.writerows([[_cell(r.get(c)) for c in columns] for r in rows])
    elif not rows:
        screen().print(f"{title}: none", highlight=False)
    else:
        table = Table(title=title, title_justify="left")
        for column in columns:
            numeric = any(_is_number(r.get(column)) for r in rows)
            justify: Any = "right" if numeric else "left"
            table.add_column(column.replace("_", " "), justify=justify, no_wrap=numeric)
        for row in rows:
            # As plain text: what is in a file must not be taken for markup.
            table.add_row(*(Text("" if row.get(c) is None else str(row[c])) for c in columns))
        screen().print(table)


def screen() -> Console:
    """Where results for people go; a pipe gets wide lines, since a cut amount is worse."""
    return Console() if sys.stdout.isatty() else Console(width=WIDTH_PIPED)


def print_json(document: object) -> None:
    """Print a document as JSON; amounts are strings already."""
    sys.stdout.write(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def _is_number(value: object) -> bool:
    text = str(value).lstrip("-").replace(".", "", 1)
    return text.isdigit()


def _cell(value: object) -> object:
    """A CSV cell that no spreadsheet takes for a formula; numbers stay numbers."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS) and not _is_number(value):
        return "'" + value
    return value


def fail(what: str, code: Exit = Exit.USAGE) -> typer.Exit:
    """Say what went wrong on standard error; raise what is returned."""
    notes.print(f"[bold red]weir:[/] {escape(what)}", highlight=False, soft_wrap=True)
    return typer.Exit(int(code))
