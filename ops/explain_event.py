"""Where one event came in, and what became of it each time.

An event is looked up as people name it, in everything that can hold it: raw usage, suspense,
quarantine and rated legs. Every appearance on the log gets the outcome that it had, so that an
operator sees which one counted and why the others did not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import unquote

import numpy as np

from ops.explain_session import together
from ops.reading import Topics
from schemas.codes import Direction, Service
from schemas.records import codec
from schemas.topics import QUARANTINE, SUSPENSE, USAGE
from state.archive import of_event
from streams.log import Segment
from streams.privacy import mask
from streams.usage import UsageBatch, read_usage

MASKED = ("calling_number", "called_number", "routing_number", "subscriber")

EPOCH = re.compile("-?[0-9]+")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class EventName:
    """An event as people name it: `source/epoch/sequence`, `source/sequence` or `source//id`."""

    source: str
    epoch: int
    sequence: int | None
    event_id: str | None

    @staticmethod
    def parse(text: str) -> EventName:
        """Read a name.

        Raises:
            ValueError: it has none of the three forms.
        """
        # A suspense id names an event too: marks are escaped in it, and a digest may follow.
        given = text.partition("#")[0]
        source, _, event_id = given.partition("//")
        if source and event_id:
            return EventName(unquote(source), 0, None, unquote(event_id))
        parts = given.rsplit("/", 2)
        if len(parts) == 3 and EPOCH.fullmatch(parts[1]) and parts[2].isdecimal():  # noqa: PLR2004
            return EventName(unquote(parts[0]), int(parts[1]), int(parts[2]), None)
        source, _, sequence = given.rpartition("/")
        if source and sequence.isdecimal():
            return EventName(unquote(source), 0, int(sequence), None)
        msg = f"{text!r} names no event: write source/epoch/sequence, source/sequence or source//id"
        raise ValueError(msg)

    def __str__(self) -> str:
        if self.sequence is None:
            return f"{self.source}//{self.event_id}"
        return f"{self.source}/{self.epoch}/{self.sequence}"


class Position(NamedTuple):
    """Where an event stands on `usage.v1`."""

    partition: int
    offset: int
    row: int

    def __str__(self) -> str:
        return f"{USAGE.name}/{self.partition}/{self.offset} row {self.row}"


@dataclass(frozen=True)
class Appearance:
    """One time that an event came; numbers in its fields are masked.

    `event` is the batch that it was read in, unmasked, and its row there.
    """

    position: Position
    service: str
    fields: Mapping[str, str]
    event: tuple[UsageBatch, int] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Kept:
    """What suspense or quarantine holds of an event."""

    position: Position
    state: str
    reason: str
    detail: str


def appearances(
    segments: Iterator[Segment], name: EventName, partitions: int
) -> Iterator[Appearance]:
    """Every time an event came on the log, in the order of the log."""
    for segment in segments:
        usage, _ = read_usage([segment], partitions)
        found = [_appearance(usage, index) for index in _indices(usage, name)]
        yield from sorted(found, key=lambda a: a.position)


def _indices(usage: UsageBatch, name: EventName) -> list[int]:
    """Which rows of a batch are of an event."""
    hit = np.array([v == name.source for v in usage.source.values] + [False])[usage.source.codes]
    if name.sequence is not None:
        hit &= (usage.sequence == name.sequence) & (usage.epoch == name.epoch)
        return [int(index) for index in np.flatnonzero(hit)]
    return [
        int(index)
        for index in np.flatnonzero(hit)
        if usage.event_id[int(index)].as_py() == name.event_id
    ]


def _appearance(usage: UsageBatch, index: int) -> Appearance:
    """One row of a batch as people read it."""
    position = Position(
        int(usage.partition[index]), int(usage.offset[index]), int(usage.row[index])
    )
    family, at = usage.origin(index)
    if family is None:
        return Appearance(position, "unreadable", {"text": usage.unreadable[at].text})
    values = {name: column[at].as_py() for name, column in family.columns.items()}
    fields = {k: _field(k, v) for k, v in values.items() if v is not None and k != "source"}
    return Appearance(position, Service(family.service).label, fields, (usage, index))


def _field(name: str, value: object) -> str:
    if name in MASKED:
        return mask(str(value))
    if name == "direction" and isinstance(value, int):
        return Direction(value).label
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat() + "Z"  # the log has UTC only
    return str(value)


def kept(topics: Topics, name: EventName) -> list[Kept]:
    """What suspense and quarantine hold of an event."""
    found: list[Kept] = []
    for _, _, value in topics.latest(SUSPENSE.name):
        record = codec("suspense.avsc").decode(value)
        if is_suspended(record, name):
            found.append(Kept(_position(record), "suspended", record["reason"], record["missing"]))
    for _, _, value in topics.latest(QUARANTINE.name):
        record = codec("quarantine.avsc").decode(value)
        if record["source"] == name.source and _is_quarantined(record, name):
            found.append(Kept(_position(record), "quarantined", record["reason"], record["detail"]))
    return found


def _position(record: Row) -> Position:
    return Position(record["partition"], record["offset"], record["row"])


def is_suspended(record: Row, name: EventName) -> bool:
    """Whether a suspense record is of an event, as its first body or as another one."""
    if name.event_id is not None:
        return bool((record["source"], record["event_id"]) == (name.source, name.event_id))
    known = (record["source"], record["epoch"], record["sequence"])
    return known == (name.source, name.epoch, name.sequence)


def _is_quarantined(record: Row, name: EventName) -> bool:
    """Whether a quarantined record is of the event named; its identity is in its bytes only."""
    position = np.zeros(1, np.int64)
    segment = Segment(USAGE.name, record["partition"], position, [None], [record["message"]], 1, 0)
    usage, _ = read_usage([segment], 1)
    return bool(_indices(usage, name))


def rated_legs(topics: Topics, name: EventName) -> list[dict[str, Any]]:
    """The rated legs of an event as they are: of each role its price, what is added, shares.

    One that is cut at the edges of periods and versions has a leg for each piece, in order of time.
    """
    rows = topics.rated(of_event(name.source, name.epoch, name.sequence, name.event_id))
    return sorted(together(rows), key=lambda row: (int(row["role"]), *_place_of_leg(row)))


def _place_of_leg(row: Row) -> tuple[int, int]:
    """The number of a leg where legs have one, and where its stretch of an interval begins."""
    return row.get("leg") or 0, row.get("from_us") or 0


def outcomes(
    came: Sequence[Appearance],
    holds: Sequence[Kept],
    legs: Sequence[Row],
    excluded: Callable[[Appearance], str],
) -> list[tuple[Appearance, str]]:
    """The outcome of each appearance, in their order.

    The first that is neither quarantined nor a repeat of what was is the one that was taken in;
    where nothing came of it and it has no test mark, `excluded` is asked why.
    """
    held = {k.position: f"{k.state}: {k.reason}" for k in holds}
    rated = {_position(row) for row in legs}
    refused: list[Mapping[str, str]] = []
    is_taken = False
    told: list[tuple[Appearance, str]] = []
    for one in came:
        said = held.get(one.position)
        if said is not None and said.startswith("quarantined"):
            refused.append(one.fields)
        elif one.position in rated:
            said, is_taken = "rated", True
        elif said is not None:
            is_taken = True
        elif is_taken or one.fields in refused:
            said = "duplicate"
        else:
            is_test = one.fields.get("test") == "True"
            said, is_taken = f"excluded: {'test' if is_test else excluded(one)}", True
        told.append((one, said))
    return told
