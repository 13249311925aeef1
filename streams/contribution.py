"""Contributions: what one batch of usage adds to accruals.

The rate hop folds its rated legs into typed sums, one row per series and hour, and sends them to
the partition that owns the agreement. A *series* is what is summed apart: agreement, version, item,
line (the zone, where the agreement rounds per line), currency and the period of the usage. A block
*adds*; it says which input positions it covers, from where to where, so that the accrue hop can
check that nothing was left out and nothing comes twice. Source watermarks travel with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.codes import RoundingPlace
from state.balances import split_residue
from state.distinct import combine, distinct
from state.invariants import invariant
from state.tables import NONE, Tables
from streams.cells import NO_CELLS, Cells
from streams.families import Codes, Ints
from streams.packing import Packer, head, unpack
from streams.pieces import counted_events, started_us
from streams.rating import Rated, period_names
from streams.usage import UsageBatch

SEPARATOR = "\x1f"
HOUR_US = 3_600_000_000
SUM_MAX = 2**62
SERIES_KEPT = 500_000
FIGURES = ("hour", "events", "quantity", "charge_micros", "residue_high", "residue_low")


class Series(NamedTuple):
    """What accruals are summed by; `original` is the period of the usage, `booked` where it counts.

    The rate hop leaves `booked` empty: only the accrue hop knows which periods are closed.
    """

    agreement: str
    version: int
    item: str
    line: str
    currency: str
    original: str
    booked: str

    def text(self) -> str:
        """One string, for dictionaries of blocks."""
        return SEPARATOR.join((self[0], str(self[1]), *self[2:]))

    @staticmethod
    def parse(text: str) -> Series:
        """From `text`."""
        agreement, version, item, line, currency, original, booked = text.split(SEPARATOR)
        return Series(agreement, int(version), item, line, currency, original, booked)


LINES_MAX, PERIODS_MAX = 2**26, 2**16
KEY_END = 2**63 - 1


class SeriesTexts:
    """Texts of the series that legs fall into under one reference; most come again and again."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._items = pa.array([item.name for item in tables.items], pa.string())
        self._zones = pa.array([*tables.decks.zone_names, ""], pa.string())  # the last: no line
        self._currencies = pa.array(tables.currencies, pa.string())
        names = [tables.agreements[version.agreement].name for version in tables.versions]
        self._agreements = pa.array(names, pa.string())
        self._versions = pa.array([str(v.version) for v in tables.versions], pa.string())
        self._forget()

    def _forget(self) -> None:
        # Rising, each item row, line and index of the period in one integer; and their texts. The
        # last one is above them all and is nobody's, so that every search ends at some key.
        self._keys, self._texts = np.array([KEY_END], np.int64), pa.array([""], pa.string())

    def of(self, item: Codes, line: Codes, period: Codes) -> pa.Array:
        """The texts of distinct series, by item row, line and index of the period."""
        lines, periods = line.astype(np.int64) - NONE, period + 1  # neither is negative now
        fits = lines.max(initial=0) < LINES_MAX and periods.max(initial=0) < PERIODS_MAX
        invariant(bool(fits), "lines and periods fit their part of the key")
        keys = (item.astype(np.int64) * LINES_MAX + lines) * PERIODS_MAX + periods
        at = np.searchsorted(self._keys, keys)
        new = np.flatnonzero(self._keys[at] != keys)
        if len(new):
            if len(self._keys) > SERIES_KEPT:
                self._forget()
                new = np.arange(len(keys))
            known = np.concatenate([self._keys, keys[new]])
            texts = pa.concat_arrays([self._texts, self._made(item[new], line[new], period[new])])
            order = np.argsort(known)
            self._keys, self._texts = known[order], texts.take(pa.array(order))
            at = np.searchsorted(self._keys, keys)
        return self._texts.take(pa.array(at))

    def _made(self, item: Codes, line: Codes, period: Codes) -> pa.Array:
        """The texts of series, as `Series.text` would write them."""
        tables = self._tables
        version = tables.item_version[item]
        return pc.binary_join_element_wise(
            self._agreements.take(pa.array(version)),
            self._versions.take(pa.array(version)),
            self._items.take(pa.array(item)),
            self._zones.take(pa.array(np.where(line == NONE, len(self._zones) - 1, line))),
            self._currencies.take(pa.array(tables.version_currency[version])),
            period_names(version, period, tables).dictionary_decode(),
            "",
            SEPARATOR,
        )


@dataclass(frozen=True)
class Sums:
    """Rows of sums: a code into `series` (texts of `Series`), the hour, and what was counted."""

    series: pa.Array
    code: npt.NDArray[np.int32]
    hour: npt.NDArray[np.int32]
    events: Ints
    quantity: Ints
    charge_micros: Ints
    residue_high: Ints
    residue_low: Ints

    def __len__(self) -> int:
        return len(self.code)

    def take(self, at: npt.NDArray[np.bool_] | Ints) -> Sums:
        """Some of the rows."""
        return Sums(self.series, *(getattr(self, c)[at] for c in ("code", *FIGURES)))


class Cover(NamedTuple):
    """Input positions that a block covers: one topic partition, from inclusive, upto exclusive."""

    topic: str
    partition: int
    start: int
    upto: int


@dataclass(frozen=True)
class Block:
    """A contribution block as sent: sums, coverage, the newest event time of each source, cells."""

    sums: Sums
    covers: tuple[Cover, ...]
    watermarks: Mapping[str, int]
    reference_id: str
    log_time_us: int
    cells: Cells = NO_CELLS


def fold(
    usage: UsageBatch, rated: Rated, tables: Tables, texts: SeriesTexts
) -> tuple[Sums, npt.NDArray[np.int32]]:
    """Sum rated legs by series and hour.

    Args:
        usage: the batch.
        rated: its legs.
        tables: what they were rated by.
        texts: texts of series under these tables.

    Returns:
        The sums, and for each series the code of its agreement.
    """
    legs = rated.legs
    started = started_us(usage, legs, rated.pieces)
    item = legs.item
    line = np.where(tables.item_place[item] == RoundingPlace.LINE, rated.zone, NONE)
    period = rated.period
    hours, hour = distinct(started // HOUR_US)
    triples, of_leg = distinct(combine((item, line, period)))
    # Late usage may spread the hours wide, so their places and not they themselves make the key.
    groups, group = distinct(of_leg * max(1, len(hours)) + hour)
    count = len(groups)
    code, hour_of = np.divmod(groups, max(1, len(hours)))
    columns = (rated.quantity, rated.charge_micros, *split_residue(rated.residue))
    sums = [_sums(column, group, count) for column in columns]
    events = np.bincount(counted_events(group, rated.pieces), minlength=count)
    first = np.zeros(len(triples), np.int64)
    first[of_leg] = np.arange(len(of_leg))  # any leg of a series names it
    series = texts.of(item[first], line[first], period[first])
    hour_number = hours[hour_of].astype(np.int32)
    return Sums(series, code.astype(np.int32), hour_number, events, *sums), legs.agreement[first]


def _sums(column: Ints, group: Ints, count: int) -> Ints:
    """Sums by group; exact, since the sum of magnitudes is bounded first."""
    if len(column) == 0:
        return np.zeros(count, np.int64)
    largest = max(int(column.max()), -int(column.min())) * len(column)
    sums = np.zeros(count, np.int64 if largest < SUM_MAX else object)
    np.add.at(sums, group, column)
    if largest >= SUM_MAX:  # in the worst case: then the sums themselves are looked at
        largest = max(map(abs, sums.tolist()))
        invariant(largest < SUM_MAX, "the sums of one batch fit 62 bits", largest=largest)
    return sums.astype(np.int64, copy=False)


def to_bytes(block: Block) -> bytes:
    """A block as an Arrow stream, and one of cells behind it where there are any."""
    sums = block.sums
    used, code = distinct(sums.code)
    cells = block.cells.to_bytes()
    names = sums.series.take(pa.array(used))
    described = {
        "covers": [list(c) for c in block.covers],
        "watermarks": dict(block.watermarks),
        "reference": block.reference_id,
        "log_time_us": block.log_time_us,
        **({"cells": len(cells)} if cells else {}),
    }
    columns = {
        "series": pa.DictionaryArray.from_arrays(code.astype(np.int32), names),
        "hour": pa.array(sums.hour, pa.int32()),
        "events": pa.array(sums.events, pa.int64()),
        "quantity": pa.array(sums.quantity, pa.int64()),
        "charge_micros": pa.array(sums.charge_micros, pa.int64()),
        "residue_high": pa.array(sums.residue_high, pa.int64()),
        "residue_low": pa.array(sums.residue_low, pa.int64()),
    }
    return Packer().pack(columns, described) + cells


def from_bytes(data: bytes) -> Block:
    """A block as read from the topic."""
    batch = unpack(data)
    described = head(batch)
    series = batch.column("series")
    sums = Sums(
        series.dictionary,
        series.indices.to_numpy(),
        *(batch.column(c).to_numpy() for c in FIGURES),
    )
    covers = tuple(Cover(*c) for c in described["covers"])
    return Block(
        sums,
        covers,
        described["watermarks"],
        described["reference"],
        described["log_time_us"],
        Cells.from_bytes(data[len(data) - described.get("cells", 0) :]),
    )
