"""What the view shows of items with a measure: amounts of periods, none of hours, exact totals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from schemas.topics import ACCRUALS, USAGE
from state.view_amounts import hours_of, lines_of, periods_of, totals_of
from streams.cells import Cells
from streams.contribution import Block, Cover, Series, to_bytes
from tests.builders import agreement_text, reference_dir, tables
from tests.hop_makers import NOW_US, AccrueBench, latest, sums

ITEMS = (
    "{item: calls, role: ingress, service: voice, flow: receivable, measure: {of: peak}, "
    'price: {kind: tiers, per: second, at_least: 40, tiers: [{price: "0.0333"}]}}'
)
SERIES = Series("T", 1, "calls", "", "EUR", "2026-11", "")


@pytest.mark.parametrize(
    ("place", "due"), [("statement", 1_330_000), ("line", 1_330_000), ("record", 1_330_000)]
)
def test_totals_are_those_of_the_statement(tmp_path: Path, place: str, due: int) -> None:
    """30 seconds of 40 committed: 0.999 and 0.333, so 1.33 once it is closed."""
    terms = f"valid_from: 2026-01-01, zone: UTC, currency: EUR, rounding: {{place: {place}, "
    text = agreement_text(ITEMS, name="T", terms=f"{terms}decimals: 2}}")
    keys = "kind,key,agreement,valid_from,valid_upto\nroute,R,T,,\n"
    bench = AccrueBench(tables(reference_dir(tmp_path, agreements=text, attribution=keys)))
    zero = np.zeros(1, np.int64)
    names = pa.array([SERIES.text()]), pa.array([""])
    cells = Cells(*names, zero.astype(np.int32), zero.astype(np.int32), zero, zero + 30, zero)
    rows = sums([(SERIES, 498_192, (2, 50, 0, 0))])
    bench.settle(to_bytes(Block(rows, (Cover(USAGE.name, 0, 0, 1),), {}, "r", NOW_US, cells)))
    book = bench.hop.book
    found = latest(bench.broker, ACCRUALS.name)
    whole = [v for k, v in found.items() if k == b"T|2026-11|total"]
    hours = [v for k, v in found.items() if k.startswith(b"T|") and k != b"T|2026-11|total"]
    [period] = periods_of(whole, book, {})
    assert period.has_amount
    assert period.amount_micros + period.shortfall_micros in (due, 1_332_000)
    [hour] = hours_of(hours, "2026-11", book, {})
    assert (hour.quantity, hour.has_amount, hour.amount_micros) == (50, False, 0)
    [lines] = lines_of(whole)
    [total] = totals_of(lines, [], book, None, 1)
    assert total.receivable_micros == due
    bench.close("T", "2026-11")
    assert bench.statements()[0]["totals"][0]["receivable"] == f"{due / 10**6:.6f}"
