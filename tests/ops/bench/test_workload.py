"""The benchmark's traffic in Weir's form: the same events, the same reference, the same money.

Tables marked "as published" are what `settle-bench v1`'s own check computes for its seed.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ops.bench import workload
from ops.bench.recipe import Columns
from ops.bench.workload import (
    Messages,
    Shape,
    agreement_name,
    columns,
    encode,
    envelopes,
    expected,
    item_name,
    write_reference,
)
from ops.oracle import settle
from ops.oracle_reference import Reference, read_reference
from ops.oracle_usage import Usage, read_message, read_schemas
from schemas.topics import partition_of

EVENTS = 2_000
KNOWN = read_schemas()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """The benchmark's reference, written to a directory and read back by the oracle."""
    directory = tmp_path_factory.mktemp("reference")
    write_reference(directory)
    return read_reference(directory)


def totals(events: int) -> tuple[int, int, tuple[int, ...]]:
    """How many keys, how many suspended, and events, quantity and micros over all keys."""
    table = expected(events)
    sums = (sum(row[i] for row in table.table.values()) for i in range(3))
    return len(table.table), table.suspended, tuple(sums)


def events_of(messages: Messages) -> list[list[Usage]]:
    """The events of each message, read by the oracle."""
    read = [read_message(value, KNOWN) for value in messages.values.to_pylist()]
    return [[e for e in message if isinstance(e, Usage)] for message in read]


@pytest.mark.parametrize(
    ("events", "published"),
    [
        (1_000, (947, 4, (986, 1_613_372_426, 696_454_860))),
        (20_000, (9_894, 99, (19_701, 30_323_808_374, 13_923_086_387))),
    ],
)
def test_the_expected_table_is_the_published_one(
    events: int, published: tuple[int, int, tuple[int, ...]]
) -> None:
    """Keys, suspended events and sums as published for the same number of messages."""
    assert totals(events) == published


def test_single_rows_are_the_published_ones() -> None:
    """The busiest key of 1,000 messages and two of 20,000, as published."""
    assert expected(1_000).table["P055", "voice", "in", 497_220] == (3, 204, 1_309_543)
    table = expected(20_000).table
    assert table["P052", "voice", "in", 497_211] == (12, 1_542, 13_226_840)
    assert table["P000", "data", "in", 497_210] == (4, 147_112_066, 884_879)


@pytest.mark.slow
def test_a_million_messages_are_the_published_ones() -> None:
    """1,000,000 messages give 17,870 keys."""
    published = (17_870, 4_950, (985_050, 1_723_871_650_620, 686_617_504_592))
    assert totals(1_000_000) == published


def test_an_event_takes_the_form_of_its_family() -> None:
    """Voice and messages go by route and number, data by access point."""
    data, order = columns(EVENTS)
    messages = encode(data, order)
    assert len(messages.values) == EVENTS
    for at, (usage,) in enumerate(events_of(messages)):
        event = {name: int(values[order[at]]) for name, values in data.items()}
        assert usage.service == ("voice", "sms", "data")[event["service"]]
        assert usage.identity == (f"msc-{event['source']:02d}", 0, event["sequence"])
        assert usage.number("started_at") == event["started_at"]
        number = event["route"]
        route = f"TG-{number:03d}" if number < 400 else f"TX-{number - 400:03d}"
        incoming = event["direction"] == 0
        assert usage.text("direction") == ("in" if incoming else "out")
        if usage.service == "data":
            assert usage.text("access_point") == route
            assert usage.number("volume_down_bytes") == event["bytes"]
            continue
        assert usage.text("ingress_route") == (route if incoming else None)
        assert usage.text("egress_route") == (None if incoming else route)
        assert usage.text("called_number") == str(event["b_number"])
        assert usage.text("routing_number") == (str(event["routing_number"] or "") or None)
        if usage.service == "voice":
            assert usage.number("duration_ms") == event["duration_ms"]


def test_envelopes_hold_the_same_events_in_order() -> None:
    """One source and one family an envelope, full ones before the rest, order within both kept."""
    data, order = columns(EVENTS)
    alone, packed = encode(data, order), envelopes(data, order, 20)
    read = events_of(packed)
    assert packed.events.tolist() == [len(events) for events in read]
    assert int(packed.events.max()) == 20
    sequences: dict[tuple[str, str], list[bytes]] = {}
    for source, events in zip(packed.source.tolist(), read, strict=True):
        assert {(e.source, e.service) for e in events} == {(f"msc-{source:02d}", events[0].service)}
        key = (events[0].source, events[0].service)
        sequences.setdefault(key, []).extend(e.body for e in events)
    singly: dict[tuple[str, str], list[bytes]] = {}
    for (usage,) in events_of(alone):
        singly.setdefault((usage.source, usage.service), []).append(usage.body)
    assert sequences == singly
    # 16 sources and 3 families leave at most 48 envelopes that are not full, all at the end.
    partly = np.flatnonzero(packed.events < 20)
    assert len(partly) <= 48
    assert partly.min() >= len(read) - 48


def test_messages_go_to_the_partitions_of_their_sources() -> None:
    """Every message has one partition, and keeps its place in the order there."""
    messages = encode(*columns(EVENTS))
    rows = messages.partition_rows(4)
    assert sorted(np.concatenate(rows).tolist()) == list(range(EVENTS))
    for partition, of_partition in enumerate(rows):
        assert (np.diff(of_partition) > 0).all()
        names = {f"msc-{s:02d}" for s in messages.source[of_partition].tolist()}
        assert {partition_of(name, 4) for name in names} == {partition}


@pytest.mark.parametrize("size", [1, 200])
def test_the_oracle_settles_the_traffic_to_the_expected_table(
    written: Reference, size: int
) -> None:
    """Two independent ways, from bytes and from columns, to the same events, volumes and micros."""
    data, order = columns(EVENTS)
    messages = encode(data, order) if size == 1 else envelopes(data, order, size)
    log_time = int(data["started_at"].max())
    settled = settle(
        written,
        (
            (partition, offset, log_time, messages.values[int(row)].as_py())
            for partition, rows in enumerate(messages.partition_rows(4))
            for offset, row in enumerate(rows.tolist())
        ),
        usage_partitions=4,
        explained=(),
    )
    table = expected(EVENTS)
    rated = sum(events for events, _, _ in table.table.values())
    assert settled.counts == Counter(
        {
            ("rated", "none"): rated,
            ("duplicate", "none"): EVENTS // 100,
            **unknown_by_service(data),
        }
    )
    found = {
        (key.agreement, key.item, key.hour): (row.events, row.quantity, row.charge_micros)
        for key, row in settled.accruals.items()
        if key.hour is not None
    }
    assert found == {
        (agreement_name(partner), item_name(service, direction), hour): row
        for (partner, service, direction, hour), row in table.table.items()
    }


def unknown_by_service(data: Columns) -> dict[tuple[str, str], int]:
    """How many events are suspended for an unknown route, and for an unknown access point."""
    unknown = data["route"] >= 400
    by_point = int((unknown & (data["service"] == 2)).sum())
    counts = {
        ("suspended", "unknown_access_point"): by_point,
        ("suspended", "unknown_route"): int(unknown.sum()) - by_point,
    }
    return {key: count for key, count in counts.items() if count}


def test_a_larger_reference_is_written_whole(tmp_path: Path) -> None:
    """More partners and longer decks come out as files like the original's."""
    shape = Shape(partners=500, decks=2, deck_size=10_100)
    write_reference(tmp_path, shape=shape)
    known = read_reference(tmp_path)
    assert len(known.agreements) == 500
    assert [len(deck.zones) for deck in known.decks.values()] == [10_100, 10_100]
    assert {len(deck.rates) for deck in known.decks.values()} == {10_100}
    owners = {known.owner("route", f"TG-{i:03d}", 0) for i in range(shape.routes)}
    assert owners == set(known.agreements)
    messages = encode(*columns(100, shape=shape), shape=shape)
    assert isinstance(messages.values, pa.BinaryArray)


def test_partial_records_come_in_pairs() -> None:
    """A second part follows a first one of its source, route and direction; others are firsts."""
    data, _ = workload.columns(30_000)
    before = workload.partials(data)
    rows = np.flatnonzero(before >= 0)
    assert np.all(rows % workload.PARTIAL_EVERY == 0)
    assert np.all(data["service"][rows] == 0)
    seconds = rows[before[rows] != rows]
    assert 0 < len(seconds) < len(rows) / 2
    for name in ("source", "route", "direction"):
        assert np.array_equal(data[name][seconds], data[name][before[seconds]])
    assert np.array_equal(before[before[seconds]], before[seconds])
