"""What the view holds: the latest message of each key, and where to find what belongs together.

Messages of accruals are kept as they came, as bytes, and decoded when somebody asks; so taking in
a commit costs a few dictionary operations a message however many rows it has. A *book* is the
accruals of one agreement in one booked period: one message of the whole period, and one of each
hour.

Not safe for threads by itself: `state/view.py` puts a lock around it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from schemas.topics import ACCRUALS, RATE_CHANGELOG, STATEMENTS
from state.accrual_memory import decode_accruals
from state.usage_memory import POSITION_KEY
from state.view_answers import BookName, Changes, Outcomes, Readiness, Stamp, Statement
from streams.facts import Facts
from streams.log import Segment, TopicPartition
from streams.payment import rates_used

TOTAL = b"|total"
# A message of no agreement tells only how far its partition has come.
MARK = b"|" + TOTAL


def book_key(name: BookName) -> bytes:
    """The part of a message's key that names the book."""
    return "|".join(name).encode()


def book_name(key: bytes) -> BookName:
    """The book that a key, or the part of it that names the book, belongs to."""
    agreement, period = key.decode().split("|")[:2]
    return agreement, period


class Store:
    """Messages, their indexes and the stamp."""

    topics = (ACCRUALS.name, STATEMENTS.name, RATE_CHANGELOG.name)

    def __init__(self) -> None:
        self.counter = 0
        self.caught_up = False
        self.statements: dict[str, Statement] = {}
        self.closed: dict[BookName, str] = {}
        self.facts = Facts()
        self.outcomes: dict[int, Outcomes] = {}
        self.periods: dict[str, set[str]] = {}
        self._hours: dict[BookName, set[int]] = {}
        self._messages: dict[bytes, bytes] = {}
        self._next: dict[TopicPartition, int] = {}
        self._as_of: dict[int, int] = {}
        self._as_of_us = self._updated_us = 0
        # What changed last stands last: what changed since some counter is found from the end.
        self._changed: dict[bytes, int] = {}
        self._statements_changed: dict[str, int] = {}
        self._outcomes_changed = 0

    def apply(self, segments: Sequence[Segment]) -> bool:
        """Take in committed messages; what was taken in before is passed over."""
        self.counter += 1
        changed = [self._take(segment) for segment in segments]
        if not any(changed):
            self.counter -= 1
        return any(changed)

    def _take(self, segment: Segment) -> bool:
        """One segment, from where the view stands."""
        place = (segment.topic, segment.partition)
        known = self._next.get(place, 0)
        if segment.next_offset <= known:
            return False
        self._next[place] = segment.next_offset
        first = int(segment.offsets.searchsorted(known))
        keys, values = segment.keys[first:], segment.values[first:]
        if not values:
            return False
        if segment.topic == RATE_CHANGELOG.name:
            return self._take_outcomes(segment.partition, keys, values)
        self._updated_us = max(self._updated_us, segment.timestamp_us)
        if segment.topic == STATEMENTS.name:
            self._take_statements(values)
        else:
            self._take_accruals(segment.partition, keys, values)
        return True

    def _take_accruals(
        self, partition: int, keys: Sequence[bytes | None], values: Sequence[bytes | None]
    ) -> None:
        """The latest message of each key, and how far the partition has come."""
        newest = next((v for v in reversed(values) if v is not None), None)
        if newest is not None:
            self._advance(partition, newest)
        latest = dict(zip(keys, values, strict=True))
        latest.pop(MARK, None)
        kept = {k: v for k, v in latest.items() if k is not None and v is not None}
        for key in kept.keys() - self._messages.keys():
            self._index(key)
        self._messages.update(kept)
        for dropped in latest.keys() - kept.keys():
            self._drop(dropped)
        self._touch([k[: -len(TOTAL)] for k in latest if k is not None and k.endswith(TOTAL)])

    def _advance(self, partition: int, message: bytes) -> None:
        """As-of of the view: every partition has come up to there; it never goes back."""
        as_of_us: int = decode_accruals([message]).column("as_of").cast("int64")[0].as_py()
        self._as_of[partition] = max(self._as_of.get(partition, 0), as_of_us)
        self._as_of_us = max(self._as_of_us, min(self._as_of.values()))

    def _index(self, key: bytes) -> None:
        """Know the book and the hour of a key that is new."""
        agreement, period = name = book_name(key)
        if key.endswith(TOTAL):
            self.periods.setdefault(agreement, set()).add(period)
        else:
            self._hours.setdefault(name, set()).add(int(key.rpartition(b"|")[2]))

    def _drop(self, key: bytes | None) -> None:
        """Forget a key that was deleted."""
        if key is None or self._messages.pop(key, None) is None:
            return
        agreement, period = name = book_name(key)
        if not key.endswith(TOTAL):
            self._hours[name].discard(int(key.rpartition(b"|")[2]))
            return
        self.periods[agreement].discard(period)
        if not self.periods[agreement]:
            del self.periods[agreement]

    def _touch(self, books: Sequence[bytes]) -> None:
        """Note that books changed now."""
        for book in books:
            self._changed.pop(book, None)
            self._changed[book] = self.counter

    def _take_statements(self, values: Sequence[bytes | None]) -> None:
        """Statements; from now on their periods are closed."""
        for value in values:
            if value is None:
                continue
            head = json.loads(value)
            del head["lines"]
            name: BookName = (head["agreement"], head["period"])
            number: str = head["number"]
            self.statements[number] = Statement(
                number=number,
                agreement=name[0],
                partner=head["partner"],
                period=name[1],
                head=head,
                document=value,
            )
            self.closed[name] = number
            for use, rate in rates_used(name[0], head["totals"]):
                self.facts.rates.setdefault(use, rate)
            self._statements_changed.pop(number, None)
            self._statements_changed[number] = self.counter
            self._touch([book_key(name)])

    def _take_outcomes(
        self, partition: int, keys: Sequence[bytes | None], values: Sequence[bytes | None]
    ) -> bool:
        """Outcomes of a usage partition, from the newest record of the rate hop's position."""
        for key, value in zip(reversed(keys), reversed(values), strict=True):
            if key == POSITION_KEY and value is not None:
                record = json.loads(value)["outcomes"]
                self.outcomes[partition] = {(o, r): count for o, r, count in record}
                self._outcomes_changed = self.counter
                return True
        return False

    def stamp(self) -> Stamp:
        """How far the view has come."""
        if not self.caught_up:
            readiness = Readiness.LOADING
        else:
            readiness = Readiness.READY if self.periods else Readiness.EMPTY
        position = {p: n for p, n in self._next.items() if p[0] != RATE_CHANGELOG.name}
        return Stamp(readiness, self.counter, position, self._as_of_us, self._updated_us)

    def total(self, name: BookName) -> bytes:
        """The message of a whole period; empty where a book has none."""
        return self._messages.get(book_key(name) + TOTAL, b"")

    def hours(self, name: BookName) -> list[bytes]:
        """The messages of a period's hours, in order."""
        prefix = book_key(name)
        hours = sorted(self._hours.get(name, ()))
        return [self._messages[b"%b|%d" % (prefix, hour)] for hour in hours]

    def changed_books(self, since: int) -> Iterator[tuple[BookName, int]]:
        """Books that changed after a counter, with the counter of their last change."""
        for book in reversed(self._changed):
            if self._changed[book] <= since:
                return
            yield book_name(book), self._changed[book]

    def changes_since(self, since: int) -> Changes:
        """What is different from an earlier counter."""
        numbers = []
        for number in reversed(self._statements_changed):
            if self._statements_changed[number] <= since:
                break
            numbers.append(number)
        return Changes(
            stamp=self.stamp(),
            books=frozenset(name for name, _ in self.changed_books(since)),
            statements=frozenset(numbers),
            outcomes=self._outcomes_changed > since,
        )
