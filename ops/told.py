"""What masters told, as the files of the folder `followed/` of a reference.

The text is made by rule, so that the same partners, agreements and keys make the same files and
with them the same reference: an entry a line, in JSON, which is YAML too, in the order of names.
So a problem's line leads back to the entry that it is about.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schemas.agreements import OWN_NAME
from schemas.documents import Problem
from schemas.keys import COLUMNS
from schemas.keys import FILE as KEYS_FILE
from schemas.partners import FILE as PARTNERS_FILE
from schemas.reference import AGREEMENTS_FILE, FOLLOWED
from streams.control.derived import Derived, Key

# Letters that YAML reads as something else than themselves, or not at all.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")

Name = tuple[str, str]  # the file, and the name in it; of a key its kind and itself


@dataclass(frozen=True)
class Told:
    """Entries by file and name, each as its text: a line of YAML, or rows of keys."""

    entries: Mapping[Name, str] = field(default_factory=dict)
    keys: Mapping[Name, tuple[Key, ...]] = field(default_factory=dict)

    @staticmethod
    def of(derived: Derived) -> Told:
        """The entries and keys that were derived."""
        entries: dict[Name, str] = {}
        for entry in derived.partners:
            entries.setdefault((PARTNERS_FILE, str(entry["partner"])), _line(entry))
        for entry in derived.agreements:
            entries.setdefault((AGREEMENTS_FILE, str(entry["agreement"])), _line(entry))
        return Told(entries, _by_name(derived.keys))

    @staticmethod
    def read(directory: Path) -> Told:
        """What stands in a reference that Weir wrote; nothing when it has no such folder."""
        entries: dict[Name, str] = {}
        for file, name in ((PARTNERS_FILE, "partner"), (AGREEMENTS_FILE, "agreement")):
            path = directory / FOLLOWED / file
            lines = path.read_text("utf-8").split("\n") if path.exists() else ()
            for line in (one for one in lines if one.startswith("- ")):
                with suppress(ValueError, KeyError):  # somebody else's line is nothing of ours
                    entries[file, json.loads(line.removeprefix("- "))[name]] = line
        path = directory / FOLLOWED / KEYS_FILE
        rows: list[Key] = []
        if path.exists():
            with path.open(encoding="utf-8", newline="") as stream:
                rows = [Key(*row) for row in list(csv.reader(stream))[1:]]
        return Told(entries, _by_name(rows))

    @property
    def names(self) -> Collection[Name]:
        """All that has a name."""
        return {*self.entries, *self.keys}

    def with_more(self, other: Told) -> Told:
        """With the entries of another one in place of those of the same name."""
        return Told({**self.entries, **other.entries}, {**self.keys, **other.keys})

    def only(self, names: Collection[Name]) -> Told:
        """Only these."""
        return Told(
            {name: line for name, line in self.entries.items() if name in names},
            {name: rows for name, rows in self.keys.items() if name in names},
        )

    def whole(self, agreements: Collection[str]) -> Told:
        """Without the keys of agreements that are neither here nor among those of the files."""
        known = {OWN_NAME, *agreements, *(n for f, n in self.entries if f == AGREEMENTS_FILE)}
        rows = [row for rows in self.keys.values() for row in rows if row.agreement in known]
        return Told(self.entries, _by_name(rows))

    def write(self, directory: Path) -> None:
        """Write the folder anew; where there is nothing to say, there is none."""
        folder = directory / FOLLOWED
        shutil.rmtree(folder, ignore_errors=True)
        if not self.names:
            return
        folder.mkdir()
        for file in (PARTNERS_FILE, AGREEMENTS_FILE):
            lines = [line for _, line in self._lines(file)]
            (folder / file).write_text("\n".join(lines or ["[]"]) + "\n", "utf-8")
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([COLUMNS, *self._rows()])
        (folder / KEYS_FILE).write_text(_written(text.getvalue()), "utf-8")

    def name_at(self, problem: Problem) -> Name | None:
        """What a problem in a folder written by this is about; None when it is about no entry."""
        folder, _, file = problem.file.partition("/")
        if folder != FOLLOWED or problem.line == 0:
            return None
        if file == KEYS_FILE:
            names = [("", ""), *map(_name, self._rows())]  # below the names of the columns
        else:
            names = [name for name, _ in self._lines(file)]
        return names[problem.line - 1] if problem.line <= len(names) else None

    def _lines(self, file: str) -> list[tuple[Name, str]]:
        """The entries of a file, in its order."""
        return sorted((name, line) for name, line in self.entries.items() if name[0] == file)

    def _rows(self) -> list[Key]:
        """All keys, in the order of their file."""
        return sorted(row for rows in self.keys.values() for row in rows)


def _by_name(keys: Collection[Key]) -> dict[Name, tuple[Key, ...]]:
    """Rows of keys by the name of each."""
    found: dict[Name, tuple[Key, ...]] = {}
    for row in sorted(keys):
        found[_name(row)] = (*found.get(_name(row), ()), row)
    return found


def _name(row: Key) -> Name:
    """The name of a key."""
    return KEYS_FILE, f"{row.kind}:{row.key}"


def _line(entry: Mapping[str, Any]) -> str:
    """An entry as one line of YAML."""
    text = json.dumps(entry, ensure_ascii=False, sort_keys=True)
    return "- " + _UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", _written(text))


def _written(text: str) -> str:
    """A text as it can be written: halves of letters, which JSON can name, are question marks."""
    return text.encode("utf-8", "replace").decode()
