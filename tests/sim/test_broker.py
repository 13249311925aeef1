"""The simulated broker behaves as Kafka where it matters: hiding, fencing, late answers, moves.

What a loop makes of it under seeded schedules is in `test_log.py`.
"""

from __future__ import annotations

import pytest

from schemas.topics import CONTRIBUTIONS, RATE_CHANGELOG, RATED, USAGE
from streams.log import Aborted, Fenced, LogError, TopicPartition, Unknown
from tests.sim.broker import Fault, Point, SimulatedBroker
from tests.sim.log import SimulatedCrash, SimulatedLog

OUT = (RATED.name, 0)


def member(broker: SimulatedBroker, slot: str = "0") -> SimulatedLog:
    """A member of the rate hop that has read once."""
    log = SimulatedLog(broker, "rate", [USAGE.name], slot)
    log.read(1, 0)
    log.rewind()
    return log


def sending(log: SimulatedLog, *values: bytes) -> SimulatedLog:
    """A member with an open transaction that has sent values."""
    log.begin()
    log.send(*OUT, [(None, value) for value in values])
    return log


def visible(broker: SimulatedBroker, place: TopicPartition = OUT) -> list[bytes | None]:
    """Committed values up to the last stable offset."""
    return list(broker.segment(place, 0, 1_000_000).values)


def test_open_transaction_hides_what_follows() -> None:
    """Messages behind an open transaction are hidden although nothing is wrong with them."""
    broker = SimulatedBroker(usage_partitions=2)
    first, second = (SimulatedLog(broker, "rate", [USAGE.name], slot) for slot in ("a", "b"))
    for log in (first, second):
        log.read(1, 0)
    sending(first, b"a")
    broker.append(*OUT, [(None, b"plain")])
    sending(second, b"b").commit({})
    assert (broker.end(*OUT), broker.stable_end(OUT), visible(broker)) == (4, 0, [])
    first.commit({})
    # a at 0, plain at 1, b at 2, marker of b at 3, marker of a at 4.
    assert (broker.stable_end(OUT), visible(broker)) == (5, [b"a", b"plain", b"b"])


def test_aborted_messages_are_holes() -> None:
    """Aborted messages keep their offsets and are never seen; reading steps over them."""
    broker = SimulatedBroker()
    log = member(broker)
    sending(log, b"x", b"y").abort()
    sending(log, b"z").commit({})
    segment = broker.segment(OUT, 0, 10)
    # x and y at 0 and 1, their marker at 2, z at 3, its marker at 4.
    assert (segment.offsets.tolist(), segment.next_offset) == ([3], 5)


def test_successor_fences_the_slot() -> None:
    """A new user of a slot aborts what was left open, and the old one can never write again."""
    broker = SimulatedBroker()
    old = sending(member(broker), b"old")
    new = SimulatedLog(broker, "rate", [USAGE.name])
    with pytest.raises(Fenced):
        old.commit({})
    with pytest.raises(Fenced):
        old.begin()
    with pytest.raises(Fenced):
        old.rewind()
    old.close()
    new.read(1, 0)
    sending(new, b"new").commit({})
    assert visible(broker) == [b"new"]


def test_uncertain_predecessor_cannot_take_the_slot_back() -> None:
    """Who must acquire a new epoch learns then that somebody else has; that one goes on."""
    broker = SimulatedBroker()
    old = sending(member(broker), b"old")
    broker.fail_at(Point.COMMIT, Fault.LOST_DROPPED)
    with pytest.raises(Unknown):
        old.commit({})
    new = SimulatedLog(broker, "rate", [USAGE.name])
    with pytest.raises(Fenced):
        old.rewind()
    old.expire()
    new.read(1, 0)
    sending(new, b"new").commit({})
    assert visible(broker) == [b"new"]


def test_zombie_commit_is_refused() -> None:
    """A member declared dead cannot commit positions of partitions that another one has now."""
    broker = SimulatedBroker()
    broker.append(USAGE.name, 0, [(None, b"u")])
    zombie = member(broker, "a")
    assert len(zombie.read(10, 0)) == 1
    zombie.expire()
    other = member(broker, "b")
    sending(other, b"b").commit({(USAGE.name, 0): 1})
    assert zombie.owned == frozenset({0})
    with pytest.raises(Aborted):
        sending(zombie, b"a").commit({(USAGE.name, 0): 1})
    assert visible(broker) == [b"b"]
    zombie.rewind()
    assert zombie.read(10, 0) == []
    assert zombie.owned == frozenset()
    change = zombie.changes()
    assert change is not None
    assert 0 in change.lost


def test_stale_generation_is_refused_once() -> None:
    """A member that has not read since a rebalance is refused, and is current after a read."""
    broker = SimulatedBroker(usage_partitions=2)
    log = member(broker, "a")
    joined = SimulatedLog(broker, "rate", [USAGE.name], "b")
    with pytest.raises(Aborted):
        sending(log, b"a").commit({(USAGE.name, 0): 0})
    log.rewind()
    log.read(1, 0)
    sending(log, b"a").commit({(USAGE.name, 0): 0})
    joined.read(1, 0)
    assert (log.owned, joined.owned) == (frozenset({0}), frozenset({1}))


def test_partitions_move_after_they_were_let_go() -> None:
    """A new member gets its share only when the old owner has read and let it go."""
    broker = SimulatedBroker(usage_partitions=2)
    broker.append(USAGE.name, 1, [(None, b"u")])
    old = member(broker, "a")
    old.changes()
    new = member(broker, "b")
    assert new.owned == frozenset()
    assert old.owned == frozenset({0, 1})
    assert old.read(10, 0) == []  # what is lost is not read in the same call
    change = old.changes()
    assert change is not None
    assert (change.lost, dict(change.gained)) == (frozenset({1}), {})
    assert [segment.values for segment in new.read(10, 0)] == [[b"u"]]
    change = new.changes()
    assert change is not None
    assert change.gained == {1: {USAGE.name: 0}}


def test_leaving_gives_everything_back() -> None:
    """A member that closes is replaced at once, at its committed positions."""
    broker = SimulatedBroker()
    broker.append(USAGE.name, 0, [(None, b"a"), (None, b"b")])
    first = member(broker, "a")
    first.read(1, 0)
    first.begin()
    first.commit({(USAGE.name, 0): 1})
    second = member(broker, "b")
    first.close()
    assert [segment.values for segment in second.read(10, 0)] == [[b"b"]]


def test_late_commit_loses_against_a_new_epoch() -> None:
    """After `rewind` the outcome stands: a commit that arrives later changes nothing any more."""
    outcomes = set()
    for seed in range(20):
        broker = SimulatedBroker(seed)
        log = sending(member(broker), b"a")
        broker.fail_at(Point.COMMIT, Fault.LOST_LATE)
        with pytest.raises(Unknown):
            log.commit({(USAGE.name, 0): 5})
        assert visible(broker) == []
        log.rewind()
        settled = visible(broker)
        assert broker.position("rate", (USAGE.name, 0)) == (5 if settled else 0)
        log.begin()
        log.send(*OUT, [(None, b"b")])
        broker.deliver()
        assert visible(broker) == settled
        outcomes.add(bool(settled))
    assert outcomes == {True, False}


def test_late_commit_tears_who_keeps_the_epoch() -> None:
    """A late commit ends whatever its sender has open then: the fault that a new epoch prevents."""
    broker = SimulatedBroker()
    epoch = broker.acquire("t")
    broker.produce("t", epoch, OUT, [(None, b"a")])
    broker.delay("t", epoch)
    broker.finish("t", epoch, is_commit=False)
    broker.produce("t", epoch, OUT, [(None, b"half")])
    broker.deliver()
    assert visible(broker) == [b"half"]


def test_waiting_ends_other_transactions() -> None:
    """Recovery waits for transactions open in its partition; a dead one's time runs out."""
    broker = SimulatedBroker(usage_partitions=2)
    dead = sending(member(broker, "a"), b"dead")
    dead.kill()
    alive = member(broker, "b")
    assert list(alive.recover(*OUT)) == []
    assert broker.stable_end(OUT) == broker.end(*OUT)


def test_timed_out_transaction_fences_its_user() -> None:
    """A member that was stopped with a transaction open finds it aborted and itself fenced."""
    broker = SimulatedBroker()
    log = sending(member(broker), b"a")
    broker.expire("rate-0")
    with pytest.raises(Fenced):
        log.commit({})
    assert visible(broker) == []


@pytest.mark.parametrize("point", list(Point))
def test_crash_points(point: Point) -> None:
    """A crash kills the member where it is planned; only behind the commit has it an effect."""
    broker = SimulatedBroker()
    log = member(broker)
    broker.fail_at(point)
    with pytest.raises(SimulatedCrash):
        sending(log, b"a").commit({(USAGE.name, 0): 3})
    log.abort()
    log.close()
    with pytest.raises(SimulatedCrash):
        log.read(1, 0)
    SimulatedLog(broker, "rate", [USAGE.name])
    is_committed = point is Point.COMMITTED
    assert visible(broker) == ([b"a"] if is_committed else [])
    assert broker.position("rate", (USAGE.name, 0)) == (3 if is_committed else 0)


def test_faults_hit_the_named_slot() -> None:
    """A fault planned for a slot waits for that one; impossible combinations are refused."""
    broker = SimulatedBroker(usage_partitions=2)
    broker.fail_at(Point.COMMIT, Fault.ABORT, slot="b")
    first, second = member(broker, "a"), SimulatedLog(broker, "rate", [USAGE.name], "b")
    for log in (first, second, first):
        log.read(1, 0)
    sending(first, b"a").commit({})
    with pytest.raises(Aborted, match="refuses"):
        sending(second, b"b").commit({})
    with pytest.raises(ValueError, match="COMMIT only"):
        broker.fail_at(Point.BEGIN, Fault.LOST_LATE)


def test_compacting_recovery() -> None:
    """With compaction recovery sees the latest message of each key, tombstones among them."""
    broker = SimulatedBroker(is_compacting=True)
    place = (RATE_CHANGELOG.name, 0)
    log = member(broker)
    for value in (b"1", b"2"):
        log.begin()
        log.send(*place, [(b"x", value), (b"y", value), (b"y", None)])
        log.commit({})
    segments = list(log.recover(*place))
    found = [pair for s in segments for pair in zip(s.keys, s.values, strict=True)]
    assert found == [(b"x", b"2"), (b"y", None)]
    with pytest.raises(ValueError, match="needs a key"):
        broker.append(*place, [(None, b"a")])


def test_transactions_do_not_nest() -> None:
    """The simulated log insists on the order of calls, so that a loop's disorder shows."""
    broker = SimulatedBroker()
    log = member(broker)
    with pytest.raises(LogError, match="no transaction"):
        log.commit({})
    log.begin()
    with pytest.raises(LogError, match="open already"):
        log.begin()
    broker.fail_at(Point.COMMIT, Fault.LOST_DROPPED)
    with pytest.raises(Unknown):
        log.commit({})
    with pytest.raises(LogError, match="rewind first"):
        log.begin()
    with pytest.raises(ValueError, match="one partition count"):
        SimulatedLog(SimulatedBroker(usage_partitions=2), "odd", [USAGE.name, CONTRIBUTIONS.name])
