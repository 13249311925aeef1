"""What is new is sent, what was told before is not, and exceptions are closed by the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from schemas.topics import PARTY
from streams.control.changes import Change, Place, Refusal
from streams.control.taking import REFUSED, REPEATED, TAKEN, Memory
from tests.notices import broken, told

POOL = [told("1"), told("1", 2), told("2", event="Create"), told("2", event="Delete"), broken(1)]
POOL += [broken(2), b"[]"]


class World:
    """The two compacted topics and a memory beside them; a message comes a microsecond later."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.reference: dict[bytes, bytes] = {}
        self.exceptions: dict[bytes, bytes] = {}
        self.offset = 0

    def take(self, *values: bytes | None) -> dict[str, int]:
        """Take messages in as one batch; the counts by result."""
        delta = self.memory.take(self._placed(values))
        self.reference.update(delta.reference)
        for key, value in delta.refused.items():
            self.exceptions.pop(key, None)
            if value is not None:
                self.exceptions[key] = value
        self.memory.apply(delta)
        return {result: count for (_, result), count in delta.counts.items()}

    def _placed(self, values: Sequence[bytes | None]) -> Iterator[tuple[bytes | None, Place]]:
        for value in values:
            yield value, Place(PARTY.name, 0, self.offset, 0, 1_000 + self.offset)
            self.offset += 1

    def recovered(self) -> Memory:
        """What another process would remember."""
        memory = Memory()
        memory.recover(self.reference.items(), self.exceptions.items())
        return memory

    def positions(self) -> set[str]:
        """Where each change was told first."""
        return {Change.from_bytes(value).position for value in self.reference.values()}


def test_a_repeat_keeps_the_first_place() -> None:
    """Told at offsets 0, 1 and 2: sent once, with offset 0, in the same batch and in later ones."""
    world = World()
    assert world.take(told("1"), told("1")) == {TAKEN: 1, REPEATED: 1}
    assert world.take(told("1")) == {REPEATED: 1}
    assert world.positions() == {"party.v1/0/0/0"}


def test_an_earlier_time_of_the_log_is_taken_over() -> None:
    """A broker's clock may go back: 900 is before 1000, and the earliest counts in any order."""
    world = World()
    world.take(told("1"))
    delta = world.memory.take([(told("1"), Place(PARTY.name, 0, 5, 0, 900))])
    (value,) = delta.reference.values()
    assert Change.from_bytes(value).known_us == 900


def test_what_is_refused_waits_under_its_first_position() -> None:
    """The same bytes again say nothing new."""
    world = World()
    assert world.take(broken(1), broken(2), broken(1)) == {REFUSED: 2, REPEATED: 1}
    assert world.take(broken(2)) == {REPEATED: 1}
    assert list(world.exceptions) == [b"party.v1/0/0/0", b"party.v1/0/1/0"]
    assert world.memory.open_exceptions() == {"malformed": 2}


def test_an_exception_is_closed_by_the_same_bytes_that_are_read_now() -> None:
    """As a reader that has learnt more would: what it refused before lies open, with its bytes."""
    world = World()
    value = told("1")
    refusal = Refusal("unknown_event", "is not known", "party.v1/0/77/0", 5, value)
    other = Refusal("unknown_event", "is not known", "order.v1/0/77/0", 5, value)
    world.exceptions = {r.key: r.to_bytes() for r in (refusal, other)}
    world.memory = world.recovered()
    assert world.take(told("2")) == {TAKEN: 1}
    assert set(world.exceptions) == {refusal.key, other.key}
    assert world.take(value) == {TAKEN: 1}
    assert set(world.exceptions) == {other.key}


def test_an_exception_with_another_reason_takes_the_place_of_the_old_one() -> None:
    """One notification is one exception, under the position at which it was refused for that."""
    world = World()
    old = Refusal("unknown_event", "is not known", "party.v1/0/77/0", 5, broken(1))
    world.exceptions = {old.key: old.to_bytes()}
    world.memory = world.recovered()
    assert world.take(broken(1)) == {REFUSED: 1}
    assert list(world.exceptions) == [b"party.v1/0/0/0"]
    assert world.memory.open_exceptions() == {"malformed": 1}


def test_a_message_without_a_value_is_refused() -> None:
    """A deletion of a key ends nothing on a topic that keeps everything."""
    assert World().take(None) == {REFUSED: 1}


def test_what_cannot_be_written_is_refused_and_stops_nothing() -> None:
    """Half a character and 600 levels are JSON that can be read, and no change can be made of."""
    half = told("1").replace(b"name 0", rb"\ud800")
    deep = json.loads(told("2"))
    deep["event"]["organization"]["deep"] = "LEVELS"
    levels = b"[" * 600 + b"]" * 600
    nested = json.dumps(deep).encode().replace(b'"LEVELS"', levels)
    world = World()
    assert world.take(half, nested, told("3")) == {REFUSED: 2, TAKEN: 1}
    details = [Refusal.from_bytes(value).detail for value in world.exceptions.values()]
    assert len(details) == 2
    assert "100 deep" in details[1]


@given(st.lists(st.lists(st.sampled_from(POOL), max_size=6), max_size=6))
def test_any_batches_come_to_the_same(batches: list[list[bytes]]) -> None:
    """One by one, in any batches, or with the memory lost and recovered between them."""
    whole, cut, forgetful = World(), World(), World()
    whole.take(*[value for batch in batches for value in batch])
    for batch in batches:
        cut.take(*batch)
        for value in batch:
            forgetful.take(value)
            forgetful.memory = forgetful.recovered()
    assert whole.reference == cut.reference == forgetful.reference
    assert whole.exceptions == cut.exceptions == forgetful.exceptions
    assert whole.memory.changes == forgetful.memory.changes
    assert whole.memory.exceptions == forgetful.memory.exceptions


@given(st.permutations(POOL + POOL))
def test_any_order_tells_the_same_changes(values: list[bytes]) -> None:
    """The keys on `reference.v1` and the bytes refused are those of the set of what was sent."""
    world = World()
    world.take(*values)
    sent = World()
    sent.take(*POOL)
    assert world.reference.keys() == sent.reference.keys()
    refused = [
        {Refusal.from_bytes(v).message for v in w.exceptions.values()} for w in (world, sent)
    ]
    assert refused[0] == refused[1] == {broken(1), broken(2), b"[]"}


def test_a_memory_that_stands_somewhere_goes_on() -> None:
    """What another process opened and closed meanwhile is learnt from the later messages alone."""
    world = World()
    world.take(told("1"), broken(1), broken(2))
    behind = world.recovered()
    later = Refusal("malformed", "x", "party.v1/0/9/0", 5, broken(3))
    world.take(told("2"))
    news = [(key, value) for key, value in world.reference.items() if b"/2/" in key]
    closed = b"party.v1/0/1/0"
    behind.recover(news, [(closed, None), (later.key, later.to_bytes()), (later.key, None)])
    assert behind.changes == world.memory.changes
    assert [w.key for rows in behind.exceptions.values() for w in rows.values()] == [
        b"party.v1/0/2/0"
    ]
