"""Duplicates against a plain dictionary, under any batching of the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from schemas.codes import Reason, Service
from schemas.columns import Unreadable, encode_unreadable
from state.seen import Counters, Seen
from streams.duplicates import Checked, check
from streams.families import Ints, Marks
from streams.hashing import Digests
from streams.usage import UsageBatch
from tests.makers import usage
from tests.usage_makers import message, row


@dataclass
class Memory:
    """What the hop remembers between batches, with dictionaries in the place of the disk."""

    counters: Counters = field(default_factory=Counters)
    seen: Seen = field(default_factory=Seen.empty)
    bodies: dict[tuple[str, int, int], int] = field(default_factory=dict)
    identities: dict[tuple[str, str], int] = field(default_factory=dict)

    def take(self, batch: UsageBatch) -> Checked:
        """Check a batch and keep what it brought."""
        checked = check(batch, self.counters, self.seen, self._bodies, self._identity)
        self.seen = checked.seen
        for _, strip in checked.strips:
            for sequence, body in zip(strip.sequences.tolist(), strip.bodies.tolist(), strict=True):
                self.bodies[strip.source, strip.epoch, sequence] = body
        for _, one in checked.identities:
            self.identities[one.source, one.event_id] = one.body
        return checked

    def _bodies(self, source: str, epoch: int, sequences: Ints) -> tuple[Digests, Marks]:
        found = [self.bodies.get((source, epoch, sequence)) for sequence in sequences.tolist()]
        known = [body is not None for body in found]
        return np.array([body or 0 for body in found], np.uint64), np.array(known, bool)

    def _identity(self, source: str, event_id: str) -> int | None:
        return self.identities.get((source, event_id))


# An event in few words: source, epoch, number or id, and its called number; "+" makes it unusable.
EVENTS = st.tuples(
    st.sampled_from(["msc-1", "msc-2"]),
    st.sampled_from([0, 1, -(2**31)]),
    st.integers(0, 4) | st.sampled_from(["a", "b"]),
    st.sampled_from(["1", "2", "+"]),
)
Event = tuple[str, int, int | str, str]


def sent(event: Event) -> bytes:
    """The message of an event."""
    source, epoch, key, body = event
    named = {"sequence": None, "event_id": key} if isinstance(key, str) else {"sequence": key}
    return message(Service.SMS, row(source=source, epoch=epoch, called_number=body, **named))


def judged(batch: UsageBatch, checked: Checked) -> list[str]:
    """What became of each event, in the order of the log."""
    words = np.where(checked.duplicate, "duplicate", np.where(checked.conflict, "conflict", "new"))
    return [str(words[at]) for at in np.argsort(batch.message)]


def expected(events: Sequence[Event]) -> list[str]:
    """The same from a dictionary: the first body under a key is the one that counts."""
    first: dict[object, str] = {}
    words = []
    for source, epoch, key, body in events:
        # An event id is the source's own, whatever the epoch; refused events have marks apart.
        name = (source, key if isinstance(key, str) else (epoch, key), body == "+")
        if name not in first:
            words.append("new")
        else:
            words.append("duplicate" if first[name] == body else "conflict")
        first.setdefault(name, body)
    return words


@given(st.lists(EVENTS, max_size=25), st.lists(st.integers(1, 9), max_size=6))
def test_any_batching_judges_as_a_dictionary(events: list[Event], sizes: list[int]) -> None:
    """New, duplicate or conflict: each event gets what one look-up at a time would give it."""
    memory, words, rest = Memory(), list[str](), events
    for size in [*sizes, 25]:
        batch, rest = rest[:size], rest[size:]
        if batch:
            read = usage(*map(sent, batch))
            words += judged(read, memory.take(read))
    assert words == expected(events)


def test_rows_of_an_envelope_stand_in_their_order() -> None:
    """Of two bodies under one number in one envelope the earlier row is the one taken in."""
    batch = usage(sent(("msc-1", 0, 1, "1")), sent(("msc-1", 0, 1, "2")))
    checked = Memory().take(batch)
    assert judged(batch, checked) == ["new", "conflict"]
    assert [strip.bodies.tolist() for _, strip in checked.strips] == [[int(batch.body[0])]]


def test_numbers_of_one_page_are_one_strip() -> None:
    """1, 3, 7 and 4095 lie in the first page of 4,096, and 4096 in the next, whatever the order."""
    events: list[Event] = [("msc-1", 0, n, "1") for n in (4096, 3, 4095, 7, 1)]
    strips = Memory().take(usage(*map(sent, events))).strips
    assert [strip.sequences.tolist() for _, strip in strips] == [[1, 3, 7, 4095], [4096]]


def test_past_the_horizon_the_key_alone_decides() -> None:
    """When the first body is not known any more, a second one is a duplicate, never a conflict."""
    memory = Memory()
    memory.take(usage(sent(("msc-1", 0, 1, "1"))))
    memory.bodies.clear()
    again = usage(sent(("msc-1", 0, 1, "2")))
    assert judged(again, memory.take(again)) == ["duplicate"]


def test_a_check_leaves_memory_as_it_was() -> None:
    """What a batch adds is computed; a batch that aborts has been seen by nobody."""
    memory = Memory()
    batch = usage(sent(("msc-1", 0, 1, "1")))
    checked = check(batch, memory.counters, memory.seen, memory._bodies, memory._identity)  # noqa: SLF001
    assert (len(memory.seen), len(checked.seen)) == (0, 1)


def test_lines_are_known_by_their_place_in_the_file() -> None:
    """A file that is sent again has the same lines again; a line without a number has no mark."""
    lines = [Unreadable(0, "file-1", n, Reason.UNREADABLE_LINE.label, "x") for n in (5, 5, -1, -1)]
    batch = usage(*encode_unreadable(lines).to_pylist())
    assert judged(batch, Memory().take(batch)) == ["new", "duplicate", "new", "new"]
