"""Nothing is taken over that was not written, and nothing written is forgotten by the next one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.topics import EXCEPTIONS, PARTY, REFERENCE
from streams.control.changes import Change, Place, Refusal
from streams.control.intake import Intake
from streams.log import LogError, Message, Segment
from tests.hop_makers import latest, new_broker
from tests.notices import broken, told
from tests.sim.broker import SimulatedBroker

POOL = [told("1"), told("2"), told("2", event="Delete"), broken(1), broken(2)]


class Deployment:
    """A topic that a master wrote, and processes that take it in and may end anywhere."""

    def __init__(self, sent: Sequence[bytes]) -> None:
        self.broker: SimulatedBroker = new_broker()
        self.sent = sent
        self.next_offset = 0  # what was acknowledged
        self.writes_left = 1_000
        self.intake = self.started()

    def started(self) -> Intake:
        """A new process."""
        intake = Intake(self._rest, self._write)
        intake.learn()
        return intake

    def _rest(self, topic: str, offset: int) -> tuple[list[Segment], int]:
        return [self.broker.segment((topic, 0), offset, 1_000)], self.broker.end(topic, 0)

    def _write(self, topic: str, messages: Sequence[Message]) -> None:
        if not self.writes_left:
            raise LogError("killed before this was written")
        self.writes_left -= 1
        self.broker.append(topic, 0, messages)

    def batch(self, size: int) -> list[tuple[bytes | None, Place]]:
        """The next messages, from what was acknowledged on."""
        offsets = range(self.next_offset, min(self.next_offset + size, len(self.sent)))
        return [(self.sent[at], Place(PARTY.name, 0, at, 0, 1_000 + at)) for at in offsets]

    def found(self) -> tuple[dict[bytes, str], dict[bytes, bytes]]:
        """Changes with their first places, and open exceptions with their bytes."""
        changes = latest(self.broker, REFERENCE.name)
        exceptions = latest(self.broker, EXCEPTIONS.name)
        return (
            {key: Change.from_bytes(value).position for key, value in changes.items()},
            {key: Refusal.from_bytes(value).message for key, value in exceptions.items()},
        )


def test_what_was_not_written_is_not_remembered() -> None:
    """The batch is taken again, as if it had never been seen."""
    world = Deployment([told("1")])
    world.writes_left = 0
    with pytest.raises(LogError):
        world.intake.take(world.batch(1))
    world.writes_left = 1
    assert world.intake.take(world.batch(1)).counts == {("party.v1", "taken"): 1}


def test_another_process_learns_only_what_is_new() -> None:
    """What this one wrote, and what another wrote beside it, is a repeat from then on."""
    world = Deployment([told("1"), told("2"), broken(1)])
    beside = world.started()
    world.intake.take(world.batch(2))
    beside.learn()
    counts = beside.take(world.batch(3)).counts
    assert counts == {("party.v1", "repeated"): 2, ("party.v1", "refused"): 1}
    world.intake.learn()
    assert world.intake.take(world.batch(3)).counts == {("party.v1", "repeated"): 3}


@given(
    st.lists(st.sampled_from(POOL), max_size=20),
    st.lists(st.tuples(st.integers(1, 6), st.integers(0, 3)), max_size=8),
)
def test_killed_anywhere_it_comes_to_the_same(
    sent: list[bytes], schedule: list[tuple[int, int]]
) -> None:
    """Before, between or after its writes, and before it acknowledges: same keys, same places.

    Each step reads a batch of a size and has so many writes; with 3 it also acknowledges (two are
    needed at most), with fewer it is killed and the next process reads the batch again.
    """
    calm, rough = Deployment(sent), Deployment(sent)
    calm.intake.take(calm.batch(1_000))
    for size, writes in schedule:
        rough.writes_left = writes
        batch = rough.batch(size)
        with suppress(LogError):
            rough.intake.take(batch)
        if writes == 3:
            rough.next_offset += len(batch)
        else:
            rough.intake = rough.started()
    rough.writes_left = 1_000
    rough.intake.take(rough.batch(1_000))
    assert rough.found() == calm.found()
