"""Circuits end to end: settled, closed, late, verified and explained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ops.explain import explain
from ops.explain_event import EventName
from ops.explain_text import steps
from ops.reading import Opened
from schemas.codes import Service
from tests.band_makers import us
from tests.builders import agreement_text, reference_dir
from tests.ops.books import close, event, settle, verdict
from tests.ops.test_verify_prices import statements

USUAL = "role: product, service: circuit"
ITEMS = (
    f"{{item: lines, {USUAL}, direction: in, flow: receivable,"
    " price: {kind: recurring, every: month, amount: 850}}, "
    f"{{item: ports, {USUAL}, direction: out, flow: payable,"
    " price: {kind: tiers, per: unit_day, at_least: 100,"
    " tiers: [{up_to: 50, price: 2}, {price: 1}]}}"
)
TERMS = "valid_from: 2024-01-01, zone: UTC, currency: EUR, rounding: {place: record, decimals: 2}"


def circuit(sequence: int, start: str, upto: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    """A circuit in service from one date up to another."""
    times = {"started_at": us(f"{start}T00:00:00"), "ended_at": us(f"{upto}T00:00:00")}
    return event(Service.CIRCUIT, sequence, product_instance="CIR-1", **times, **fields)


@pytest.fixture(name="data", scope="module")
def _data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two circuits from mid-November to December, November closed, and a late third one."""
    directory = tmp_path_factory.mktemp("intervals")
    given = reference_dir(
        directory / "reference",
        agreements=agreement_text(ITEMS, terms=TERMS),
        attribution="kind,key,agreement,valid_from,valid_upto\nproduct,CIR-1,ALFA-1,,\n",
    )
    data = directory / "data"
    first = [
        circuit(1, "2024-11-16", "2024-12-11"),
        circuit(2, "2024-11-01", "2024-11-16", direction="out", units=4),
    ]
    settle(data, first, given)
    close(data, "2024-11", "ALFA-1")
    settle(data, [circuit(3, "2024-11-24", "2025-01-01")], given)
    return data


def test_everything_is_recomputed(data: Path) -> None:
    """No figure of any row, line or total differs from what is worked out from usage again."""
    found = verdict(data)
    assert list(found.differences) == []
    assert found.outcomes == {"rated": 3}


def test_statements_say_what_part_of_the_month_is_asked_for(data: Path) -> None:
    """15/30 of 850 are 425; 60 unit-days are 50 x 2 + 10 = 110, and 40 are missing: 40."""
    (document,) = statements(data)
    lines, ports, missing = document["lines"]
    assert (lines["item"], lines["events"], lines["quantity"]) == ("lines", 1, 15)
    assert (lines["quantity_unit"], lines["amount"]) == ("unit_days", "425.000000")
    (part,) = lines["tiers"]
    assert (part["quantity"], part["price"], part["per"]) == ("0.5", "850", "month")
    assert (ports["quantity"], ports["amount"]) == (60, "110.000000")
    assert (missing["kind"], missing["amount"]) == ("shortfall", "40.000000")
    assert document["totals"][0]["net"] == "275.000000"


def test_late_days_of_a_closed_month_are_booked_in_the_next(data: Path) -> None:
    """7 more days of November: 22/30 of 850 less 15/30. December has 10 and 31 of 31 days."""
    (document,) = close(data, "2024-12", "ALFA-1")
    told = [
        (line["original_period"], line["events"], line["quantity"], line["amount"])
        for line in document["lines"]
        if line["item"] == "lines"
    ]
    assert told == [
        ("2024-11", 1, 7, "198.330000"),
        ("2024-12", 0, 41, "1124.190000"),
    ]
    assert list(verdict(data).differences) == []


def test_each_piece_is_explained(data: Path) -> None:
    """A leg in November and one in December, each with its days and what they come to."""
    with Opened(data) as opened:
        document = explain(opened, EventName("msc-1", 0, 1, None))
    assert document is not None
    assert [(leg["period"], leg["charged"]) for leg in document["legs"]] == [
        ("2024-11", "15 unit_days"),
        ("2024-12", "10 unit_days"),
    ]
    lines = [said for what, said in steps(document) if what in ("part", "arithmetic")]
    assert lines == [
        "from 2024-11-16 00:00:00 up to 2024-12-01 00:00:00 UTC: 15 days",
        "15 / 30 x 850 = 425, rounded with all of the period",
        "from 2024-12-01 00:00:00 up to 2024-12-11 00:00:00 UTC: 10 days",
        "10 / 31 x 850 = 8500/31, rounded with all of the period",
    ]
