"""The accrue hop: contributions in, running accruals out, and statements when a period closes.

Money is owed per agreement, so here one partition owns everything of an agreement. Blocks of sums
are added to the running accruals by hour and by period; what a period is worth is worked out from
its totals; the rows that changed are published, whole book and slot at a time, as stream and
changelog in one. A close is a logged input: it executes where it stands among the contributions,
turns the period into a statement in the same transaction, and records which usage was in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

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
    COLUMNS,
    PERIOD_SLOT,
    SERIES_BITS,
    Plan,
    compose,
    decompose,
    stack,
)
from state.cell_memory import cell_changes
from state.cells import NO_CELLS_PLAN, CellPlan
from state.invariants import invariant
from state.tables import Tables
from streams.accrual import DEALS, Book, Row, Volume, place_of
from streams.accrue_rows import Planned, Rows
from streams.amending import amended_rows, carried_out
from streams.commands import period_of, read_close, together
from streams.contribution import Block, Series, from_bytes
from streams.declared import declare
from streams.declared_rows import figures_of
from streams.drafting import Drafting
from streams.facts import NO_FACTS, Facts
from streams.families import Ints
from streams.log import Log, Segment
from streams.payment import rates_used
from streams.settle import Stopwatch, Work
from streams.standing_rows import StandingRows
from streams.statement import Document, canonical, heading, seal
from streams.worth import worth
from streams.worth_columns import Alone

Prepared = dict[int, list[Block]]


class AccrueHop:
    """Configuration, memory and computation of the second hop."""

    name = "accrue"
    inputs = (CONTRIBUTIONS.name, COMMANDS.name)

    def __init__(self, tables: Tables, stopwatch: Stopwatch) -> None:
        self.partitions: dict[int, PartitionAccruals] = {}
        self._watch = stopwatch
        self._numbers: dict[int, dict[str, int]] = {}
        self._moving: set[int] = set()
        self.book = Book(tables)
        self.names = Names(self._describe)
        self.use(tables)

    def use(self, tables: Tables) -> None:
        """Take another reference; called between batches only."""
        before, self.tables = self.book.with_deals, tables
        self.book = Book(tables)
        if self.book.with_deals != before:
            self.names.gather_again()
            self._numbers.clear()
        self._standing = StandingRows(self.names, self.book)
        self.alone = Alone(self.book)

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

    def is_ready(self, prepared: Prepared) -> bool:
        """Whether the terms of everything in some blocks are in the reference in force.

        Whoever rated them may have had a newer one: it comes here too.
        """
        for partition, blocks in prepared.items():
            texts: set[str] = set()  # many blocks have the same series
            for block in blocks:
                for column in (block.sums.series, block.cells.series):
                    texts.update(column.unique().to_pylist())
            new = texts.difference(self._numbers.get(partition, ()))
            if not all(self.book.knows(Series.parse(text)) for text in new):
                return False
        return True

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
        rows = self._with_figures(memory, segments, *self._rows(partition, blocks))
        plan = memory.balances.plan(*self._standing.joined(memory.closed, segments, *rows))
        delta = PartitionDelta(plan, positions, covers, watermarks, as_of_us)
        numbers_of = partial(self._series, partition)
        delta.cells = Rows(self.names, self.book).plan_cells(memory, blocks, numbers_of)
        self._watch.lap("accrual")
        self._publish(partition, memory, delta, work)
        for segment in segments:
            if segment.topic == COMMANDS.name:
                for at, value in zip(segment.offsets.tolist(), segment.values, strict=True):
                    self._command(memory, delta, partition, at, value, work)
        work.send(ACCRUE_CHANGELOG.name, partition, *changes(delta))
        kept = cell_changes(memory.cells, delta.cells, self.names.series, self.names.members)
        work.send(ACCRUE_CHANGELOG.name, partition, *kept)
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

    def _with_figures(
        self, memory: PartitionAccruals, segments: Sequence[Segment], keys: Ints, values: Ints
    ) -> tuple[Ints, Ints]:
        """Rows of sums, of what partners declare for swaps with those moved, and of amendments."""
        numbers: list[int] = []
        quantities: list[int] = []
        for series, more in figures_of(segments, self.book, memory.closed, memory.facts):
            moved = self.book.moves_others(series, series.booked)
            number = self.names.number(series)
            found = [number, *(self._followers(number) if moved else ())]
            numbers.extend(found)
            quantities.extend([more, *(0 for _ in found[1:])])
        figures = np.array(numbers, np.int64)
        sums = np.zeros((len(figures), values.shape[1]), np.int64)
        sums[:, COLUMNS.index("quantity")] = quantities
        period = np.zeros_like(figures) + PERIOD_SLOT
        more_keys = compose(self.names.book(figures), period, figures)
        known = memory.closed, memory.facts
        amended_keys, amended = amended_rows(segments, self.names, self.book, *known)
        every = np.concatenate([keys, more_keys, amended_keys])
        return every, np.concatenate([values, sums, amended])

    def _series(self, partition: int, texts: Sequence[str]) -> list[int]:
        """The numbers of series, each under the period it is booked in: its own while it is open.

        One that bears on others in a closed or a later period moves them; see `_followers`.
        """
        known = self._numbers.setdefault(partition, {})
        for text in [text for text in texts if text not in known]:
            series = Series.parse(text)
            booked = self._open_period(self.partitions[partition].closed, series)
            number = known[text] = self.names.number(Series(*series[:-1], booked))
            if self.book.moves_others(series, booked):
                self._moving.add(number)
        return [*map(known.__getitem__, texts)]

    def _describe(self, series: Series) -> tuple[bool, list[Volume]]:
        """Whether a series is worth just the sum of its charges, and the counters it lies on."""
        return self.book.terms(series).direct, self.book.counters(series)

    def _followers(self, number: int) -> list[int]:
        """Rows that more usage of a series moves besides its own.

        More volume of an older version lifts the newer versions' volume to higher tiers, as more of
        an earlier period does later ones', or chooses another tier of other items, and a deal is
        over all of it. What that changes is booked in the same period, or in the later one itself
        if that is open too, so there must be rows for it.
        """
        series = self.names.series.names[number]
        terms, moved = self.book.terms(series), set()
        if terms.span is None:
            moved.update(self.book.deals(series.agreement, series.original, series.booked))
        for volume in self.book.counters(series):
            if volume[-1] == DEALS:
                continue
            beside = (self.names.series.names[n] for n in self.names.siblings[volume])
            above = (s for s in beside if s.item == volume[1] and place_of(s) >= place_of(series))
            moved.update(s._replace(booked=max(series.booked, s.original)) for s in above)
        lines = self.book.deal_lines(series) if terms.span is None else None
        for other in self.names.siblings.get(lines, ()) if lines is not None else ():
            line = self.names.series.names[other]
            if place_of(line) > place_of(series):
                moved.add(line._replace(booked=max(series.booked, line.original)))
        return [self.names.number(s) for s in sorted(moved)]

    def _open_period(self, closed: Mapping[tuple[str, str], str], series: Series) -> str:
        """The period of the usage, or the next one after it that is not closed."""
        return self.book.open_period(series, closed)

    def _publish(
        self, partition: int, memory: PartitionAccruals, delta: PartitionDelta, work: Work
    ) -> None:
        """Every book and slot that changed, whole, with what its rows are worth."""
        reach = Reach(delta.as_of_us, delta.covers)
        groups = np.unique(delta.plan.keys >> SERIES_BITS)
        keys, values, offsets = memory.balances.groups(delta.plan, groups)
        figures = self._worth(memory, delta, keys, values)
        messages = write_rows(self.names, keys, values, offsets, figures, reach)
        work.send(ACCRUALS.name, partition, *messages)

    def _worth(
        self, memory: PartitionAccruals, delta: PartitionDelta, keys: Ints, values: Ints
    ) -> Figures:
        """What the period rows among some are worth: those that stand alone at once, others each.

        One of those that stand alone is worked out both ways, in every batch.
        """
        _, slot, series = decompose(keys)
        at = np.flatnonzero((slot == PERIOD_SLOT) & ~self.names.direct(series))
        rows, planned = Rows(self.names, self.book), Planned(delta.plan, delta.cells)
        self.alone.follow(self.names.series.names)
        micros, shortfall, known = self.alone.worth(series[at], values[at])
        besides: dict[Volume, list[Row]] = {}
        alone = np.flatnonzero(known)
        exact: dict[int, str] = {}
        checked = alone[[len(delta.plan.keys) % len(alone)]] if len(alone) else alone
        for place in [*np.flatnonzero(~known).tolist(), *checked.tolist()]:
            row = rows.row(memory, planned, int(series[at[place]]), values[at[place]])
            counter = self.book.counter(row.series)
            beside: Sequence[Row] = (row,)
            if counter is not None:
                if counter not in besides:
                    besides[counter] = rows.beside(memory, planned, counter)
                beside = besides[counter]
            found = worth(row, beside, self.book)
            figures = found.micros, found.shortfall_micros
            if known[place]:
                same = figures == (micros[place], shortfall[place])
                invariant(same, "a row alone is worth what its counter is", row=row)
            micros[place], shortfall[place] = figures
            if row.cells is not None:
                exact[int(at[place])] = f"{found.value} {found.shortfall}"
        return Figures(at, micros, shortfall, exact)

    def _command(
        self,
        memory: PartitionAccruals,
        delta: PartitionDelta,
        partition: int,
        offset: int,
        value: bytes | None,
        work: Work,
    ) -> None:
        """Execute a command; one that makes no sense is kept in the changelog with the reason."""
        try:
            command = json.loads(value or b"")
            if "declare" in command:
                self._declare(command["declare"], memory, delta)
                return
            if "amend" in command:
                closed = {*memory.closed, *delta.closed}
                amendment = carried_out(command["amend"], self.book, closed)
                if amendment.id not in memory.facts.amended:
                    delta.facts.amended.setdefault(amendment.id, amendment)
                return
            key_pair = read_close(self.book, command)
        except (ValueError, KeyError, TypeError) as error:
            reason = {"command": (value or b"").decode(errors="replace"), "reason": repr(error)}
            key = f"refused/{partition}/{offset}".encode()
            work.send(ACCRUE_CHANGELOG.name, partition, (key, json.dumps(reason).encode()))
            return
        if key_pair in memory.closed or key_pair in delta.closed:
            return
        for pair in together(self.book, key_pair):
            if pair in memory.closed or pair in delta.closed:
                continue
            document = self._statement(memory, delta, pair)
            for use, rate in rates_used(pair[0], document["totals"]):
                if use not in memory.facts.rates:
                    delta.facts.rates.setdefault(use, rate)
            delta.closed[pair] = number = document["number"]
            work.send(STATEMENTS.name, partition, (number.encode(), canonical(document)))

    def _declare(
        self, said: Mapping[str, Any], memory: PartitionAccruals, delta: PartitionDelta
    ) -> None:
        """Take a partner's figure; raises what `streams.declared.declare` does."""
        closed = {*memory.closed, *delta.closed}
        known = memory.facts.with_more(delta.facts, said["agreement"])
        delta.facts.update(declare(said, self.book, closed, known))

    def _statement(
        self, memory: PartitionAccruals, delta: PartitionDelta, key: tuple[str, str]
    ) -> Document:
        """The document that closes a period."""
        agreement, period = key
        version, index = period_of(self.book, agreement, period)
        info = self.tables.agreements[version.agreement]
        count = sum(1 for a, _ in [*memory.closed, *delta.closed] if a == agreement) + 1
        head: Document = {
            **heading(info, version, index, count),
            "reference": self.tables.reference_id,
            "cut": dict(sorted(delta.covers.items())),
            "as_of_us": delta.as_of_us,
        }
        return seal({**head, **self.draft(memory, delta.plan, key, delta.cells, delta.facts)})

    def draft(
        self,
        memory: PartitionAccruals,
        plan: Plan,
        key: tuple[str, str],
        cells: CellPlan = NO_CELLS_PLAN,
        more: Facts = NO_FACTS,
    ) -> Document:
        """Lines and totals of a book as they will be after a plan, with facts that are new."""
        facts = memory.facts.with_more(more, key[0])
        drafting = Drafting(self.names, self.book, memory, Planned(plan, cells))
        return drafting.document(key, facts)

    def apply(self, work: Work) -> None:
        """Take over what has been committed."""
        for partition, delta in work.delta.items():
            self.partitions[partition].apply(delta)
            if delta.closed:
                self._numbers.clear()
        self._watch.lap("apply")
