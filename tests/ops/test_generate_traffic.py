"""Tests of the traffic as a whole: order, counting, repeats, times, and what becomes of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.generate import messages, write_reference
from ops.generate_traffic import DAYS, HOUR_US, HOURS, START_US, Traffic, TrafficBlock
from ops.oracle import settle
from ops.oracle_reference import read_reference
from schemas.codes import Service
from tests.usage_makers import ordered

EVENTS = 40_000
LOG_TIME_US = START_US + DAYS * 24 * HOUR_US

Row = dict[str, Any]


def rows_in(block: TrafficBlock) -> list[Row]:
    """The events of a block as dictionaries in sending order; times are integers."""
    found: list[tuple[int, Row]] = []
    for family in block.families:
        table = pa.table(family.columns)
        at = table.column_names.index("started_at")
        table = table.set_column(at, "started_at", table["started_at"].cast(pa.int64()))
        rows = [{"service": family.service.label, **r} for r in table.to_pylist()]
        found += zip(family.places.tolist(), rows, strict=True)
    return [row for _, row in sorted(found, key=lambda pair: pair[0])]


@pytest.fixture(scope="module")
def traffic() -> list[Row]:
    """Forty thousand messages of seed 7 in sending order."""
    (block,) = Traffic(7).blocks(EVENTS, EVENTS)
    return rows_in(block)


def identity(row: Row) -> tuple[str, int, int | None, str | None]:
    """What an event is recognised by."""
    return row["source"], row["epoch"], row["sequence"], row["event_id"]


@settings(max_examples=15)
@given(st.integers(0, 400), st.integers(40, 400), st.integers(0, 2**32))
def test_blocks_of_any_size_hold_the_same_messages(events: int, size: int, seed: int) -> None:
    """How traffic is cut into blocks changes nothing in it, nor how many messages there are."""
    whole = [row for block in Traffic(seed).blocks(events, events or 1) for row in rows_in(block)]
    parts = [row for block in Traffic(seed).blocks(events, size) for row in rows_in(block)]
    assert parts == whole
    assert len(whole) == events


def test_a_block_is_taken_apart_by_source_and_family() -> None:
    """Each part holds one source's events of one family, in the order in which they are sent."""
    block = Traffic(7).block(0, 5_000, 5_000)
    parts = list(block)
    assert len(block) == 5_000 == sum(len(columns["source"]) for _, _, columns in parts)
    assert len({(source, service) for source, service, _ in parts}) == len(parts)
    for source, _, columns in parts:
        assert set(columns["source"].to_pylist()) == {source}
    for family in block.families:
        for start, upto in zip(family.edges[:-1], family.edges[1:], strict=True):
            assert (np.diff(family.places[start:upto]) > 0).all()


def test_one_message_in_a_hundred_repeats_an_earlier_one(traffic: list[Row]) -> None:
    """Every repeat comes after what it repeats: some soon, some much later."""
    first: dict[object, int] = {}
    distances = []
    for place, row in enumerate(traffic):
        if identity(row) in first:
            distances.append(place - first[identity(row)])
        else:
            first[identity(row)] = place
    assert len(distances) == EVENTS // 100
    near = sum(distance <= 2_100 for distance in distances)
    assert 0.4 * len(distances) < near < 0.8 * len(distances)
    assert max(distances) > EVENTS // 2


def test_some_repeats_say_something_else(traffic: list[Row]) -> None:
    """About two in a hundred repeats have another body under the same key."""
    bodies: dict[object, set[str]] = defaultdict(set)
    for row in traffic:
        bodies[identity(row)].add(str(sorted(row.items())))
    conflicting = sum(len(said) > 1 for said in bodies.values())
    assert 1 <= conflicting <= 25


def test_sources_count_their_own_events(traffic: list[Row]) -> None:
    """Fifteen sources number theirs over all services and lose about one in a thousand."""
    numbers: dict[tuple[str, int], set[int]] = defaultdict(set)
    services: dict[str, set[str]] = defaultdict(set)
    for row in traffic:
        services[row["source"]].add(row["service"])
        if row["sequence"] is not None:
            numbers[row["source"], row["epoch"]].add(row["sequence"])
    assert len(services) == 16
    assert len(numbers) == 15
    assert len(services["mediation-00"]) == 6
    missing = sum(max(n) - min(n) + 1 - len(n) for n in numbers.values())
    counted = sum(len(n) for n in numbers.values())
    # The last few of each source may be late in coming; a lost one in 1,024 is the rule.
    assert counted // 2_000 < missing < counted // 500


def test_one_source_gives_event_ids(traffic: list[Row]) -> None:
    """An old feed has no counter; its ids are its own."""
    for row in traffic:
        assert (row["event_id"] is None) == (row["source"] != "mediation-15")
        assert (row["sequence"] is None) == (row["source"] == "mediation-15")


def test_a_counter_that_starts_again_has_a_new_epoch() -> None:
    """The fourth source restarts after 20,000 events: epoch 1, from 0 on."""
    # It reports 6 of 64 events, so its 20,000th lies near place 20,000 / 6 * 64 / 0.99 = 215,488.
    block = Traffic(7).block(215_000, 217_000, 1_000_000)
    fourth = [r for r in rows_in(block) if r["source"] == "mediation-03"]
    restarted = [r["sequence"] for r in fourth if r["epoch"] == 1]
    assert min(restarted) == 0
    assert max(r["sequence"] for r in fourth if r["epoch"] == 0) > 20_000


def test_the_order_of_events_has_the_days_profile(traffic: list[Row]) -> None:
    """Evenings are busy, nights are quiet: each hour has about its share of an average day."""
    inside = [r["started_at"] - START_US for r in traffic]
    hours = Counter(us // HOUR_US % 24 for us in inside if 0 <= us < DAYS * 24 * HOUR_US)
    total = sum(hours.values())
    assert max(hours, key=lambda h: hours[h]) in (18, 19, 20)
    assert min(hours, key=lambda h: hours[h]) in (2, 3, 4)
    for hour, weight in enumerate(HOURS):
        assert abs(hours[hour] / total - weight / sum(HOURS)) < 0.01


def test_traffic_crosses_the_end_of_the_month(traffic: list[Row]) -> None:
    """About half lies in October and half in November, and some arrives after its time."""
    november_us = START_US + 3 * 24 * HOUR_US  # three days after 29 October
    before = sum(r["started_at"] < november_us for r in traffic)
    assert 0.45 < before / len(traffic) < 0.55
    late_months = [
        row
        for place, row in enumerate(traffic)
        if row["started_at"] < november_us and place > 0.6 * len(traffic)
    ]
    assert len(late_months) > 20


def test_every_service_is_there(traffic: list[Row]) -> None:
    """More than half are calls; the rest is spread over all other families."""
    counts = Counter(r["service"] for r in traffic)
    assert set(counts) == {service.label for service in Service}
    assert counts["voice"] > len(traffic) // 2


def test_every_outcome_is_met(tmp_path: Path) -> None:
    """Most is rated; each reason that traffic can give, it gives; nothing is undecodable."""
    traffic = Traffic(7)
    write_reference(traffic, tmp_path)
    sent: list[bytes] = []
    for block in traffic.blocks(25_000):
        sent += [v for _, v in messages(block, 1)[0] if v is not None]
    log = ((0, offset, LOG_TIME_US, value) for offset, value in enumerate(sent))
    counts = settle(read_reference(tmp_path), log, explained=[]).counts
    assert sum(counts.values()) == 25_000
    assert 0.80 < counts["rated", "none"] / 25_000 < 0.90
    assert 240 <= counts["duplicate", "none"] <= 250
    assert {reason for _, reason in counts} >= {
        "test",
        "retail",
        "no_attribution_key",
        "unknown_route",
        "unknown_access_point",
        "unknown_channel",
        "no_agreement",
        "no_rate",
        "currency_mismatch",
        "future_time",
        "conflicting_body",
        "negative_quantity",
        "impossible_time",
        "invalid_number",
    }
    unknown = counts["suspended", "unknown_route"] / 25_000
    assert 0.002 < unknown < 0.004


def test_seeds_make_different_traffic() -> None:
    """Another seed is another network, not a shifted one."""
    one, other = (rows_in(Traffic(seed).block(0, 300, 300)) for seed in (7, 8))
    assert ordered(one) != ordered(other)
    bodies = [{str(r["started_at"]) for r in rows} for rows in (one, other)]
    assert len(bodies[0] & bodies[1]) < 10
