"""Legs become cells: which windows and members, with what, and samples over several windows."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ops.oracle_measures import Counted, _spread
from schemas.codes import Service
from state.tables import Tables
from streams.cell_folding import fold_cells
from streams.contribution import Series, SeriesTexts
from streams.privacy import Tokens
from tests.builders import agreement_text, reference_dir, tables
from tests.makers import rated_of, usage
from tests.usage_makers import NOVEMBER_US, message, row

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
KEYS = (
    "product,CIR-1,ALFA-1,,\nproduct,CIR-2,ALFA-1,,\nroute,TG-1,ALFA-1,,\naccess_point,ap,ALFA-1,,"
)
Figures = tuple[str, int, int, int]  # member, window, up, down


def tables_of(item: str, zone: str = "UTC") -> Tables:
    """One item of an agreement."""
    terms = f"valid_from: 2026-01-01, zone: {zone}, currency: EUR"
    agreement = agreement_text(f"{{{item}}}", terms=terms)
    attribution = f"kind,key,agreement,valid_from,valid_upto\n{KEYS}\n"
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        return tables(reference_dir(place, agreements=agreement, attribution=attribution))


PORT = (
    "item: port, role: product, service: bandwidth, flow: receivable, "
    "measure: {of: percentile, percent: 95}, "
    "price: {kind: tiers, per: megabit_per_second, tiers: [{price: 1}]}"
)
PORTS = tables_of(PORT)


def cells_of(known: Tables, service: Service, *rows: dict[str, Any]) -> list[Figures]:
    """The cells of some events of one period."""
    batch = usage(
        *(message(service, row(service, sequence=n, **fields)) for n, fields in enumerate(rows))
    )
    rated = rated_of(batch, known)
    cells, agreements = fold_cells(batch, rated, known, SeriesTexts(known), Tokens(b"key"))
    assert agreements.tolist() == [0] * len(cells.series)
    assert {Series.parse(text).agreement for text in cells.series.to_pylist()} <= {"ALFA-1"}
    names = [cells.members[m].as_py() for m in cells.member.tolist()]
    columns = (cells.window.tolist(), cells.up.tolist(), cells.down.tolist())
    return sorted(zip(names, *columns, strict=True))


def sample(port: str, start_us: int, span_us: int, up: int, down: int = 0) -> dict[str, Any]:
    """A sample of a port, from so long after the beginning of November."""
    started = NOVEMBER_US + start_us
    volumes = {"volume_up_bytes": up, "volume_down_bytes": down}
    times = {"started_at": started, "ended_at": started + span_us}
    return {"product_instance": port, **times, **volumes}


def test_samples_are_added_up_by_port_and_window() -> None:
    """Five single minutes make one window; another port has one of its own."""
    minutes = [sample("CIR-1", n * MINUTE_US, MINUTE_US, 10, 1) for n in range(6)]
    other = sample("CIR-2", 0, 5 * MINUTE_US, 7, 7)
    assert cells_of(PORTS, Service.BANDWIDTH, *minutes, other) == [
        ("CIR-1", 0, 50, 5),
        ("CIR-1", 1, 10, 1),
        ("CIR-2", 0, 7, 7),
    ]


def test_a_sample_over_three_windows_adds_up_to_the_byte() -> None:
    """100 bytes in 15 minutes: up to a third 33, up to two thirds 66, so 33, 33 and 34."""
    spread = sample("CIR-1", 0, 15 * MINUTE_US, 100, 1)
    assert cells_of(PORTS, Service.BANDWIDTH, spread) == [
        ("CIR-1", 0, 33, 0),
        ("CIR-1", 1, 33, 0),
        ("CIR-1", 2, 34, 1),
    ]


def test_a_sample_of_nothing_or_no_time_is_one_window() -> None:
    """Nothing is a sample too; what took no time lies where it begins."""
    nothing, at_once = sample("CIR-1", 0, 5 * MINUTE_US, 0), sample("CIR-1", 5 * MINUTE_US, 0, 9)
    found = cells_of(PORTS, Service.BANDWIDTH, nothing, at_once)
    assert found == [("CIR-1", 0, 0, 0), ("CIR-1", 1, 9, 0)]


@given(
    start_us=st.integers(0, 3 * HOUR_US),
    span_us=st.integers(0, DAY_US) | st.integers(0, 20 * MINUTE_US),
    up=st.integers(0, 2**43),
    down=st.integers(0, 2**43) | st.integers(0, 9),
)
def test_any_sample_is_spread_as_the_oracle_spreads_it(
    start_us: int, span_us: int, up: int, down: int
) -> None:
    """In 64 bits as in fractions, and no byte is lost."""
    found = cells_of(PORTS, Service.BANDWIDTH, sample("CIR-1", start_us, span_us, up, down))
    started = NOVEMBER_US + start_us
    utc = ZoneInfo("UTC")
    event = Counted(started, started + span_us, NOVEMBER_US, utc, 0, up, down, "CIR-1", None)
    assert found == [("CIR-1", *figures) for figures in _spread(event, "5min")]
    assert (sum(f[2] for f in found), sum(f[3] for f in found)) == (up, down)


def test_a_day_of_25_hours_has_25_windows_of_an_hour() -> None:
    """Berlin, 25 October 2026: days are local, hours are those that passed since 1 October."""
    item = (
        "item: calls, role: ingress, service: voice, flow: receivable, "
        "price: {kind: tiers, each: EACH, per: second, tiers: [{price: 1}]}"
    )
    october = NOVEMBER_US - 31 * DAY_US - 2 * HOUR_US  # midnight of 1 October in Berlin, summer
    last = october + 25 * DAY_US  # less than an hour after the last midnight but one of summer
    starts = [october + 24 * DAY_US, last, last + HOUR_US - 1, last + HOUR_US]
    calls = [{"ingress_route": "TG-1", "started_at": at, "duration_ms": 1_000} for at in starts]
    hours = cells_of(
        tables_of(item.replace("EACH", "hour"), "Europe/Berlin"), Service.VOICE, *calls
    )
    assert [(w, up) for _, w, up, _ in hours] == [(576, 1), (600, 2), (601, 1)]
    days = cells_of(tables_of(item.replace("EACH", "day"), "Europe/Berlin"), Service.VOICE, *calls)
    # The 25th of October lasts 25 hours: the 26th begins with the last call.
    assert [(w, up) for _, w, up, _ in days] == [(24, 3), (25, 1)]


def test_a_peak_keeps_the_largest_event() -> None:
    """9 and 10 seconds in one hour, 4 in the next."""
    item = (
        "item: calls, role: ingress, service: voice, flow: receivable, measure: {of: peak}, "
        "price: {kind: tiers, each: hour, per: second, tiers: [{price: 1}]}"
    )
    seconds = [(0, 9), (MINUTE_US, 10), (HOUR_US, 4)]
    calls = [
        {"ingress_route": "TG-1", "started_at": NOVEMBER_US + at, "duration_ms": s * 1_000}
        for at, s in seconds
    ]
    assert cells_of(tables_of(item), Service.VOICE, *calls) == [("", 0, 10, 0), ("", 1, 4, 0)]


def test_subscribers_are_tokens_and_nobody_is_none() -> None:
    """Two subscribers and an event without one: two cells, no number in them."""
    item = (
        "item: users, role: subscriber, service: data, flow: receivable, "
        "measure: {of: distinct, of_what: subscriber}, "
        "price: {kind: tiers, per: unit, tiers: [{price: 0.4}]}"
    )
    numbers = ["4917011", "4917012", "4917011", None]
    events = [{"subscriber": number, "access_point": "ap"} for number in numbers]
    found = cells_of(tables_of(item), Service.DATA, *events)
    tokens = Tokens(b"key")
    assert found == sorted((tokens.of(n), 0, 1, 0) for n in ("4917011", "4917012"))


def test_items_without_a_measure_cost_nothing() -> None:
    """No cells, and no arrays are made."""
    item = (
        "item: calls, role: ingress, service: voice, flow: receivable, "
        "price: {kind: unit, per: second, amount: 1}"
    )
    assert cells_of(tables_of(item), Service.VOICE, {"ingress_route": "TG-1"}) == []
    assert np.array_equal(PORTS.special.legs(1 << 10, np.zeros(1, np.int32)), [0])
