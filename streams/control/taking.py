"""Taking in: which of the changes and refusals that were read are new, and what is sent for them.

Masters repeat themselves, and a hop may read again what it has read. What was told before is not
sent again, so a change keeps the place at which it was told first, and whoever asks what was known
on a day gets one answer for good. A refused notification waits as an exception under its first
position until the same bytes are read without a refusal, be it because the master's other system
has come to its senses or because Weir reads better than it did.

What is remembered is small: a digest of each change and of each exception. It comes back from
`reference.v1` and `exceptions.v1`. Working out a batch changes nothing (`Delta`); the memory takes
it over once what it says is on the log.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.control.changes import Change, Place, Refusal
from streams.control.reading import read

TAKEN, REPEATED, REFUSED, IGNORED = "taken", "repeated", "refused", "ignored"
RESULTS = (TAKEN, REPEATED, REFUSED, IGNORED)

# The digest in a key of `reference.v1` is the part after the last slash, in hexadecimal.
_SLASH = b"/"


class Told(NamedTuple):
    """What tells two refused notifications apart: where they were sent to, and their bytes."""

    topic: str
    digest: bytes


class Waiting(NamedTuple):
    """An exception that is open: its key, and why it was refused."""

    key: bytes
    reason: str
    detail: str


Exceptions = Mapping[int, Waiting]  # by row, of one notification
Kept = tuple[bytes, bytes | None]  # key and value of a message in a compacted topic


@dataclass
class Delta:
    """What a batch leads to.

    Attributes:
        changes: when a change was told first, by digest, as far as that is new.
        exceptions: all that is open of each notification that was touched.
        reference: messages for `reference.v1` by key.
        refused: messages for `exceptions.v1` by key; None closes one.
        counts: how many changes and refusals came to what, by topic and word of `RESULTS`.
        reasons: how many were refused, by reason.
    """

    changes: dict[bytes, int] = field(default_factory=dict)
    exceptions: dict[Told, Exceptions] = field(default_factory=dict)
    reference: dict[bytes, bytes] = field(default_factory=dict)
    refused: dict[bytes, bytes | None] = field(default_factory=dict)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)


class Memory:
    """What was told so far: when each change was first, and which exceptions are open."""

    def __init__(self) -> None:
        self.changes: dict[bytes, int] = {}
        self.exceptions: dict[Told, Exceptions] = {}

    def recover(self, changes: Iterable[Kept], exceptions: Iterable[Kept]) -> None:
        """Take over what is on the log, from its beginning or from where this memory stands.

        Args:
            changes: key and value of messages of `reference.v1`, in order.
            exceptions: of `exceptions.v1`.
        """
        for key, value in changes:
            if value is not None:
                digest, known_us = _digest(key), Change.from_bytes(value).known_us
                self.changes[digest] = min(known_us, self.changes.get(digest, known_us))
        places = {w.key: (t, row) for t, rows in self.exceptions.items() for row, w in rows.items()}
        for key, value in exceptions:
            told, row = places.pop(key, (None, 0))
            if told is not None:
                self._set(told, {n: w for n, w in self.exceptions[told].items() if n != row})
            if value is not None:
                refusal = Refusal.from_bytes(value)
                told, row = places[key] = _told(refusal)
                waiting = Waiting(key, refusal.reason, refusal.detail)
                self._set(told, {**self.exceptions.get(told, {}), row: waiting})

    def take(self, messages: Iterable[tuple[bytes | None, Place]]) -> Delta:
        """What messages of control topics lead to; changes nothing."""
        delta = Delta()
        for value, place in messages:
            reading = read(value, place)
            refusals = [*reading.refusals]
            for change in reading.changes:
                try:
                    self._change(change, place.topic, delta)
                except (UnicodeEncodeError, RecursionError) as error:
                    refusals.append(_unkept(error, change, value or b""))
            refused = [self._refuse(refusal, place.topic, delta) for refusal in refusals]
            if value is not None:
                self._close(_of(place.topic, value), frozenset(refused), delta)
            ignored = sum(reading.ignored.values())
            if ignored:
                delta.counts[place.topic, IGNORED] += ignored
        return delta

    def apply(self, delta: Delta) -> None:
        """Take over what is on the log."""
        self.changes.update(delta.changes)
        for told, rows in delta.exceptions.items():
            self._set(told, rows)

    def open_exceptions(self) -> Counter[str]:
        """How many exceptions are open, by reason."""
        return Counter(w.reason for rows in self.exceptions.values() for w in rows.values())

    def _set(self, told: Told, rows: Exceptions) -> None:
        """What is open of a notification from now on."""
        if rows:
            self.exceptions[told] = rows
        else:
            self.exceptions.pop(told, None)

    def _change(self, change: Change, topic: str, delta: Delta) -> None:
        """Send a change that is new; of one told before only an earlier moment is news."""
        key, message = change.key, change.to_bytes()
        digest = _digest(key)
        known_us = delta.changes.get(digest, self.changes.get(digest))
        delta.counts[topic, TAKEN if known_us is None else REPEATED] += 1
        if known_us is None or change.known_us < known_us:
            delta.changes[digest] = change.known_us
            delta.reference[key] = message

    def _refuse(self, refusal: Refusal, topic: str, delta: Delta) -> Waiting:
        """Open an exception, or leave the one that is open for the same; returns it."""
        told, row = _told(refusal)
        rows = delta.exceptions.get(told, self.exceptions.get(told, {}))
        waiting = rows.get(row)
        if waiting is not None and waiting[1:] == (refusal.reason, refusal.detail):
            delta.counts[topic, REPEATED] += 1
            return waiting
        delta.counts[topic, REFUSED] += 1
        delta.reasons[refusal.reason] += 1
        if waiting is not None:
            delta.refused[waiting.key] = None
        waiting = Waiting(refusal.key, refusal.reason, refusal.detail)
        delta.refused[refusal.key] = refusal.to_bytes()
        delta.exceptions[told] = {**rows, row: waiting}
        return waiting

    def _close(self, told: Told, refused: frozenset[Waiting], delta: Delta) -> None:
        """Close the exceptions of a notification that were not refused once more."""
        rows = delta.exceptions.get(told, self.exceptions.get(told, {}))
        kept = {row: waiting for row, waiting in rows.items() if waiting in refused}
        if len(kept) < len(rows):
            delta.exceptions[told] = kept
            closed = {waiting.key for waiting in rows.values()} - {w.key for w in kept.values()}
            delta.refused.update(dict.fromkeys(sorted(closed)))


def _digest(key: bytes) -> bytes:
    """The digest in the key of a change, which says all that the rest of the key says."""
    return bytes.fromhex(key.rpartition(_SLASH)[2].decode())


def _told(refusal: Refusal) -> tuple[Told, int]:
    """What was refused, and in which row of it."""
    topic, row = refusal.position.split("/")[0], refusal.position.rpartition("/")[2]
    return _of(topic, refusal.message), int(row)


def _of(topic: str, message: bytes) -> Told:
    """What tells a notification apart."""
    return Told(topic, hashlib.sha256(message).digest()[:16])


def _unkept(error: Exception, change: Change, message: bytes) -> Refusal:
    """Why a change cannot be put on the log: half a character, or more levels than can be told."""
    what = (
        "has half a character (a lone surrogate) in its text"
        if isinstance(error, UnicodeEncodeError)
        else "is nested too deeply"
    )
    detail = f"{change.kind} {change.id!r} {what}: mend the sender and send it again"
    return Refusal("malformed", ascii(detail)[1:-1], change.position, change.known_us, message)
