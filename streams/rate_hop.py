"""The rate hop: usage in, contributions out, every event in exactly one outcome.

One pass over a batch goes through the stations in the order of the nouns: usage (decode, validate),
duplicates, attribution, rating, and the fold into contributions. What the hop remembers (which
numbers were seen, what is suspended, how many events had which outcome) is changed only by `apply`,
after the transaction that carries the same change in its changelog has committed.

Suspended usage that is to be tried again comes in on a topic of its own and takes the same way,
past the duplicate check, which it passed when it first came.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from schemas.codes import Outcome, Reason
from schemas.frames import Refused
from schemas.topics import (
    CONTRIBUTIONS,
    MARKS,
    RATE_CHANGELOG,
    RATED,
    RECYCLE,
    SUSPENSE,
    USAGE,
    partition_of,
)
from state.invariants import invariant
from state.rocks import Marks
from state.tables import Tables
from state.usage_memory import Delta, Memory, OutcomeKey, PartitionMemory
from streams import suspense
from streams.attribution import attribute
from streams.contributing import Came, Contributing
from streams.contribution import Cover
from streams.corrections import messages as corrected_rows
from streams.duplicates import Checked, check
from streams.families import Ints
from streams.framing import framed
from streams.log import Log, Message, Segment
from streams.margins import losses, with_margins
from streams.outcomes import quarantine, tally
from streams.privacy import Tokens
from streams.rated import Blocks
from streams.rating import Rated, rate
from streams.recycle import Recycled, read_recycled
from streams.selection import select
from streams.sessions import join, newest_before
from streams.settle import Stopwatch, Work
from streams.sharing import share
from streams.usage import UsageBatch, read_usage

FUTURE_SKEW_US = 600_000_000

Prepared = tuple[UsageBatch, Sequence[Refused]] | None


class RateHop:
    """Configuration, memory and computation of the first hop."""

    name = "rate"
    inputs = (USAGE.name, RECYCLE.name)

    def __init__(
        self,
        tables: Tables,
        tokens: Tokens,
        directory: Path,
        usage_partitions: int,
        settlement_partitions: int,
        stopwatch: Stopwatch,
    ) -> None:
        self.tokens = tokens
        self.memory = Memory(directory, usage_partitions)
        self._partitions = usage_partitions
        self._settlement_partitions = settlement_partitions
        self._watch = stopwatch
        self.use(tables)

    def use(self, tables: Tables) -> None:
        """Take another reference; called between batches only."""
        self.tables = tables
        self._blocks = Blocks(tables, self.tokens)
        self._contributing = Contributing(tables, self.tokens, self._settlement_partitions)

    def assign(self, partition: int, positions: Mapping[str, int], log: Log) -> None:
        """Recover the memory of a partition that this process now owns."""
        self.memory.recover(partition, positions, log)

    def revoke(self, partitions: frozenset[int]) -> None:
        """Forget partitions that went to another owner."""
        self.memory.forget(partitions)

    def prepare(self, segments: Sequence[Segment]) -> Prepared:
        """Usage decoded and validated; None when there is only usage to be tried again."""
        usage_segments = [s for s in segments if s.topic == USAGE.name]
        prepared = read_usage(usage_segments, self._partitions) if usage_segments else None
        self._watch.lap("usage")
        return prepared

    def compute(self, segments: Sequence[Segment], prepared: Prepared) -> Work:
        """Outputs and delta of one batch; changes nothing."""
        work = Work(delta=Delta())
        usage_segments = [s for s in segments if s.topic == USAGE.name]
        recycle_segments = [s for s in segments if s.topic == RECYCLE.name]
        for segment in segments:
            self._advance(segment, work)
        if prepared is not None:
            self._pass(usage_segments, *prepared, work)
        if recycle_segments:
            self._recycle(recycle_segments, work)
        self.memory.end_sessions(work.delta)
        self._changelog(work)
        return work

    def _advance(self, segment: Segment, work: Work) -> None:
        """Note the input position that this batch brings a partition to."""
        partition = segment.partition
        work.positions[(segment.topic, partition)] = segment.next_offset
        before = self.memory.partitions[partition].positions
        now = work.delta.positions.setdefault(partition, dict(before))
        invariant(
            int(segment.offsets[0]) >= now.get(segment.topic, 0),
            "input is read once and in order",
            topic=segment.topic,
            partition=partition,
        )
        now[segment.topic] = segment.next_offset

    def _pass(
        self,
        segments: Sequence[Segment],
        usage: UsageBatch,
        refused: Sequence[Refused],
        work: Work,
    ) -> None:
        """Usage through all stations."""
        delta: Delta = work.delta
        checked = check(
            usage, self.memory.counters, self.memory.seen, self.memory.bodies, self.memory.identity
        )
        delta.checked = checked
        work.events += len(usage)
        reason = usage.reason.copy()
        reason[checked.conflict] = Reason.CONFLICTING_BODY
        self._watch.lap("duplicates")
        candidates = (reason == 0) & ~checked.duplicate
        reason[candidates & usage.test] = Reason.TEST
        early = candidates & (reason == 0) & (usage.started_us > _horizon_us(segments))
        for index in np.flatnonzero(early).tolist():
            log_time_us = _log_time_us(segments, int(usage.message[index]))
            if usage.started_us[index] > log_time_us + FUTURE_SKEW_US:
                reason[index] = Reason.FUTURE_TIME
        accepted = candidates & (reason != Reason.FUTURE_TIME)
        newest_of = partial(newest_before, usage, accepted, partial(self.memory.newest_us, delta))
        chosen = np.flatnonzero(candidates & (reason == 0))
        rated = self._settle(usage, reason, chosen, newest_of, delta)
        duplicate = self._suspend(usage, reason, checked.duplicate, work)
        quarantine(usage, reason, duplicate, segments, refused, work)
        tally(usage, reason, duplicate, delta)
        self._watermarks(usage, accepted, delta)
        read = len(usage) + len(refused)
        counted = sum(sum(delta.outcomes.get(p, {}).values()) for p in delta.positions)
        invariant(read == counted, "every event has one outcome", read=read, counted=counted)
        self._watch.lap("outcomes")
        self._publish(usage, rated, segments, work)
        self._marks(checked, delta, work)
        self._watch.lap("blocks")

    def _settle(
        self,
        usage: UsageBatch,
        reason: npt.NDArray[np.int8],
        candidates: Ints,
        newest_of: Callable[[Ints], Ints],
        delta: Delta,
    ) -> Rated:
        """Attribute and rate; an event with a leg that has no price has none at all."""
        legs, reason[candidates] = attribute(usage, candidates, self.tables)
        legs = select(usage, legs, self.tables)
        self._watch.lap("attribution")
        rated = share(usage, rate(usage, legs, self.tables), self.tables)
        failing, event = np.flatnonzero(rated.reason)[::-1], rated.legs.event
        # Assigned from the last leg to the first, so that the first role's reason stays.
        reason[event[failing]] = rated.reason[failing]
        kept = reason[event] == 0
        rated = rated if kept.all() else rated.take(kept)
        rows_of = partial(self._blocks.rows, usage)
        found = partial(self.memory.session, delta)
        joined = join(usage, rated, newest_of, found, rows_of, self.tables)
        for event_row, why in joined.reason.items():
            reason[event_row] = why
        for partition, sessions in joined.changed.items():
            delta.sessions.setdefault(partition, {}).update(sessions)
        self._watch.lap("rating")
        return with_margins(joined.rated, self.tables)

    def _suspend(
        self,
        usage: UsageBatch,
        reason: npt.NDArray[np.int8],
        duplicate: npt.NDArray[np.bool_],
        work: Work,
    ) -> npt.NDArray[np.bool_]:
        """Send what cannot be rated yet to suspense; its repeats join the duplicates."""
        duplicate = duplicate.copy()
        waiting = np.flatnonzero(
            (reason >= Reason.NO_ATTRIBUTION_KEY) & (reason < Reason.UNDECODABLE) & ~duplicate
        )
        # In the order of the log: of repeats under one suspense id the first one is kept.
        waiting = waiting[np.lexsort((usage.row[waiting], usage.message[waiting]))]
        messages = framed(usage, waiting, self.tokens)
        ids = suspense.suspense_ids(usage, waiting, reason[waiting])
        homes, reasons = usage.partition[waiting].tolist(), reason[waiting].tolist()
        fresh: dict[str, int] = {}
        for key, index, partition, why in zip(ids, waiting.tolist(), homes, reasons, strict=True):
            opened = work.delta.opened.setdefault(partition, {})
            if key in opened or key in self.memory.partitions[partition].suspended:
                duplicate[index] = True
                continue
            opened[key] = Reason(why)
            fresh[key] = index
        self._send_suspended(usage, fresh, reason, messages, work)
        return duplicate

    def _send_suspended(
        self,
        usage: UsageBatch,
        rows: Mapping[str, int],
        reason: npt.NDArray[np.int8],
        messages: Mapping[int, bytes],
        work: Work,
    ) -> None:
        """Events for suspense, by suspense id, each to its own partition."""
        at = np.fromiter(rows.values(), np.int64, len(rows))
        sent = suspense.suspended(usage, at, list(rows), reason[at], self.tables, messages)
        for partition, message in zip(usage.partition[at].tolist(), sent, strict=True):
            work.send(SUSPENSE.name, partition, message)

    def _watermarks(self, usage: UsageBatch, accepted: npt.NDArray[np.bool_], delta: Delta) -> None:
        """The newest event time of each source in this batch."""
        newest = np.full(len(usage.source.values), -1, np.int64)
        np.maximum.at(newest, usage.source.codes[accepted], usage.started_us[accepted])
        for code in np.flatnonzero(newest >= 0).tolist():
            source = usage.source.values[code]
            marks = delta.watermarks.setdefault(partition_of(source, self._partitions), {})
            marks[source] = int(newest[code])

    def _recycle(self, segments: Sequence[Segment], work: Work) -> None:
        """Suspended usage once more, past the duplicate check."""
        delta: Delta = work.delta
        recycled: Recycled = read_recycled(segments, self._partitions, self._is_open(delta))
        usage = recycled.usage
        reason = np.zeros(len(usage), np.int8)
        early = usage.started_us > np.array(recycled.log_times_us, np.int64) + FUTURE_SKEW_US
        reason[early] = Reason.FUTURE_TIME
        nothing = np.zeros(len(usage), bool)
        newest_of = partial(newest_before, usage, nothing, partial(self.memory.newest_us, delta))
        chosen = np.flatnonzero(~early)
        rated = self._settle(usage, reason, chosen, newest_of, delta)
        messages = framed(usage, np.arange(len(usage)), self.tokens)
        missing = suspense.missing(usage, np.arange(len(usage)), reason, self.tables)
        again: dict[str, int] = {}
        for index, key in enumerate(recycled.ids):
            partition, why = int(usage.partition[index]), Reason(int(reason[index]))
            before = recycled.reasons[index]
            if why == before:
                if missing[index] != recycled.missing[index]:
                    again[key] = index  # it waits on, and for something else
                continue
            delta.count(partition, before, Outcome.SUSPENDED, -1)
            delta.count(partition, why, why.outcome)
            if why.outcome is Outcome.SUSPENDED:
                delta.opened.setdefault(partition, {})[key] = why
                again[key] = index
            else:
                delta.closed.setdefault(partition, set()).add(key)
                work.send(SUSPENSE.name, partition, (key.encode(), None))
        self._send_suspended(usage, again, reason, messages, work)
        self._publish(usage, rated, segments, work)

    def _is_open(self, delta: Delta) -> dict[int, dict[str, Reason]]:
        """What is suspended now, by partition, this batch included."""
        return {
            p: {**m.suspended, **delta.opened.get(p, {})} for p, m in self.memory.partitions.items()
        }

    def _publish(
        self, usage: UsageBatch, rated: Rated, segments: Sequence[Segment], work: Work
    ) -> None:
        """Rated usage as a block, and its sums to every settlement partition."""
        before = {p: m.positions for p, m in self.memory.partitions.items()}
        covers = tuple(
            Cover(
                topic,
                partition,
                before[partition].get(topic, 0),
                work.positions[(topic, partition)],
            )
            for topic, partition in sorted({(s.topic, s.partition) for s in segments})
        )
        head: dict[str, object] = {
            "covers": [list(c) for c in covers],
            "reference": self.tables.reference_id,
        }
        home = min(s.partition for s in segments)
        if len(rated):
            pack = partial(self._pack, self._blocks, usage, rated, head)
            work.later.append(((RATED.name, home), pack))
            work.delta.losses += losses(rated)
        if rated.corrections:
            made = partial(corrected_rows, rated.corrections, head)
            work.later.append(((RATED.name, home), made))
        watermarks = {k: v for marks in work.delta.watermarks.values() for k, v in marks.items()}
        came = Came(covers, watermarks, max(s.timestamp_us for s in segments))
        for partition, block in self._contributing.blocks(usage, rated, came):
            work.send(CONTRIBUTIONS.name, partition, (None, block))
        self._watch.lap("fold")

    def _pack(
        self, blocks: Blocks, usage: UsageBatch, rated: Rated, head: Mapping[str, object]
    ) -> list[Message]:
        """Rated usage as blocks: the only output that is large, and nobody waits for it."""
        with self._watch.beside("rated"):
            return blocks.messages(usage, rated, head)

    @staticmethod
    def _marks(checked: Checked, delta: Delta, work: Work) -> None:
        """Body digests of what was taken in, for every partition that the batch touched."""
        for partition, positions in delta.positions.items():
            marks = Marks(
                partition,
                positions,
                [s for p, s in checked.strips if p == partition],
                [i for p, i in checked.identities if p == partition],
            )
            delta.marks.append(marks)
            work.send(MARKS.name, partition, (None, marks.to_bytes()))

    def _changelog(self, work: Work) -> None:
        """The absolute state of everything this batch changes."""
        delta: Delta = work.delta
        for partition in delta.positions:
            work.send(RATE_CHANGELOG.name, partition, *self.memory.changes(partition, delta))

    def apply(self, work: Work) -> None:
        """Take over what has been committed."""
        self.memory.apply(work.delta)
        self._watch.lap("apply")

    def outcomes(self) -> Tally[OutcomeKey]:
        """Outcomes of everything read so far, over the partitions owned."""
        total: Tally[OutcomeKey] = Tally()
        for memory in self.memory.partitions.values():
            total.update(memory.outcomes)
        return total

    def partition(self, number: int) -> PartitionMemory:
        """What is remembered of one partition."""
        return self.memory.partitions[number]


def _horizon_us(segments: Sequence[Segment]) -> int:
    """Event times up to here are certainly not in the future of any message read."""
    return min(s.log_time_us(0) for s in segments) + FUTURE_SKEW_US


def _log_time_us(segments: Sequence[Segment], message: int) -> int:
    """The log time of a message by its index over all segments."""
    for segment in segments:
        if message < len(segment):
            return segment.log_time_us(message)
        message -= len(segment)
    msg = "Invariant: every event came with a message"
    raise IndexError(msg)
