"""The rate hop: what a batch of usage becomes, what is remembered of it, and what recovers it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from schemas.records import codec
from schemas.topics import (
    CONTRIBUTIONS,
    MARKS,
    QUARANTINE,
    RATE_CHANGELOG,
    RATED,
    SUSPENSE,
    USAGE,
    partition_of,
)
from state.invariants import InvariantViolation
from state.tables import Tables
from streams.contribution import Cover, Series
from streams.log import Segment, made
from streams.rate_hop import RateHop
from tests.builders import ATTRIBUTION, reference_dir, tables
from tests.hop_makers import NOW_US, RateBench, committed, event, latest, new_broker
from tests.sim.broker import TICK_US
from tests.usage_makers import NOVEMBER_US

# 61 seconds in Europe/Berlin's November at 0.012 EUR a minute: 61 * 0.012 / 60 = 0.0122 EUR.
CALL = Series("ALFA-1", 1, "voice-in", "", "EUR", "2026-11", "")
CALL_MICROS = 12_200
HOUR = NOVEMBER_US // 3_600_000_000


@pytest.fixture
def known(tmp_path: Path) -> Tables:
    """The reference of `tests/builders.py`."""
    return tables(reference_dir(tmp_path / "known"))


@pytest.fixture
def mended(tmp_path: Path) -> Tables:
    """The same with one more route."""
    text = ATTRIBUTION + "route,TG-NEW,ALFA-1,,\n"
    return tables(reference_dir(tmp_path / "mended", attribution=text))


@pytest.fixture
def bench(tmp_path: Path, known: Tables) -> Iterator[RateBench]:
    """A running hop."""
    made = RateBench(known, tmp_path / "state")
    yield made
    made.end()


def test_call_becomes_a_sum(bench: RateBench) -> None:
    """A priced call reaches settlement as one row of sums with the positions it came from."""
    bench.settle(event())
    [block] = bench.blocks()
    assert block.sums.series.to_pylist() == [CALL.text()]
    assert block.sums.hour.tolist() == [HOUR]
    sums = block.sums
    figures = [sums.events, sums.quantity, sums.charge_micros, sums.residue_high, sums.residue_low]
    assert [column.tolist() for column in figures] == [[1], [61], [CALL_MICROS], [0], [0]]
    assert block.covers == (Cover("usage.v1", 0, 0, 1),)
    assert block.watermarks == {"msc-1": NOVEMBER_US}


def test_every_settlement_partition_is_told(tmp_path: Path, known: Tables) -> None:
    """A partition that gets no money is still told what was covered, or it could not follow."""
    bench = RateBench(known, tmp_path / "state", new_broker(settlement_partitions=3))
    bench.settle(event())
    blocks = [bench.blocks(number) for number in range(3)]
    rows = [len(block.sums) for [block] in blocks]
    home = partition_of("ALFA-1", 3)
    assert rows == [1 if number == home else 0 for number in range(3)]
    assert {block.covers for [block] in blocks} == {(Cover("usage.v1", 0, 0, 1),)}
    bench.end()


def test_every_event_has_one_outcome(bench: RateBench) -> None:
    """Seven messages, seven outcomes."""
    bench.settle(
        event(sequence=1),
        event(sequence=1),  # the same again
        event(sequence=1, duration_ms=62_000),  # the same number, another call
        event(sequence=2, test=True),
        event(sequence=3, ingress_route="TG-900"),  # the operator's own
        event(sequence=4, ingress_route="TG-NEW"),  # in no reference file
        b"\x07no usage",
    )
    assert bench.outcomes() == {
        "rated/none": 1,
        "duplicate/none": 1,
        "suspended/conflicting_body": 1,
        "excluded/test": 1,
        "excluded/retail": 1,
        "suspended/unknown_route": 1,
        "quarantined/bad_magic": 1,
    }
    assert len(latest(bench.broker, QUARANTINE.name)) == 1


def test_repeats_over_batches(bench: RateBench) -> None:
    """A repeat in a later batch is a duplicate, of a conflict too; only bodies tell them apart."""
    for _ in range(2):
        bench.settle(event())
        bench.settle(event(duration_ms=62_000))
    assert bench.outcomes() == {
        "rated/none": 1,
        "suspended/conflicting_body": 1,
        "duplicate/none": 2,
    }


def test_event_known_by_id(bench: RateBench) -> None:
    """Where a source does not number, an id tells repeats, in a batch and over batches."""
    bench.settle(*[event(sequence=None, event_id="a")] * 2)
    bench.settle(event(sequence=None, event_id="a"), event(sequence=None, event_id="b"))
    assert bench.outcomes() == {"rated/none": 2, "duplicate/none": 2}


def test_call_without_a_price_waits_whole(bench: RateBench) -> None:
    """A number that the deck does not know is suspended, and nothing of the event is booked."""
    bench.settle(event(called_number="33123456"))
    assert bench.suspended() == {"msc-1/0/1": "no_rate"}
    assert [len(block.sums) for block in bench.blocks()] == [0]
    assert len(committed(bench.broker, RATED.name)) == 0


def test_ten_minutes_ahead_are_allowed(bench: RateBench) -> None:
    """Clocks differ: up to ten minutes after log time an event is taken, later it waits.

    Both messages are logged at one tick after `NOW_US`.
    """
    logged_us = NOW_US + TICK_US
    bench.settle(
        event(sequence=1, started_at=logged_us + 600_000_000),
        event(sequence=2, started_at=logged_us + 600_000_001),
    )
    assert bench.outcomes() == {"rated/none": 1, "suspended/future_time": 1}
    # What lies in the future says nothing about how far the source has reported.
    assert bench.blocks()[0].watermarks == {"msc-1": logged_us + 600_000_000}


def test_compute_changes_nothing(bench: RateBench) -> None:
    """A batch may be thrown away: computing it again gives the same and leaves no trace."""
    bench.settle(event(sequence=1))
    values = [event(sequence=2), event(sequence=1), event(sequence=3, ingress_route="TG-NEW")]
    segment = Segment(
        USAGE.name, 0, np.arange(1, 4), [b"msc-1"] * 3, values, next_offset=4, timestamp_us=NOW_US
    )
    before = (bench.outcomes(), dict(bench.hop.partition(0).positions), bench.hop.memory.seen)
    works = [bench.hop.compute([segment], bench.hop.prepare([segment])) for _ in range(2)]
    first, again = ([(place, made(sent)) for place, sent in work.sends()] for work in works)
    assert first == again
    assert (bench.outcomes(), bench.hop.partition(0).positions) == before[:2]
    assert bench.hop.memory.seen is before[2]
    assert bench.hop.partition(0).suspended == {}


def test_positions_and_state_commit_together(bench: RateBench) -> None:
    """What a batch writes: its outputs, its state and the position, all of one partition."""
    segment = Segment(USAGE.name, 0, np.arange(1), [b"msc-1"], [event()], 1, NOW_US)
    work = bench.hop.compute([segment], bench.hop.prepare([segment]))
    topics = (RATED, CONTRIBUTIONS, MARKS, RATE_CHANGELOG)
    assert {place for place, _ in work.sends()} == {(topic.name, 0) for topic in topics}
    assert work.positions == {(USAGE.name, 0): 1}


def test_input_comes_once(bench: RateBench) -> None:
    """An offset that was settled before must not come again: the process stops."""
    bench.settle(event())
    segment = Segment(USAGE.name, 0, np.arange(1), [b"msc-1"], [event()], 1, NOW_US)
    with pytest.raises(InvariantViolation, match="input is read once and in order"):
        bench.hop.compute([segment], bench.hop.prepare([segment]))


def test_recycled_usage_is_booked(bench: RateBench, mended: Tables) -> None:
    """When reference knows the route, the call is rated: an outcome moves, no event is added."""
    bench.settle(event(ingress_route="TG-NEW"))
    assert bench.suspended() == {"msc-1/0/1": "unknown_route"}
    bench.hop.use(mended)
    bench.recycle()
    assert bench.suspended() == {}
    assert bench.outcomes() == {"rated/none": 1}
    block = bench.blocks()[-1]
    assert block.covers == (Cover("recycle.v1", 0, 0, 1),)
    assert block.sums.charge_micros.tolist() == [CALL_MICROS]


def test_usage_of_a_key_that_nobody_holds_yet_is_booked_once_somebody_does(
    bench: RateBench, tmp_path: Path, mended: Tables
) -> None:
    """A route that is unknown, then known from December only, then known in November, too."""
    bench.settle(event(ingress_route="TG-NEW"))
    rows = ATTRIBUTION + "route,TG-NEW,ALFA-1,2026-12-01,\n"
    bench.hop.use(tables(reference_dir(tmp_path / "later", attribution=rows)))
    bench.recycle()
    assert bench.suspended() == {"msc-1/0/1": "not_entitled"}
    assert bench.outcomes() == {"suspended/not_entitled": 1}
    bench.hop.use(mended)
    bench.recycle()
    assert bench.suspended() == {}
    assert bench.outcomes() == {"rated/none": 1}


def test_recycled_too_early_waits_on(bench: RateBench) -> None:
    """What reference still does not know stays suspended, and is counted once."""
    bench.settle(event(ingress_route="TG-NEW"))
    bench.recycle()
    assert bench.suspended() == {"msc-1/0/1": "unknown_route"}
    assert bench.outcomes() == {"suspended/unknown_route": 1}


def test_new_reason_replaces_the_old(bench: RateBench, mended: Tables) -> None:
    """Usage that lacks a second thing waits for that one next."""
    bench.settle(event(ingress_route="TG-NEW", called_number="33123456"))
    bench.hop.use(mended)
    bench.recycle()
    assert bench.suspended() == {"msc-1/0/1": "no_rate"}
    assert bench.outcomes() == {"suspended/no_rate": 1}


def test_what_is_missing_is_named_anew(tmp_path: Path, bench: RateBench) -> None:
    """Two routes are unknown; once the first is listed the call waits for the second one.

    Nothing else says for which key it is to be tried again.
    """
    bench.settle(event(ingress_route="TG-NEW", egress_route="TG-OUT"))
    records = codec("suspense.avsc")
    (waits,) = latest(bench.broker, SUSPENSE.name).values()
    assert records.decode(waits)["missing"] == "route:TG-NEW"  # of the first role
    listed = reference_dir(tmp_path / "listed", attribution=ATTRIBUTION + "route,TG-NEW,own,,\n")
    bench.hop.use(tables(listed))
    for _ in range(2):
        bench.recycle()
        (waits,) = latest(bench.broker, SUSPENSE.name).values()
        assert records.decode(waits)["missing"] == "route:TG-OUT"
    assert bench.outcomes() == {"suspended/unknown_route": 1}
    assert len(committed(bench.broker, SUSPENSE.name)) == 2


def test_asking_twice_books_once(bench: RateBench, mended: Tables) -> None:
    """Requests of which nothing waits any more are read past, alone in a batch as well."""
    bench.settle(event(ingress_route="TG-NEW"))
    bench.hop.use(mended)
    waiting = latest(bench.broker, SUSPENSE.name)
    for _ in range(2):
        bench.ask_again(waiting)
        assert bench.loop.step().result == "commit"
    assert bench.outcomes() == {"rated/none": 1}
    assert sum(len(block.sums) for block in bench.blocks()) == 1
    assert bench.hop.partition(0).positions == {"usage.v1": 1, "recycle.v1": 2}


def test_conflicting_body_is_not_recycled(bench: RateBench) -> None:
    """Which of two bodies is right is for an operator to say."""
    bench.settle(event(), event(duration_ms=62_000))
    bench.recycle()
    assert list(bench.suspended().values()) == ["conflicting_body"]
    assert bench.outcomes() == {"rated/none": 1, "suspended/conflicting_body": 1}


@pytest.mark.parametrize("keeps_directory", [True, False], ids=["with state", "without state"])
def test_recovered_is_live(
    tmp_path: Path, known: Tables, mended: Tables, *, keeps_directory: bool
) -> None:
    """A process that starts anew remembers what the one before did, with its directory or not."""
    bench = RateBench(known, tmp_path / "state")
    bench.settle(event(sequence=1), event(sequence=None, event_id="a"))
    bench.settle(event(sequence=2, ingress_route="TG-NEW"), event(sequence=4))
    bench.settle(event(sequence=5, ingress_route="TG-NEW"), b"")
    bench.hop.use(mended)
    bench.ask_again(dict(list(latest(bench.broker, SUSPENSE.name).items())[:1]))
    bench.loop.step()
    before = _remembered(bench.hop)
    bench.end()
    again = RateBench(mended, tmp_path / ("state" if keeps_directory else "new"), bench.broker)
    assert _remembered(again.hop) == before
    # Numbers 1 and 2 and the id are known with their bodies: repeats, and one that says otherwise.
    again.settle(
        event(sequence=1),
        event(sequence=None, event_id="a"),
        event(sequence=4, duration_ms=1),
    )
    counted = again.outcomes()
    assert (counted["duplicate/none"], counted["suspended/conflicting_body"]) == (2, 1)
    again.end()


def _remembered(hop: RateHop) -> dict[str, object]:
    """All that a hop remembers of partition 0, but for the bodies."""
    memory = hop.partition(0)
    return {
        "positions": memory.positions,
        "outcomes": +memory.outcomes,
        "watermarks": memory.watermarks,
        "suspended": memory.suspended,
        "missing": hop.memory.missing(),
        "seen": {
            name: hop.memory.seen.of(number).tolist()
            for number, name in enumerate(hop.memory.counters.names)
        },
    }
