"""Cells of a batch as bytes, and samples that are too long for any windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from schemas.codes import Reason, Service
from streams.cells import NO_CELLS, SPAN_MAX_US, Cells
from streams.contribution import Block, Cover, Sums, from_bytes, to_bytes
from tests.makers import item_tables, rated_of, usage
from tests.usage_makers import NOVEMBER_US, message, row

PORTS = (
    "{item: port, role: product, service: bandwidth, flow: receivable, "
    "measure: {of: percentile, percent: 95}, "
    "price: {kind: tiers, per: megabit_per_second, tiers: [{price: 1}]}}"
)


def some_cells() -> Cells:
    """Two rows of one series, and names that nobody uses."""
    figures = [np.array(column, np.int64) for column in ([0, 8_927], [2**62, -3], [0, 7])]
    series, members = pa.array(["nobody's", "series"]), pa.array(["", "P1", "P2"])
    return Cells(series, members, np.array([1, 1], np.int32), np.array([2, 1], np.int32), *figures)


def test_cells_come_back_with_their_block() -> None:
    """As a second stream behind the sums; only names that occur are sent."""
    empty = Sums(
        pa.array([], pa.string()), *np.zeros((2, 0), np.int32), *np.zeros((5, 0), np.int64)
    )
    covers = (Cover("usage.v1", 0, 3, 9),)
    block = Block(empty, covers, {}, "abc", 8, some_cells())
    back = from_bytes(to_bytes(block)).cells
    assert back.series.to_pylist() == ["series"]
    assert [back.members[m].as_py() for m in back.member.tolist()] == ["P2", "P1"]
    assert [c.tolist() for c in (back.code, back.window)] == [[0, 0], [0, 8_927]]
    assert (back.up.tolist(), back.down.tolist()) == ([2**62, -3], [0, 7])


def test_a_block_without_cells_has_no_second_stream() -> None:
    """Nothing is sent of nothing."""
    assert NO_CELLS.to_bytes() == b""
    assert len(Cells.from_bytes(b"")) == 0
    assert len(some_cells().take(np.array([True, False]))) == 1


@pytest.mark.parametrize(("more", "reason"), [(0, Reason.NONE), (1, Reason.TOO_LONG)])
def test_a_sample_of_more_than_a_day_is_suspended(
    tmp_path: Path, more: int, reason: Reason
) -> None:
    """A day is the most; a microsecond more has a reason and no place."""
    tables = item_tables(tmp_path, PORTS, "product,CIR-1,ALFA-1,,")
    ended = NOVEMBER_US + SPAN_MAX_US + more
    batch = usage(message(Service.BANDWIDTH, row(Service.BANDWIDTH, ended_at=ended)))
    assert rated_of(batch, tables).reason.tolist() == [reason]
