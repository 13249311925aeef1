"""A replay comes to what the settlement came to, and leaves nothing behind."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest

from ops.course import course
from ops.figures import period_rows
from ops.reading import Opened
from ops.replay import Replay, Settled
from ops.verify_log import InForce
from schemas.codes import Reason
from schemas.reference import load
from schemas.topics import ACCRUALS, COMMANDS, USAGE
from state.tables import build
from streams.log import Segment
from tests.ops.amend_makers import ROUTES, terms
from tests.ops.books import MENDED, call, close, recycle, reference, settle

COUNTED = "service: voice, flow: {flow}, price: {{kind: counted, per: event}}"
SWAP = "{kind: swap, per: event, in: [came], out: [went], balanced: 2, unbalanced: 5, declared: in}"
SWAPPED = f"""\
- agreement: ALFA-1
  partner: ALFA
  model: wholesale
  versions:
    - version: 1
      valid_from: 2024-01-01
      zone: UTC
      currency: EUR
      items:
        - {{item: came, role: ingress, {COUNTED.format(flow="receivable")}}}
        - {{item: went, role: egress, {COUNTED.format(flow="payable")}}}
      deals: [{{deal: s, price: {SWAP}}}]
"""


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Temporary directories of the product have a place of their own, to be looked at."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def replayed(data: Path, *commands: bytes) -> Settled:
    """A data directory settled once more, by the references that were in force."""
    with Opened(data) as weir:
        count = weir.partitions(USAGE.name)
        with Replay(weir.tables, count) as replay:
            for reference_id, segment in course(weir.snapshot, InForce(weir.snapshot)):
                replay.use(build(load(weir.reference_of(reference_id))))
                replay.settle(segment)
            replay.use(weir.tables)
            places = np.arange(len(commands), dtype=np.int64)
            keys = (None,) * len(commands)
            replay.declare(Segment(COMMANDS.name, 0, places, keys, commands, len(commands), 0))
            return replay.settled()


def test_it_comes_to_what_the_settlement_came_to(tmp_path: Path, apart: Path) -> None:
    """Rows, outcomes and what waits, usage that was tried again included; then all is gone."""
    data = tmp_path / "data"
    settle(data)
    recycle(data, reference(tmp_path / "mended", MENDED))
    found = replayed(data)
    with Opened(data) as weir:
        rows = period_rows(weir.latest(ACCRUALS.name), weir.book)
        assert dict(found.outcomes) == dict(weir.outcomes())
    assert {s: (row.events, row.quantity, worth.micros) for s, (row, worth) in found.rows.items()
            } == {
        series: (row["events"], row["quantity"], row["amount_micros"])
        for row in rows
        for series in found.rows
        if series._asdict().items() <= row.items()
    }  # fmt: skip
    assert len(found.rows) == len(rows) == 6
    assert dict(found.waiting) == {
        key: Reason.CONFLICTING_BODY for key in found.waiting if key.startswith("msc-1/0/1#")
    }
    assert len(found.waiting) == 1
    assert list(apart.iterdir()) == []


def test_nothing_is_closed(tmp_path: Path) -> None:
    """A late call is an adjustment on the log; here it is usage of November like the other."""
    data = tmp_path / "data"
    settle(data, [call(1)])
    close(data, "2024-11", "W-1")
    settle(data, [call(2)])
    found = replayed(data)
    # 0.076 for each call (see the books).
    [(series, (row, worth))] = found.rows.items()
    assert (series.original, series.booked, row.events) == ("2024-11", "2024-11", 2)
    assert worth.micros == 152_000
    [total] = found.totals["W-1", "2024-11"]
    assert total["receivable"] == "0.152000"


def test_declared_figures_are_taken_and_closes_are_not(tmp_path: Path) -> None:
    """One came and one went: 2 each way. Of three declared as come: 2 balanced and 2 x 5 = 12."""
    events = [call(1), call(2, None, egress_route="TG-001")]
    data = tmp_path / "data"
    settle(data, events, terms(tmp_path / "terms", SWAPPED, ROUTES))
    said = {"agreement": "ALFA-1", "period": "2024-11", "item": "s", "version": 1}
    closing = json.dumps({"close": {"agreement": "ALFA-1", "period": "2024-11"}}).encode()
    declaring = json.dumps({"declare": {**said, "quantity": "3"}}).encode()

    def worths(found: Settled) -> dict[str, int]:
        return {s.item: worth.micros for s, (_, worth) in found.rows.items() if ":" in s.item}

    without = {"s:receivable": 2_000_000, "s:payable": 2_000_000}
    assert worths(replayed(data)) == without
    assert worths(replayed(data, closing, b"rubbish")) == without
    assert worths(replayed(data, closing, declaring)) == {
        "s:receivable": 12_000_000,
        "s:payable": 2_000_000,
    }


def test_a_replay_of_nothing_is_nothing(tmp_path: Path) -> None:
    """Terms alone come to nothing."""
    tables = build(load(reference(tmp_path / "reference")))
    with Replay(tables, 2) as replay:
        found = replay.settled()
    assert found == Settled(found.book)
