"""What the log says: the figures that `weir verify` compares with those it recomputes.

Everything here is read as of one commit, so that a log can be verified while usage is settled into
it. Settlement is then somewhere: the rate hop has read up to some positions, and each settlement
partition has accrued up to others. Which reference was in force where stands in the contributions:
every block names the reference it was made by and the input positions that it covers.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ops.oracle_amounts import AccrualKey
from schemas.records import codec
from schemas.topics import (
    ACCRUALS,
    ACCRUE_CHANGELOG,
    COMMANDS,
    CONTRIBUTIONS,
    QUARANTINE,
    RATE_CHANGELOG,
    RECYCLE,
    STATEMENTS,
    SUSPENSE,
    USAGE,
)
from state.balances import join_residue
from streams.contribution import Cover, from_bytes
from streams.log import Segment

# All segments of some topics, each from its beginning, as of one commit.
ReadTopics = Callable[[Sequence[str]], Iterator[Segment]]
Place = tuple[str, int]
CLOSED_KEY = b"closed/"
DECLARED_KEY = b"declared/"
RATE_KEY = b"fx/"
POSITION_KEY = b"position"
# What the readers of JSON and Avro raise on bytes that are something else.
UNREADABLE = (EOFError, IndexError, KeyError, OverflowError, TypeError, ValueError)


@dataclass(frozen=True)
class AccrualFigures:
    """One accrual row: `residue` is the published numerator; `amount_micros` may be none."""

    events: int
    quantity: int
    charge_micros: int
    residue: int
    amount_micros: int | None
    shortfall_micros: int = 0


@dataclass
class Found:
    """All figures on a log, and how far they go.

    `read_upto` is how far usage and recycling were read, by (topic, partition); `accrued_upto` how
    far each settlement partition has accrued, by place (`usage.v1/3`), and `commanded_upto` up to
    which command. `declared` and `frozen` are facts as the state has them. `waiting` counts
    suspended usage by suspense id (without the digest of a conflicting body) and reason.
    `unreadable` names what is no record of its topic.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    read_upto: dict[Place, int] = field(default_factory=dict)
    accrued_upto: dict[int, Mapping[str, int]] = field(default_factory=dict)
    commanded_upto: dict[int, int] = field(default_factory=dict)
    rows: dict[AccrualKey, AccrualFigures] = field(default_factory=dict)
    closed: dict[tuple[str, str], str] = field(default_factory=dict)
    declared: dict[tuple[str, ...], list[Any]] = field(default_factory=dict)
    frozen: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    documents: list[dict[str, Any]] = field(default_factory=list)
    waiting: Counter[tuple[str, str]] = field(default_factory=Counter)
    quarantined: dict[tuple[int, int, int], str] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)


def read_found(read: ReadTopics) -> Found:
    """Read all figures, as of one commit."""
    found = Found()
    figures: dict[str, Callable[[Found, bytes], None]] = {
        ACCRUALS.name: _accruals,
        STATEMENTS.name: lambda found, value: found.documents.append(json.loads(value)),
        SUSPENSE.name: _suspended,
        QUARANTINE.name: _quarantined,
    }
    latest: dict[tuple[str, int, bytes], bytes | None] = {}
    for segment in read([RATE_CHANGELOG.name, ACCRUE_CHANGELOG.name, *figures]):
        for key, value in zip(segment.keys, segment.values, strict=True):
            if key is not None:
                latest[segment.topic, segment.partition, key] = value
    for (topic, partition, key), value in latest.items():
        if value is None:
            continue
        try:
            if topic == RATE_CHANGELOG.name:
                _rate_state(found, partition, key, value)
            elif topic == ACCRUE_CHANGELOG.name:
                _accrue_state(found, partition, key, value)
            else:
                figures[topic](found, value)
        except UNREADABLE as error:
            name = key.decode(errors="replace")
            found.unreadable.append(f"{topic}/{partition} {name}: is no such record ({error!r})")
    found.documents.sort(key=lambda d: str(d["number"]))
    return found


def _rate_state(found: Found, partition: int, key: bytes, value: bytes) -> None:
    if key != POSITION_KEY:
        return
    record = json.loads(value)
    for outcome, reason, count in record["outcomes"]:
        found.counts[outcome, reason] += count
    for topic, position in record["positions"].items():
        found.read_upto[topic, partition] = position


def _accrue_state(found: Found, partition: int, key: bytes, value: bytes) -> None:
    if key == POSITION_KEY:
        record = json.loads(value)
        found.accrued_upto[partition] = record["covers"]
        found.commanded_upto[partition] = record["positions"].get(COMMANDS.name, 0)
    elif key.startswith(CLOSED_KEY):
        agreement, period = json.loads(key.removeprefix(CLOSED_KEY))
        found.closed[agreement, period] = json.loads(value)
    elif key.startswith(DECLARED_KEY):
        found.declared[tuple(json.loads(key.removeprefix(DECLARED_KEY)))] = json.loads(value)
    elif key.startswith(RATE_KEY):
        found.frozen[tuple(json.loads(key.removeprefix(RATE_KEY)))] = json.loads(value)


def _accruals(found: Found, value: bytes) -> None:
    message = codec("accruals.avsc").decode(value)
    agreement, booked, hour = message["agreement"], message["booked"], message["hour"]
    for r in message["rows"]:
        parts = (r["version"], r["item"], r["line"], r["currency"])
        found.rows[AccrualKey(agreement, *parts, booked, r["original"], hour)] = AccrualFigures(
            r["events"],
            r["quantity"],
            r["charge_micros"],
            join_residue(r["residue_high"], r["residue_low"]),
            r["amount_micros"],
            r["shortfall_micros"] or 0,
        )


def _suspended(found: Found, value: bytes) -> None:
    record = codec("suspense.avsc").decode(value)
    waits_as = str(record["suspense_id"]).partition("#")[0]
    found.waiting[waits_as, record["reason"]] += 1


def _quarantined(found: Found, value: bytes) -> None:
    record = codec("quarantine.avsc").decode(value)
    found.quarantined[record["partition"], record["offset"], record["row"]] = record["reason"]


class Stretch(NamedTuple):
    """Positions of one input partition, upto exclusive, that one reference was in force for."""

    topic: str
    start: int
    upto: int
    reference_id: str


class InForce:
    """Which reference was in force for each position of the inputs."""

    def __init__(self, read: ReadTopics) -> None:
        """Read the heads of all contribution blocks.

        Every batch sends a block to every settlement partition, with the same head: those of the
        first partition tell all.
        """
        spans: dict[Place, list[tuple[int, int, str]]] = defaultdict(list)
        self._heard: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self._stretches: dict[int, list[Stretch]] = defaultdict(list)
        usage_upto: dict[int, int] = {}
        for segment in read([CONTRIBUTIONS.name]):
            if segment.partition != 0:
                continue
            for value in segment.values:
                if value is not None:
                    block = from_bytes(value)
                    for cover in block.covers:
                        span = (cover.start, cover.upto, block.reference_id)
                        spans[cover.topic, cover.partition].append(span)
                        if cover.topic == USAGE.name:
                            usage_upto[cover.partition] = cover.upto
                    # A batch settles usage first, then what is tried again.
                    for cover in sorted(block.covers, key=lambda c: c.topic == RECYCLE.name):
                        self._go_on(cover, block.reference_id)
                    for cover in block.covers:
                        if cover.topic == RECYCLE.name:
                            heard = (cover.upto, usage_upto.get(cover.partition, 0))
                            self._heard[cover.partition].append(heard)
        self._spans = {place: sorted(found) for place, found in spans.items()}
        self._starts = {place: [s for s, _, _ in found] for place, found in self._spans.items()}

    def _go_on(self, cover: Cover, reference_id: str) -> None:
        """Add what a block covers to the stretches of its partition."""
        found = self._stretches[cover.partition]
        new = Stretch(cover.topic, cover.start, cover.upto, reference_id)
        goes_on = bool(found) and found[-1] == new._replace(start=found[-1].start, upto=cover.start)
        if goes_on:
            found[-1] = new._replace(start=found[-1].start)
        else:
            found.append(new)

    def stretches(self, partition: int) -> Sequence[Stretch]:
        """What was read of a partition of the inputs, usage and recycling, in its order."""
        return self._stretches.get(partition, ())

    def reference_id(self, topic: str, partition: int, offset: int) -> str | None:
        """The id of the reference that a message was settled by; None when no block covers it."""
        place = (topic, partition)
        at = bisect_right(self._starts.get(place, []), offset) - 1
        if at < 0:
            return None
        start, upto, reference_id = self._spans[place][at]
        return reference_id if start <= offset < upto else None

    def usage_before(self, partition: int, offset: int) -> int | None:
        """How far usage had been read when a request to try again was heard; None: not yet."""
        return next((usage for upto, usage in self._heard[partition] if offset < upto), None)

    def reference_ids(self, read_upto: Mapping[Place, int]) -> set[str]:
        """All references that were in force up to some positions."""
        return {
            reference_id
            for place, upto in read_upto.items()
            for start, _, reference_id in self._spans.get(place, [])
            if start < upto
        }

    def gaps(self, read_upto: Mapping[Place, int]) -> Iterator[str]:
        """Stretches that were read but that no block covers: their usage was counted for nobody."""
        for (topic, partition), upto in sorted(read_upto.items()):
            covered = 0
            for start, end, _ in [*self._spans.get((topic, partition), []), (upto, upto, "")]:
                if covered < min(start, upto):
                    yield f"{topic}/{partition}: no contributions from {covered} to {start}"
                covered = max(covered, end)
