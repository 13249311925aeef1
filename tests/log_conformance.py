"""What every log must do, whatever it is made of: one set of test bodies for all implementations.

A test module makes an implementation's tests by deriving a class `Test...` from `LogConformance`
and bringing a fixture `world` (see `tests/log_worlds.py`), and runs `check_any_schedule` on a fresh
world for each of Hypothesis's examples of `SCHEDULES`. The bodies know nothing of brokers or files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import strategies as st

from streams.log import Aborted, Log, Message, TopicPartition, Unknown
from tests.log_worlds import PARTITIONS, World

READS_MAX = 300
EVERYTHING = 100_000

Received = tuple[str, int, bytes | None, bytes | None]  # topic, partition, key, value


class Member:
    """A hop by hand: a log, what it has read and not yet handed out, and where it stands."""

    def __init__(self, world: World) -> None:
        """Open the hop and read until all partitions are owned."""
        self._linger_seconds = world.linger_seconds
        self.log: Log = world.open()
        self.starts: dict[TopicPartition, int] = {}
        self.positions: dict[TopicPartition, int] = {}
        self._received: list[tuple[Received, int]] = []
        for _ in range(READS_MAX):
            self._read(1)
            if self.log.owned == frozenset(range(PARTITIONS)):
                break
        assert self.log.owned == frozenset(range(PARTITIONS))

    def _read(self, messages_max: int) -> int:
        segments = self.log.read(messages_max, self._linger_seconds)
        self.follow()
        count = 0
        for segment in segments:
            offsets = segment.offsets.tolist()
            assert offsets == sorted(set(offsets))
            assert offsets[-1] < segment.next_offset
            times_us = [segment.log_time_us(index) for index in range(len(segment))]
            assert 0 < min(times_us) <= times_us[-1] <= segment.timestamp_us
            rows = zip(offsets, segment.keys, segment.values, strict=True)
            for offset, key, value in rows:
                received = (segment.topic, segment.partition, key, value)
                self._received.append((received, offset + 1))
            count += len(segment)
        assert count <= messages_max
        return count

    def follow(self) -> bool:
        """Take note of a change of ownership; whether there was one."""
        change = self.log.changes()
        for number, positions in (change.gained if change else {}).items():
            self.starts.update({(topic, number): at for topic, at in positions.items()})
        return change is not None

    def take(self, count: int) -> list[Received]:
        """The next messages: reads until there are so many."""
        for _ in range(READS_MAX):
            missing = count - len(self._received)
            if missing <= 0:
                break
            self._read(missing)
        taken, self._received = self._received[:count], self._received[count:]
        assert len(taken) == count
        for (topic, partition, _, _), next_offset in taken:
            self.positions[topic, partition] = next_offset
        return [received for received, _ in taken]

    def take_nothing(self) -> None:
        """There is nothing to read."""
        assert self._received == []
        assert self._read(EVERYTHING) == 0

    def transact(
        self,
        sends: Mapping[TopicPartition, Sequence[Message]],
        positions: Mapping[TopicPartition, int] | None = None,
    ) -> None:
        """One transaction from begin to commit, at the positions taken if none are given."""
        self.log.begin()
        for (topic, partition), messages in sends.items():
            self.log.send(topic, partition, messages)
        self.commit(self.positions if positions is None else positions)

    def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """Commit, and wait for the outcome where that comes later."""
        outcome = self.log.commit(positions)
        if outcome is not None:
            outcome()

    def rewind(self) -> None:
        """Read again from what is committed."""
        self._received = []
        self.positions = {}
        self.log.rewind()

    def recovered(self, topic: str, partition: int, from_offset: int = 0) -> list[Message]:
        """All messages of a recovery, its segments checked."""
        messages: list[Message] = []
        for segment in self.log.recover(topic, partition, from_offset):
            assert len(segment) > 0
            assert segment.offsets[0] >= from_offset
            from_offset = segment.next_offset
            messages += zip(segment.keys, segment.values, strict=True)
        return messages


def values(world: World, topic: str, partition: int = 0) -> list[bytes | None]:
    """The values that a stranger sees."""
    return [value for _, _, value in world.visible(topic, partition)]


def numbered(*names: str) -> list[Message]:
    """Messages without a key, one a name."""
    return [(None, name.encode()) for name in names]


class LogConformance:
    """Derive from this and bring a `world`."""

    def test_reads_what_was_appended(self, world: World) -> None:
        """Messages of all inputs arrive complete, in order within each topic partition."""
        world.append(world.source, 0, [(b"k", b"a"), (None, b""), (b"", b"c")])
        world.append(world.source, 1, numbered("d"))
        world.append(world.second, 0, numbered("e", "f"))
        member = Member(world)
        received = member.take(6)
        member.take_nothing()
        by_place: dict[TopicPartition, list[Message]] = {}
        for topic, partition, key, value in received:
            by_place.setdefault((topic, partition), []).append((key, value))
        assert by_place == {
            (world.source, 0): [(b"k", b"a"), (None, b""), (b"", b"c")],
            (world.source, 1): [(None, b"d")],
            (world.second, 0): [(None, b"e"), (None, b"f")],
        }
        member.log.close()

    def test_owns_everything_from_the_start(self, world: World) -> None:
        """A member alone is told once of all partitions, at position 0 when none was committed."""
        member = Member(world)
        places = [(t, p) for t in (world.source, world.second) for p in range(PARTITIONS)]
        assert member.starts == dict.fromkeys(places, 0)
        assert not member.follow()
        assert [member.log.partitions(t) for t in (world.source, world.output)] == [2, 2]
        member.log.close()

    def test_uncommitted_is_hidden(self, world: World) -> None:
        """What was sent, or can be made, is seen by nobody before the commit and by all after."""
        member = Member(world)
        member.log.begin()
        member.log.send(world.output, 0, numbered("a", "b"))
        member.log.send(world.output, 1, numbered("c"))
        member.log.send(world.output, 0, lambda: numbered("d"))
        assert values(world, world.output) == []
        member.commit({})
        assert values(world, world.output) == [b"a", b"b", b"d"]
        assert values(world, world.output, 1) == [b"c"]
        member.log.close()

    def test_aborted_is_hidden(self, world: World) -> None:
        """What was aborted is never seen, also not when later transactions commit."""
        member = Member(world)
        member.log.begin()
        member.log.send(world.output, 0, numbered("dropped"))
        member.log.abort()
        member.transact({(world.output, 0): numbered("kept")})
        assert values(world, world.output) == [b"kept"]
        assert member.recovered(world.output, 0) == [(None, b"kept")]
        member.log.close()

    def test_positions_and_outputs_are_one(self, world: World) -> None:
        """A commit moves the input position and shows the output; the next process finds both."""
        world.append(world.source, 0, numbered("a", "b", "c"))
        member = Member(world)
        member.take(2)
        member.transact({(world.output, 0): numbered("ab")})
        world.kill(member.log)
        successor = Member(world)
        assert successor.starts[world.source, 0] == member.positions[world.source, 0]
        assert successor.take(1) == [(world.source, 0, None, b"c")]
        successor.take_nothing()
        assert values(world, world.output) == [b"ab"]
        successor.log.close()

    def test_kill_in_open_transaction(self, world: World) -> None:
        """A process killed before its commit leaves nothing, and its input is read again."""
        world.append(world.source, 1, numbered("a"))
        member = Member(world)
        member.take(1)
        member.log.begin()
        member.log.send(world.output, 1, numbered("lost"))
        world.kill(member.log)
        successor = Member(world)
        assert successor.take(1) == [(world.source, 1, None, b"a")]
        assert successor.recovered(world.output, 1) == []
        successor.transact({(world.output, 1): numbered("again")})
        assert values(world, world.output, 1) == [b"again"]
        successor.log.close()

    def test_rewind_reads_again(self, world: World) -> None:
        """After an abort and `rewind` the same input comes again; what was committed does not."""
        world.append(world.source, 0, numbered("a", "b"))
        member = Member(world)
        member.take(1)
        member.transact({})
        member.take(1)
        member.log.begin()
        member.log.abort()
        member.rewind()
        assert member.take(1) == [(world.source, 0, None, b"b")]
        member.take_nothing()
        member.log.close()

    def test_close_gives_up_what_is_open(self, world: World) -> None:
        """Leaving aborts the open transaction; the next member starts where commits ended."""
        world.append(world.source, 0, numbered("a"))
        member = Member(world)
        member.take(1)
        member.log.begin()
        member.log.send(world.output, 0, numbered("lost"))
        member.log.close()
        successor = Member(world)
        assert values(world, world.output) == []
        assert successor.take(1) == [(world.source, 0, None, b"a")]
        successor.log.close()

    def test_news_arrive(self, world: World) -> None:
        """What is appended while a member runs is read, by it and in its order."""
        member = Member(world)
        member.take_nothing()
        for name in ("a", "b", "c"):
            world.append(world.source, 0, numbered(name))
            assert member.take(1) == [(world.source, 0, None, name.encode())]
        member.log.close()

    def test_recovers_all_in_order(self, world: World) -> None:
        """Recovery gives everything committed from an offset on, and nothing committed later."""
        member = Member(world)
        for start in (0, 400, 800):
            names = [str(number) for number in range(start, start + 400)]
            member.transact({(world.output, 0): numbered(*names)})
        everything = numbered(*[str(number) for number in range(1_200)])
        assert member.recovered(world.output, 0) == everything
        offset, _, value = world.visible(world.output, 0)[700]
        assert value == b"700"
        assert member.recovered(world.output, 0, offset) == everything[700:]
        segments = member.log.recover(world.output, 0)
        member.transact({(world.output, 0): numbered("later")})
        assert sum(len(segment) for segment in segments) == 1_200
        assert member.recovered(world.output, 1) == []
        member.log.close()

    def test_compacted_keeps_the_latest(self, world: World) -> None:
        """Applied in order, a compacted topic gives the latest value of keys not deleted."""
        member = Member(world)
        member.transact({(world.table, 0): [(b"x", b"1"), (b"y", b"1"), (b"x", b"2")]})
        member.transact(
            {(world.table, 0): [(b"z", b"1"), (b"y", None)], (world.table, 1): [(b"x", b"9")]}
        )
        latest = dict(member.recovered(world.table, 0))
        assert {key: value for key, value in latest.items() if value is not None} == {
            b"x": b"2",
            b"z": b"1",
        }
        assert latest.get(b"y") is None
        assert dict(member.recovered(world.table, 1)) == {b"x": b"9"}
        member.log.close()

    def test_reader_in_the_middle_learns_of_deletion(self, world: World) -> None:
        """Who has read a value and goes on from there is told of its replacement and deletion."""
        member = Member(world)
        member.transact({(world.table, 0): [(b"x", b"1"), (b"y", b"1")]})
        upto = world.visible(world.table, 0)[-1][0] + 1
        member.transact({(world.table, 0): [(b"x", None), (b"y", b"2")]})
        assert member.recovered(world.table, 0, upto) == [(b"x", None), (b"y", b"2")]
        member.log.close()

    def test_offsets_rise_for_ever(self, world: World) -> None:
        """An offset is never used again, whatever was replaced, deleted, aborted or restarted."""
        seen = [-1]
        for value in (b"1", None, b"2"):
            member = Member(world)
            member.log.begin()
            member.log.send(world.table, 0, [(b"x", b"aborted")])
            member.log.abort()
            member.transact({(world.table, 0): [(b"x", value)]})
            seen.append(world.visible(world.table, 0)[-1][0])
            world.kill(member.log)
        assert seen == sorted(set(seen))

    def test_large_messages(self, world: World) -> None:
        """Megabytes pass unchanged, in and out."""
        blob = bytes(range(256)) * 4_000  # 1,024,000 bytes
        world.append(world.source, 0, [(None, blob)])
        member = Member(world)
        assert member.take(1) == [(world.source, 0, None, blob)]
        member.transact({(world.output, 0): [(None, blob), (None, blob[::-1])]})
        assert member.recovered(world.output, 0) == [(None, blob), (None, blob[::-1])]
        member.log.close()

    @pytest.mark.parametrize("happens", [True, False])
    def test_unknown_outcome_becomes_one(self, world: World, *, happens: bool) -> None:
        """A lost answer is resolved by `rewind`: output and position both, or neither of them."""
        world.append(world.source, 0, numbered("a"))
        member = Member(world)
        member.take(1)
        upto = member.positions[world.source, 0]
        world.lose_answer(member.log, happens=happens)
        with pytest.raises(Unknown):
            member.transact({(world.output, 0): numbered("A")})
        member.rewind()
        assert member.follow()
        if member.starts[world.source, 0] == upto:
            member.take_nothing()
        else:
            assert member.starts[world.source, 0] == 0
            assert member.recovered(world.output, 0) == []
            assert member.take(1) == [(world.source, 0, None, b"a")]
            member.transact({(world.output, 0): numbered("A")})
        assert member.recovered(world.output, 0) == [(None, b"A")]
        assert values(world, world.output) == [b"A"]
        member.log.close()


Step = tuple[str, int, int]
STEP_NAMES = ("append", "commit", "abort", "kill", "kill open", "lose and happen", "lose")
SCHEDULES = st.lists(
    st.tuples(st.sampled_from(STEP_NAMES), st.integers(0, PARTITIONS - 1), st.integers(1, 5)),
    max_size=12,
)


def check_any_schedule(world: World, schedule: Sequence[Step]) -> None:
    """A hop that copies its input does so exactly once, through any schedule.

    The model is one sentence: the output of a partition is a prefix of its input, and as long as
    the committed position says; at the end it is the whole input.
    """
    inputs: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
    member = Member(world)
    for name, partition, count in [*schedule, ("commit", 0, EVERYTHING)]:
        if name == "append":
            start = len(inputs[partition])
            added = [b"%d-%d" % (partition, start + index) for index in range(count)]
            inputs[partition] += added
            world.append(world.source, partition, [(None, value) for value in added])
            continue
        member = _copy(world, member, name, count, inputs)
        for number, written in enumerate(inputs):
            visible = values(world, world.output, number)
            assert visible == written[: len(visible)]
    assert [values(world, world.output, number) for number in range(PARTITIONS)] == inputs
    for number, written in enumerate(inputs):
        state = dict(member.recovered(world.table, number))
        assert state == ({b"last": written[-1]} if written else {})
    member.log.close()


def _copy(
    world: World, member: Member, name: str, count: int, inputs: Sequence[Sequence[bytes]]
) -> Member:
    """Take input and copy it in one transaction, which ends as the step's name says."""
    outputs: dict[TopicPartition, list[Message]] = {}
    waiting = sum(len(written) for written in inputs) - sum(
        len(values(world, world.output, number)) for number in range(PARTITIONS)
    )
    for _, partition, _, value in member.take(min(count, waiting)):
        outputs.setdefault((world.output, partition), []).append((None, value))
        outputs[world.table, partition] = [(b"last", value)]
    if name in ("lose", "lose and happen"):
        world.lose_answer(member.log, happens=name == "lose and happen")
    try:
        member.log.begin()
        for (topic, partition), messages in outputs.items():
            member.log.send(topic, partition, messages)
        if name == "kill open":
            world.kill(member.log)
            return Member(world)
        if name == "abort":
            member.log.abort()
            member.rewind()
            return member
        member.commit(member.positions)
    except (Aborted, Unknown):
        member.rewind()
        member.follow()
    if name == "kill":
        world.kill(member.log)
        return Member(world)
    return member
