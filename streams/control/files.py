"""Files: what is derived, written as the reference files that it becomes.

The text follows from what is derived and from nothing else: entries and rows are in the order of
their names, each on one line, so that the same always makes the same files and a difference shows
what has changed.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.keys import COLUMNS
from schemas.keys import FILE as KEYS_FILE
from schemas.partners import FILE as PARTNERS_FILE
from schemas.reference import AGREEMENTS_FILE
from streams.control.derived import Derived, Key


def written(derived: Derived) -> Mapping[str, str]:
    """The content of the reference files by name."""
    return {
        PARTNERS_FILE: _entries(derived.partners, "partner"),
        AGREEMENTS_FILE: _entries(derived.agreements, "agreement"),
        KEYS_FILE: _rows(derived.keys),
    }


def _entries(entries: Sequence[Mapping[str, Any]], name: str) -> str:
    """Entries as YAML that is JSON behind each dash; letters beyond ASCII stay as they are.

    YAML does not read the pairs of escapes by which JSON writes rare letters in ASCII.
    """
    if not entries:
        return "[]\n"
    ordered = sorted(entries, key=lambda entry: str(entry[name]))
    lines = (json.dumps(entry, ensure_ascii=False, sort_keys=True) for entry in ordered)
    return "".join(f"- {line}\n" for line in lines)


def _rows(keys: Sequence[Key]) -> str:
    """Rows as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(sorted(keys))
    return text.getvalue()
