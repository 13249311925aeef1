"""Rate decks: which zone a number belongs to, and what a minute to that zone costs when.

Carriers price calls by destination. A deck is two files: prefixes that map the beginning of a
number to a zone, the longest one deciding, and rates that give each zone its price per minute,
increments and connect fee over time. A zone's rates follow each other without gap or overlap, so
that a call has one price or, before the first and after the last, none. Rates may have a column
`band` as well: then a zone has such a sequence of rates for every time band, all from the same
moment to the same moment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from schemas.amounts import PRICE_NANOS_MAX, price_nanos
from schemas.documents import Problems
from schemas.fields import DIGITS, DIGITS_ADVICE, NAME, NAME_ADVICE, check_name
from schemas.prices import SECONDS_MAX
from schemas.sheets import Sheet, read_csv

PREFIX_COLUMNS = ("prefix", "zone")
RATE_COLUMNS = (
    "zone",
    "price_per_minute",
    "initial_seconds",
    "next_seconds",
    "connect_fee",
    "valid_from",
    "valid_upto",
)
BAND_COLUMN = "band"  # of rates that differ by time band; other decks do without
PREFIXES_SUFFIX = ".prefixes.csv"
RATES_SUFFIX = ".rates.csv"


@dataclass(frozen=True)
class Deck:
    """One deck as columns.

    `prefixes` has prefix and zone; `rates` has zone, price_nanos (per minute), initial_seconds,
    next_seconds, connect_fee_nanos, valid_from_s and valid_upto_s, by zone and time. Where the deck
    has `bands`, by name, `rates` has a column band too.
    """

    name: str
    prefixes: pl.DataFrame
    rates: pl.DataFrame
    bands: tuple[str, ...] = ()

    @property
    def longest_prefix(self) -> str:
        """A prefix that no other is longer than; empty when there is none."""
        longest = self.prefixes["prefix"].str.len_chars().arg_max()
        return "" if longest is None else str(self.prefixes["prefix"][longest])


class Parsed:
    """The decks that were read last, by what their files say: what is the same is not read again.

    A deck may have a million rows, and reference is read anew whenever a key changes hands.
    """

    def __init__(self) -> None:
        self._decks: dict[bytes, Deck] = {}

    def read(self, name: str, files: Mapping[str, bytes], problems: Problems) -> Deck | None:
        """One deck; None when it cannot be used at all. One with mistakes is read every time."""
        mark = hashlib.sha256(name.encode())
        for suffix in (PREFIXES_SUFFIX, RATES_SUFFIX):
            content = files.get(f"decks/{name}{suffix}", b"")
            mark.update(b"/%d/" % len(content))
            mark.update(content)
        known = self._decks.get(mark.digest())
        if known is not None:
            return known
        found_before = len(problems.found)
        deck = _read_deck(name, files, problems)
        if deck is not None and len(problems.found) == found_before:
            self._decks[mark.digest()] = deck
        return deck

    def keep(self, decks: Collection[Deck]) -> None:
        """Forget all but some decks."""
        kept = {id(deck) for deck in decks}
        self._decks = {mark: deck for mark, deck in self._decks.items() if id(deck) in kept}


def read_decks(
    files: Mapping[str, bytes], problems: Problems, parsed: Parsed | None = None
) -> tuple[Deck, ...]:
    """The decks among these files, by path within the directory; others in decks/ are refused.

    `parsed` remembers them for the next time.
    """
    parsed = parsed or Parsed()
    for file in files:
        if file.startswith("decks/") and not file.endswith((PREFIXES_SUFFIX, RATES_SUFFIX)):
            message = f"is not part of a deck; name it NAME{PREFIXES_SUFFIX} or NAME{RATES_SUFFIX}"
            problems.add(file, 0, "", message)
    decks = [parsed.read(name, files, problems) for name in sorted(deck_names(files))]
    found = tuple(deck for deck in decks if deck is not None)
    parsed.keep(found)
    return found


def deck_names(files: Iterable[str]) -> set[str]:
    """The names of the decks that these files belong to."""
    return {
        file.removeprefix("decks/").removesuffix(suffix)
        for file in files
        for suffix in (PREFIXES_SUFFIX, RATES_SUFFIX)
        if file.startswith("decks/") and file.endswith(suffix)
    }


def _read_deck(name: str, files: Mapping[str, bytes], problems: Problems) -> Deck | None:
    """One deck; None when one of its files is missing or cannot be used at all."""
    prefixes_file, rates_file = f"decks/{name}{PREFIXES_SUFFIX}", f"decks/{name}{RATES_SUFFIX}"
    try:
        check_name(name)
    except ValueError as error:
        problems.add(prefixes_file, 0, "", f"the deck's name {error}")
        return None
    for file, other in ((prefixes_file, rates_file), (rates_file, prefixes_file)):
        if file not in files:
            problems.add(file, 0, "", f"is missing; a deck needs it beside {other}")
            return None
    found_before = len(problems.found)
    prefixes = _read_prefixes(files[prefixes_file], prefixes_file, problems)
    rates = _read_rates(files[rates_file], rates_file, problems)
    if prefixes is None or rates is None:
        return None
    # With rows left out above, zones would seem to lack rates that they have.
    if len(problems.found) == found_before:
        prefixes.frame = prefixes.frame.with_columns(
            priced=pl.col("zone").is_in(rates.frame["zone"].unique().implode())
        )
        prefixes.refuse(
            "zone",
            ~pl.col("priced"),
            lambda zone: f"{zone!r} has no rate; add a row for it to {rates_file}",
        )
    bands = rates.frame[BAND_COLUMN].unique().sort() if BAND_COLUMN in rates.frame.columns else ()
    return Deck(name, prefixes.frame.select(PREFIX_COLUMNS), rates.frame, tuple(bands))


def _read_prefixes(content: bytes, file: str, problems: Problems) -> Sheet | None:
    """The prefixes of a deck, each once."""
    frame = read_csv(content, file, PREFIX_COLUMNS, problems)
    if frame is None:
        return None
    sheet = Sheet(frame, file, problems)
    sheet.match("prefix", DIGITS, DIGITS_ADVICE)
    sheet.match("zone", NAME, f"is not a name; {NAME_ADVICE}")
    sheet.refuse(
        "prefix",
        ~pl.col("prefix").is_first_distinct(),
        lambda prefix: f"{prefix!r} is already given above; keep one of the two rows",
    )
    return sheet


def _read_rates(content: bytes, file: str, problems: Problems) -> Sheet | None:
    """The rates of a deck, by zone and time."""
    key = ("zone", BAND_COLUMN) if _has_bands(content) else ("zone",)
    frame = read_csv(content, file, (*key, *RATE_COLUMNS[1:]), problems)
    if frame is None:
        return None
    sheet = Sheet(frame, file, problems)
    for name in key:
        sheet.match(name, NAME, f"is not a name; {NAME_ADVICE}")
    sheet.nanos("price_per_minute", price_nanos, "price_nanos", PRICE_NANOS_MAX)
    sheet.nanos("connect_fee", price_nanos, "connect_fee_nanos", PRICE_NANOS_MAX)
    for field in ("initial_seconds", "next_seconds"):
        sheet.values(field, read_increment, field)
    sheet.validity()
    sheet.succession(key, gaps_refused=True)
    if BAND_COLUMN in key:
        _check_bands(sheet)
    columns = ("price_nanos", "initial_seconds", "next_seconds", "connect_fee_nanos")
    sheet.frame = sheet.frame.select(*key, *columns, "valid_from_s", "valid_upto_s")
    return sheet


def _has_bands(content: bytes) -> bool:
    """Whether the first line of a file names the column of bands."""
    names = content.partition(b"\n")[0].split(b",")
    return BAND_COLUMN.encode() in (name.strip().strip(b'"') for name in names)


def _check_bands(sheet: Sheet) -> None:
    """Every zone has a rate for each band of the deck, at every time at which it has one at all."""
    bands = sheet.frame[BAND_COLUMN].unique().sort().to_list()
    in_zone, in_band = pl.col("zone"), ("zone", BAND_COLUMN)
    first, last = pl.col("valid_from_s").min(), pl.col("valid_upto_s").max()
    sheet.frame = sheet.frame.with_columns(
        lacks=pl.col(BAND_COLUMN).n_unique().over("zone") < len(bands),
        late=first.over(in_band) > first.over("zone"),
        early=last.over(in_band) < last.over("zone"),
        of_zone=in_zone.is_first_distinct(),
        of_band=pl.struct(in_band).is_first_distinct(),
    )
    known = ", ".join(bands)
    sheet.refuse(
        BAND_COLUMN,
        pl.col("lacks") & pl.col("of_zone"),
        lambda zone: f"zone {zone!r} lacks a rate for one of the deck's bands ({known}); add it",
        "zone",
    )
    for mark, what in (("late", "begin later"), ("early", "end earlier")):
        sheet.refuse(
            BAND_COLUMN,
            pl.col(mark) & pl.col("of_band") & ~pl.col("lacks"),
            lambda zone, what=what: (  # type: ignore[misc]
                f"the rates of this band {what} than others of zone {zone!r}; "
                "give all bands the same time"
            ),
            "zone",
        )


def read_increment(text: str) -> int:
    """A number of seconds by which calls are counted."""
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= SECONDS_MAX:
        raise ValueError(f"{text!r} is not a whole number of seconds from 1 to {SECONDS_MAX}")
    return int(text)
