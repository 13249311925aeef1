"""Usage: what the network reports, one event each, as columns.

The first station. Framed messages of every family come in; one `UsageBatch` goes out, in which an
event is a row and the families' different fields have become the few that settlement computes
with: who counted it (source, epoch, sequence), when it began, which keys may say whose it is, which
number it was sent to, and how much there was of it. A row that is not usage at all (undecodable,
impossible, at the wrong partition) carries the reason; it is still a row, since every event must
end in exactly one outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.codes import Reason, Service
from schemas.columns import Decoded, Family, Unreadable, decode
from schemas.frames import Refused
from schemas.topics import partition_of
from state.prefixes import NO_NUMBER, NOT_A_NUMBER, justify
from streams.bodies import KEYS, QUANTITIES, Ranks, bodies, ranks_of
from streams.families import (
    Codes,
    Ints,
    Marks,
    Text,
    directions,
    ints,
    join,
    marks,
    numbers,
    strings,
    texts,
)
from streams.hashing import Digests
from streams.log import Segment
from streams.privacy import CLEAR_DIGITS

NO_SEQUENCE = -1
SEQUENCE_MAX = 2**43 - 2  # room for the source beside it in one int64: see state/seen.py
QUANTITY_MAX = 2**44
STARTED_MIN_US = 946_684_800_000_000  # 2000-01-01
STARTED_MAX_US = 4_102_444_800_000_000  # 2100-01-01
OFFSET_MINUTES_MAX = 900
NO_TIME = -(2**63)
COST = "cost_amount_micros"
AMOUNTS = ("retail_amount_micros", COST)  # those of a refund are negative

# What an adapter may say of a line; any other word says no more than that it cannot be read. Frame,
# place and identity (41 to 45) are not for an adapter to judge: a line has them, as a record.
LINE_REASONS = {
    reason.label: reason
    for reason in Reason
    if reason >= Reason.UNDECODABLE and not Reason.BAD_MAGIC <= reason <= Reason.NO_IDENTITY
}


@dataclass(frozen=True)
class UsageBatch:
    """Usage events as columns; all arrays have one entry an event.

    `message` is the index of the event's message in the batch (the order of the log), `row` its
    place in an envelope; `partition` and `offset` its position on the log. `rated_number` is the
    rank of the number that prices go by, `subscriber_rank` of the subscriber (-1 where there is
    none; see `state.prefixes`). Quantities are in their own units and 0 where the service has none;
    a batch that no event has a cost in has no such column. `original_us` is when the transaction
    began that an event reverses, NO_TIME for one that reverses none, and no column at all where
    none of the batch does. `reason` is NONE or why the row is not usage. `body` is a digest of
    everything that the event says besides its identity.
    """

    message: Ints
    row: Ints
    partition: Codes
    offset: Ints
    service: npt.NDArray[np.int8]
    direction: npt.NDArray[np.int8]
    source: Text
    epoch: Ints
    sequence: Ints
    event_id: pa.Array
    started_us: Ints
    test: Marks
    keys: dict[str, Text]
    subscriber: pa.Array
    subscriber_rank: Ints
    subscriber_token: pa.Array
    rated_number: Ints
    quantities: dict[str, Ints]
    body: Digests
    reason: npt.NDArray[np.int8]
    original_us: Ints | None = None
    families: tuple[Family, ...] = field(default=())
    unreadable: tuple[Unreadable, ...] = field(default=())
    ranks: tuple[Ranks, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.message)

    @cached_property
    def ended_us(self) -> Ints:
        """The end of each event, see `_ended`; made when first asked for."""
        return _ended(self)

    @cached_property
    def priced_us(self) -> Ints:
        """When the terms were in force that events are priced by: at the start of the original."""
        if self.original_us is None:
            return self.started_us
        return np.where(self.original_us == NO_TIME, self.started_us, self.original_us)

    def number(self, name: str) -> Ints:
        """The ranks of a field of numbers, -1 or -2 where there is none; made when asked for.

        Of a caller only nine leading characters count, as suspense keeps no more of them.
        """
        ranks = _ranks(self.families, self.ranks, name, len(self.unreadable))
        odd = np.flatnonzero(ranks == NOT_A_NUMBER) if name == "calling_number" else ()
        if len(odd):
            callers = strings(self.families, name, len(self.unreadable)).take(pa.array(odd))
            ranks[odd] = justify(pc.utf8_slice_codeunits(callers, 0, CLEAR_DIGITS))
        return ranks

    def text(self, name: str) -> Text:
        """A field of names; made when asked for where nothing else needs it."""
        if name in self.keys:
            return self.keys[name]
        return Text.join([*texts(self.families, name), pa.nulls(len(self.unreadable), pa.string())])

    def origin(self, index: int) -> tuple[Family | None, int]:
        """The family of event `index` and its place there; None for an unreadable line."""
        for family in self.families:
            if index < len(family):
                return family, index
            index -= len(family)
        return None, index


def read_usage(
    segments: Sequence[Segment], partitions: int
) -> tuple[UsageBatch, Sequence[Refused]]:
    """Decode and validate the messages of some segments.

    Args:
        segments: what the log gave, of topics partitioned by source.
        partitions: how many partitions those topics have.

    Returns:
        The events, and the messages that do not decode (index over all segments' messages).
    """
    decoded = decode(chain.from_iterable(s.values for s in segments))
    return _batch(decoded, segments, partitions), decoded.refused


def _batch(decoded: Decoded, segments: Sequence[Segment], partitions: int) -> UsageBatch:
    """The families' events as one batch; unreadable lines are its last rows."""
    families, lines = decoded.families, decoded.unreadable
    rows = [len(f) for f in families]
    message = join([f.message for f in families] + [np.array([u.message for u in lines], np.int64)])
    log_partition = np.repeat(
        np.array([s.partition for s in segments], np.int32), [len(s) for s in segments]
    )
    log_offset = join([s.offsets for s in segments])
    source = Text.join(
        [f.columns["source"] for f in families] + [pa.array([u.source for u in lines], pa.string())]
    )
    costly = [COST] if any(COST in f.columns for f in families) else []
    quantities = {q: numbers(families, q, len(lines)) for q in (*QUANTITIES, *costly)}
    keys = {k: Text.join([*texts(families, k), pa.nulls(len(lines), pa.string())]) for k in KEYS}
    sequence = numbers(families, "sequence", len(lines), NO_SEQUENCE)
    if lines:
        sequence[-len(lines) :] = [u.sequence for u in lines]
    # A number out of range identifies nothing; there may still be an id.
    sequence[(sequence < 0) | (sequence > SEQUENCE_MAX)] = NO_SEQUENCE
    ranks = [ranks_of(f) for f in families]
    number, number_bad = _rated_numbers(families, ranks, len(lines))
    usage = UsageBatch(
        message=message,
        row=join([f.row for f in families] + [np.zeros(len(lines), np.int64)]),
        partition=log_partition[message],
        offset=log_offset[message],
        service=np.repeat(
            np.array([*(f.service for f in families), 0], np.int8), [*rows, len(lines)]
        ),
        direction=join([directions(f) for f in families] + [np.zeros(len(lines), np.int8)]),
        source=source,
        epoch=numbers(families, "epoch", len(lines)),
        sequence=sequence,
        event_id=strings(families, "event_id", len(lines)),
        started_us=numbers(families, "started_at", len(lines)),
        test=join([marks(f, "test") for f in families] + [np.zeros(len(lines), bool)]),
        keys=keys,
        subscriber=strings(families, "subscriber", len(lines)),
        subscriber_rank=_ranks(families, ranks, "subscriber", len(lines)),
        subscriber_token=strings(families, "subscriber_token", len(lines)),
        rated_number=number,
        quantities=quantities,
        body=bodies(families, ranks, keys, len(lines)),
        reason=np.zeros(len(message), np.int8),
        original_us=_originals(families, len(lines)),
        families=families,
        unreadable=lines,
        ranks=tuple(ranks),
    )
    _validate(usage, partitions, number_bad)
    return usage


def _validate(usage: UsageBatch, partitions: int, number_bad: Marks) -> None:
    """Set the reason of rows that are not usage; the first rule that applies names it."""
    q = usage.quantities
    home = np.array([partition_of(s, partitions) for s in usage.source.values] + [-1], np.int32)
    sequenced = usage.sequence != NO_SEQUENCE
    unidentified = ~sequenced
    if unidentified.any():
        at = np.flatnonzero(unidentified)
        lengths = pc.binary_length(usage.event_id.take(pa.array(at))).fill_null(0)
        unidentified[at] = lengths.to_numpy(zero_copy_only=False) == 0
    offset_minutes = numbers(usage.families, "utc_offset_minutes", len(usage.unreadable))
    ended = _ended(usage)
    sourceless = np.array([s == "" for s in usage.source.values] + [True])
    started = usage.started_us
    counts = [v for k, v in q.items() if k not in AMOUNTS]
    rules: list[tuple[Reason, Marks]] = [
        (Reason.NO_SOURCE, sourceless[usage.source.codes]),
        (Reason.WRONG_PARTITION, home[usage.source.codes] != usage.partition),
        (Reason.NO_IDENTITY, unidentified),
        (Reason.NEGATIVE_QUANTITY, _any([v < 0 for v in counts])),
        (Reason.QUANTITY_OVERFLOW, _any([v >= QUANTITY_MAX for v in q.values()])),
        # Not by the absolute value: the lowest of all integers has none.
        (Reason.QUANTITY_OVERFLOW, _any([v <= -QUANTITY_MAX for v in q.values()])),
        (Reason.QUANTITY_OVERFLOW, q["volume_up_bytes"] + q["volume_down_bytes"] >= QUANTITY_MAX),
        (Reason.IMPOSSIBLE_TIME, (started < STARTED_MIN_US) | (started >= STARTED_MAX_US)),
        (Reason.IMPOSSIBLE_TIME, ended < started),
        (Reason.IMPOSSIBLE_TIME, np.abs(offset_minutes) > OFFSET_MINUTES_MAX),
        (Reason.INVALID_NUMBER, number_bad),
    ]
    if usage.original_us is not None:
        priced = usage.priced_us
        impossible = (priced < STARTED_MIN_US) | (priced > started)
        rules.insert(-1, (Reason.IMPOSSIBLE_TIME, impossible))
    first_line = len(usage) - len(usage.unreadable)
    for i, line in enumerate(usage.unreadable, first_line):
        usage.reason[i] = LINE_REASONS.get(line.reason, Reason.UNREADABLE_LINE)
        if rules[0][1][i] or rules[1][1][i]:
            usage.sequence[i] = NO_SEQUENCE  # a source that is none, or not at home, counts nothing
    for reason, hit in rules:
        if hit.any():
            usage.reason[hit & (usage.reason == Reason.NONE)] = reason


def _any(masks: Sequence[Marks]) -> Marks:
    """Where at least one mask holds."""
    hit = masks[0].copy()
    for mask in masks[1:]:
        hit |= mask
    return hit


def _ended(usage: UsageBatch) -> Ints:
    """The end of each event where its family states one, else its start."""
    parts = [
        ints(f.columns["ended_at"]) if "ended_at" in f.columns else ints(f.columns["started_at"])
        for f in usage.families
    ]
    return join([*parts, np.zeros(len(usage.unreadable), np.int64)])


def _originals(families: Sequence[Family], lines: int) -> Ints | None:
    """When the originals of reversals began; None where nothing is reversed."""
    name = "original_started_at"
    given = [f.columns[name] for f in families if name in f.columns]
    if all(column.null_count == len(column) for column in given):
        return None
    parts = []
    for family in families:
        times = np.full(len(family), NO_TIME, np.int64)
        if name in family.columns:
            stated = family.columns[name].is_valid().to_numpy(zero_copy_only=False)
            # A time that is stated is never taken for none, not even the lowest of all integers.
            times[stated] = np.maximum(ints(family.columns[name])[stated], NO_TIME + 1)
        parts.append(times)
    return join([*parts, np.full(lines, NO_TIME, np.int64)])


def _rated_numbers(
    families: Sequence[Family], ranks: Sequence[Ranks], lines: int
) -> tuple[Ints, Marks]:
    """The routing number where given, else the called number; and where either is malformed."""
    called = _ranks(families, ranks, "called_number", lines)
    bad = called == NOT_A_NUMBER
    if any("routing_number" in of for of in ranks):
        routing = _ranks(families, ranks, "routing_number", lines)
        bad |= routing == NOT_A_NUMBER
        called = np.where(routing >= 0, routing, called)
    return called, bad


def _ranks(families: Sequence[Family], ranks: Sequence[Ranks], name: str, lines: int) -> Ints:
    """The ranks of one field over all families; -1 where there is no number."""
    parts = [
        of[name] if name in of else np.full(len(family), NO_NUMBER, np.int64)
        for family, of in zip(families, ranks, strict=True)
    ]
    return join([*parts, np.full(lines, NO_NUMBER, np.int64)])


def service_of(usage: UsageBatch, index: int) -> Service:
    """The service of one event."""
    return Service(int(usage.service[index]))
