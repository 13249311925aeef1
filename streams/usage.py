"""Usage: what the network reports, one event each, as columns.

The first station. Framed messages of every family come in; one `UsageBatch` goes out, in which an
event is a row and the families' different fields have become the few that settlement computes
with: who counted it (source, epoch, sequence), when it began, which keys may say whose it is, which
number it was sent to, and how much there was of it. A row that is not usage at all (undecodable,
impossible, at the wrong partition) carries the reason; it is still a row, since every event must
end in exactly one outcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.codes import Direction, Reason, Service
from schemas.columns import Decoded, Family, Refused, Unreadable, decode
from schemas.topics import partition_of
from state.prefixes import NOT_A_NUMBER, justify
from streams.hashing import Digests, mix, text_digests
from streams.log import Segment

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Marks = npt.NDArray[np.bool_]
T = TypeVar("T", bound=np.generic)

NO_SEQUENCE = -1
SEQUENCE_MAX = 2**43 - 2  # room for the source beside it in one int64: see state/seen.py
QUANTITY_MAX = 2**44
STARTED_MIN_US = 946_684_800_000_000  # 2000-01-01
STARTED_MAX_US = 4_102_444_800_000_000  # 2100-01-01
OFFSET_MINUTES_MAX = 900

QUANTITIES = (
    "duration_ms",
    "volume_up_bytes",
    "volume_down_bytes",
    "units",
    "retail_amount_micros",
)
KEYS = (
    "ingress_route",
    "egress_route",
    "access_point",
    "home_network",
    "product_instance",
    "sales_channel",
    "retail_currency",
)
# Everything that an event says besides its identity. The place of a field here is part of its
# digest: new fields go to the end.
BODY = (
    "started_at",
    "ended_at",
    *QUANTITIES,
    *KEYS,
    "called_number",
    "routing_number",
    "calling_number",
    "direction",
    "test",
    "utc_offset_minutes",
    "visited_network",
    "subscriber",
    "subscriber_token",
    "session_id",
    "partial_sequence",
    "partial_final",
    "transaction_type",
    "rating_group",
    "release_cause",
    "event_id",
)


# What an adapter may say of a line; any other word says no more than that it cannot be read. Frame,
# place and identity (41 to 45) are not for an adapter to judge: a line has them, as a record.
LINE_REASONS = {
    reason.label: reason
    for reason in Reason
    if reason >= Reason.UNDECODABLE and not Reason.BAD_MAGIC <= reason <= Reason.NO_IDENTITY
}


@dataclass(frozen=True)
class Text:
    """A column of names: a code a row (-1 where there is none) into the distinct values."""

    codes: Codes
    values: tuple[str, ...]

    @staticmethod
    def join(parts: Sequence[pa.Array]) -> Text:
        """One column from the parts of several families."""
        known: dict[str, int] = {}
        codes: list[Codes] = []
        for part in parts:
            if part.null_count == len(part):
                codes.append(np.full(len(part), -1, np.int32))
                continue
            encoded = part.dictionary_encode()
            here = [known.setdefault(v, len(known)) for v in encoded.dictionary.to_pylist()]
            mapping = np.array([*here, -1], np.int32)
            codes.append(mapping[encoded.indices.fill_null(-1).to_numpy()])
        joined = np.concatenate(codes) if codes else np.zeros(0, np.int32)
        return Text(joined, tuple(known))

    def map(self, codes: Mapping[str, int]) -> Codes:
        """The code of each row in another space, -1 for what is not in it: one look-up a value."""
        return np.array([*(codes.get(v, -1) for v in self.values), -1], np.int32)[self.codes]


@dataclass(frozen=True)
class UsageBatch:
    """Usage events as columns; all arrays have one entry an event.

    `message` is the index of the event's message in the batch (the order of the log), `row` its
    place in an envelope; `partition` and `offset` its position on the log. `rated_number` is the
    number that prices go by, justified to 15 digits (-1 where the service has none). Quantities
    are in their own units and 0 where the service has none. `reason` is NONE or why the row is
    not usage. `body` is a digest of everything that the event says besides its identity.
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
    subscriber_token: pa.Array
    rated_number: Ints
    quantities: dict[str, Ints]
    body: Digests
    reason: npt.NDArray[np.int8]
    families: tuple[Family, ...] = field(default=())
    unreadable: tuple[Unreadable, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.message)

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
    values = [v for s in segments for v in s.values]
    decoded = decode(values)
    return _batch(decoded, segments, partitions), decoded.refused


def _batch(decoded: Decoded, segments: Sequence[Segment], partitions: int) -> UsageBatch:
    """The families' events as one batch; unreadable lines are its last rows."""
    families, lines = decoded.families, decoded.unreadable
    rows = [len(f) for f in families]
    message = _join(
        [f.message for f in families] + [np.array([u.message for u in lines], np.int64)]
    )
    log_partition = np.repeat(
        np.array([s.partition for s in segments], np.int32), [len(s) for s in segments]
    )
    log_offset = _join([s.offsets for s in segments])
    source = Text.join(
        [f.columns["source"] for f in families] + [pa.array([u.source for u in lines], pa.string())]
    )
    quantities = {q: _numbers(families, q, len(lines)) for q in QUANTITIES}
    keys = {k: Text.join([*_texts(families, k), pa.nulls(len(lines), pa.string())]) for k in KEYS}
    sequence = _numbers(families, "sequence", len(lines), NO_SEQUENCE)
    if lines:
        sequence[-len(lines) :] = [u.sequence for u in lines]
    # A number out of range identifies nothing; there may still be an id.
    sequence[(sequence < 0) | (sequence > SEQUENCE_MAX)] = NO_SEQUENCE
    number, number_bad = _rated_numbers(families, len(lines))
    usage = UsageBatch(
        message=message,
        row=_join([f.row for f in families] + [np.zeros(len(lines), np.int64)]),
        partition=log_partition[message],
        offset=log_offset[message],
        service=np.repeat(
            np.array([*(f.service for f in families), 0], np.int8), [*rows, len(lines)]
        ),
        direction=_join([_directions(f) for f in families] + [np.zeros(len(lines), np.int8)]),
        source=source,
        epoch=_numbers(families, "epoch", len(lines)),
        sequence=sequence,
        event_id=_strings(families, "event_id", len(lines)),
        started_us=_numbers(families, "started_at", len(lines)),
        test=_join([_marks(f, "test") for f in families] + [np.zeros(len(lines), bool)]),
        keys=keys,
        subscriber=_strings(families, "subscriber", len(lines)),
        subscriber_token=_strings(families, "subscriber_token", len(lines)),
        rated_number=number,
        quantities=quantities,
        body=_body(families, keys, len(lines)),
        reason=np.zeros(len(message), np.int8),
        families=families,
        unreadable=lines,
    )
    _validate(usage, partitions, number_bad)
    return usage


def _validate(usage: UsageBatch, partitions: int, number_bad: Marks) -> None:
    """Set the reason of rows that are not usage; the first rule that applies names it."""
    q = usage.quantities
    home = np.array([partition_of(s, partitions) for s in usage.source.values] + [-1], np.int32)
    sequenced = usage.sequence != NO_SEQUENCE
    named = pc.greater(pc.utf8_length(usage.event_id.fill_null("")), 0)
    offset_minutes = _numbers(usage.families, "utc_offset_minutes", len(usage.unreadable))
    ended = _ended(usage)
    sourceless = np.array([s == "" for s in usage.source.values] + [True])
    started = usage.started_us
    # The amount of a refund is negative; every other quantity counts something.
    counts = [v for k, v in q.items() if k != "retail_amount_micros"]
    rules: list[tuple[Reason, Marks]] = [
        (Reason.NO_SOURCE, sourceless[usage.source.codes]),
        (Reason.WRONG_PARTITION, home[usage.source.codes] != usage.partition),
        (Reason.NO_IDENTITY, ~sequenced & ~named.to_numpy(zero_copy_only=False)),
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
        _ints(f.columns["ended_at"]) if "ended_at" in f.columns else _ints(f.columns["started_at"])
        for f in usage.families
    ]
    return _join([*parts, np.zeros(len(usage.unreadable), np.int64)])


def _rated_numbers(families: Sequence[Family], lines: int) -> tuple[Ints, Marks]:
    """The routing number where given, else the called number; and where either is malformed."""
    numbers, bad = [], []
    for family in families:
        if "called_number" not in family.columns:
            numbers.append(np.full(len(family), -1, np.int64))
            bad.append(np.zeros(len(family), bool))
            continue
        called = justify(family.columns["called_number"])
        wrong = called == NOT_A_NUMBER
        routing = family.columns["routing_number"]
        if routing.null_count < len(routing):
            other = justify(routing)
            wrong |= other == NOT_A_NUMBER
            called = np.where(other >= 0, other, called)
        numbers.append(called)
        bad.append(wrong)
    return _join([*numbers, np.full(lines, -1, np.int64)]), _join([*bad, np.zeros(lines, bool)])


def _body(families: Sequence[Family], keys: dict[str, Text], lines: int) -> Digests:
    """A digest of what each event says: a sum over the fields that it has.

    A field that is null adds nothing, so that the digest of an event depends on nothing but the
    event, and zero and null are told apart.
    """
    said = [_fields(family) for family in families]
    digest = _join([*said, np.zeros(lines, np.uint64)])
    for name, text in keys.items():
        if text.values:
            salt = np.uint64((BODY.index(name) + 1) << 56)
            table = mix(text_digests(pa.array(text.values, pa.string())) ^ salt)
            digest += np.append(table, np.uint64(0))[text.codes]
    return mix(digest)


def _fields(family: Family) -> Digests:
    """The part of the digest that a family's own fields add."""
    digest = np.full(len(family), np.uint64(family.service))
    for salt, name in enumerate(BODY, 1):
        column = family.columns.get(name)
        if column is None or name in KEYS or column.null_count == len(column):
            continue
        part = mix(_said(family, name) ^ np.uint64(salt << 56))
        if column.null_count:
            part[column.is_null().to_numpy(zero_copy_only=False)] = 0
        digest += part
    return digest


def _said(family: Family, name: str) -> Digests:
    """What one field says, as a number or as a digest."""
    column = family.columns[name]
    if name == "direction":
        return _directions(family).astype(np.uint64)
    if pa.types.is_string(column.type):
        return text_digests(column)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int64())
    return _ints(column).astype(np.uint64)


def _directions(family: Family) -> npt.NDArray[np.int8]:
    """Direction codes of a family."""
    is_out = pc.equal(family.columns["direction"], Direction.OUT.label)
    codes: npt.NDArray[np.int8] = is_out.to_numpy(zero_copy_only=False).astype(np.int8)
    return codes


def _marks(family: Family, name: str) -> Marks:
    """A boolean column."""
    marks: Marks = family.columns[name].to_numpy(zero_copy_only=False)
    return marks


def _ints(column: pa.Array, fill: int = 0) -> Ints:
    """An integer or timestamp column as int64; nulls become `fill`."""
    if pa.types.is_timestamp(column.type):
        column = column.view(pa.int64())
    if column.null_count:
        column = column.fill_null(fill)
    values: Ints = column.to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
    return values


def _numbers(families: Sequence[Family], name: str, lines: int, fill: int = 0) -> Ints:
    """One integer column over all families; `fill` where a family or row has none."""
    parts = [
        _ints(f.columns[name], fill) if name in f.columns else np.full(len(f), fill, np.int64)
        for f in families
    ]
    return _join([*parts, np.full(lines, fill, np.int64)])


def _texts(families: Sequence[Family], name: str) -> list[pa.Array]:
    """A text column of each family; all null where the family has none."""
    return [f.columns.get(name, pa.nulls(len(f), pa.string())) for f in families]


def _strings(families: Sequence[Family], name: str, lines: int) -> pa.Array:
    """A text column over all families as Arrow strings."""
    return pa.concat_arrays([*_texts(families, name), pa.nulls(lines, pa.string())])


def _join(parts: Sequence[npt.NDArray[T]]) -> npt.NDArray[T]:
    """Concatenate, also when there is nothing."""
    return np.concatenate(parts)


def service_of(usage: UsageBatch, index: int) -> Service:
    """The service of one event."""
    return Service(int(usage.service[index]))
