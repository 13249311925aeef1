"""Cells in the accrue hop: rows have them, they outlive a crash, and late usage finds them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ops.state_hash import state_hash
from schemas.topics import USAGE
from state.tables import Tables
from streams.cells import Cells
from streams.contribution import Block, Cover, Series, to_bytes
from streams.measures import windows_of
from streams.terms import Terms
from tests.builders import agreement_text, reference_dir, tables
from tests.hop_makers import NOW_US, AccrueBench, sums

MBPS_BYTES = 37_500_000
ITEM = (
    "{item: port, role: product, service: bandwidth, flow: receivable, "
    "measure: {of: percentile, percent: 95}, price: {kind: tiers, per: megabit_per_second, "
    "at_least: 200, tiers: [{up_to: 200, price: 1.5}, {price: 2}]}}"
)
SERIES = Series("T", 1, "port", "", "EUR", "2026-11", "")
HOUR = 498_192
NO_KEYS = "kind,key,agreement,valid_from,valid_upto\n"
TERMS = "valid_from: 2026-01-01, zone: UTC, currency: EUR, rounding: {place: PLACE, decimals: 2}"


def known(directory: Path, place: str = "line") -> Tables:
    """The agreement T alone."""
    text = agreement_text(ITEM, name="T", terms=TERMS.replace("PLACE", place))
    keys = "kind,key,agreement,valid_from,valid_upto\nproduct,P1,T,,\n"
    return tables(reference_dir(directory, agreements=text, attribution=keys))


def samples(start: int, *levels: tuple[int, int], port: str = "P1") -> bytes:
    """A block of samples: window and Mbit/s."""
    windows = np.array([window for window, _ in levels], np.int64)
    up = np.array([mbps * MBPS_BYTES for _, mbps in levels], np.int64)
    code = np.zeros(len(levels), np.int32)
    names = pa.array([SERIES.text()]), pa.array([port])
    cells = Cells(*names, code, code, windows, up, np.zeros_like(up))
    counted = (len(levels), int(up.sum()), 0, 0)
    cover = (Cover(USAGE.name, 0, start, start + 1),)
    return to_bytes(Block(sums([(SERIES, HOUR, counted)]), cover, {}, "reference", NOW_US, cells))


def figures(bench: AccrueBench) -> list[tuple[str, int, int]]:
    """Booked period, amount and shortfall of each period row."""
    return sorted(
        (m["booked"], r["amount_micros"], r["shortfall_micros"] or 0)
        for m in bench.messages()
        for r in m["rows"]
        if m["hour"] is None
    )


@pytest.mark.parametrize("place", ["line", "record", "statement"])
def test_a_percentile_accrues_and_is_stated(tmp_path: Path, place: str) -> None:
    """150 of 200 committed: 225 and 75 are missed; with 260 in most windows 420 are due."""
    bench = AccrueBench(known(tmp_path, place))
    bench.settle(samples(0, (0, 150)))
    assert figures(bench) == [("2026-11", 225_000_000, 75_000_000)]
    bench.settle(samples(1, (1, 260), (2, 260)), samples(2, (0, 10)))
    assert figures(bench) == [("2026-11", 420_000_000, 0)]
    bench.close("T", "2026-11")
    [document] = bench.statements()
    assert document["totals"][0]["net"] == "420.000000"
    [line] = document["lines"]
    assert line["measure"] == {
        "of": "percentile",
        "unit": "bits_per_second",
        "window": "5min",
        "percent": "95",
        "missing": "drop",
        "levels": [
            {"port": "P1", "direction": "up", "samples": 3, "rank": 3, "value": 260_000_000}
        ],
    }
    assert [t["quantity"] for t in line["tiers"]] == [200_000_000, 60_000_000]


def test_cells_come_back_after_a_crash(tmp_path: Path) -> None:
    """Another process goes on with the windows that there were, and nothing is told apart."""
    terms = known(tmp_path)
    bench, straight = AccrueBench(terms), AccrueBench(terms)
    blocks = [
        samples(0, *((n, 100 + n) for n in range(70))),
        samples(1, (3, 300), port="P2"),
        samples(2, (69, 200), (70, 500), (3, 7)),
        samples(3, (3, 1), port="P2"),
    ]
    for block in blocks:
        straight.settle(block)
    for block in blocks[:2]:
        bench.settle(block)
    bench.loop.close()
    again = AccrueBench(terms, bench.broker)
    for block in blocks[2:]:
        again.settle(block)
    assert figures(again) == figures(straight)
    assert state_hash(again.hop) == state_hash(straight.hop)
    once = AccrueBench(terms)
    once.settle(*blocks)
    assert figures(once) == figures(straight)
    # P1: 71 windows, the rank is 68: of 100 ... 168 (103 made 110), 369 and 500 the 68th is 167.
    # P2: 301. So 1.5 x 167 + (300 + 2 x 101) = 752.50, and the first misses 33 x 1.5.
    assert figures(once) == [("2026-11", 752_500_000, 49_500_000)]


def test_late_samples_adjust_the_level(tmp_path: Path) -> None:
    """260 are closed; a later window of 300 makes it 300: 80 more, booked in December."""
    bench = AccrueBench(known(tmp_path))
    bench.settle(samples(0, (0, 260)))
    bench.close("T", "2026-11")
    bench.settle(samples(1, (5, 300)))
    assert ("2026-12", 80_000_000, 0) in figures(bench)
    bench.loop.close()
    again = AccrueBench(known(tmp_path), bench.broker)
    again.settle(samples(2, (0, 50)))  # 310 in the closed window: 20 more
    assert ("2026-12", 100_000_000, 0) in figures(again)
    again.close("T", "2026-12")
    lines = again.statements()[-1]["lines"]
    adjusted = next(line for line in lines if line["adjustment"])
    assert adjusted["measure"]["levels"][0]["value"] == 310_000_000
    assert adjusted["amount"] == "100.000000"


@pytest.mark.parametrize(
    ("month", "windows"), [("2026-10", 8_940), ("2026-11", 8_640), ("2026-02", 8_064)]
)
def test_windows_without_a_sample_are_those_of_the_month(
    tmp_path: Path, month: str, windows: int
) -> None:
    """In Berlin October has a day of 25 hours; in UTC it had 8,928 windows."""
    item = ITEM.replace("percent: 95", "percent: 95, missing: zero")
    text = agreement_text(item, terms="valid_from: 2026-01-01, zone: Europe/Berlin, currency: EUR")
    [found] = tables(reference_dir(tmp_path, agreements=text, attribution=NO_KEYS)).items
    [version] = tables(tmp_path).versions
    assert windows_of(Terms(found, version, "ALFA", "wholesale"), month) == windows


def test_a_commitment_to_a_level_is_owed_without_any_sample(tmp_path: Path) -> None:
    """A period without usage that is closed owes 200 at 1.5."""
    bench = AccrueBench(known(tmp_path))
    bench.close("T", "2026-11")
    [document] = bench.statements()
    assert document["totals"][0]["net"] == "300.000000"
    [short] = [line for line in document["lines"] if "used" in line]
    assert (short["committed"], short["unit"], short["used"]) == ("200000000", "bits_per_second", 0)
