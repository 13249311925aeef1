"""A call over the edge of a time band through both hops: settled, explained, closed, verified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ops.explain import explain
from ops.explain_event import EventName
from ops.explain_text import steps
from ops.reading import Opened
from schemas.codes import Service
from tests.band_makers import TUESDAY_EVENING, banded, directory_of, us
from tests.ops.books import close, settle, verdict
from tests.usage_makers import row

PRICES = (
    "day: {amount: 2, connect_fee: 0.5, initial_seconds: 60, next_seconds: 60}, "
    "night: {amount: 1, initial_seconds: 30, next_seconds: 30}"
)


def call(sequence: int, moment: str, seconds: int) -> dict[str, Any]:
    """A call of so many seconds."""
    return row(
        Service.VOICE,
        sequence=sequence,
        ingress_route="TG-1",
        started_at=us(moment),
        duration_ms=1_000 * seconds,
    )


# 62 s over the edge: 60 x 2 / 60 + 30 x 1 / 60 + 0.5 = 3; 31 s at night: 60 x 1 / 60 = 1; and a
# record of 40 days, which nobody splits.
CALLS = (
    call(1, TUESDAY_EVENING, 62),
    call(2, "2024-11-12T20:00:00", 31),
    call(3, "2024-11-12T20:00:00", 40 * 86_400),
)


@pytest.fixture(scope="module", name="data")
def _data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three calls, settled one after the other and closed; a fourth comes late."""
    data = tmp_path_factory.mktemp("bands") / "data"
    directory = directory_of(data.with_name("reference"), banded(PRICES))
    settle(data, CALLS[:1], directory)
    settle(data, CALLS[1:], directory)
    close(data, "2024-11", "ALFA-1")
    settle(data, [call(4, TUESDAY_EVENING, 1)], directory)
    return data


def told(data: Path, sequence: int) -> dict[str, Any]:
    """What is known of a call."""
    with Opened(data) as opened:
        document = explain(opened, EventName("msc-1", 0, sequence, None))
    assert document is not None
    return document


def test_the_parts_of_a_call_are_explained(data: Path) -> None:
    """Band, seconds and price of each part, and the sum they make."""
    document = told(data, 1)
    (leg,) = document["legs"]
    assert leg["rate_line"] == (
        "bands WEEK, complete_increment, begins in day: "
        "day 2 per minute, connect fee 0.5, increments 60/60 s; "
        "night 1 per minute, increments 30/30 s"
    )
    assert (leg["measured"], leg["charged"]) == ("62 seconds", "90 seconds")
    assert leg["parts"] == [
        "day: 1 s, charged 60 s at 2 per minute",
        "night: 61 s, charged 30 s at 1 per minute",
    ]
    assert leg["arithmetic"] == "60 x 2 / 60 + 30 x 1 / 60 + 0.5 = 3 -> 3.000000"
    assert ("part", leg["parts"][1]) in list(steps(document))


def test_a_call_within_one_band_has_no_parts(data: Path) -> None:
    """It is explained like any other, by the price of its band."""
    (leg,) = told(data, 2)["legs"]
    assert leg["parts"] == []
    assert leg["rate_line"].startswith("bands WEEK, complete_increment, begins in night: night 1")
    assert leg["arithmetic"] == "60 x 1 / 60 = 1 -> 1.000000"
    assert leg["statement_lines"] == ["ALFA-1-000001 line 1: one 4.000000 EUR"]


def test_a_record_too_long_waits_and_says_why(data: Path) -> None:
    """Suspended, with what to do about it."""
    (waiting,) = told(data, 3)["not_rated"]
    assert (waiting["state"], waiting["reason"]) == ("suspended", "too_long")
    assert waiting["what_to_do"].startswith("check the duration with the source")


def test_late_usage_by_bands_is_an_adjustment_and_all_is_verified(data: Path) -> None:
    """The oracle walks along the clock and comes to the same, to the last digit."""
    (leg,) = told(data, 4)["legs"]
    assert (leg["booked"], leg["charge"]) == ("2024-12", "2.500000")
    found = verdict(data)
    assert found.differences == []
    assert found.outcomes == {"rated": 3, "suspended": 1}


def test_prices_of_bytes_say_no_increments(tmp_path: Path) -> None:
    """Increments are of time; a session is priced by the band it begins in."""
    price = banded("day: {amount: 2}, night: {amount: 1}", "start_band", "megabyte")
    directory = directory_of(tmp_path / "r", price, service="data", role="subscriber")
    session = row(
        Service.DATA,
        access_point="ap",
        started_at=us(TUESDAY_EVENING),
        volume_up_bytes=0,
        volume_down_bytes=3_000_000,
    )
    settle(tmp_path / "data", [session], directory)
    (leg,) = told(tmp_path / "data", 1)["legs"]
    assert leg["rate_line"] == (
        "bands WEEK, start_band, begins in day: day 2 per megabyte; night 1 per megabyte"
    )
    assert leg["charge"] == "6.000000"
    assert verdict(tmp_path / "data").differences == []


def test_a_deck_by_band_is_explained_with_zone_and_band(tmp_path: Path) -> None:
    """The zone's rate of the band in which the call begins, and the parts at theirs."""
    deck = {
        "decks/PEAK.prefixes.csv": "prefix,zone\n49,DE\n",
        "decks/PEAK.rates.csv": "zone,band,price_per_minute,initial_seconds,next_seconds,"
        "connect_fee,valid_from,valid_upto\nDE,day,2,60,60,0.5,,\nDE,night,1,30,30,0,,\n",
    }
    price = "{kind: deck, deck: PEAK, bands: {of: WEEK, split: round_each_band}, less_percent: 50}"
    directory = directory_of(tmp_path / "r", price, others=deck)
    evening = call(2, "2024-11-12T20:00:00", 31)
    settle(tmp_path / "data", [call(1, TUESDAY_EVENING, 62), evening], directory)
    (late,) = told(tmp_path / "data", 2)["legs"]
    assert late["rate_line"].endswith("zone DE: night 1 per minute x 0.5, increments 30/30 s")
    (leg,) = told(tmp_path / "data", 1)["legs"]
    assert leg["rate_line"] == (
        "bands WEEK, round_each_band, deck PEAK, zone DE: day 2 per minute, connect fee 0.5 x 0.5,"
        " increments 60/60 s"
    )
    assert leg["arithmetic"] == ("(60 x 2 / 60 + 90 x 1 / 60 + 0.5) x 0.5 = 2 -> 2.000000")
    assert verdict(tmp_path / "data").differences == []
