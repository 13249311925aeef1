"""The accrue hop's memory: coverage, event time, accrual messages, and what brings it back."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.records import codec
from schemas.topics import ACCRUALS, ACCRUE_CHANGELOG, COMMANDS, CONTRIBUTIONS
from state.accrual_memory import (
    Figures,
    Names,
    PartitionAccruals,
    PartitionDelta,
    Reach,
    changes,
    decode_accruals,
    read_rows,
    recover,
    write_rows,
)
from state.balances import PERIOD_SLOT, Balances, Plan, compose
from state.invariants import InvariantViolation
from streams.accrual import Volume
from streams.contribution import Cover, Series
from streams.log import Overtaken
from tests.sim.broker import SimulatedBroker
from tests.sim.log import SimulatedLog

CALLS = Series("A", 1, "calls", "DE", "EUR", "2026-11", "2026-11")
TEXTS = Series("A", 2, "texts", "", "EUR", "2026-10", "2026-11")
OTHER = Series("B", 1, "calls", "", "NOK", "2026-11-03", "2026-11-03")
POSITIONS = {CONTRIBUTIONS.name: 3, COMMANDS.name: 1}
HOUR = 498_192
NO_FIGURES = Figures(*np.zeros((3, 0), np.int64))


def volume_of(series: Series) -> Volume:
    """All versions of an item, and all periods it is booked in, lie on one volume."""
    return (series.agreement, series.item, series.line, series.original, "events")


def new_names() -> Names:
    """Names where only texts are priced by the period."""
    return Names(lambda series: (series.item != "texts", [volume_of(series)]))


@pytest.fixture
def broker() -> SimulatedBroker:
    """A broker whose recovery sees the latest message of a key only, as after compaction."""
    return SimulatedBroker(is_compacting=True)


@pytest.fixture
def log(broker: SimulatedBroker) -> SimulatedLog:
    """A member that can recover."""
    return SimulatedLog(broker, "accrue", [CONTRIBUTIONS.name, COMMANDS.name])


def plan(names: Names, balances: Balances, *rows: tuple[Series, int, int]) -> Plan:
    """A plan that adds events to series in slots; each event is 10 units, 5 micros, residue 1."""
    numbers = np.array([names.number(series) for series, _, _ in rows], np.int64)
    slots = np.array([slot for _, slot, _ in rows], np.int64)
    figures = np.array([[n, 10 * n, 5 * n, 0, n] for _, _, n in rows], np.int64)
    return balances.plan(compose(names.book(numbers), slots, numbers), figures.reshape(-1, 5))


def delta_of(plan_: Plan) -> PartitionDelta:
    """A batch that brought a partition to `POSITIONS`."""
    covers = {"usage.v1/0": 7, "recycle.v1/0": 2}
    return PartitionDelta(plan_, dict(POSITIONS), covers, {"msc-1": 9}, 9)


def write(
    names: Names, memory: PartitionAccruals, delta: PartitionDelta
) -> list[tuple[bytes, bytes]]:
    """All rows as messages, as they will be after a batch."""
    memory.apply(delta)
    keys, values = memory.balances.rows()
    starts = np.flatnonzero(np.diff(keys >> 21, prepend=-1))
    found = write_rows(
        names, keys, values, np.append(starts, len(keys)), NO_FIGURES, Reach(9, delta.covers)
    )
    return [(key or b"", value or b"") for key, value in found]


def text_rows(names: Names, balances: Balances) -> set[tuple[object, ...]]:
    """Rows by name, since numbers differ from process to process."""
    keys, values = balances.rows()
    series = keys & (2**21 - 1)
    slots = keys >> 21 & (2**22 - 1)
    return {
        (names.series.names[number], slot, *row)
        for number, slot, row in zip(series.tolist(), slots.tolist(), values.tolist(), strict=True)
    }


def test_coverage_goes_on_where_it_ended() -> None:
    """Each topic partition is covered without gap or overlap; the memory itself stays as it is."""
    memory = PartitionAccruals(covers={"usage.v1/0": 5})
    covers = (Cover("usage.v1", 0, 5, 8), Cover("usage.v1", 1, 0, 2), Cover("recycle.v1", 0, 0, 1))
    after = memory.follow(covers, memory.covers)
    assert after == {"usage.v1/0": 8, "usage.v1/1": 2, "recycle.v1/0": 1}
    assert memory.covers == {"usage.v1/0": 5}


@pytest.mark.parametrize("start", [4, 6], ids=["overlap", "gap"])
def test_block_that_does_not_follow_stops(start: int) -> None:
    """Usage that would count twice, or not at all, stops the process."""
    memory = PartitionAccruals(covers={"usage.v1/0": 5})
    with pytest.raises(InvariantViolation, match="blocks follow one another"):
        memory.follow((Cover("usage.v1", 0, start, 8),), memory.covers)


def test_as_of_is_the_slowest_source() -> None:
    """All usage up to then has been reported by every source, as far as anybody can know."""
    memory = PartitionAccruals(watermarks={"a": 10, "b": 20}, as_of_us=10)
    assert memory.report(memory.watermarks, {"a": 30}) == ({"a": 30, "b": 20}, 20)
    assert memory.watermarks == {"a": 10, "b": 20}


def test_as_of_never_goes_back() -> None:
    """A source that reports for the first time, or late, does not take back what was said."""
    memory = PartitionAccruals(watermarks={"a": 10}, as_of_us=10)
    assert memory.report(memory.watermarks, {"b": 3}) == ({"a": 10, "b": 3}, 10)
    assert memory.report(memory.watermarks, {"a": 4}) == ({"a": 10}, 10)


def test_names_know_books_and_siblings() -> None:
    """A series has one number; its book is agreement and booked period; siblings share a volume."""
    names = new_names()
    late = CALLS._replace(booked="2026-12", version=2)
    numbers = [names.number(series) for series in (CALLS, TEXTS, OTHER, late, CALLS)]
    assert numbers == [0, 1, 2, 3, 0]
    assert names.book(np.array([0, 1, 2, 3])).tolist() == [0, 0, 1, 2]
    assert names.books.names == [("A", "2026-11"), ("B", "2026-11-03"), ("A", "2026-12")]
    assert names.siblings[volume_of(CALLS)] == [0, 3]
    assert names.direct(np.array([0, 1])).tolist() == [True, False]
    assert names.column("item", np.array([1, 0])).to_pylist() == ["texts", "calls"]


def test_messages_hold_a_book_and_slot_each() -> None:
    """Rows of one book and hour, or of the whole period, are one message under one key."""
    names, memory = new_names(), PartitionAccruals()
    rows = [(CALLS, HOUR + 1, 2), (TEXTS, HOUR + 1, 3), (CALLS, PERIOD_SLOT, 2)]
    messages = write(names, memory, delta_of(plan(names, memory.balances, *rows)))
    assert [key for key, _ in messages[:-1]] == [b"A|2026-11|total", b"A|2026-11|%d" % HOUR]
    hour = codec("accruals.avsc").decode(messages[1][1])
    assert (hour["agreement"], hour["booked"], hour["hour"]) == ("A", "2026-11", HOUR)
    assert hour["covers"] == "recycle.v1/0=2,usage.v1/0=7"
    # Two calls come to 2 * 5 micros; what texts of one hour are worth, nobody can say.
    assert [(r["item"], r["events"], r["amount_micros"]) for r in hour["rows"]] == [
        ("calls", 2, 10),
        ("texts", 3, None),
    ]


def test_rows_come_back_from_messages() -> None:
    """What was written is read with every name and figure, by a process with other numbers."""
    names, memory = new_names(), PartitionAccruals()
    rows = [(CALLS, 5, 1), (CALLS, PERIOD_SLOT, 1), (TEXTS, PERIOD_SLOT, 4), (OTHER, 6, 2)]
    messages = write(names, memory, delta_of(plan(names, memory.balances, *rows)))
    again, balances = new_names(), Balances()
    again.number(OTHER)  # takes number 0 here
    balances.put(*read_rows(decode_accruals([value for _, value in messages]), again))
    assert text_rows(again, balances) == text_rows(names, memory.balances)
    assert (OTHER, 6, 2, 20, 10, 0, 2) in text_rows(again, balances)


def test_batch_without_money_says_how_far_it_came() -> None:
    """When no figure changes, one message of no agreement and no rows tells coverage and as-of."""
    none = np.zeros(0, np.int64)
    reach = Reach(7, {"usage.v1/0": 3})
    [(_, value)] = write_rows(
        new_names(), none, none.reshape(0, 5), np.zeros(1, np.int64), NO_FIGURES, reach
    )
    message = codec("accruals.avsc").decode(value or b"")
    assert (message["agreement"], message["covers"], message["rows"]) == ("", "usage.v1/0=3", [])


def test_recovered_is_live(broker: SimulatedBroker, log: SimulatedLog) -> None:
    """Accruals, coverage, event times and closes come back; refused commands are passed over."""
    names, memory = new_names(), PartitionAccruals()
    first = delta_of(plan(names, memory.balances, (CALLS, PERIOD_SLOT, 1), (CALLS, 5, 1)))
    first.closed["A", "2026-10"] = "A-000001"
    broker.append(ACCRUE_CHANGELOG.name, 0, changes(first))
    broker.append(ACCRUALS.name, 0, write(names, memory, first))
    second = delta_of(plan(names, memory.balances, (CALLS, PERIOD_SLOT, 2), (TEXTS, 6, 1)))
    second.closed["B", "2026-11-03"] = "B-000001"
    broker.append(ACCRUE_CHANGELOG.name, 0, changes(second))
    broker.append(ACCRUALS.name, 0, write(names, memory, second))
    broker.append(ACCRUE_CHANGELOG.name, 0, [(b"refused/0/0", b"{}")])
    again = new_names()
    found = recover(0, POSITIONS, log, again)
    assert (found.positions, found.covers) == (memory.positions, memory.covers)
    assert (found.watermarks, found.as_of_us) == ({"msc-1": 9}, 9)
    assert found.closed == {("A", "2026-10"): "A-000001", ("B", "2026-11-03"): "B-000001"}
    assert text_rows(again, found.balances) == text_rows(names, memory.balances)
    # One call and two more: three events of the period, 3 * 10 units.
    assert (CALLS, PERIOD_SLOT, 3, 30, 15, 0, 3) in text_rows(again, found.balances)


@pytest.mark.parametrize(
    ("committed", "error"),
    [
        ({}, Overtaken),
        ({CONTRIBUTIONS.name: 2, COMMANDS.name: 1}, Overtaken),
        ({CONTRIBUTIONS.name: 3}, Overtaken),
        ({CONTRIBUTIONS.name: 4, COMMANDS.name: 1}, InvariantViolation),
    ],
    ids=["nothing", "ahead", "one topic", "behind"],
)
def test_state_must_stand_at_the_committed_positions(
    broker: SimulatedBroker,
    log: SimulatedLog,
    committed: dict[str, int],
    error: type[Exception],
) -> None:
    """State ahead means that another owner went on; behind, that state was lost: both stop."""
    names = new_names()
    broker.append(ACCRUE_CHANGELOG.name, 0, changes(delta_of(plan(names, Balances()))))
    with pytest.raises(error, match="state"):
        recover(0, committed, log, names)


def test_position_zero_is_no_position(log: SimulatedLog) -> None:
    """A topic of which nothing was ever read stands at zero, with or without a word about it."""
    found = recover(0, {CONTRIBUTIONS.name: 0, COMMANDS.name: 0}, log, new_names())
    assert (found.positions, len(found.balances)) == ({}, 0)
