"""Changes: what a master system tells about one thing, in one form, whatever dialect it spoke.

A notification is of a party, a role, an agreement, an offering, an order or something in an
inventory; here it has become a `Change`: of what (kind and id), since when by the master's clock,
what it says now, and where and when Weir came to know it. Changes are never altered. What a thing
is at a moment follows from all changes of it (`state/entities.py`), so it does not matter in which
order, or how often, they came. A notification that cannot be read becomes a `Refusal`, which names
the reason and keeps what was sent.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple


class Form(StrEnum):
    """How much of a thing a change says."""

    FULL = "full"  # all of it: what is not there is not there any more
    PART = "part"  # some attributes: the others stay
    GONE = "gone"  # that it is deleted


class Place(NamedTuple):
    """Where a notification stands on the log, which part of it is meant, and when it came.

    `known_us` is the log time of the message in microseconds since the epoch.
    """

    topic: str
    partition: int
    offset: int
    row: int
    known_us: int

    def __str__(self) -> str:
        """Topic, partition, offset and row, by which a notification is found again."""
        return f"{self.topic}/{self.partition}/{self.offset}/{self.row}"


@dataclass(frozen=True)
class Change:
    """What a master told about one thing.

    Attributes:
        kind: the resource by its TMF name in lower camel case, for instance `productOrder`.
        id: its id, of which Weir assumes nothing but that it is text.
        at_us: since when it is so, by the master's clock, in microseconds since the epoch.
        form: whether all of the thing is said, or some attributes, or its end.
        attributes: what is said, as JSON; numbers with a fraction are the text that was sent.
        source: the system that told it.
        event_id: the master's own id of the notification; empty when it has none.
        position: where the notification stands on the log.
        known_us: when it came, by the log's clock.
    """

    kind: str
    id: str
    at_us: int
    form: Form
    attributes: Mapping[str, Any]
    source: str
    event_id: str
    position: str
    known_us: int

    @property
    def digest(self) -> str:
        """What tells two changes apart: what they say, not when or where it was told again."""
        said = [self.kind, self.id, self.at_us, self.form.value, self.source, self.event_id]
        text = json.dumps([*said, self.attributes], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    @property
    def key(self) -> bytes:
        """The key on `reference.v1`: a change told twice is one message there."""
        return f"{self.kind}/{self.id}/{self.digest}".encode()

    def to_bytes(self) -> bytes:
        """The message on `reference.v1`."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True).encode()

    @staticmethod
    def from_bytes(data: bytes) -> Change:
        """The change in a message of `reference.v1`."""
        said = json.loads(data)
        return Change(**{**said, "form": Form(said["form"])})

    def earliest(self, other: Change) -> Change:
        """The same change, with the place at which it was told first."""
        told = min((self.known_us, self.position), (other.known_us, other.position))
        return replace(self, known_us=told[0], position=told[1])


@dataclass(frozen=True)
class Refusal:
    """A notification, or a part of one, that is not taken.

    Attributes:
        reason: a word of `docs/control-plane.md`.
        detail: a sentence that says what was found and what to do.
        position: where the notification stands on the log.
        known_us: when it came, by the log's clock.
        message: the notification as it was sent.
    """

    reason: str
    detail: str
    position: str
    known_us: int
    message: bytes

    @property
    def key(self) -> bytes:
        """The key on `exceptions.v1`."""
        return self.position.encode()

    def to_bytes(self) -> bytes:
        """The message on `exceptions.v1`."""
        said = {**asdict(self), "message": base64.b64encode(self.message).decode()}
        return json.dumps(said, ensure_ascii=False, sort_keys=True).encode()

    @staticmethod
    def from_bytes(data: bytes) -> Refusal:
        """The refusal in a message of `exceptions.v1`."""
        said = json.loads(data)
        return Refusal(**{**said, "message": base64.b64decode(said["message"])})
