"""The two files of a deck, read as timelines and written with as little changed as can be.

A deck gives prefixes to zones and rates to zones. When prefixes of one zone cost different things
from a date on, the zone is split: it keeps its name for the prefixes that stay, or for most of
them, and the others get a zone of their own with all of its past, so that late usage costs what it
would have cost. Rows of zones that stay as they are keep their text and their place.
"""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ops.deck import moment
from schemas.decks import (
    BAND_COLUMN,
    PREFIX_COLUMNS,
    PREFIXES_SUFFIX,
    RATE_COLUMNS,
    RATES_SUFFIX,
    Deck,
    deck_names,
    read_decks,
)
from schemas.documents import Problem, Problems
from schemas.moments import OPEN_FROM_S, OPEN_UPTO_S
from schemas.money import NANOS_DECIMALS, format_scaled
from schemas.reference import InvalidReferenceError, load
from schemas.sheets import read_csv
from schemas.timelines import Rate, Span, Timeline, joined

DECKS = "decks"


@dataclass(frozen=True)
class DeckFiles:
    """A deck as it lies in its files: `prefixes` and `rates` are their rows as text."""

    name: str
    zone_of: Mapping[str, str]
    timelines: Mapping[str, Timeline]
    prefixes: pl.DataFrame
    rates: pl.DataFrame

    def standing(self) -> dict[str, Timeline]:
        """The timeline of each prefix."""
        return {prefix: self.timelines[zone] for prefix, zone in self.zone_of.items()}


def files_of(name: str) -> tuple[str, str]:
    """Where a deck's prefixes and rates are, within a reference."""
    return f"{DECKS}/{name}{PREFIXES_SUFFIX}", f"{DECKS}/{name}{RATES_SUFFIX}"


def decks_in(reference: Path) -> list[str]:
    """The names of the decks of a reference."""
    found = (reference / DECKS).glob("[!.]*")
    return sorted(deck_names(f"{DECKS}/{path.name}" for path in found))


def read_deck(reference: Path, name: str) -> DeckFiles:
    """A deck of a reference; one without rows where there is no such deck.

    Raises:
        InvalidReferenceError: its files cannot be used.
    """
    paths = files_of(name)
    content = {p: (reference / p).read_bytes() for p in paths if (reference / p).exists()}
    if not content:
        empty = (pl.DataFrame(schema=dict.fromkeys(c, pl.String)) for c in _COLUMNS)
        return DeckFiles(name, {}, {}, *empty)
    problems = Problems()
    decks = read_decks(content, problems)
    if problems.found:
        raise InvalidReferenceError(sorted(problems.found))
    if decks[0].bands:
        advice = "which price lists do not have; change its rows by hand"
        message = f"rates go by time band ({', '.join(decks[0].bands)}), {advice}"
        raise InvalidReferenceError([Problem(paths[1], 1, BAND_COLUMN, message)])
    texts = (read_csv(content[p], p, c, problems) for p, c in zip(paths, _COLUMNS, strict=True))
    prefixes, rates = (frame.drop("line") for frame in texts if frame is not None)
    zone_of = dict(decks[0].prefixes.select("prefix", "zone").iter_rows())
    return DeckFiles(name, zone_of, _timelines(decks[0]), prefixes, rates)


_COLUMNS = (PREFIX_COLUMNS, RATE_COLUMNS)


def _timelines(deck: Deck) -> dict[str, Timeline]:
    """The timeline of each zone."""
    spans: defaultdict[str, list[Span]] = defaultdict(list)
    rate = ("price_nanos", "initial_seconds", "next_seconds", "connect_fee_nanos")
    columns = deck.rates.select("zone", "valid_from_s", "valid_upto_s", *rate)
    for zone, from_s, upto_s, *parts in columns.iter_rows():
        spans[zone].append(Span(from_s, upto_s, Rate(*parts)))
    return {zone: joined(of_zone) for zone, of_zone in spans.items()}


def rezoned(
    deck: DeckFiles, after: Mapping[str, Timeline]
) -> tuple[dict[str, str], dict[str, Timeline]]:
    """The zone of each prefix, and the timeline of each zone, as they will be.

    Args:
        deck: the deck as it is.
        after: the timeline of every prefix as it will be; a prefix that is not in it goes.
    """
    groups: defaultdict[str, defaultdict[Timeline, list[str]]] = defaultdict(_lists)
    for prefix, zone in deck.zone_of.items():
        groups[zone][after.get(prefix, ())].append(prefix)
    zone_of: dict[str, str] = {}
    timelines = dict(deck.timelines)
    for zone, by_timeline in groups.items():
        old = deck.timelines[zone]
        keeps = max(by_timeline, key=lambda t: (t == old, bool(t), len(by_timeline[t]), t))
        for line, prefixes in by_timeline.items():
            name = zone if line is keeps else _free(f"{zone}-{min(prefixes)}", timelines)
            timelines[name] = line
            zone_of.update(dict.fromkeys(prefixes, name) if line else {})
    for prefix in sorted(after.keys() - deck.zone_of.keys()):
        zone_of[prefix] = _free(prefix, timelines)
        timelines[zone_of[prefix]] = after[prefix]
    return zone_of, timelines


def _lists() -> defaultdict[Timeline, list[str]]:
    return defaultdict(list)


def _free(name: str, taken: Mapping[str, Timeline]) -> str:
    """This name, with a number behind where it is taken."""
    chosen, number = name, 2
    while chosen in taken:
        chosen, number = f"{name}-{number}", number + 1
    return chosen


def written(deck: DeckFiles, after: Mapping[str, Timeline]) -> dict[str, bytes]:
    """The two files, by path within the reference, once prefixes have these timelines."""
    zone_of, timelines = rezoned(deck, after)
    paths = files_of(deck.name)
    rows = _prefix_rows(deck, zone_of), _rate_rows(deck, timelines)
    frames = deck.prefixes, deck.rates
    return {
        path: _text(frame.columns, of_file)
        for path, frame, of_file in zip(paths, frames, rows, strict=True)
    }


def _text(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> bytes:
    """A CSV file with its columns in the order they had; nothing in a deck needs quotes."""
    lines = [",".join(columns), *(",".join(row[c] for c in columns) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def _prefix_rows(deck: DeckFiles, zone_of: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The prefixes where they were, new ones behind."""
    for prefix in (*deck.zone_of, *sorted(zone_of.keys() - deck.zone_of.keys())):
        if prefix in zone_of:
            yield {"prefix": prefix, "zone": zone_of[prefix]}


def _rate_rows(deck: DeckFiles, timelines: Mapping[str, Timeline]) -> Iterator[dict[str, str]]:
    """The rates where they were, those of new zones behind."""
    done: set[str] = set()
    for row in deck.rates.iter_rows(named=True):
        zone = row["zone"]
        if timelines[zone] == deck.timelines[zone]:
            yield row
        elif zone not in done:
            done.add(zone)
            yield from _spans(zone, timelines[zone])
    for zone in sorted(timelines.keys() - deck.timelines.keys()):
        yield from _spans(zone, timelines[zone])


def _spans(zone: str, spans: Timeline) -> Iterator[dict[str, str]]:
    """A timeline as rows."""
    for from_s, upto_s, rate in spans:
        yield {
            "zone": zone,
            "price_per_minute": price(rate.price_nanos),
            "initial_seconds": str(rate.initial_seconds),
            "next_seconds": str(rate.next_seconds),
            "connect_fee": price(rate.connect_fee_nanos),
            "valid_from": "" if from_s == OPEN_FROM_S else moment(from_s),
            "valid_upto": "" if upto_s == OPEN_UPTO_S else moment(upto_s),
        }


def price(nanos: int) -> str:
    """A price as people write it: 12,000,000 is 0.012."""
    whole, _, decimals = format_scaled(nanos, NANOS_DECIMALS).partition(".")
    decimals = decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


def replace_files(reference: Path, files: Mapping[str, bytes]) -> None:
    """Put files into a reference, once the whole reference loads with them.

    Raises:
        InvalidReferenceError: it would not load; nothing was changed.
    """
    with tempfile.TemporaryDirectory(prefix="weir-deck-") as name:
        _overlay(reference, Path(name), files)
        load(Path(name))
    unnamed = {reference / path: _unnamed(reference / path, new) for path, new in files.items()}
    for path, written_beside in sorted(unnamed.items(), reverse=True):
        written_beside.replace(path)


def _overlay(reference: Path, place: Path, files: Mapping[str, bytes]) -> None:
    """A reference with other files in it, in another place."""
    (place / DECKS).mkdir()
    for path in reference.iterdir():
        if path.name != DECKS:
            (place / path.name).symlink_to(path.absolute())
    present = (reference / DECKS).glob("[!.]*") if (reference / DECKS).is_dir() else ()
    for path in present:
        if f"{DECKS}/{path.name}" not in files:
            (place / DECKS / path.name).symlink_to(path.absolute())
    for path_within, content in files.items():
        (place / path_within).write_bytes(content)


def _unnamed(path: Path, content: bytes) -> Path:
    """A complete file beside the one that it will replace; hidden, so that nobody reads it."""
    path.parent.mkdir(exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        beside.chmod(path.stat().st_mode & 0o7777)
    return beside
