"""How the oracle reads files: text to exact numbers and moments, and nothing clever.

Every number is a `Fraction` made from the text that stands in the file. Instants are integer
microseconds since the epoch, and every validity is half open: from the first instant, up to but
without the last.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

Text = Mapping[str, str]


@dataclass(frozen=True)
class Validity:
    """A half-open span of time; None leaves that side open."""

    from_us: int | None
    upto_us: int | None

    def covers(self, instant_us: int) -> bool:
        """Whether the instant lies in the span."""
        if self.from_us is not None and instant_us < self.from_us:
            return False
        return self.upto_us is None or instant_us < self.upto_us


class TextLoader(yaml.CSafeLoader):
    """YAML with every scalar left as the text it is, so that 0.1 never becomes a binary float."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML reads it from the class
        "<": [("tag:yaml.org,2002:merge", re.compile(r"^<<$"))]
    }


def instant_us(text: str, zone: tzinfo) -> int:
    """Microseconds since the epoch of a timestamp with offset, or a date's midnight in a zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return (moment - EPOCH) // MICROSECOND


def validity(entry: Text, zone: tzinfo) -> Validity:
    """The span that an entry's valid_from and valid_upto mean; nothing written leaves it open."""
    ends = []
    for name in ("valid_from", "valid_upto"):
        text = (entry.get(name) or "").strip()
        ends.append(None if text in {"", "~", "null"} else instant_us(text, zone))
    return Validity(*ends)


def rows(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV file by column name; a column that a short row leaves out is empty."""
    with file.open(newline="", encoding="utf-8-sig") as lines:
        return [
            {name: (value or "").strip() for name, value in row.items() if name is not None}
            for row in csv.DictReader(lines)
        ]


def parts(directory: Path, name: str) -> list[Path]:
    """A file of a reference, and what masters told beside it, where there is any."""
    return [directory / name, *(p for p in [directory / "followed" / name] if p.exists())]


def entries(directory: Path, name: str) -> list[Any]:
    """The entries of a YAML file of a reference, those that masters told too."""
    # TextLoader is a safe loader that takes even less for granted than yaml.safe_load.
    return [
        entry
        for file in parts(directory, name)
        for entry in yaml.load(file.read_text(encoding="utf-8"), Loader=TextLoader)  # noqa: S506
    ]


Known = Mapping[tuple[str, str], tuple[tuple[str, Validity], ...]]


def characteristics(file: Path) -> Known:
    """What keys have of each characteristic, by key and name; there need not be any."""
    found: dict[tuple[str, str], tuple[tuple[str, Validity], ...]] = {}
    for row in rows(file) if file.exists() else ():
        place = (f"{row['kind']}:{row['key']}", row["name"])
        found[place] = (*found.get(place, ()), (row["value"], validity(row, UTC)))
    return found


def exact(written: object) -> Fraction:
    """The number that stands in the file, exactly."""
    return Fraction(str(written))


def mapping(value: object) -> Mapping[str, object]:
    """A YAML mapping, or an error that says what stands there instead."""
    if not isinstance(value, dict):
        raise TypeError(f"expected a mapping, found {value!r}")
    return value
