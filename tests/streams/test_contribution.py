"""Folding: batches of legs become sums, and no batching changes what they come to."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codes import Service
from state.balances import join_residue
from state.invariants import InvariantViolation
from state.tables import Tables
from streams.contribution import (
    HOUR_US,
    SUM_MAX,
    Block,
    Cover,
    Series,
    SeriesTexts,
    Sums,
    fold,
    from_bytes,
    to_bytes,
)
from streams.contribution import _sums as sums_of
from tests.makers import item_tables, rated_of, usage
from tests.usage_makers import NOVEMBER_US, message, row

KEYS = "route,TG-1,ALFA-1,,\nroute,TG-2,ALFA-1,,"
ITEMS = (
    "{item: in, role: ingress, service: sms, flow: receivable, "
    'price: {kind: unit, per: unit, amount: "0.0000015"}}, '
    "{item: out, role: egress, service: sms, flow: payable, "
    'price: {kind: unit, per: unit, amount: "0.2"}}'
)
Key = tuple[Series, int]
Table = dict[Key, tuple[int, ...]]
EVENTS = st.tuples(
    st.sampled_from(["TG-1", None]),
    st.sampled_from(["TG-2", None]),
    st.integers(-2, 2),  # hours around the turn of the month
    st.integers(0, 1_000),
)


def tables() -> Tables:
    """One agreement with an item at each side."""
    with tempfile.TemporaryDirectory() as directory:
        return item_tables(Path(directory), ITEMS, KEYS)


TABLES = tables()


def sent(event: tuple[str | None, str | None, int, int], sequence: int) -> bytes:
    """The message of an event."""
    ingress, egress, hour, units = event
    started = NOVEMBER_US + hour * HOUR_US
    fields: dict[str, Any] = {
        "ingress_route": ingress,
        "egress_route": egress,
        "started_at": started,
    }
    return message(Service.SMS, row(sequence=sequence, units=units, **fields))


def table(sums: Sums) -> Table:
    """Sums by series and hour; a pair never comes twice."""
    found: Table = {}
    for at in range(len(sums)):
        key = (Series.parse(sums.series[int(sums.code[at])].as_py()), int(sums.hour[at]))
        assert key not in found
        columns = (sums.events, sums.quantity, sums.charge_micros)
        residue = join_residue(int(sums.residue_high[at]), int(sums.residue_low[at]))
        found[key] = (*(int(column[at]) for column in columns), residue)
    return found


def folded(events: list[tuple[str | None, str | None, int, int]], start: int = 0) -> Table:
    """The sums of one batch."""
    batch = usage(*(sent(event, start + n) for n, event in enumerate(events)))
    return table(fold(batch, rated_of(batch, TABLES), TABLES, SeriesTexts(TABLES))[0])


def added(parts: list[Table]) -> Table:
    """Sums of sums."""
    total: dict[Key, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for part in parts:
        for key, values in part.items():
            total[key] = [a + b for a, b in zip(total[key], values, strict=True)]
    return {key: tuple(values) for key, values in total.items()}


@given(st.lists(EVENTS, min_size=1, max_size=12), st.integers(1, 5))
def test_sums_are_those_of_single_events(
    events: list[tuple[str | None, str | None, int, int]], size: int
) -> None:
    """Folded one by one, in stretches or all at once, a batch comes to the same sums."""
    whole = folded(events)
    starts = range(0, len(events), size)
    assert added([folded(events[at : at + size], at) for at in starts]) == whole
    assert added([folded([event], n) for n, event in enumerate(events)]) == whole


def test_a_leg_is_summed_under_its_month_and_hour() -> None:
    """Two units at 0.0000015 are 3 micros; one is 1.5, which rounds up to 2 and leaves -500."""
    hour = NOVEMBER_US // HOUR_US
    series = Series("ALFA-1", 1, "in", "", "EUR", "2026-11", "")
    october = series._replace(original="2026-10")
    assert folded([("TG-1", None, 0, 2), ("TG-1", None, 0, 1), ("TG-1", None, -1, 1)]) == {
        (series, hour): (2, 3, 5, -500),
        (october, hour - 1): (1, 1, 2, -500),
    }


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=6))
def test_wide_sums_are_exact_or_stop(values: list[int]) -> None:
    """A sum of one batch is right to the last digit even near 64 bits, and never wraps."""
    column, group = np.array(values, np.int64), np.zeros(len(values), np.int64)
    if abs(sum(values)) < SUM_MAX:
        assert sums_of(column, group, 1).tolist() == [sum(values)]
    else:
        with pytest.raises(InvariantViolation, match="62 bits"):
            sums_of(column, group, 1)


def test_a_block_comes_back_from_its_bytes() -> None:
    """Sums, coverage, watermarks and reference travel in the block; unused series stay behind."""
    series = [Series("A", n, "in", "Z", "EUR", "2026-11", "").text() for n in (1, 2)]
    columns = [np.array([n, -SUM_MAX], np.int64) for n in range(5)]
    code, hour = np.array([1, 1], np.int32), np.array([5, 6], np.int32)
    covers = (Cover("usage.v1", 0, 3, 9),)
    block = Block(Sums(pa.array(series), code, hour, *columns), covers, {"msc-1": 7}, "abc", 8)
    back = from_bytes(to_bytes(block))
    assert table(back.sums) == table(block.sums)
    assert back.sums.series.to_pylist() == series[1:]
    assert (back.covers, back.watermarks) == (covers, {"msc-1": 7})
    assert (back.reference_id, back.log_time_us) == ("abc", 8)
