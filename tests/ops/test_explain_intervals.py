"""Intervals as an analyst reads them: the stretch of a leg, and what it adds to its period."""

from __future__ import annotations

from pathlib import Path

from ops import explain_intervals
from ops.explain_leg import arithmetic, rate_line
from schemas.codes import Service
from state.tables import Tables
from streams.packing import unpack
from streams.privacy import Tokens
from streams.rated import Blocks
from tests.band_makers import us
from tests.makers import item_tables, rated_of, usage
from tests.usage_makers import message, row


def tables_of(directory: Path, price: str) -> Tables:
    """Tables of one circuit item in UTC."""
    item = f"{{item: c, role: product, service: circuit, flow: receivable, price: {price}}}"
    return item_tables(directory, item, "product,CIR-1,ALFA-1,,")


def rows_of(tables: Tables, start: str, upto: str) -> list[dict[str, object]]:
    """The rated legs of a circuit in service from one time up to another."""
    fields = row(Service.CIRCUIT, started_at=us(start), ended_at=us(upto))
    batch = usage(message(Service.CIRCUIT, fields))
    block = Blocks(tables, Tokens(b"k")).to_bytes(batch, rated_of(batch, tables), {})
    return list(unpack(block).to_pylist())


def test_a_recurring_price_is_explained_piece_by_piece(tmp_path: Path) -> None:
    """Active from 16 November to 11 December at 850 a month."""
    tables = tables_of(tmp_path, "{kind: recurring, every: month, amount: 850}")
    first, second = rows_of(tables, "2026-11-16T09:30:00", "2026-12-11T00:00:00")
    (item,) = tables.items
    assert rate_line(first, item, tables) == "850 each month, by its days of the calendar"
    assert arithmetic(first, item) == "15 / 30 x 850 = 425, rounded with all of the period"
    assert arithmetic(second, item).startswith("10 / 31 x 850 = 8500/31,")
    assert explain_intervals.stretch(first, item, "UTC") == [
        "from 2026-11-16 09:30:00 up to 2026-12-01 00:00:00 UTC: 15 days"
    ]
    assert explain_intervals.stretch(second, item, "Europe/Berlin") == [
        "from 2026-12-01 01:00:00 up to 2026-12-11 01:00:00 Europe/Berlin: 10 days"
    ]
    hour = us("2026-12-01T00:00:00") // 3_600_000_000
    assert explain_intervals.hour(second) == hour


def test_a_fixed_basis_is_said(tmp_path: Path) -> None:
    """29 days of 30 in a month of 31."""
    tables = tables_of(tmp_path, "{kind: recurring, every: month, amount: 1, basis: 30}")
    (leg,) = rows_of(tables, "2026-12-03T00:00:00", "2027-01-01T00:00:00")
    (item,) = tables.items
    assert rate_line(leg, item, tables) == "1 each month, by its 30 days"
    assert arithmetic(leg, item).startswith("29 / 30 x 1 = 29/30,")


def test_a_leg_that_counts_no_time_has_no_stretch(tmp_path: Path) -> None:
    """A price per event is explained as ever."""
    tables = tables_of(tmp_path, "{kind: unit, per: event, amount: 5}")
    (leg,) = rows_of(tables, "2026-11-16T09:30:00", "2026-12-11T00:00:00")
    (item,) = tables.items
    assert explain_intervals.stretch(leg, item, "UTC") == []
    assert explain_intervals.arithmetic(leg, item) == ""
    assert explain_intervals.hour(leg) == us("2026-11-16T09:00:00") // 3_600_000_000


def test_an_average_is_explained_by_levels(tmp_path: Path) -> None:
    """Bounds are levels; what the event adds is counted in seconds."""
    price = "{kind: tiers, per: average_unit, tiers: [{up_to: 10, price: 30}, {price: 20}]}"
    tables = tables_of(tmp_path, f"{price}, measure: {{of: average}}")
    (leg,) = rows_of(tables, "2026-11-16T09:30:00", "2026-11-16T10:30:00")
    (item,) = tables.items
    assert rate_line(leg, item, tables) == (
        "graduated per average_unit (average_unit): 30 up to 10, 20 above"
    )
    assert arithmetic(leg, item) == (
        "priced by the period's average, to which this event adds 3600 unit_seconds"
    )
