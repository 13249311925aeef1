"""Reference: partners, agreements, attribution keys and rate decks, read from a directory.

Settlement is usage times agreements, and this is where agreements come from: `partners.yaml`,
`agreements.yaml`, `attribution.csv`, for each deck `decks/NAME.prefixes.csv` and
`decks/NAME.rates.csv`, and where prices go by the hour `bands.yaml` and `holidays/NAME.csv`. `load`
reads all of it or refuses all of it: a `InvalidReferenceError` carries every mistake found, each
with file, line, field and what to do, so that they are mended in one go. What follows from the
messages of masters stands in a folder of the directory, `followed/`, and is read behind the files
of the same names. A loaded reference is immutable and named by a digest of its content, which every
rated block repeats.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TypeVar

import polars as pl
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas import books, caps, characteristics, fx, keys
from schemas.agreements import FIELDS, Agreement
from schemas.bands import (
    BANDS_FILE,
    HOLIDAYS_FOLDER,
    BandPlan,
    Holidays,
    calendar_names,
    plan_findings,
    read_holidays,
)
from schemas.bands import FIELDS as BAND_FIELDS
from schemas.books import Book, Joined, join
from schemas.caps import Cap
from schemas.decks import RATES_SUFFIX, Deck, Parsed, deck_names, read_decks
from schemas.documents import Entry, Problem, Problems, locate, read_yaml
from schemas.documents import Path as DocumentPath
from schemas.mentions import Known, agreement_findings
from schemas.partners import FILE as PARTNERS_FILE
from schemas.partners import Partner, check_parents
from schemas.terms_partners import check_tests
from schemas.terms_pools import check_pools
from schemas.terms_selectors import check_surcharges
from schemas.terms_shares import check_receivers

__all__ = [
    "Agreement",
    "Deck",
    "InvalidReferenceError",
    "Partner",
    "Problem",
    "Reference",
    "load",
]

AGREEMENTS_FILE = "agreements.yaml"
REQUIRED_FILES = (PARTNERS_FILE, AGREEMENTS_FILE, keys.FILE)
OPTIONAL_FILES = (BANDS_FILE, books.FILE, caps.FILE, characteristics.FILE, fx.FILE)
FOLDERS = ("decks", HOLIDAYS_FOLDER)
FOLLOWED = "followed"  # the folder of what Weir itself wrote, of what masters told
DIGEST_DIGITS = 16

AnyModel = TypeVar("AnyModel", bound=BaseModel)


class InvalidReferenceError(Exception):
    """A reference directory that cannot be used, with all that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Reference:
    """All reference data. `attribution` has a row per key and owner: see `schemas.keys`.

    The versions of `agreements` have the items of their master price lists: see `schemas.books`.
    `bands` are plans of time bands, `holidays` the calendars that they may name. `flagged` has the
    prices that are above a cap which allows it: see `schemas.caps`.
    """

    reference_id: str
    partners: tuple[Partner, ...]
    agreements: tuple[Agreement, ...]
    attribution: pl.DataFrame
    decks: tuple[Deck, ...]
    bands: tuple[BandPlan, ...] = ()
    holidays: tuple[Holidays, ...] = ()
    flagged: tuple[Problem, ...] = ()
    caps: Mapping[str, Cap] = field(default_factory=dict)
    characteristics: pl.DataFrame = field(default_factory=characteristics.none)
    rates: fx.Fx = field(default_factory=fx.Fx)


def load(directory: Path, parsed: Parsed | None = None) -> Reference:
    """Read and check a reference directory.

    `parsed` remembers its decks from one time to the next.

    Raises:
        InvalidReferenceError: something in it is wrong; nothing of it is used.
    """
    problems = Problems()
    files = _read_files(directory, problems)
    partners, partner_names = _partners(files, problems)
    agreement_entries = _with_followed(files, AGREEMENTS_FILE, problems)
    agreements = _models(agreement_entries, Agreement, problems)
    masters = _masters(files, problems)
    joined = [(join(agreement, masters.books), entry) for agreement, entry in agreements]
    agreement_names = _names(agreement_entries, "agreement", problems)
    decks = read_decks(files, problems, parsed)
    plan_entries = _entries(files, BANDS_FILE, problems)
    plans = _models(plan_entries, BandPlan, problems)
    holidays = read_holidays(files, problems)
    _check_plans(plans, calendar_names(files), problems)
    attribution = _attribution(files, agreement_names, problems)
    named = None if attribution is None else keys.key_names(attribution)
    told = characteristics.none()
    if characteristics.FILE in files:
        content = files[characteristics.FILE]
        told = characteristics.read_characteristics(content, named, problems)
    rates = fx.read_fx(files[fx.FILE], problems) if fx.FILE in files else fx.Fx()
    wrong = {problem.file for problem in problems.found}
    known = Known(
        deck_names(files),
        {d.name: d for d in decks if f"decks/{d.name}{RATES_SUFFIX}" not in wrong},
        named,
        _caps(files, problems),
        frozenset(told["name"]),
        dict.fromkeys(_names(plan_entries, "bands", problems))
        | {plan.plan: plan for plan, _ in plans},
        rates.pairs,
    )
    _check_masters(masters, known, problems)
    flagged = Problems()
    _check_agreements(joined, partner_names, masters, known, problems, flagged)
    in_test = {partner.partner for partner in partners if partner.test}
    _check_between(joined, agreement_names, in_test, masters, problems)
    if problems.found or attribution is None:
        raise InvalidReferenceError(sorted(set(problems.found)))
    return Reference(
        _digest(files),
        tuple(partners),
        tuple(whole.agreement for whole, _ in joined),
        attribution,
        decks,
        tuple(plan for plan, _ in plans),
        holidays,
        tuple(sorted(set(flagged.found))),
        {name: cap for name, cap in known.caps.items() if cap is not None},
        told,
        rates,
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
        others = [o for o in present if o not in (*REQUIRED_FILES, *OPTIONAL_FILES)]
        close = difflib.get_close_matches(name, others, 1, 0.8)
        advice = f"rename {close[0]} to it" if close else "add it, if only to hold nothing"
        problems.add(name, 0, "", f"is missing; {advice}")
    wanted.update((name, present[name]) for name in OPTIONAL_FILES if name in present)
    for folder in (directory / name for name in FOLDERS):
        if folder.is_dir():
            inside = (path for path in folder.iterdir() if not path.name.startswith("."))
            wanted.update((f"{folder.name}/{path.name}", path) for path in inside)
    followed = (directory / FOLLOWED / name for name in REQUIRED_FILES)
    wanted.update((f"{FOLLOWED}/{path.name}", path) for path in followed if path.exists())
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


def _with_followed(files: Mapping[str, bytes], file: str, problems: Problems) -> list[Entry]:
    """The entries of a YAML file, and behind them those of its namesake that masters told."""
    followed = f"{FOLLOWED}/{file}"
    return [*_entries(files, file, problems), *_entries(files, followed, problems)]


def _attribution(
    files: Mapping[str, bytes], agreements: Collection[str], problems: Problems
) -> pl.DataFrame | None:
    """All keys, those that masters told too; None when they cannot be used at all."""
    followed = f"{FOLLOWED}/{keys.FILE}"
    if keys.FILE not in files:
        return None
    given = keys.read_keys(files[keys.FILE], agreements, problems)
    if followed not in files or given is None:
        return given
    told = keys.read_keys(files[followed], agreements, problems, followed, given)
    return told if told is None else pl.concat([given, told]).sort("kind", "key", "valid_from_s")


def _models(
    entries: Sequence[Entry], model: type[AnyModel], problems: Problems
) -> list[tuple[AnyModel, Entry]]:
    """The models of the entries that have the right shape, each beside its entry."""
    models: list[tuple[AnyModel, Entry]] = []
    for entry in entries:
        try:
            models.append((model.model_validate(entry), entry))
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                line, field = locate(entry, detail["loc"])
                problems.add(entry.file, line, field, explain(detail))
    return models


def explain(detail: ErrorDetails) -> str:
    """What one of pydantic's findings means to the author of a file."""
    match detail["type"]:
        case "missing":
            return "is missing; add it"
        case "extra_forbidden":
            known = (*FIELDS, *BAND_FIELDS)
            close = difflib.get_close_matches(str(detail["loc"][-1]), known, 1)
            return f"is not known here; {f'write {close[0]}' if close else 'remove it'}"
        case "value_error":
            return str(detail["ctx"]["error"])
        case "model_type" | "model_attributes_type" | "dict_type":
            return "must be fields, written name: value"
        case "tuple_type" | "list_type":
            return "must be a list; begin every entry with a dash, '- '"
        case _:
            return detail["msg"]


def _names(entries: Sequence[Entry], field: str, problems: Problems) -> set[str]:
    """The names that entries have, right or wrong in the rest; a name used twice is noted."""
    first_places: dict[str, tuple[str, int]] = {}
    for entry in entries:
        name = entry.get(field)
        if not isinstance(name, str):
            continue
        place = entry.file, entry.lines[field]
        file, line = first_places.setdefault(name, place)
        if (file, line) != place:
            where = f"on line {line}" if file == entry.file else f"in {file} on line {line}"
            message = f"{name!r} is already given {where}; keep one of the two"
            problems.add(*place, field, message)
    return set(first_places)


def _partners(
    files: Mapping[str, bytes], problems: Problems
) -> tuple[list[Partner], Collection[str]]:
    """The partners that have the right shape, checked against each other, and all their names."""
    entries = _with_followed(files, PARTNERS_FILE, problems)
    models = _models(entries, Partner, problems)
    names = _names(entries, "partner", problems)
    places = {id(partner): entry for partner, entry in models}
    partners = [partner for partner, _ in models]
    for partner, (path, message) in check_parents(partners, names):
        entry = places[id(partner)]
        problems.add(entry.file, *locate(entry, path), message)
    return partners, names


def _check_plans(
    plans: Sequence[tuple[BandPlan, Entry]], calendars: Collection[str], problems: Problems
) -> None:
    """Check the days of each plan of time bands, and that there is the calendar it names."""
    for plan, entry in plans:
        found = list(plan_findings(plan))
        if plan.holidays is not None and plan.holidays not in calendars:
            message = f"there is no calendar {plan.holidays!r}"
            advice = f"add {HOLIDAYS_FOLDER}/{plan.holidays}.csv"
            found.append((("holidays",), f"{message}; {advice}"))
        for path, message in found:
            line, field = locate(entry, path)
            problems.add(BANDS_FILE, line, field, message)


@dataclass(frozen=True)
class _Masters:
    """The books that have the right shape, by name, where each stands, and all their names."""

    books: Mapping[str, Book]
    entries: Mapping[str, Entry]
    names: Collection[str]


def _masters(files: Mapping[str, bytes], problems: Problems) -> _Masters:
    """The master price lists, of which there need not be any."""
    entries = _entries(files, books.FILE, problems)
    names = _names(entries, "book", problems)
    models = _models(entries, Book, problems)
    known = {book.book: book for book, _ in models}
    return _Masters(known, {book.book: entry for book, entry in models}, names)


def _caps(files: Mapping[str, bytes], problems: Problems) -> Mapping[str, Cap | None]:
    """The regulated caps, of which there need not be any."""
    entries = _entries(files, caps.FILE, problems)
    names = _names(entries, "cap", problems)
    models = _models(entries, Cap, problems)
    for cap, entry in models:
        for path, message in caps.check_cap(cap):
            problems.add(caps.FILE, *locate(entry, path), message)
    return dict.fromkeys(names) | {cap.cap: cap for cap, _ in models}


def _check_masters(masters: _Masters, known: Known, problems: Problems) -> None:
    """Check each version of each book as if it were an agreement's, whether or not one has it."""
    for name, book in masters.books.items():
        found = list(books.check_book(book))
        for number, agreement in books.alone(book):
            for path, message in agreement_findings(agreement, known):
                found.append((("versions", number, *path[2:]), message))
        for path, message in found:
            problems.add(books.FILE, *locate(masters.entries[name], path), message)


def _check_agreements(
    agreements: Sequence[tuple[Joined, Entry]],
    partners: Collection[str],
    masters: _Masters,
    known: Known,
    problems: Problems,
    flagged: Problems,
) -> None:
    """Check the parts of each agreement against each other, its partner, masters and decks."""
    for joined, entry in agreements:
        agreement = joined.agreement
        found = [*agreement_findings(agreement, known), *check_surcharges(agreement)]
        found += books.check_masters(agreement, masters.books, masters.names)
        if agreement.partner not in partners:
            message = f"{agreement.partner!r} is not in {PARTNERS_FILE}; add it there"
            found.append((("partner",), message))
        for path, message in found:
            problems.add(*_place(joined, entry, masters, path), message)
        for breach in caps.breaches(agreement, known.caps, known.decks):
            noting = problems if breach.is_refused else flagged
            noting.add(*_place(joined, entry, masters, breach.path), breach.message)


def _check_between(
    agreements: Sequence[tuple[Joined, Entry]],
    names: Collection[str],
    in_test: Collection[str],
    masters: _Masters,
    problems: Problems,
) -> None:
    """Check what agreements give to each other, what joins them, and who is in test."""
    places = {id(joined.agreement): (joined, entry) for joined, entry in agreements}
    known = [joined.agreement for joined, _ in agreements]
    found = (check_receivers(known, names), check_pools(known, names), check_tests(known, in_test))
    for agreement, (path, message) in chain(*found):
        problems.add(*_place(*places[id(agreement)], masters, path), message)


def _place(
    joined: Joined, entry: Entry, masters: _Masters, path: DocumentPath
) -> tuple[str, int, str]:
    """File, line and field that a path into a joined agreement leads to."""
    origin = joined.origin(path)
    if origin is None:
        return (entry.file, *locate(entry, path))
    return (books.FILE, *locate(masters.entries[origin.book], origin.path))
