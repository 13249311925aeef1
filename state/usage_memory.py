"""What the rate hop remembers of the partitions it owns, and how it gets it back.

For each usage partition: which numbers were seen, what is suspended, how many events had which
outcome, how far each source has reported, which parts of sessions came, and up to which input
positions all of that holds. It
lives in memory (digests of bodies on disk), changes only when a transaction has committed, and is
written to `rate.changelog.v1` inside that transaction as absolute values. After a crash or a move
the changelog, `suspense.v1` and `marks.v1` give it back; the positions found there must be the
committed input positions, or something is badly wrong.
"""

from __future__ import annotations

import json
from collections import Counter as Tally
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from schemas.codes import Outcome, Reason
from schemas.records import codec
from schemas.topics import MARKS, RATE_CHANGELOG, SUSPENSE, partition_of
from state.invariants import invariant
from state.rocks import BodyStore, Digests, Ints, Marked, Marks
from state.seen import Counter, Counters, Seen, gaps, ranges_from_bytes, ranges_to_bytes
from state.sessions import Parts, Sessions, from_bytes, to_bytes
from streams.duplicates import Checked
from streams.log import Log, Message, Overtaken

OutcomeKey = tuple[Outcome, Reason]
POSITION_KEY = b"position"
SEEN_KEY = b"seen/"
SESSION_KEY = b"session/"


@dataclass
class Delta:
    """What a batch changes, per usage partition; and how many of its events lose money."""

    checked: Checked | None = None
    outcomes: dict[int, Tally[OutcomeKey]] = field(default_factory=dict)
    watermarks: dict[int, dict[str, int]] = field(default_factory=dict)
    opened: dict[int, dict[str, Reason]] = field(default_factory=dict)
    closed: dict[int, set[str]] = field(default_factory=dict)
    positions: dict[int, dict[str, int]] = field(default_factory=dict)
    marks: list[Marks] = field(default_factory=list)
    losses: int = 0
    sessions: dict[int, dict[str, Parts | None]] = field(default_factory=dict)

    def count(self, partition: int, reason: Reason, outcome: Outcome, events: int = 1) -> None:
        """Add to the outcomes of a partition."""
        self.outcomes.setdefault(partition, Tally())[(outcome, reason)] += events


@dataclass
class PartitionMemory:
    """What is remembered of one usage partition; `store` holds the digests of bodies."""

    store: BodyStore
    positions: dict[str, int] = field(default_factory=dict)
    outcomes: Tally[OutcomeKey] = field(default_factory=Tally)
    watermarks: dict[str, int] = field(default_factory=dict)
    suspended: dict[str, Reason] = field(default_factory=dict)
    sessions: Sessions = field(default_factory=Sessions)

    def after(self, partition: int, delta: Delta) -> bytes:
        """The position record as it will be once a delta is applied."""
        outcomes = self.outcomes.copy()
        outcomes.update(delta.outcomes.get(partition, {}))
        watermarks = newest(self.watermarks, delta.watermarks.get(partition, {}))
        record = {
            "positions": delta.positions[partition],
            "outcomes": [[o.label, r.label, n] for (o, r), n in sorted(outcomes.items()) if n],
            "watermarks": watermarks,
        }
        return json.dumps(record, separators=(",", ":")).encode()


def check_positions(found: Mapping[str, int], committed: Mapping[str, int]) -> None:
    """Recovered state must stand at the committed positions.

    Raises:
        Overtaken: it is ahead: a new owner has committed since this process was assigned.
        InvariantViolation: it is behind: state was lost.
    """
    topics = found.keys() | committed.keys()
    state, log = ({t: p.get(t, 0) for t in topics} for p in (found, committed))
    is_behind = any(state[t] < log[t] for t in topics)
    if state != log and not is_behind:
        msg = f"recovered state is at {state}, assigned was {log}"
        raise Overtaken(msg)
    invariant(state == log, "state stands at the committed positions", state=state, log=log)


def newest(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """The later of two event times for each source."""
    return {**before, **{s: max(t, before.get(s, t)) for s, t in now.items()}}


class Memory:
    """The memory of all partitions owned; sources know their partition by their name."""

    def __init__(self, directory: Path, partitions: int) -> None:
        self.counters = Counters()
        self.seen = Seen.empty()
        self.partitions: dict[int, PartitionMemory] = {}
        self._directory = directory
        self._count = partitions

    def bodies(self, source: str, epoch: int, sequences: Ints) -> tuple[Digests, Marked]:
        """Stored body digests of one source's numbers, and which of them there are."""
        return self.partitions[self._home(source)].store.bodies(source, epoch, sequences)

    def identity(self, source: str, event_id: str) -> int | None:
        """The stored body digest of an event id."""
        return self.partitions[self._home(source)].store.identity(source, event_id)

    def _home(self, source: str) -> int:
        return partition_of(source, self._count)

    def changes(self, partition: int, delta: Delta) -> list[Message]:
        """Changelog records of what a delta changes in one partition."""
        messages: list[Message] = [
            (POSITION_KEY, self.partitions[partition].after(partition, delta))
        ]
        if delta.checked is not None:
            for number in delta.checked.touched.tolist():
                name = self.counters.name(number)
                if self._home(name.source) == partition:
                    key = SEEN_KEY + json.dumps(name, separators=(",", ":")).encode()
                    messages.append((key, ranges_to_bytes(delta.checked.seen.of(number))))
        for session, parts in delta.sessions.get(partition, {}).items():
            value = None if parts is None else to_bytes(parts)
            messages.append((SESSION_KEY + session.encode(), value))
        return messages

    def session(self, delta: Delta, partition: int, key: str) -> Parts:
        """The parts of a session as a delta leaves it; none of one that is not known."""
        changed = delta.sessions.get(partition, {})
        if key in changed:
            return changed[key] or ()
        return self.partitions[partition].sessions.parts.get(key, ())

    def newest_us(self, delta: Delta, partition: int, source: str) -> int:
        """The newest record of a source with what a delta brings; 0 of one that has sent none."""
        known = self.partitions[partition].watermarks.get(source, 0)
        return max(known, delta.watermarks.get(partition, {}).get(source, 0))

    def end_sessions(self, delta: Delta) -> None:
        """Add to a delta which sessions have ended, by the event times that it brings."""
        for partition, newest_us in delta.watermarks.items():
            for key in self.partitions[partition].sessions.ended(newest_us):
                delta.sessions.setdefault(partition, {}).setdefault(key, None)

    def apply(self, delta: Delta) -> None:
        """Change what a committed batch changed."""
        if delta.checked is not None:
            self.seen = delta.checked.seen
        for partition, positions in delta.positions.items():
            memory = self.partitions[partition]
            memory.outcomes.update(delta.outcomes.get(partition, {}))
            memory.watermarks = newest(memory.watermarks, delta.watermarks.get(partition, {}))
            memory.suspended.update(delta.opened.get(partition, {}))
            for key in delta.closed.get(partition, ()):
                memory.suspended.pop(key, None)
            memory.sessions.change(delta.sessions.get(partition, {}))
            memory.positions = positions
        for marks in delta.marks:
            self.partitions[marks.partition].store.write([marks])

    def recover(self, partition: int, committed: Mapping[str, int], log: Log) -> None:
        """Bring back one partition's memory; it must stand at the committed positions."""
        memory = PartitionMemory(BodyStore(self._directory / f"bodies-{partition}"))
        for segment in log.recover(RATE_CHANGELOG.name, partition):
            for key, value in zip(segment.keys, segment.values, strict=True):
                if key is not None and key.startswith(SESSION_KEY):
                    parts = None if value is None else from_bytes(value)
                    memory.sessions.change({key.removeprefix(SESSION_KEY).decode(): parts})
                    continue
                if key is None or value is None:
                    continue
                if key == POSITION_KEY:
                    _read_position(memory, value)
                else:
                    source, epoch, refused = json.loads(key.removeprefix(SEEN_KEY))
                    number = self.counters.number(Counter(source, epoch, refused))
                    self.seen = self.seen.without({number}).join(ranges_from_bytes(number, value))
        check_positions(memory.positions, committed)
        _recover_suspense(memory, partition, log)
        self._recover_bodies(memory, partition, log)
        self.partitions[partition] = memory

    @staticmethod
    def _recover_bodies(memory: PartitionMemory, partition: int, log: Log) -> None:
        """Take what the store on disk lacks from `marks.v1`."""
        if memory.store.positions() == memory.positions:
            return
        for segment in log.recover(MARKS.name, partition):
            memory.store.write(Marks.from_bytes(v) for v in segment.values if v is not None)

    def forget(self, partitions: frozenset[int]) -> None:
        """Drop what belongs to partitions that went to another owner."""
        gone = {n for n, c in enumerate(self.counters.names) if self._home(c.source) in partitions}
        self.seen = self.seen.without(gone)
        for partition in partitions & self.partitions.keys():
            self.partitions.pop(partition).store.close()

    def missing(self) -> dict[tuple[str, int], list[tuple[int, int]]]:
        """Gaps in the numbers of each source and epoch: what never arrived, not even refused."""
        spans: dict[tuple[str, int], Seen] = {}
        for number, counter in enumerate(self.counters.names):
            ranges = self.seen.of(number)
            part = Seen(ranges[:, 0], ranges[:, 1])
            key = (counter.source, counter.epoch)
            spans[key] = (
                part.join(spans[key]) if key in spans and len(part) else spans.get(key, part)
            )
        found = {k: gaps(np.stack([s.first, s.last], axis=1)) for k, s in spans.items()}
        return {k: g for k, g in found.items() if g}


def _read_position(memory: PartitionMemory, value: bytes) -> None:
    record = json.loads(value)
    memory.positions = record["positions"]
    memory.watermarks = record["watermarks"]
    memory.outcomes = Tally(
        {(Outcome[o.upper()], Reason[r.upper()]): n for o, r, n in record["outcomes"]}
    )


def _recover_suspense(memory: PartitionMemory, partition: int, log: Log) -> None:
    """What is suspended is what `suspense.v1` still holds."""
    records = codec("suspense.avsc")
    for segment in log.recover(SUSPENSE.name, partition):
        for key, value in zip(segment.keys, segment.values, strict=True):
            if key is None:
                continue
            if value is None:
                memory.suspended.pop(key.decode(), None)
            else:
                memory.suspended[key.decode()] = Reason[records.decode(value)["reason"].upper()]
