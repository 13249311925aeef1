"""Reference: partners, agreements, attribution keys and rate decks, read from a directory.

Settlement is usage times agreements, and this is where agreements come from: `partners.yaml`,
`agreements.yaml`, `attribution.csv`, and for each deck `decks/NAME.prefixes.csv` and
`decks/NAME.rates.csv`. `load` reads all of it or refuses all of it: a `InvalidReferenceError`
carries every mistake found, each with file, line, field and what to do, so that they are mended in
one go. A loaded reference is immutable and named by a digest of its content, which every rated
block repeats.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import polars as pl
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas import keys
from schemas.agreements import FIELDS, Agreement, Partner
from schemas.decks import Deck, deck_names, read_decks
from schemas.documents import Entry, Problem, Problems, locate, read_yaml
from schemas.terms import deck_items, findings

__all__ = [
    "Agreement",
    "Deck",
    "InvalidReferenceError",
    "Partner",
    "Problem",
    "Reference",
    "load",
]

PARTNERS_FILE = "partners.yaml"
AGREEMENTS_FILE = "agreements.yaml"
REQUIRED_FILES = (PARTNERS_FILE, AGREEMENTS_FILE, keys.FILE)
DIGEST_DIGITS = 16

AnyModel = TypeVar("AnyModel", bound=BaseModel)


class InvalidReferenceError(Exception):
    """A reference directory that cannot be used, with all that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Reference:
    """All reference data. `attribution` has a row per key and owner: see `schemas.keys`."""

    reference_id: str
    partners: tuple[Partner, ...]
    agreements: tuple[Agreement, ...]
    attribution: pl.DataFrame
    decks: tuple[Deck, ...]


def load(directory: Path) -> Reference:
    """Read and check a reference directory.

    Raises:
        InvalidReferenceError: something in it is wrong; nothing of it is used.
    """
    problems = Problems()
    files = _read_files(directory, problems)
    partner_entries = _entries(files, PARTNERS_FILE, problems)
    agreement_entries = _entries(files, AGREEMENTS_FILE, problems)
    partners = _models(partner_entries, PARTNERS_FILE, Partner, problems)
    agreements = _models(agreement_entries, AGREEMENTS_FILE, Agreement, problems)
    partner_names = _names(partner_entries, PARTNERS_FILE, "partner", problems)
    agreement_names = _names(agreement_entries, AGREEMENTS_FILE, "agreement", problems)
    decks = read_decks(files, problems)
    _check_agreements(agreements, partner_names, deck_names(files), problems)
    attribution = None
    if keys.FILE in files:
        attribution = keys.read_keys(files[keys.FILE], agreement_names, problems)
    if problems.found or attribution is None:
        raise InvalidReferenceError(sorted(problems.found))
    return Reference(
        _digest(files),
        tuple(partner for partner, _ in partners),
        tuple(agreement for agreement, _ in agreements),
        attribution,
        decks,
    )


def _read_files(directory: Path, problems: Problems) -> dict[str, bytes]:
    """The content of every file of the reference, by path within the directory."""
    if not directory.is_dir():
        problems.add(str(directory), 0, "", "is not a directory; give the one with partners.yaml")
        return {}
    present = {path.name: path for path in directory.iterdir()}
    wanted: dict[str, Path] = {}
    for name in REQUIRED_FILES:
        if name in present:
            wanted[name] = present[name]
            continue
        others = [other for other in present if other not in REQUIRED_FILES]
        close = difflib.get_close_matches(name, others, 1, 0.8)
        advice = f"rename {close[0]} to it" if close else "add it, if only to hold nothing"
        problems.add(name, 0, "", f"is missing; {advice}")
    decks = directory / "decks"
    if decks.is_dir():
        deck_files = (path for path in decks.iterdir() if not path.name.startswith("."))
        wanted.update((f"decks/{path.name}", path) for path in deck_files)
    files: dict[str, bytes] = {}
    for name, path in sorted(wanted.items()):
        try:
            files[name] = path.read_bytes()
        except OSError as error:
            problems.add(name, 0, "", f"cannot be read ({error.strerror}); check its permissions")
    return files


def _digest(files: Mapping[str, bytes]) -> str:
    """The name of this content: the same on every machine, whatever its line ends."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        canonical = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
        digest.update(f"{name}\n{len(canonical)}\n".encode())
        digest.update(canonical)
    return digest.hexdigest()[:DIGEST_DIGITS]


def _entries(files: Mapping[str, bytes], file: str, problems: Problems) -> list[Entry]:
    """The entries of a YAML file; none when it is missing, which has been noted."""
    return read_yaml(files[file], file, problems) if file in files else []


def _models(
    entries: Sequence[Entry], file: str, model: type[AnyModel], problems: Problems
) -> list[tuple[AnyModel, Entry]]:
    """The models of the entries that have the right shape, each beside its entry."""
    models: list[tuple[AnyModel, Entry]] = []
    for entry in entries:
        try:
            models.append((model.model_validate(entry), entry))
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                line, field = locate(entry, detail["loc"])
                problems.add(file, line, field, _explain(detail))
    return models


def _explain(detail: ErrorDetails) -> str:
    """What one of pydantic's findings means to the author of a file."""
    match detail["type"]:
        case "missing":
            return "is missing; add it"
        case "extra_forbidden":
            close = difflib.get_close_matches(str(detail["loc"][-1]), FIELDS, 1)
            return f"is not known here; {f'write {close[0]}' if close else 'remove it'}"
        case "value_error":
            return str(detail["ctx"]["error"])
        case "model_type" | "model_attributes_type" | "dict_type":
            return "must be fields, written name: value"
        case "tuple_type" | "list_type":
            return "must be a list; begin every entry with a dash, '- '"
        case _:
            return detail["msg"]


def _names(entries: Sequence[Entry], file: str, field: str, problems: Problems) -> set[str]:
    """The names that entries have, right or wrong in the rest; a name used twice is noted."""
    first_lines: dict[str, int] = {}
    for entry in entries:
        name = entry.get(field)
        if not isinstance(name, str):
            continue
        line = entry.lines[field]
        first = first_lines.setdefault(name, line)
        if first != line:
            message = f"{name!r} is already given on line {first}; keep one of the two"
            problems.add(file, line, field, message)
    return set(first_lines)


def _check_agreements(
    agreements: Sequence[tuple[Agreement, Entry]],
    partners: Collection[str],
    decks: Collection[str],
    problems: Problems,
) -> None:
    """Check the parts of each agreement against each other, its partner and its decks."""
    for agreement, entry in agreements:
        found = list(findings(agreement))
        if agreement.partner not in partners:
            message = f"{agreement.partner!r} is not in {PARTNERS_FILE}; add it there"
            found.append((("partner",), message))
        for path, deck in deck_items(agreement):
            if deck not in decks:
                message = f"there is no deck {deck!r}; add decks/{deck}.prefixes.csv and .rates.csv"
                found.append((path, message))
        for path, message in found:
            line, field = locate(entry, path)
            problems.add(AGREEMENTS_FILE, line, field, message)
