"""Corrections as sums and as rated rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas.codes import LegKind, Service
from state.archive import read_block
from state.sessions import Correction, Figures, Part, Parts
from state.tables import Tables
from streams.contribution import SeriesTexts, fold
from streams.corrections import TYPES, messages, with_corrections
from streams.packing import unpack
from streams.privacy import Tokens
from streams.rated import FIGURES, Blocks
from streams.sessions import Joined, join
from tests.makers import item_tables, rated_of, usage
from tests.usage_makers import NOVEMBER_US, message, row

ITEM = (
    "{item: call, role: ingress, service: voice, flow: receivable, count: {whole: session},"
    " price: {kind: unit, per: minute, amount: 0.06}}"
)
CALL = {"called_number": "4930123456", "ingress_route": "TG-001", "session_id": "S"}
HOUR = NOVEMBER_US // 3_600_000_000


@pytest.fixture(name="known")
def _known(tmp_path: Path) -> Tables:
    return item_tables(tmp_path, ITEM, "route,TG-001,ALFA-1,,")


def joined(known: Tables) -> tuple[Joined, Any, Blocks]:
    """One part of a session, its batch, and what makes blocks."""
    batch = usage(message(Service.VOICE, row(Service.VOICE, **CALL)))
    blocks = Blocks(known, Tokens(b"key"))

    def nothing(_partition: int, _key: str) -> Parts:
        return ()

    found = join(
        batch,
        rated_of(batch, known),
        lambda _: np.zeros(1, np.int64),
        nothing,
        lambda rated: blocks.rows(batch, rated),
        known,
    )
    return found, batch, blocks


def part_of(found: Joined) -> Part:
    """The only part there is."""
    [parts] = found.changed[0].values()
    return parts[0]


def test_sums_gain_rows_without_events(known: Tables) -> None:
    """Two corrections of one hour are one row; one that only moves a position is none."""
    found, batch, _ = joined(known)
    one = part_of(found)
    more = [Correction(one, Figures(2, -3, 5)), Correction(one, Figures(1, 1, 1))]
    more.append(Correction(one, Figures(position=9)))
    folded = fold(batch, found.rated, known, SeriesTexts(known))
    sums, whose = with_corrections(*folded, more, {"ALFA-1": 0})
    assert sums.series.take(sums.code).to_pylist() == [one.series] * 2
    assert whose[sums.code].tolist() == [0, 0]
    assert (sums.hour.tolist(), sums.events.tolist()) == ([HOUR, HOUR], [1, 0])
    assert sums.quantity.tolist() == [61, 3]
    assert sums.charge_micros.tolist() == [61_000, -2]
    assert sums.residue_low.tolist() == [0, 6]
    assert with_corrections(*folded, more[2:], {})[0] is folded[0]


def test_rows_are_as_other_rated_rows(known: Tables) -> None:
    """The same columns of the same types, so that they go into the same files."""
    found, batch, blocks = joined(known)
    usual = unpack(blocks.to_bytes(batch, found.rated, {"reference": "abc"})).schema
    plain = {f.name: pa.string() if pa.types.is_dictionary(f.type) else f.type for f in usual}
    assert plain == {n: t for n, t in TYPES.items() if n not in ("kind", "band")}
    assert set(part_of(found).row) == (set(plain) | {"band"}) - FIGURES - {"session_from"}
    [(_, block)] = messages(
        [Correction(part_of(found), Figures(2, -3, 5, 7))], {"reference": "abc"}
    )
    [leg] = read_block(block or b"").to_pylist()
    assert leg["kind"] == LegKind.CORRECTION
    assert [leg[name] for name in ("quantity", "charge_micros", "residue")] == [2, -3, 5]
    assert (leg["connect_nanos"], leg["raw_quantity"], leg["sequence"]) == (7, 0, 1)
    assert messages([], {}) == []
