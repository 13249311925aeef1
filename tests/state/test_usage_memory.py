"""The rate hop's memory: what changes it, what is written of it, and what brings it back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from schemas.codes import Outcome, Reason
from schemas.topics import MARKS, RATE_CHANGELOG, RECYCLE, USAGE, partition_of
from state.invariants import InvariantViolation
from state.rocks import Identity, Marks, Strip
from state.seen import SEQUENCE_BITS, Counter, Seen
from state.usage_memory import Delta, Memory, newest
from streams.duplicates import Checked
from streams.log import Overtaken
from tests.sim.broker import SimulatedBroker
from tests.sim.log import SimulatedLog

RATED, TEST = (Outcome.RATED, Reason.NONE), (Outcome.EXCLUDED, Reason.TEST)


@pytest.fixture
def broker() -> SimulatedBroker:
    """A broker whose recovery sees the latest message of a key only, as after compaction."""
    return SimulatedBroker(usage_partitions=2, is_compacting=True)


@pytest.fixture
def log(broker: SimulatedBroker) -> SimulatedLog:
    """A member that can recover."""
    return SimulatedLog(broker, "rate", [USAGE.name, RECYCLE.name])


@pytest.fixture
def memory(tmp_path: Path, log: SimulatedLog) -> Iterator[Memory]:
    """A memory of two empty partitions."""
    made = Memory(tmp_path / "state", 2)
    for partition in range(2):
        made.recover(partition, {}, log)
    yield made
    made.forget(frozenset({0, 1}))


def home(source: str) -> int:
    """The partition of the sources used here: CRC-32 of the name, modulo 2."""
    return HOMES[source]


HOMES = {"smsc-1": 0, "msc-1": 1}


def seen(memory: Memory, source: str, first: int, last: int, *, epoch: int = 0) -> Checked:
    """A check that found numbers `first` to `last` of a source to be new."""
    number = memory.counters.number(Counter(source, epoch, refused=False))
    keys = np.arange(first, last + 1) | (number << SEQUENCE_BITS)
    none = np.zeros(0, bool)
    return Checked(none, none, memory.seen.add(keys), np.array([number]), [], [])


def delta(memory: Memory, source: str, first: int, last: int, upto: int) -> Delta:
    """A batch of rated usage of one source, up to an offset of its partition."""
    partition = home(source)
    found = Delta(checked=seen(memory, source, first, last))
    found.positions[partition] = {USAGE.name: upto}
    found.count(partition, Reason.NONE, Outcome.RATED, last - first + 1)
    found.watermarks[partition] = {source: 1_000 * last}
    numbers = np.arange(first, last + 1)
    bodies = numbers.astype(np.uint64)
    found.marks.append(
        Marks(
            partition,
            found.positions[partition],
            [Strip(source, 0, bodies.astype(np.int64), bodies)],
            [],
        )
    )
    return found


def bodies(memory: Memory, source: str, *sequences: int) -> list[int | None]:
    """The digests that are stored of some numbers, None where there is none."""
    found, known = memory.bodies(source, 0, np.array(sequences))
    return [body if has else None for body, has in zip(found.tolist(), known.tolist(), strict=True)]


def commit(memory: Memory, broker: SimulatedBroker, *deltas: Delta) -> None:
    """Write and apply deltas as the hop does."""
    for each in deltas:
        for partition in each.positions:
            broker.append(RATE_CHANGELOG.name, partition, memory.changes(partition, each))
        for marks in each.marks:
            broker.append(MARKS.name, marks.partition, [(None, marks.to_bytes())])
        memory.apply(each)


def test_sources_are_where_the_tests_say() -> None:
    """The partitions used in these tests are those of the product."""
    assert {source: partition_of(source, 2) for source in HOMES} == HOMES


def test_newest_never_goes_back() -> None:
    """Event time of a source is the newest ever reported; sources do not touch one another."""
    assert newest({"a": 5, "b": 9}, {"a": 3, "b": 10, "c": 1}) == {"a": 5, "b": 10, "c": 1}


def test_apply_adds_up(memory: Memory, broker: SimulatedBroker) -> None:
    """Outcomes add; positions and event times are taken over; numbers join to ranges."""
    commit(memory, broker, delta(memory, "smsc-1", 1, 3, 1))
    commit(memory, broker, delta(memory, "smsc-1", 4, 5, 2))
    found = memory.partitions[0]
    assert found.outcomes == {RATED: 5}
    assert found.positions == {USAGE.name: 2}
    assert found.watermarks == {"smsc-1": 5_000}
    assert memory.seen.of(0).tolist() == [[1, 5]]
    assert bodies(memory, "smsc-1", 1, 5, 6) == [1, 5, None]
    assert memory.partitions[1].outcomes == {}


def test_suspended_opens_and_closes(memory: Memory) -> None:
    """What a batch suspends waits; what a later one settles does not any more."""
    opening = Delta(positions={0: {USAGE.name: 1}})
    opening.opened[0] = {"a": Reason.NO_RATE, "b": Reason.UNKNOWN_ROUTE}
    memory.apply(opening)
    closing = Delta(positions={0: {USAGE.name: 1, RECYCLE.name: 1}})
    closing.closed[0] = {"a"}
    closing.opened[0] = {"b": Reason.NO_ITEM}
    memory.apply(closing)
    assert memory.partitions[0].suspended == {"b": Reason.NO_ITEM}


def test_changes_say_what_will_be(memory: Memory, broker: SimulatedBroker) -> None:
    """Changelog records are absolute and of after the batch; writing them changes nothing."""
    commit(memory, broker, delta(memory, "smsc-1", 1, 3, 1))
    changes = memory.changes(0, delta(memory, "smsc-1", 4, 5, 2))
    assert [key for key, _ in changes] == [b"position", b'seen/["smsc-1",0,false]']
    assert changes[0][1] == (
        b'{"positions":{"usage.v1":2},"outcomes":[["rated","none",5]],"watermarks":{"smsc-1":5000}}'
    )
    # One range from 1 to 5, two little-endian numbers of eight bytes.
    assert changes[1][1] == b"\x01" + bytes(7) + b"\x05" + bytes(7)
    assert memory.partitions[0].outcomes == {RATED: 3}


def test_count_that_came_back_to_zero_is_not_written(memory: Memory) -> None:
    """An outcome that recycling has emptied does not linger in the changelog."""
    batch = Delta(positions={0: {USAGE.name: 1}})
    batch.count(0, Reason.NO_RATE, Outcome.SUSPENDED, 1)
    batch.count(0, Reason.NO_RATE, Outcome.SUSPENDED, -1)
    assert b'"outcomes":[]' in memory.partitions[0].after(0, batch)


@pytest.mark.parametrize("keeps_directory", [True, False], ids=["with state", "without state"])
def test_recovered_is_live(
    memory: Memory,
    broker: SimulatedBroker,
    log: SimulatedLog,
    tmp_path: Path,
    *,
    keeps_directory: bool,
) -> None:
    """The changelog and the marks bring back one partition, and nothing of the other."""
    commit(memory, broker, delta(memory, "smsc-1", 1, 3, 1))
    commit(memory, broker, delta(memory, "msc-1", 1, 9, 1))
    commit(memory, broker, delta(memory, "smsc-1", 7, 8, 2))
    before = memory.partitions[0]
    memory.forget(frozenset({0, 1}))
    again = Memory(tmp_path / ("state" if keeps_directory else "new"), 2)
    again.recover(0, {USAGE.name: 2, RECYCLE.name: 0}, log)
    after = again.partitions[0]
    assert (after.positions, after.outcomes, after.watermarks) == (
        before.positions,
        before.outcomes,
        before.watermarks,
    )
    assert again.missing() == {("smsc-1", 0): [(4, 6)]}
    assert bodies(again, "smsc-1", 3, 5, 8) == [3, None, 8]
    assert list(again.partitions) == [0]
    again.forget(frozenset({0}))


def test_directory_that_missed_a_batch_catches_up(
    memory: Memory, broker: SimulatedBroker, log: SimulatedLog
) -> None:
    """A crash between commit and apply leaves the directory behind: the marks bring the rest."""
    batch = delta(memory, "smsc-1", 1, 3, 1)
    broker.append(RATE_CHANGELOG.name, 0, memory.changes(0, batch))
    broker.append(MARKS.name, 0, [(None, batch.marks[0].to_bytes())])
    memory.forget(frozenset({0}))
    memory.recover(0, {USAGE.name: 1}, log)
    assert bodies(memory, "smsc-1", 1, 2, 3) == [1, 2, 3]
    assert memory.partitions[0].store.positions() == {USAGE.name: 1}


@pytest.mark.parametrize(
    ("committed", "error"),
    [(0, Overtaken), (2, InvariantViolation)],
    ids=["state ahead", "state behind"],
)
def test_state_must_stand_at_the_committed_positions(
    memory: Memory,
    broker: SimulatedBroker,
    log: SimulatedLog,
    committed: int,
    error: type[Exception],
) -> None:
    """State ahead means that another owner went on; behind, that state was lost: both stop."""
    commit(memory, broker, delta(memory, "smsc-1", 1, 3, 1))
    memory.forget(frozenset({0}))
    with pytest.raises(error, match="state"):
        memory.recover(0, {USAGE.name: committed}, log)


def test_forgotten_partition_leaves_no_numbers(memory: Memory, broker: SimulatedBroker) -> None:
    """Another owner may take in more of a source: what was seen of it here must not stay."""
    commit(memory, broker, delta(memory, "smsc-1", 1, 3, 1))
    commit(memory, broker, delta(memory, "msc-1", 5, 9, 1))
    memory.forget(frozenset({0}))
    assert list(memory.partitions) == [1]
    ranges = [memory.seen.of(number).tolist() for number in range(2)]
    assert ranges == [[], [[5, 9]]]
    memory.forget(frozenset({0}))  # forgetting twice does no harm


def test_identities_are_kept(memory: Memory) -> None:
    """Events known by an id are found by source and id."""
    batch = Delta(positions={0: {USAGE.name: 1}})
    batch.marks.append(Marks(0, {USAGE.name: 1}, [], [Identity("smsc-1", "a", 77)]))
    memory.apply(batch)
    assert memory.identity("smsc-1", "a") == 77
    assert memory.identity("smsc-1", "b") is None


def test_missing_counts_refused_as_arrived(memory: Memory) -> None:
    """A number that arrived with an unusable event is not missing; epochs stand apart.

    Taken in: 1 to 3 and 8; refused: 5. So 4, 6 and 7 never arrived. Of epoch 1 nothing is missing.
    """
    refused = memory.counters.number(Counter("smsc-1", 0, refused=True))
    taken = memory.counters.number(Counter("smsc-1", 0, refused=False))
    other = memory.counters.number(Counter("smsc-1", 1, refused=False))
    pairs = [(refused, 5), *((taken, n) for n in (1, 2, 3, 8)), *((other, n) for n in (3, 4))]
    keys = np.array([number << SEQUENCE_BITS | n for number, n in pairs])
    memory.seen = Seen.empty().add(np.sort(keys))
    assert memory.missing() == {("smsc-1", 0): [(4, 4), (6, 7)]}
