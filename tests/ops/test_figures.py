"""Accruals as rows for people: decimal strings, who owes them, sums by agreement."""

from __future__ import annotations

from pathlib import Path

from ops.figures import by_agreement, paid, paid_columns, period_rows
from ops.reading import Opened
from schemas.topics import ACCRUALS
from tests.ops.books import RATED, call, close, settle


def test_a_row_says_what_and_who(tmp_path: Path) -> None:
    """One row an item of a period: hours are left out, the flow is in words."""
    settle(tmp_path / "data", RATED)
    with Opened(tmp_path / "data") as opened:
        rows = period_rows(opened.latest(ACCRUALS.name), opened.book)
    assert [(r["agreement"], r["item"], r["flow"], r["unit"], r["amount"]) for r in rows] == [
        ("M-1", "data", "receivable", "bytes", "0.012000"),
        ("S-1", "shop", "receivable", "amount_micros", "2.997000"),
        ("W-1", "circuits", "receivable", "units", "10.000000"),
        ("W-1", "ports", "receivable", "bytes", "1.000000"),
        ("W-1", "sms-in", "payable", "events", "0.005000"),
        ("W-1", "voice-in", "receivable", "seconds", "0.076000"),
    ]
    assert {(r["partner"], r["model"]) for r in rows} == {
        ("ALFA", "wholesale"),
        ("BRAVO", "mvno"),
        ("BRAVO", "reseller"),
    }


def test_an_adjustment_is_a_row_of_its_own(tmp_path: Path) -> None:
    """Late usage of November is booked in December and says so."""
    data = tmp_path / "data"
    settle(data, [call(1)])
    close(data, "2024-11", "W-1")
    settle(data, [call(2)])
    with Opened(data) as opened:
        rows = period_rows(opened.latest(ACCRUALS.name), opened.book)
    assert [(r["original"], r["booked"], r["amount_micros"]) for r in rows] == [
        ("2024-11", "2024-11", 76_000),
        ("2024-11", "2024-12", 76_000),
    ]


def test_sums_are_by_agreement_currency_and_flow() -> None:
    """What is owed one way is not netted with the other; 0.1 + 0.2 is 0.3."""
    keys = {"partner": "ALFA", "model": "wholesale", "agreement": "W-1", "currency": "EUR"}
    rows = [
        {**keys, "flow": "receivable", "amount_micros": 100_000},
        {**keys, "flow": "receivable", "amount_micros": 200_000},
        {**keys, "flow": "payable", "amount_micros": 50_000},
    ]
    assert by_agreement(rows) == [
        {**keys, "flow": "payable", "amount": "0.050000"},
        {**keys, "flow": "receivable", "amount": "0.300000"},
    ]
    assert by_agreement([]) == []


def test_what_is_paid_is_in_columns_where_there_is_any() -> None:
    """The gross where there is tax, else the net; and why there is no rate."""
    plain = {"currency": "EUR", "net": "1.000000"}
    taxed = {**plain, "tax": "0.250000", "gross": "1.250000"}
    yen = {"currency": "JPY", "net": "161.000000"}
    assert paid(plain) == {}
    assert paid({**plain, "settlement": yen}) == {"settled": "161.000000 JPY"}
    both = paid({**taxed, "settlement": {**yen, "gross": "202.000000"}})
    assert both == {"tax": "0.250000", "gross": "1.250000", "settled": "202.000000 JPY"}
    none = {"currency": "JPY", "provisional": "no rate of ECB"}
    assert paid({**plain, "settlement": none}) == {"settled": "provisional: no rate of ECB"}
    assert paid_columns([plain]) == []
    assert paid_columns([plain, both]) == ["tax", "gross", "settled"]
