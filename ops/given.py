"""Given: the names that an operator's own reference files give.

What stands in a file holds, whatever a master tells of the same name. Only names are read here,
quickly and without judging: whether the files are right is for loading them to say.
"""

from __future__ import annotations

from pathlib import Path

from schemas import keys
from schemas.documents import Problems, read_yaml
from schemas.partners import FILE as PARTNERS_FILE
from schemas.reference import AGREEMENTS_FILE
from schemas.sheets import read_csv
from streams.control.derived import Known


def given(directory: Path) -> Known:
    """What the files of a reference directory give, by name; a missing file gives nothing."""
    content = _content(directory / keys.FILE)
    frame = read_csv(content, keys.FILE, keys.COLUMNS, Problems()) if content else None
    rows = () if frame is None else frame.select("kind", "key").unique().iter_rows()
    return Known(
        _names(directory / PARTNERS_FILE, "partner"),
        _names(directory / AGREEMENTS_FILE, "agreement"),
        frozenset((kind, key) for kind, key in rows),
    )


def _names(path: Path, field: str) -> frozenset[str]:
    """The names of the entries in a YAML file."""
    content = _content(path)
    entries = read_yaml(content, path.name, Problems()) if content else []
    return frozenset(name for entry in entries if isinstance(name := entry.get(field), str))


def _content(path: Path) -> bytes:
    """The content of a file, nothing when there is none."""
    return path.read_bytes() if path.is_file() else b""
