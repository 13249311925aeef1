"""What the accrue hop remembers of the partitions it owns, and how it gets it back.

For each settlement partition: the running accruals, which usage positions they cover, how far each
source has reported, and which periods are closed. Accruals come back from `accruals.v1`, which is
live stream and changelog in one; the rest from `accrue.changelog.v1`. Names (series, books) have
numbers shared by all partitions of the process; numbers never leave it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import records_codec
from schemas.registry import read_schema
from schemas.topics import ACCRUALS, ACCRUE_CHANGELOG
from state.balances import (
    BOOK_BITS,
    COLUMNS,
    PERIOD_SLOT,
    SERIES_BITS,
    Balances,
    Numbers,
    Plan,
    compose,
    decompose,
)
from state.cell_memory import CELLS_KEY, CellsRead
from state.cells import NO_CELLS_PLAN, CellPlan, CellStore, Members
from state.distinct import distinct
from state.invariants import invariant
from state.usage_memory import check_positions, newest
from streams.accrual import Volume
from streams.contribution import Cover, Series
from streams.facts import Facts
from streams.log import Log, Message

Ints = npt.NDArray[np.int64]
POSITION_KEY = b"position"
CLOSED_KEY = b"closed/"
MAY_BE_NULL = ("amount_micros", "shortfall_micros", "exact")
TEXTS = ("item", "line", "currency", "original")

encode_accruals, decode_accruals = records_codec(read_schema("accruals.avsc"))


class Figures(NamedTuple):
    """What rows are worth that are not just their charges: their positions, and in micros what.

    `exact` has what cannot be worked out again from published rows, by position.
    """

    at: Ints
    amounts: Ints
    shortfalls: Ints
    exact: Mapping[int, str] = MappingProxyType({})


class Reach(NamedTuple):
    """Which usage is in some figures: by event time, and by next offset of "topic/partition"."""

    as_of_us: int
    covers: Mapping[str, int]


class Names:
    """Numbers of series and of books (agreement and booked period), and columns of their parts."""

    def __init__(self, describe: Callable[[Series], tuple[bool, Sequence[Volume]]]) -> None:
        """Names of series that `describe` tells of: just their charges, and on a tiered volume."""
        self.series: Numbers[Series] = Numbers(2**SERIES_BITS)
        self.books: Numbers[tuple[str, str]] = Numbers(2**BOOK_BITS)
        self.siblings: dict[Volume, list[int]] = {}
        self.members = Members()
        self._describe = describe
        self._new_direct: list[bool] = []
        self._columns = {name: pa.array([], pa.string()) for name in TEXTS}
        self._columns["version"] = pa.array([], pa.int32())
        self._direct = np.zeros(0, bool)
        self._book = np.zeros(0, np.int64)
        self._book_columns = [pa.array([], pa.string()), pa.array([], pa.string())]

    def number(self, series: Series) -> int:
        """The number of a series, with its book and siblings known."""
        known = len(self.series)
        number = self.series.number(series)
        if number == known:
            self.books.number((series.agreement, series.booked))
            direct, volumes = self._describe(series)
            self._new_direct.append(direct)
            for volume in volumes:
                self.siblings.setdefault(volume, []).append(number)
        return number

    def gather_again(self) -> None:
        """Find siblings anew, because another reference has other counters."""
        self.siblings.clear()
        for number, series in enumerate(self.series.names):
            for volume in self._describe(series)[1]:
                self.siblings.setdefault(volume, []).append(number)

    def _grow(self) -> None:
        """Bring the columns up to the names; cheap when nothing is new."""
        have, names = len(self._direct), self.series.names
        if have == len(names):
            return
        new = names[have:]
        for name, values in zip(Series._fields, zip(*new, strict=True), strict=True):
            if name in self._columns:
                column = self._columns[name]
                part = pa.array(values, column.type)
                self._columns[name] = pa.concat_arrays([column, part])
        self._direct = np.append(self._direct, self._new_direct)
        self._new_direct.clear()
        books = [self.books[(s.agreement, s.booked)] for s in new]
        self._book = np.append(self._book, np.array(books, np.int64))

    def books_of(self, books: Ints) -> tuple[pa.Array, pa.Array]:
        """Agreements and booked periods of books.

        The last one is that of no book: it tells how far a partition has come.
        """
        have, names = len(self._book_columns[0]), self.books.names
        if have < len(names):
            for part, column in enumerate(self._book_columns):
                new = pa.array([pair[part] for pair in names[have:]], pa.string())
                self._book_columns[part] = pa.concat_arrays([column, new])
        nobody = pa.array([""], pa.string())
        agreements, periods = (
            pa.concat_arrays([c.take(pa.array(books)), nobody]) for c in self._book_columns
        )
        return agreements, periods

    def column(self, name: str, numbers: Ints) -> pa.Array:
        """One part of the names of some series."""
        self._grow()
        return self._columns[name].take(pa.array(numbers))

    def direct(self, numbers: Ints) -> npt.NDArray[np.bool_]:
        """Which series are worth just the sum of their charges."""
        self._grow()
        return self._direct[numbers]

    def book(self, numbers: Ints) -> Ints:
        """The book of each series."""
        self._grow()
        return self._book[numbers]


@dataclass
class PartitionDelta:
    """What a batch changes in one settlement partition."""

    plan: Plan
    positions: dict[str, int]
    covers: dict[str, int]
    watermarks: dict[str, int]
    as_of_us: int
    closed: dict[tuple[str, str], str] = field(default_factory=dict)
    cells: CellPlan = NO_CELLS_PLAN
    facts: Facts = field(default_factory=Facts)


@dataclass
class PartitionAccruals:
    """What is remembered of one settlement partition.

    `covers` maps "topic/partition" of usage to the next offset that the accruals do not cover yet;
    `closed` maps (agreement, period) to the number of its statement.
    """

    balances: Balances = field(default_factory=Balances)
    positions: dict[str, int] = field(default_factory=dict)
    covers: dict[str, int] = field(default_factory=dict)
    watermarks: dict[str, int] = field(default_factory=dict)
    as_of_us: int = 0
    closed: dict[tuple[str, str], str] = field(default_factory=dict)
    cells: CellStore = field(default_factory=CellStore)
    facts: Facts = field(default_factory=Facts)

    def follow(self, covers: Sequence[Cover], before: Mapping[str, int]) -> dict[str, int]:
        """Coverage after one more block: it must go on exactly where the last one ended."""
        after = dict(before)
        for cover in covers:
            name = f"{cover.topic}/{cover.partition}"
            have = after.get(name, 0)
            invariant(cover.start == have, "blocks follow one another", block=cover, covered=have)
            after[name] = cover.upto
        return after

    def report(
        self, watermarks: Mapping[str, int], now: Mapping[str, int]
    ) -> tuple[dict[str, int], int]:
        """Watermarks and as-of after new reports; a new source never pulls as-of back."""
        merged = newest(watermarks, now)
        return merged, max(self.as_of_us, min(merged.values(), default=0))

    def apply(self, delta: PartitionDelta) -> None:
        """Change what a committed batch changed."""
        self.balances.apply(delta.plan)
        self.cells.apply(delta.cells)
        self.positions, self.covers = delta.positions, delta.covers
        self.watermarks, self.as_of_us = delta.watermarks, delta.as_of_us
        self.closed.update(delta.closed)
        self.facts.update(delta.facts)


def changes(delta: PartitionDelta) -> list[Message]:
    """Changelog records of everything but the accruals themselves."""
    record = {
        "positions": delta.positions,
        "covers": delta.covers,
        "watermarks": delta.watermarks,
        "as_of_us": delta.as_of_us,
    }
    messages: list[Message] = [(POSITION_KEY, json.dumps(record, separators=(",", ":")).encode())]
    for key, number in delta.closed.items():
        messages.append((CLOSED_KEY + json.dumps(key).encode(), json.dumps(number).encode()))
    return [*messages, *delta.facts.messages()]


def recover(
    partition: int, committed: Mapping[str, int], log: Log, names: Names
) -> PartitionAccruals:
    """Bring back one partition from its changelogs and check it against the committed positions."""
    memory, cells = PartitionAccruals(), CellsRead()
    for segment in log.recover(ACCRUE_CHANGELOG.name, partition):
        for key, value in zip(segment.keys, segment.values, strict=True):
            if key is None or value is None:
                continue
            if key == POSITION_KEY:
                record = json.loads(value)
                memory.positions, memory.covers = record["positions"], record["covers"]
                memory.watermarks, memory.as_of_us = record["watermarks"], record["as_of_us"]
            elif key.startswith(CLOSED_KEY):
                agreement, period = json.loads(key.removeprefix(CLOSED_KEY))
                memory.closed[(agreement, period)] = json.loads(value)
            elif key.startswith(CELLS_KEY):
                cells.take(key, value)
            else:
                memory.facts.take(key, value)
    memory.cells.put(*cells.rows(names.number, names.members))
    check_positions(memory.positions, committed)
    for segment in log.recover(ACCRUALS.name, partition):
        values = [v for v in segment.values if v is not None]
        if values:
            memory.balances.put(*read_rows(decode_accruals(values), names))
    return memory


def read_rows(messages: pa.RecordBatch, names: Names) -> tuple[Ints, Ints]:
    """Accrual messages as keys and values of balances."""
    lists = messages.column("rows")
    counts = np.diff(lists.offsets.to_numpy())
    at = np.repeat(np.arange(len(messages)), counts)
    rows = lists.flatten()
    columns = [messages.column("agreement").take(pa.array(at))]
    columns += [rows.field(n) for n in TEXTS] + [messages.column("booked").take(pa.array(at))]
    coded = [c.dictionary_encode() for c in columns]
    version = rows.field("version").to_numpy().astype(np.int64)
    # One number a distinct combination of names, so that each name is looked at once.
    combined = version - version.min(initial=0)
    for c in coded:
        _, combined = np.unique(combined, return_inverse=True)
        combined = combined * max(1, len(c.dictionary)) + c.indices.to_numpy()
    _, first, code = np.unique(combined, return_index=True, return_inverse=True)
    texts = [c.take(pa.array(first)).to_pylist() for c in columns]
    numbers = np.array(
        [
            names.number(Series(agreement, int(v), item, line, currency, original, booked))
            for agreement, item, line, currency, original, booked, v in zip(
                *texts, version[first].tolist(), strict=True
            )
        ],
        np.int64,
    )
    series = numbers[code] if len(code) else np.zeros(0, np.int64)
    hour = messages.column("hour").fill_null(-1).to_numpy().astype(np.int64)[at]
    values = np.stack([rows.field(c).to_numpy() for c in COLUMNS], axis=1)
    return compose(names.book(series), hour + 1, series), values


def write_rows(
    names: Names, keys: Ints, values: Ints, offsets: Ints, figures: Figures, reach: Reach
) -> list[Message]:
    """Accrual messages of whole groups (a book and slot each).

    One more, under no agreement's name and without rows, says how far the partition has come: so
    its as-of moves on when no figure does.

    Args:
        names: the names behind the keys.
        keys: keys of all rows, group after group.
        values: their values.
        offsets: where each group begins, and the end.
        figures: what rows are worth that are not just their charges, by position in `keys`; an hour
            of such a row has none.
        reach: which usage is in the figures.
    """
    series = decompose(keys)[2]
    worth = values[:, COLUMNS.index("charge_micros")].copy()
    known = names.direct(series)
    shortfall = np.zeros_like(worth)
    worth[figures.at], known[figures.at] = figures.amounts, True
    shortfall[figures.at] = figures.shortfalls
    fields = {
        "version": names.column("version", series),
        **{name: names.column(name, series) for name in TEXTS},
        **{c: pa.array(values[:, i]) for i, c in enumerate(COLUMNS)},
        "amount_micros": pa.array(worth, mask=~known),
        "shortfall_micros": pa.array(shortfall, mask=shortfall == 0),
        "exact": _exact(figures.exact, len(keys)),
    }
    rows = pa.StructArray.from_arrays(
        list(fields.values()),
        fields=[pa.field(n, a.type, nullable=n in MAY_BE_NULL) for n, a in fields.items()],
    )
    books, hours, _ = decompose(keys[offsets[:-1]])
    agreements, booked = names.books_of(books)
    slots = np.append(hours, PERIOD_SLOT)
    bounds = pa.array(np.append(offsets, offsets[-1]), pa.int32())
    lists = pa.ListArray.from_arrays(bounds, rows)
    values_of = encode_accruals(_messages(agreements, booked, slots - 1, reach, lists))
    hours_of, code = distinct(slots)
    ends = pa.array(["total" if s == PERIOD_SLOT else str(s - 1) for s in hours_of.tolist()])
    keys_of = pc.binary_join_element_wise(agreements, booked, ends.take(pa.array(code)), "|")
    return list(zip(keys_of.cast(pa.binary()).to_pylist(), values_of.to_pylist(), strict=True))


def _exact(figures: Mapping[int, str], count: int) -> pa.Array:
    """Exact figures of the rows that have them."""
    if not figures:
        return pa.nulls(count, pa.string())
    return pa.array([figures.get(at) for at in range(count)], pa.string())


def _messages(
    agreements: pa.Array, booked: pa.Array, hours: Ints, reach: Reach, rows: pa.ListArray
) -> pa.RecordBatch:
    count = len(agreements)
    covers = ",".join(f"{name}={upto}" for name, upto in sorted(reach.covers.items()))
    columns = {
        "agreement": agreements,
        "booked": booked,
        "hour": pa.array(hours.astype(np.int32), mask=hours < 0),
        "as_of": pa.array(np.full(count, reach.as_of_us)).cast(pa.timestamp("us")),
        "covers": pa.repeat(pa.scalar(covers, pa.string()), count),
        "rows": rows,
    }
    fields = [pa.field(n, c.type, nullable=n == "hour") for n, c in columns.items()]
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=pa.schema(fields))
