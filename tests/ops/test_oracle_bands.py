"""The oracle's bands: read as text, looked up on the wall clock, walked second by second."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ops.oracle import settle
from ops.oracle_bands import EPOCH, BandPart, Plan, band_at, band_parts, read_plans
from tests.ops.oracle_makers import NOON, call, item, log, reference, version

BERLIN = ZoneInfo("Europe/Berlin")
PLAN = Plan(
    {
        **dict.fromkeys(
            ["mon", "tue", "wed", "thu", "fri"], (("00:00", "day"), ("18:00", "night"))
        ),
        **dict.fromkeys(["sat", "sun", "holiday"], (("00:00", "night"),)),
    },
    frozenset({"2026-12-25"}),
)
INCREMENTS = {"day": (60, 60), "night": (30, 30)}


def us(text: str) -> int:
    """The microsecond at which a clock in Berlin shows this."""
    local = datetime.fromisoformat(text).replace(tzinfo=BERLIN)
    return (local - EPOCH) // timedelta(microseconds=1)


def test_plans_are_read_with_their_holidays(tmp_path: Path) -> None:
    """Ranges are written out; a directory without plans has none."""
    assert read_plans(tmp_path) == {}
    (tmp_path / "bands.yaml").write_text(
        "- bands: W\n  holidays: DE\n  days:\n"
        '    mon-fri: [{from: "00:00", band: day}, {from: 18:00, band: night}]\n'
        '    sat-sun: [{from: "00:00", band: night}]\n'
        '    holiday: [{from: "00:00", band: night}]\n'
        '- {bands: N, days: {mon-sun: [{from: "00:00", band: a}]}}\n'
    )
    (tmp_path / "holidays").mkdir()
    (tmp_path / "holidays" / "DE.csv").write_text("date,name\n2026-12-25,Christmas\n")
    plans = read_plans(tmp_path)
    assert plans["W"] == PLAN
    assert plans["N"].days["sun"] == (("00:00", "a"),)
    assert plans["N"].holidays == frozenset()


def test_a_plan_that_is_none_is_named(tmp_path: Path) -> None:
    """The oracle trusts that a reference was checked, but does not guess."""
    (tmp_path / "bands.yaml").write_text("- {bands: N, days: [mon]}\n")
    with pytest.raises(TypeError, match="days are not fields"):
        read_plans(tmp_path)


@pytest.mark.parametrize(
    ("moment", "band"),
    [
        ("2026-11-10T17:59:59", "day"),
        ("2026-11-10T18:00", "night"),
        ("2026-11-14T12:00", "night"),
        ("2026-12-25T12:00", "night"),  # a Friday, but Christmas
        ("2026-12-28T00:00", "day"),
    ],
)
def test_a_band_is_what_clock_and_calendar_show(moment: str, band: str) -> None:
    """In the zone of the agreement."""
    assert band_at(PLAN, BERLIN, us(moment)) == band


@pytest.mark.parametrize(
    ("split", "parts"),
    [
        ("round_each_band", [BandPart("day", 1, 60), BandPart("night", 61, 90)]),
        ("complete_increment", [BandPart("day", 1, 60), BandPart("night", 61, 30)]),
        ("start_band", [BandPart("day", 62, 120)]),
    ],
)
def test_each_rule_by_hand(split: str, parts: list[BandPart]) -> None:
    """62 seconds from 17:59:59: 1 + 61 of 60/60 and 30/30, or 62 seconds as two whole minutes."""
    found = band_parts(PLAN, BERLIN, us("2026-11-10T17:59:59"), 62, split, INCREMENTS)
    assert list(found) == parts


@pytest.mark.parametrize(
    ("split", "charge"),
    [
        ("round_each_band", 13_500_000),  # 10 + 2 + 1.5
        ("complete_increment", 12_500_000),  # 10 + 2 + 0.5
        ("start_band", 14_000_000),  # 10 + 2 x 2
    ],
)
def test_a_leg_is_charged_by_its_parts(tmp_path: Path, split: str, charge: int) -> None:
    """From the reference to the charge, with 10 to connect by day and 99 by night."""
    (tmp_path / "bands.yaml").write_text(
        '- {bands: W, days: {mon-sun: [{from: "00:00", band: day}, '
        '{from: "18:00", band: night}]}}\n'
    )
    prices = (
        "{day: {amount: 2, connect_fee: 10, initial_seconds: 60, next_seconds: 60}, "
        "night: {amount: 1, connect_fee: 99, initial_seconds: 30, next_seconds: 30}}"
    )
    price = f"{{kind: unit, per: minute, bands: {{of: W, split: {split}, prices: {prices}}}}}"
    agreed = reference(tmp_path, {"A": [version(item(price), zone="Europe/Berlin")]})
    late = call(started_at="2026-11-10T17:59:59+01:00", duration_ms=62_000)
    long = call(2, started_at=NOON, duration_ms=31 * 86_400_000 + 1)
    settled = settle(agreed, log([late, long], at="2026-12-31T00:00:00+00:00"))
    (leg,) = next(trace.legs for trace in settled.explain(("msc-1", 0, 1)))
    assert leg.charge_micros == charge
    assert settled.counts["suspended", "too_long"] == (0 if split == "start_band" else 1)


def test_a_call_of_no_seconds_has_no_parts() -> None:
    """An unanswered call lies in a band and has nothing in it."""
    assert band_parts(PLAN, BERLIN, us("2026-11-10T12:00"), 0, "start_band", INCREMENTS) == ()
