"""Cells on the changelog, and back again."""

from __future__ import annotations

import json

import numpy as np

from state.balances import Numbers
from state.cell_memory import CELLS_KEY, CellsRead, cell_changes
from state.cells import NO_CELLS_PLAN, CellStore, Members, cell_keys
from streams.contribution import Series

SERIES = Series("T", 1, "port", "", "EUR", "2026-11", "2026-11")


def test_what_changes_is_written_with_its_neighbours_and_read_back() -> None:
    """A record has 64 windows of a member; windows 0 and 3 are in one, window 100 in another."""
    series, members, store = Numbers[Series](9), Members(), CellStore()
    number, port = series.number(SERIES), int(members.numbers(["P1"])[0])

    def put(*windows: int) -> dict[str, object]:
        """Add a byte to windows; the records that this writes, by all but their bucket."""
        keys = cell_keys(*np.array([(number, port, w) for w in windows]).T)
        plan = store.plan(keys, np.ones((len(windows), 2), np.int64), np.zeros(len(windows), bool))
        messages = cell_changes(store, plan, series, members)
        store.apply(plan)
        for key, value in messages:
            assert key is not None
            assert value is not None
            read.take(key, value)
        return {
            str(int((key or b"").split(b"/")[1]) % 1024): json.loads(value or b"")
            for key, value in messages
        }

    read = CellsRead()
    assert put(0, 100) == {"0": [["P1", 0, 1, 1]], "1": [["P1", 100, 1, 1]]}
    assert put(3) == {"0": [["P1", 0, 1, 1], ["P1", 3, 1, 1]]}
    known, others = Numbers[Series](9), Members()
    others.numbers(["somebody else"])
    known.number(SERIES._replace(item="another"))
    back = CellStore()
    back.put(*read.rows(known.number, others))
    found = back.of(NO_CELLS_PLAN, known[SERIES], largest=False)
    assert [others.names[m] for m in found.member.tolist()] == ["P1"] * 3
    assert (found.window.tolist(), found.up.tolist()) == ([0, 3, 100], [1, 1, 1])


def test_nothing_is_written_of_nothing() -> None:
    """A batch without cells leaves the changelog alone."""
    assert cell_changes(CellStore(), NO_CELLS_PLAN, Numbers[Series](9), Members()) == []
    keys, values = CellsRead().rows(Numbers[Series](9).number, Members())
    assert (len(keys), len(values)) == (0, 0)
    assert CELLS_KEY == b"cells/"
