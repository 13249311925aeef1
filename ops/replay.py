"""Replay: usage settled once more by the product itself, on no log, with no period closed.

What terms come to is no calculation of its own here: both hops of the product compute it, message
after message as the settlement read them, under their numbers and log times, so that duplicates,
sessions and usage of the future are what they were. Nothing is sent or kept. No period is closed,
so everything is booked in the period of its usage: figures of two replays of the same usage differ
by what their terms differ, whenever which statement was made.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from schemas.codes import Reason
from schemas.topics import COMMANDS, CONTRIBUTIONS, RECYCLE, SUSPENSE, TOPICS
from state.balances import PERIOD_SLOT, Plan, decompose, join_residue, stack
from state.tables import Tables
from streams.accrual import Book, Row, Volume
from streams.accrue_hop import AccrueHop
from streams.accrue_rows import Planned, Rows
from streams.contribution import Series
from streams.local import LocalStore
from streams.log import Closeable, Message, Segment
from streams.privacy import Tokens
from streams.rate_hop import RateHop
from streams.settle import Stopwatch
from streams.worth import Worth, worth

# Tokens only tell members apart here, and nobody sees them.
TOKEN_KEY = b"nothing of this is kept"
Total = Mapping[str, Any]
HourSums = tuple[int, int, int, int]


@dataclass(frozen=True)
class Settled:
    """What usage came to under some terms, with nothing closed.

    `rows` has each row with what it is worth, `totals` the totals of each agreement's period as
    its draft says them, by agreement and period. `hours` are the sums of each row by hour since
    1970: events, quantity, charge in micros and residue. `outcomes` counts events by outcome and
    reason, `waiting` says why events are suspended, by suspense id.
    """

    book: Book
    rows: Mapping[Series, tuple[Row, Worth]] = field(default_factory=dict)
    totals: Mapping[tuple[str, str], tuple[Total, ...]] = field(default_factory=dict)
    hours: Mapping[tuple[Series, int], HourSums] = field(default_factory=dict)
    outcomes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    waiting: Mapping[str, Reason] = field(default_factory=dict)


class Replay(Closeable):
    """Both hops, fed by hand."""

    def __init__(self, tables: Tables, usage_partitions: int) -> None:
        """Nothing settled yet.

        Args:
            tables: the terms to begin with.
            usage_partitions: how many the settlement has, since sources are at home in them.
        """
        self._directory = tempfile.TemporaryDirectory(prefix="weir-replay-")
        path, watch = Path(self._directory.name), Stopwatch(lambda: 0)
        self._store = LocalStore(
            path / "log",
            usage_partitions=usage_partitions,
            settlement_partitions=1,
            clock=lambda: 0,
            topics=TOPICS,
        )
        self._tables = tables
        self._rate = RateHop(tables, Tokens(TOKEN_KEY), path / "state", usage_partitions, 1, watch)
        self._accrue = AccrueHop(tables, watch)
        log = self._store.hop(RateHop.name, RateHop.inputs)
        for partition in range(usage_partitions):
            self._rate.assign(partition, {}, log)
        self._accrue.assign(0, {}, self._store.hop(AccrueHop.name, AccrueHop.inputs))
        self._waiting: dict[bytes, bytes] = {}
        self._blocks = 0

    def use(self, tables: Tables) -> None:
        """Settle by other terms from now on."""
        if tables is not self._tables:
            self._tables = tables
            self._accrue.use(tables)
            self._rate.use(tables)

    def settle(self, segment: Segment) -> None:
        """Settle messages of usage, or try again what requests ask for, as it waits here."""
        if segment.topic == RECYCLE.name:
            waits = tuple(self._waiting.get(key or b"") for key in segment.keys)
            segment = replace(segment, values=waits)
        work = self._rate.compute([segment], self._rate.prepare([segment]))
        self._rate.apply(work)
        for (topic, _), messages in work.outputs.items():
            if topic == SUSPENSE.name:
                self._suspend(messages)
        blocks = work.outputs[CONTRIBUTIONS.name, 0]
        offsets = np.arange(self._blocks, self._blocks + len(blocks), dtype=np.int64)
        self._blocks += len(blocks)
        keys, values = zip(*blocks, strict=True)
        at_us = segment.timestamp_us
        self._accrued(Segment(CONTRIBUTIONS.name, 0, offsets, keys, values, self._blocks, at_us))

    def declare(self, commands: Segment) -> None:
        """Take what partners declare among some commands, and close nothing."""
        said = [(None, v) for v in commands.values if _declares(v)]
        if said:
            keys, values = zip(*said, strict=True)
            offsets = np.arange(len(said), dtype=np.int64)
            at_us = commands.timestamp_us
            self._accrued(Segment(COMMANDS.name, 0, offsets, keys, values, len(said), at_us))

    def _accrued(self, segment: Segment) -> None:
        """Have the second hop take something in."""
        prepared = self._accrue.prepare([segment])
        self._accrue.apply(self._accrue.compute([segment], prepared))

    def _suspend(self, messages: list[Message]) -> None:
        """Keep what waits from now on, and drop what no longer does."""
        for key, value in messages:
            if key is not None and value is not None:
                self._waiting[key] = value
            elif key is not None:
                self._waiting.pop(key, None)

    def settled(self) -> Settled:
        """What everything so far has come to."""
        rows = dict(self._rows())
        memory = self._accrue.partitions[0]
        books = sorted({(series.agreement, series.booked) for series in rows})
        plan = self._nothing()
        totals = {book: tuple(self._accrue.draft(memory, plan, book)["totals"]) for book in books}
        outcomes = {(o.label, r.label): n for (o, r), n in self._rate.outcomes().items() if n}
        waiting = {
            key: reason
            for partition in self._rate.memory.partitions.values()
            for key, reason in partition.suspended.items()
        }
        return Settled(self._accrue.book, rows, totals, dict(self._hours()), outcomes, waiting)

    def _hours(self) -> Iterator[tuple[tuple[Series, int], HourSums]]:
        """The sums of all hours."""
        keys, values = self._accrue.partitions[0].balances.rows()
        _, slots, numbers = decompose(keys)
        names = self._accrue.names.series.names
        for at in np.flatnonzero(slots != PERIOD_SLOT).tolist():
            events, quantity, charge, high, low = values[at].tolist()
            sums = events, quantity, charge, join_residue(high, low)
            yield (names[int(numbers[at])], int(slots[at]) - 1), sums

    def _nothing(self) -> Plan:
        nothing = np.zeros(0, np.int64)
        return self._accrue.partitions[0].balances.plan(nothing, stack([nothing]))

    def _rows(self) -> Iterator[tuple[Series, tuple[Row, Worth]]]:
        """All rows of periods with what they are worth."""
        memory, book, names = self._accrue.partitions[0], self._accrue.book, self._accrue.names
        reading, planned = Rows(names, book), Planned(self._nothing())
        keys, values = memory.balances.rows()
        _, slots, numbers = decompose(keys)
        besides: dict[Volume, list[Row]] = {}
        for at in np.flatnonzero(slots == PERIOD_SLOT).tolist():
            row = reading.row(memory, planned, int(numbers[at]), values[at])
            counter = book.counter(row.series)
            if counter is not None and counter not in besides:
                besides[counter] = reading.beside(memory, planned, counter)
            beside = (row,) if counter is None else besides[counter]
            yield row.series, (row, worth(row, beside, book))

    def close(self) -> None:
        """Throw everything away."""
        self._rate.revoke(frozenset(self._rate.memory.partitions))
        self._store.close()
        self._directory.cleanup()


def _declares(command: bytes | None) -> bool:
    """Whether a command is a declaration, and not a close or nothing at all."""
    try:
        said = json.loads(command or b"")
    except ValueError:
        return False
    return isinstance(said, dict) and "declare" in said
