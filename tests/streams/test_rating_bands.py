"""Charges by time band: the same calls under each rule, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas.codes import Reason, Service
from state.tables import Tables
from streams.banding import LONGEST_S
from streams.packing import unpack
from streams.privacy import Tokens
from streams.rated import Blocks
from streams.rating import Rated
from streams.usage import UsageBatch
from tests import builders
from tests.band_makers import DAY_AND_NIGHT, TUESDAY_EVENING, banded, tables_of, us
from tests.makers import rated_of, usage
from tests.usage_makers import message, row


def calls(*spans: tuple[str, int]) -> UsageBatch:
    """Calls that begin at these moments and last so many seconds."""
    rows = [
        row(
            Service.VOICE,
            sequence=number,
            ingress_route="TG-1",
            started_at=us(moment),
            duration_ms=seconds * 1_000,
        )
        for number, (moment, seconds) in enumerate(spans)
    ]
    return usage(*(message(Service.VOICE, fields) for fields in rows))


def costs(result: Rated) -> list[tuple[int, int, int]]:
    """Measured, charged for, and micros of each leg."""
    columns = (result.raw_quantity, result.quantity, result.charge_micros)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ("complete_increment", (62, 90, 2_500_000)),  # 60 s at 2 and 30 s at 1: 2 + 0.5
        ("round_each_band", (62, 150, 3_500_000)),  # 60 s at 2 and 90 s at 1: 2 + 1.5
        ("start_band", (62, 120, 4_000_000)),  # 120 s at 2
    ],
)
def test_what_a_call_over_the_edge_costs_is_the_contracts_rule(
    tmp_path: Path, split: str, expected: tuple[int, int, int]
) -> None:
    """62 seconds from one second before 18:00."""
    tables = tables_of(tmp_path, banded(split=split))
    assert costs(rated_of(calls((TUESDAY_EVENING, 62)), tables)) == [expected]


def test_the_connect_fee_is_the_starting_bands_and_once(tmp_path: Path) -> None:
    """10 to connect, 0.35 and 0.16875 a minute, each part rounded up: 10.6875."""
    prices = (
        "day: {amount: 0.35, connect_fee: 10, initial_seconds: 60, next_seconds: 60}, "
        "night: {amount: 0.16875, connect_fee: 7, initial_seconds: 60, next_seconds: 60}"
    )
    tables = tables_of(tmp_path, banded(prices, "round_each_band"))
    # 1 minute by day and 2 by night; from 18:00 on 7 and 2 x 0.16875; unanswered nothing.
    found = rated_of(
        calls((TUESDAY_EVENING, 62), ("2024-11-12T18:00:00", 61), (TUESDAY_EVENING, 0)), tables
    )
    assert costs(found) == [(62, 180, 10_687_500), (61, 120, 7_337_500), (0, 0, 0)]


def test_two_minutes_around_the_edge(tmp_path: Path) -> None:
    """17:59 to 18:01 at 1 and 0.5 a second, 1 to connect by day: 60 + 30 + 1 = 91."""
    prices = "day: {amount: 1, connect_fee: 1}, night: {amount: 0.5}"
    tables = tables_of(tmp_path, banded(prices, per="second"))
    found = rated_of(calls(("2024-11-12T17:59:00", 120), ("2024-11-12T17:58:00", 120)), tables)
    assert costs(found) == [(120, 120, 91_000_000), (120, 120, 121_000_000)]


def test_limits_are_those_of_the_band_in_which_a_call_begins(tmp_path: Path) -> None:
    """At most 1 and 0.25 an attempt by day, at least 5 by night, for the whole of a call."""
    prices = "day: {amount: 2, maximum: 1, attempt_fee: 0.25}, night: {amount: 1, minimum: 5}"
    tables = tables_of(tmp_path, banded(prices))
    evening = "2024-11-12T18:00:00"
    # 1 s by day and 119 by night are 2.01667: at most 1. From 18:00 two minutes are 2: at least 5.
    found = rated_of(
        calls((TUESDAY_EVENING, 120), (evening, 120), (TUESDAY_EVENING, 0), (evening, 0)), tables
    )
    assert found.charge_micros.tolist() == [1_000_000, 5_000_000, 250_000, 0]


def test_a_holiday_on_a_monday_is_night_all_day(tmp_path: Path) -> None:
    """Noon on 18 November 2024, a Monday off, and on the Monday before."""
    tables = tables_of(tmp_path, banded())
    found = rated_of(calls(("2024-11-18T12:00:00", 60), ("2024-11-11T12:00:00", 60)), tables)
    assert costs(found) == [(60, 60, 1_000_000), (60, 60, 2_000_000)]


def test_bands_go_by_the_clock_of_the_agreement(tmp_path: Path) -> None:
    """17:30 in UTC is 18:30 in Berlin, and half past noon in New York."""
    call = calls(("2024-11-12T17:30:00", 60))
    for zone, micros in (("Europe/Berlin", 10**6), ("America/New_York", 2 * 10**6)):
        found = rated_of(call, tables_of(tmp_path / zone, banded(), zone=zone))
        assert costs(found) == [(60, 60, micros)]


def test_data_is_priced_by_the_band_it_begins_in(tmp_path: Path) -> None:
    """Nobody knows when in a session its bytes came: 3 MB at 2 from 17:59, at 1 from 18:00."""
    price = banded("day: {amount: 2}, night: {amount: 1}", "start_band", "megabyte")
    tables = tables_of(tmp_path, price, service="data", role="subscriber")
    sessions = [
        row(
            Service.DATA,
            sequence=number,
            access_point="ap",
            started_at=us(moment),
            duration_ms=3_600_000,
            volume_up_bytes=0,
            volume_down_bytes=3_000_000,
        )
        for number, moment in enumerate(["2024-11-12T17:59:00", "2024-11-12T18:00:00"])
    ]
    found = rated_of(usage(*(message(Service.DATA, s) for s in sessions)), tables)
    assert costs(found) == [(3 * 10**6, 3 * 10**6, 6 * 10**6), (3 * 10**6, 3 * 10**6, 3 * 10**6)]


def test_a_leg_too_long_to_be_split_is_a_state_with_a_reason(tmp_path: Path) -> None:
    """31 days are split, a second more is a mistake; the band of the start prices any."""
    batch = calls((TUESDAY_EVENING, LONGEST_S), (TUESDAY_EVENING, LONGEST_S + 1), ("2024-11-12", 9))
    found = rated_of(batch, tables_of(tmp_path / "a", banded()))
    assert found.reason.tolist() == [0, Reason.TOO_LONG, 0]
    found = rated_of(batch, tables_of(tmp_path / "b", banded(split="start_band")))
    assert found.reason.tolist() == [0, 0, 0]


def test_legs_without_an_item_have_no_bands(tmp_path: Path) -> None:
    """A leg that has a reason already is looked up nowhere."""
    tables = tables_of(tmp_path, banded(), role="egress")
    assert rated_of(calls((TUESDAY_EVENING, 62)), tables).reason.tolist() == [Reason.NO_ITEM]


def block(batch: UsageBatch, result: Rated, tables: Tables) -> list[dict[str, Any]]:
    """Rated legs as strangers read them, by sequence."""
    data = Blocks(tables, Tokens(b"key")).to_bytes(batch, result, {})
    return sorted(unpack(data).to_pylist(), key=lambda leg: int(leg["sequence"]))


def test_blocks_show_the_band_and_the_parts(tmp_path: Path) -> None:
    """The band in which a leg begins, and of one that went on its parts with their prices."""
    tables = tables_of(tmp_path, banded())
    batch = calls((TUESDAY_EVENING, 62), ("2024-11-12T20:00:00", 31))
    first, second = block(batch, rated_of(batch, tables), tables)
    assert (first["band"], second["band"], second["parts"]) == ("day", "night", None)
    assert first["parts"] == [
        {"band": "day", "seconds": 1, "quantity": 60, "price_nanos": 2 * 10**9},
        {"band": "night", "seconds": 61, "quantity": 30, "price_nanos": 10**9},
    ]


def test_blocks_without_bands_have_no_columns_for_them(tmp_path: Path) -> None:
    """What nobody uses is not there; a block without a crossing leg has no parts."""
    plain = builders.tables(builders.reference_dir(tmp_path / "a"))
    batch = usage(message(Service.VOICE, row(Service.VOICE, ingress_route="TG-001")))
    (leg,) = block(batch, rated_of(batch, plain), plain)
    assert not {"band", "parts"} & set(leg)
    tables = tables_of(tmp_path / "b", banded())
    batch = calls(("2024-11-12T20:00:00", 31))
    (leg,) = block(batch, rated_of(batch, tables), tables)
    assert leg["band"] == "night"
    assert "parts" not in leg


def test_parts_go_where_their_legs_go(tmp_path: Path) -> None:
    """Taking some legs takes their parts, numbered anew and in order; or none at all."""
    tables = tables_of(tmp_path, banded(DAY_AND_NIGHT, "round_each_band"))
    batch = calls((TUESDAY_EVENING, 62), ("2024-11-12T20:00:00", 31), (TUESDAY_EVENING, 100))
    result = rated_of(batch, tables)
    assert result.parts is not None
    assert result.parts.leg.tolist() == [0, 0, 2, 2]
    assert result.parts.seconds.tolist() == [1, 61, 1, 99]
    turned = result.take(np.array([2, 0])).parts
    assert turned is not None
    assert (turned.leg.tolist(), turned.seconds.tolist()) == ([0, 0, 1, 1], [1, 99, 1, 61])
    last = result.take(slice(1, 3)).parts
    assert last is not None
    assert (last.leg.tolist(), last.quantity.tolist()) == ([1, 1], [60, 120])
    assert result.take(np.array([False, True, False])).parts is None


def test_a_split_leg_beyond_64_bits_is_computed_alone(tmp_path: Path) -> None:
    """Five hours at a million a minute are 300 million, right to the last nano."""
    prices = "day: {amount: 1000000}, night: {amount: 999999.999999999}"
    tables = tables_of(tmp_path, banded(prices), terms=", rounding: {place: line}")
    # From 15:00 to 20:00: three hours by day, two by night; beside a leg that is small.
    found = rated_of(calls(("2024-11-12T15:00:00", 18_000), ("2024-11-12T17:59:59", 2)), tables)
    day, night = 10_800 * 10**15, 7_200 * (10**15 - 1)
    charge, residue = int(found.charge_micros[0]), int(found.residue[0])
    assert charge * 60 * 1_000 + residue == day + night
    assert 0 <= residue < 60 * 1_000


DECK = {
    "decks/PEAK.prefixes.csv": "prefix,zone\n49,DE\n4917,DE-MOBILE\n33,FR\n",
    "decks/PEAK.rates.csv": """\
zone,band,price_per_minute,initial_seconds,next_seconds,connect_fee,valid_from,valid_upto
DE-MOBILE,night,0.5,1,1,0,,
DE-MOBILE,day,4,1,1,0,,
DE,day,2,60,60,10,,
DE,night,1,30,30,99,,2024-11-20
DE,night,3,30,30,99,2024-11-20,
FR,day,1,1,1,0,2025-01-01,
FR,night,1,1,1,0,2025-01-01,
""",
}


@pytest.mark.parametrize(
    ("split", "micros"),
    [
        ("complete_increment", 12_500_000),
        ("round_each_band", 13_500_000),
        ("start_band", 14_000_000),
    ],
)
def test_a_deck_may_have_rates_by_band(tmp_path: Path, split: str, micros: int) -> None:
    """The zone by the longest prefix, the rate by band and day: 10 to connect, 2 and 1 a minute."""
    price = f"{{kind: deck, deck: PEAK, bands: {{of: WEEK, split: {split}}}}}"
    tables = tables_of(tmp_path, price, others=DECK)
    rows = [
        row(
            Service.VOICE,
            sequence=number,
            ingress_route="TG-1",
            started_at=us(moment),
            called_number=called,
            duration_ms=62_000,
        )
        for number, (moment, called) in enumerate(
            [
                (TUESDAY_EVENING, "4930123"),
                (TUESDAY_EVENING, "4917123"),
                ("2024-11-20T18:00:00", "4930123"),
                (TUESDAY_EVENING, "33123"),
                (TUESDAY_EVENING, "1809"),
            ]
        )
    ]
    batch = usage(*(message(Service.VOICE, fields) for fields in rows))
    found = rated_of(batch, tables)
    # To a mobile 1 s at 4 and 61 at 0.5 a minute, or all 62 at 4; from the 20th three a minute at
    # night: 90 s and 99 to connect. France has rates from 2025 on only, 1809 is nobody's prefix.
    mobile = 4_133_333 if split == "start_band" else 575_000
    assert found.charge_micros.tolist()[:3] == [micros, mobile, 103_500_000]
    assert found.reason.tolist() == [0, 0, 0, Reason.NO_RATE, Reason.NO_RATE]
    first = block(batch, found, tables)[0]
    assert (first["zone"], first["band"]) == ("DE", "day")
    assert [part["price_nanos"] for part in first.get("parts") or ()] == (
        [] if split == "start_band" else [2 * 10**9, 10**9]
    )
