"""The accrue hop: contributions in, running accruals out, and statements when a period closes.

Money is owed per agreement, so here one partition owns everything of an agreement. Blocks of sums
are added to the running accruals by hour and by period; what a period is worth is worked out from
its totals; the rows that changed are published, whole book and slot at a time, as stream and
changelog in one. A close is a logged input: it executes where it stands among the contributions,
turns the period into a statement in the same transaction, and records which usage was in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

import numpy as np

from schemas.topics import ACCRUALS, ACCRUE_CHANGELOG, COMMANDS, CONTRIBUTIONS, STATEMENTS
from state.accrual_memory import (
    Figures,
    Names,
    PartitionAccruals,
    PartitionDelta,
    Reach,
    changes,
    recover,
    write_rows,
)
from state.balances import (
    PERIOD_SLOT,
    SERIES_BITS,
    Plan,
    compose,
    decompose,
    join_residue,
    stack,
)
from state.tables import Tables, VersionInfo
from streams.accrual import Book, Row, Volume, volume_of
from streams.contribution import Block, Series, from_bytes
from streams.families import Ints
from streams.log import Log, Segment
from streams.settle import Stopwatch, Work
from streams.statement import Document, canonical, draft, seal
from streams.worth import worth

Prepared = dict[int, list[Block]]


class AccrueHop:
    """Configuration, memory and computation of the second hop."""

    name = "accrue"
    inputs = (CONTRIBUTIONS.name, COMMANDS.name)

    def __init__(self, tables: Tables, stopwatch: Stopwatch) -> None:
        self.partitions: dict[int, PartitionAccruals] = {}
        self._watch = stopwatch
        self._numbers: dict[int, dict[str, int]] = {}
        self._standing: dict[int, Ints] = {}
        self._moving: set[int] = set()
        self.use(tables)
        self.names = Names(self._describe)

    def use(self, tables: Tables) -> None:
        """Take another reference; called between batches only."""
        self.tables = tables
        self.book = Book(tables)
        self._versions = {a.name: i for i, a in enumerate(tables.agreements)}
        self._standing.clear()

    def assign(self, partition: int, positions: Mapping[str, int], log: Log) -> None:
        """Recover the accruals of a partition that this process now owns."""
        self.partitions[partition] = recover(partition, positions, log, self.names)
        self._numbers.clear()

    def revoke(self, partitions: frozenset[int]) -> None:
        """Forget partitions that went to another owner."""
        for partition in partitions:
            self.partitions.pop(partition, None)

    def prepare(self, segments: Sequence[Segment]) -> Prepared:
        """Blocks of contributions read, by partition."""
        blocks: Prepared = {}
        for segment in segments:
            if segment.topic == CONTRIBUTIONS.name:
                read = [from_bytes(v) for v in segment.values if v is not None]
                blocks.setdefault(segment.partition, []).extend(read)
        self._watch.lap("contributions")
        return blocks

    def compute(self, segments: Sequence[Segment], prepared: Prepared) -> Work:
        """Outputs and delta of one batch; changes nothing."""
        work = Work(delta={})
        for partition in sorted({s.partition for s in segments}):
            own = [s for s in segments if s.partition == partition]
            self._compute(partition, own, prepared.get(partition, []), work)
        return work

    def _compute(
        self, partition: int, segments: Sequence[Segment], blocks: Sequence[Block], work: Work
    ) -> None:
        """One partition: blocks first, then the closes that came with them."""
        memory = self.partitions[partition]
        positions = dict(memory.positions)
        for segment in segments:
            positions[segment.topic] = segment.next_offset
            work.positions[(segment.topic, partition)] = segment.next_offset
        covers, watermarks, as_of_us = dict(memory.covers), memory.watermarks, memory.as_of_us
        for block in blocks:
            covers = memory.follow(block.covers, covers)
            watermarks, as_of_us = memory.report(watermarks, block.watermarks)
        rows = self._rows(partition, blocks)
        plan = memory.balances.plan(*self._with_standing(memory, segments, *rows))
        delta = PartitionDelta(plan, positions, covers, watermarks, as_of_us)
        self._watch.lap("accrual")
        self._publish(partition, memory, delta, work)
        for segment in segments:
            if segment.topic == COMMANDS.name:
                for at, value in zip(segment.offsets.tolist(), segment.values, strict=True):
                    self._command(memory, delta, partition, at, value, work)
        work.send(ACCRUE_CHANGELOG.name, partition, *changes(delta))
        work.delta[partition] = delta
        self._watch.lap("publish")

    def _rows(self, partition: int, blocks: Sequence[Block]) -> tuple[Ints, Ints]:
        """Rows of sums under the keys of the hour and of the period."""
        keys, values = [np.zeros(0, np.int64)], [stack([np.zeros(0, np.int64)])]
        for block in blocks:
            sums = block.sums
            if len(sums) == 0:
                continue
            numbers = self._series(partition, sums.series.to_pylist())
            series = np.array(numbers, np.int64)[sums.code]
            book = self.names.book(series)
            figures = (sums.events, sums.quantity, sums.charge_micros)
            rows = stack([*figures, sums.residue_high, sums.residue_low])
            slot = sums.hour.astype(np.int64) + 1
            keys += [
                compose(book, slot, series),
                compose(book, np.zeros_like(slot) + PERIOD_SLOT, series),
            ]
            values += [rows, rows]
            moving = self._moving.intersection(numbers)
            followers = [f for n in sorted(moving) for f in self._followers(n)]
            if followers:
                moved = np.array(followers, np.int64)
                period = np.zeros_like(moved) + PERIOD_SLOT
                keys.append(compose(self.names.book(moved), period, moved))
                values.append(np.zeros((len(moved), values[0].shape[1]), np.int64))
        return np.concatenate(keys), np.concatenate(values)

    def _with_standing(
        self, memory: PartitionAccruals, segments: Sequence[Segment], keys: Ints, values: Ints
    ) -> tuple[Ints, Ints]:
        """Rows of sums, and rows of nothing for what is owed without usage.

        Such a row is there as soon as its agreement and period have any, and when they are closed:
        so it depends on what is on the log, never on how that was read.
        """
        if not self.book.owes_without_usage:
            return keys, values
        closing = [key for key in self._closing(segments) if key not in memory.closed]
        books = {self.names.books.number(key) for key in closing}
        books.update(np.unique(decompose(keys)[0]).tolist())
        numbers = [self._standing_in(book) for book in sorted(books)]
        standing = np.concatenate(numbers) if numbers else np.zeros(0, np.int64)
        period = np.zeros_like(standing) + PERIOD_SLOT
        nothing = np.zeros((len(standing), values.shape[1]), np.int64)
        more = compose(self.names.book(standing), period, standing)
        return np.concatenate([keys, more]), np.concatenate([values, nothing])

    def _closing(self, segments: Sequence[Segment]) -> Iterator[tuple[str, str]]:
        """The agreements and periods that a batch closes."""
        for value in (v for s in segments if s.topic == COMMANDS.name for v in s.values):
            with suppress(ValueError, KeyError, TypeError):
                yield self._close(value)

    def _standing_in(self, book: int) -> Ints:
        """The series that a book has even without usage."""
        found = self._standing.get(book)
        if found is None:
            series = self.book.standing(*self.names.books.names[book])
            numbers = [self.names.number(s) for s in series]
            found = self._standing[book] = np.array(numbers, np.int64)
        return found

    def _series(self, partition: int, texts: Sequence[str]) -> list[int]:
        """The numbers of series, each under the period it is booked in: its own while it is open.

        A tiered series that adjusts a closed period moves others; see `_followers`.
        """
        known = self._numbers.setdefault(partition, {})
        for text in [text for text in texts if text not in known]:
            series = Series.parse(text)
            booked = self._open_period(self.partitions[partition].closed, series)
            number = known[text] = self.names.number(Series(*series[:-1], booked))
            if booked != series.original and self.book.counters(series):
                self._moving.add(number)
        return [*map(known.__getitem__, texts)]

    def _describe(self, series: Series) -> tuple[bool, list[Volume]]:
        """Whether a series is worth just the sum of its charges, and the counters it lies on."""
        return self.book.terms(series).direct, self.book.counters(series)

    def _followers(self, number: int) -> list[int]:
        """Rows that an adjustment of a tiered series moves besides its own.

        More volume of an older version lifts the newer versions' volume to higher tiers, and a deal
        is over all of it; what that changes is booked in the same period, so there must be rows
        for it.
        """
        series = self.names.series.names[number]
        moved = set(self.book.deals(series.agreement, series.original, series.booked))
        if self.book.terms(series).tiered:
            on_volume = self.names.siblings[volume_of(series, self.book.terms(series))]
            beside = (self.names.series.names[n] for n in on_volume)
            newer = (s for s in beside if s.version > series.version)
            moved.update(s._replace(booked=series.booked) for s in newer)
        return [self.names.number(s) for s in sorted(moved)]

    def _open_period(self, closed: Mapping[tuple[str, str], str], series: Series) -> str:
        """The period of the usage, or the next one after it that is not closed."""
        label = series.original
        while (series.agreement, label) in closed:
            periods = self.book.terms(series).version.periods
            label = periods.label(periods.parse(label) + 1)
        return label

    def _publish(
        self, partition: int, memory: PartitionAccruals, delta: PartitionDelta, work: Work
    ) -> None:
        """Every book and slot that changed, whole, with what its rows are worth."""
        reach = Reach(delta.as_of_us, delta.covers)
        groups = np.unique(delta.plan.keys >> SERIES_BITS)
        keys, values, offsets = memory.balances.groups(delta.plan, groups)
        _, slot, series = decompose(keys)
        amounts, shortfalls = {}, {}
        for at in np.flatnonzero((slot == PERIOD_SLOT) & ~self.names.direct(series)).tolist():
            row = self._row(int(series[at]), values[at])
            counter = self.book.counter(row.series)
            beside = (row,) if counter is None else self._beside(memory, delta.plan, counter)
            found = worth(row, beside, self.book)
            amounts[at], shortfalls[at] = found.micros, found.shortfall_micros
        figures = Figures(amounts, shortfalls)
        messages = write_rows(self.names, keys, values, offsets, figures, reach)
        work.send(ACCRUALS.name, partition, *messages)

    def _row(self, number: int, values: Ints) -> Row:
        events, quantity, charge, high, low = values.tolist()
        series = self.names.series.names[number]
        return Row(series, events, quantity, charge, join_residue(high, low))

    def _beside(self, memory: PartitionAccruals, plan: Plan, counter: Volume) -> list[Row]:
        """The period rows that lie on a counter, as they will be."""
        numbers = np.array(self.names.siblings[counter], np.int64)
        keys = compose(self.names.book(numbers), np.zeros_like(numbers) + PERIOD_SLOT, numbers)
        values = memory.balances.after(plan, keys)
        return [self._row(n, v) for n, v in zip(numbers.tolist(), values, strict=True)]

    def _command(
        self,
        memory: PartitionAccruals,
        delta: PartitionDelta,
        partition: int,
        offset: int,
        value: bytes | None,
        work: Work,
    ) -> None:
        """Execute a close; one that makes no sense is kept in the changelog with the reason."""
        try:
            key_pair = self._close(value)
        except (ValueError, KeyError, TypeError) as error:
            reason = {"command": (value or b"").decode(errors="replace"), "reason": repr(error)}
            key = f"refused/{partition}/{offset}".encode()
            work.send(ACCRUE_CHANGELOG.name, partition, (key, json.dumps(reason).encode()))
            return
        if key_pair in memory.closed or key_pair in delta.closed:
            return
        document = self._statement(memory, delta, key_pair)
        delta.closed[key_pair] = document["number"]
        work.send(STATEMENTS.name, partition, (document["number"].encode(), canonical(document)))

    def _close(self, value: bytes | None) -> tuple[str, str]:
        """The agreement and period that a command closes.

        Raises:
            KeyError: there is no such agreement, or the command says something else.
            TypeError: it is not made as commands are.
            ValueError: it is not JSON, or no version of the agreement has such a period.
        """
        command = json.loads(value or b"")
        agreement, period = command["close"]["agreement"], command["close"]["period"]
        version, index = self._period(agreement, period)
        return agreement, version.periods.label(index)

    def _period(self, agreement: str, period: str) -> tuple[VersionInfo, int]:
        """The newest version of an agreement that has such periods, and the period's index.

        Raises:
            KeyError: there is no such agreement.
            ValueError: no version of it has such a period.
        """
        code = self._versions[agreement]
        versions = [v for v in self.tables.versions if v.agreement == code]
        for version in sorted(versions, key=lambda v: -v.version):
            try:
                return version, version.periods.parse(period)
            except ValueError:
                continue
        msg = f"{agreement} has no period {period}"
        raise ValueError(msg)

    def _statement(
        self, memory: PartitionAccruals, delta: PartitionDelta, key: tuple[str, str]
    ) -> Document:
        """The document that closes a period."""
        agreement, period = key
        version, index = self._period(agreement, period)
        info = self.tables.agreements[version.agreement]
        start, upto = version.periods.bounds(index)
        count = sum(1 for a, _ in [*memory.closed, *delta.closed] if a == agreement) + 1
        head: Document = {
            "number": f"{agreement}-{count:06d}",
            "agreement": agreement,
            "partner": info.partner,
            "model": info.model.label,
            "period": period,
            "from_us": start,
            "upto_us": upto,
            "zone": version.zone,
            "reference": self.tables.reference_id,
            "cut": dict(sorted(delta.covers.items())),
            "as_of_us": delta.as_of_us,
        }
        return seal({**head, **self.draft(memory, delta.plan, key)})

    def draft(self, memory: PartitionAccruals, plan: Plan, key: tuple[str, str]) -> Document:
        """Lines and totals of a book as they will be after a plan."""
        book = self.names.books.get(key)
        rows: list[Row] = []
        if book is not None:
            group = compose(np.array([book]), np.array([PERIOD_SLOT]), np.array([0])) >> SERIES_BITS
            keys, values, _ = memory.balances.groups(plan, group)
            numbers = decompose(keys)[2].tolist()
            rows = [self._row(n, v) for n, v in zip(numbers, values, strict=True)]
        counters = {self.book.counter(r.series) for r in rows} - {None}
        siblings = {c: self._beside(memory, plan, c) for c in counters if c is not None}
        return draft(rows, siblings, self.book)

    def apply(self, work: Work) -> None:
        """Take over what has been committed."""
        for partition, delta in work.delta.items():
            self.partitions[partition].apply(delta)
            if delta.closed:
                self._numbers.clear()
        self._watch.lap("apply")
