"""Which rate line a leg is charged by."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from schemas.codes import Reason, Service
from state.rates import NO_LINE
from state.tables import NONE
from streams.attribution import attribute
from streams.lines import find_lines
from tests.makers import item_tables, usage
from tests.usage_makers import message, row

KEYS = "route,TG-1,ALFA-1,,"


def test_a_deck_has_a_line_for_each_zone_and_none_for_unknown_numbers(tmp_path: Path) -> None:
    """4917 is DE-MOBILE at 0.06, 49 is DE at 0.012, and 1809 lies under no prefix of the deck."""
    item = "{item: one, role: ingress, service: voice, flow: receivable, "
    tables = item_tables(tmp_path, item + "price: {kind: deck, deck: STANDARD}}", KEYS, "")
    calls = [
        row(Service.VOICE, sequence=n, ingress_route="TG-1", called_number=number)
        for n, number in enumerate(("4917123", "4930123", "1809"), 1)
    ]
    batch = usage(*(message(Service.VOICE, call) for call in calls))
    legs, _ = attribute(batch, np.arange(len(batch)), tables)
    reason = legs.reason.copy()
    line, zone, band = find_lines(batch, legs, reason, tables)
    assert band.tolist() == [0, 0, 0]
    assert [tables.decks.zone_names[z] if z != NONE else "" for z in zone] == [
        "DE-MOBILE",
        "DE",
        "",
    ]
    assert tables.rates.price_nanos[line].tolist() == [60_000_000, 12_000_000, 0]
    assert line[2] == NO_LINE
    assert reason.tolist() == [0, 0, Reason.NO_RATE]
