"""The control hop: everything told comes out once, whatever happens to its process on the way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.topics import EXCEPTIONS, NOTIFIED, ORDER, PARTY, REFERENCE
from streams.control.changes import Change, Refusal
from streams.control.control_hop import ControlHop
from streams.control.taking import RESULTS
from streams.settle import Loop, Step, Stopwatch
from tests.hop_makers import EVERYTHING, latest, new_broker
from tests.notices import broken, of_topic, told
from tests.sim.broker import Fault, Point, SimulatedBroker
from tests.sim.log import SimulatedCrash, SimulatedLog

POOL = [told("1"), told("1", 2), told("2", event="Delete"), told("3"), broken(1), broken(2)]
FAULTS = [
    None,
    *((point, Fault.CRASH) for point in Point),
    *((Point.COMMIT, fault) for fault in Fault if fault is not Fault.CRASH),
]
TURNS_MAX = 50


class Bench:
    """The only member of the hop, on a simulated broker where faults can be planned."""

    def __init__(self, broker: SimulatedBroker | None = None) -> None:
        self.broker = broker or new_broker()
        self.hop, self.loop = self._member()
        self.counts = dict.fromkeys(RESULTS, 0)

    def _member(self) -> tuple[ControlHop, Loop]:
        watch = Stopwatch(lambda: 0)
        hop = ControlHop(watch)
        self.log = SimulatedLog(self.broker, hop.name, hop.inputs)
        return hop, Loop(hop, self.log, watch, EVERYTHING, 0)

    def tell(self, topic: str, *values: bytes | None) -> None:
        """Put messages of a master on a topic."""
        self.broker.append(topic, 0, [(b"id", value) for value in values])

    def settle(self) -> None:
        """Turn until nothing is left; a process that is killed is followed by the next one."""
        idle = 0
        for _ in range(TURNS_MAX):
            try:
                step = self.loop.step()
            except SimulatedCrash:
                self.log.expire()  # its session ends, and the group lets its partition go
                self.hop, self.loop = self._member()
                continue
            self._count(step)
            idle = idle + 1 if step.result == "idle" else 0
            if idle > 1:
                return
        pytest.fail("the loop does not come to rest")

    def _count(self, step: Step) -> None:
        if step.result == "commit" and step.work is not None:
            for (_, result), count in step.work.delta.counts.items():
                self.counts[result] += count

    def changes(self) -> dict[bytes, str]:
        """What is on `reference.v1`, and where each was told first."""
        found = latest(self.broker, REFERENCE.name)
        return {key: Change.from_bytes(value).position for key, value in found.items()}

    def exceptions(self) -> dict[bytes, bytes]:
        """What is open on `exceptions.v1`."""
        found = latest(self.broker, EXCEPTIONS.name)
        return {key: Refusal.from_bytes(value).message for key, value in found.items()}


def test_all_topics_are_read() -> None:
    """One change of each topic comes out; the topic is in its place."""
    bench = Bench()
    for number, topic in enumerate(NOTIFIED):
        bench.tell(topic.name, of_topic(topic.name, str(number)))
    bench.settle()
    assert set(bench.changes().values()) == {f"{topic.name}/0/0/0" for topic in NOTIFIED}
    assert bench.counts == {"taken": 6, "repeated": 0, "refused": 0, "ignored": 0}


def test_what_cannot_be_read_stops_nothing() -> None:
    """It waits as an exception with its bytes; what comes after it is taken."""
    bench = Bench()
    bench.tell(PARTY.name, broken(1), told("1"), None)
    bench.settle()
    assert list(bench.changes().values()) == ["party.v1/0/1/0"]
    assert bench.exceptions() == {b"party.v1/0/0/0": broken(1), b"party.v1/0/2/0": b""}
    assert bench.counts == {"taken": 1, "repeated": 0, "refused": 2, "ignored": 0}


def test_the_next_process_knows_what_was_told() -> None:
    """A repeat after a restart sends nothing: not one message more is on either topic."""
    first = Bench()
    first.tell(PARTY.name, told("1"), broken(1))
    first.settle()
    first.loop.close()
    places = [(topic.name, 0) for topic in (REFERENCE, EXCEPTIONS)]
    before = [len(first.broker.entries(place)) for place in places]
    second = Bench(first.broker)
    second.tell(PARTY.name, told("1"), broken(1))
    second.settle()
    assert [len(first.broker.entries(place)) for place in places] == before
    assert second.counts == {"taken": 0, "repeated": 2, "refused": 0, "ignored": 0}


def test_a_member_that_loses_its_partition_forgets() -> None:
    """Memory is of what is owned; another number than 0 does not exist."""
    bench = Bench()
    bench.tell(PARTY.name, told("1"))
    bench.settle()
    bench.hop.revoke(frozenset({1}))
    assert bench.hop.memory.changes
    bench.hop.revoke(frozenset({0}))
    assert not bench.hop.memory.changes


SCHEDULES = st.lists(
    st.tuples(
        st.sampled_from([PARTY.name, ORDER.name]),
        st.lists(st.sampled_from(POOL), max_size=4),
        st.sampled_from(FAULTS),
    ),
    max_size=6,
)


@given(SCHEDULES)
def test_faults_change_nothing(
    schedule: list[tuple[str, list[bytes], tuple[Point, Fault] | None]],
) -> None:
    """Killed, aborted or unanswered anywhere: changes, first places and exceptions are the same."""
    calm, rough = Bench(), Bench()
    for topic, values, fault in schedule:
        if fault is not None:
            rough.broker.fail_at(*fault)
        for bench in (calm, rough):
            bench.tell(topic, *values)
            bench.settle()
    for bench in (calm, rough):
        bench.settle()
    assert rough.changes() == calm.changes()
    assert rough.exceptions() == calm.exceptions()
