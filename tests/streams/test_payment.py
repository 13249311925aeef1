"""Tax and settlement of totals: rounded parts, frozen rates, what is missing; worked by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas.payment import SettleIn
from streams.payment import Frozen, rate_day, rates_used, ruling
from tests.builders import tables
from tests.hop_makers import AccrueBench
from tests.payment_makers import (
    FX,
    NOVEMBER,
    OCTOBER,
    YEN,
    closed,
    money,
    paying_tables,
    version_text,
    versions_dir,
)


def total_of(document: dict[str, Any]) -> dict[str, Any]:
    """The only total of a document."""
    [total] = document["totals"]
    return dict(total)


def test_gross_is_the_sum_of_rounded_parts(tmp_path: Path) -> None:
    """193.3333 is 193.33, a quarter of it 48.3325 = 48.33: 241.66, though 241.666 is 241.67."""
    bench = AccrueBench(paying_tables(tmp_path, "tax: {percent: 25}"))
    bench.settle(money(0, 193_333_300))
    assert total_of(closed(bench)) == {
        "currency": "EUR",
        "receivable": "193.330000",
        "payable": "0.000000",
        "net": "193.330000",
        "tax_percent": "25",
        "tax_receivable": "48.330000",
        "tax_payable": "0.000000",
        "tax": "48.330000",
        "gross": "241.660000",
    }


def test_each_direction_is_taxed_for_itself(tmp_path: Path) -> None:
    """7.7 % of 0.32 and of 0.19 are 0.02464 and 0.01463: 0.02 less 0.01, not 0.01001."""
    bench = AccrueBench(paying_tables(tmp_path, "tax: {percent: 7.7}"))
    bench.settle(money(0, 320_000), money(1, 190_000, item="bought"))
    total = total_of(closed(bench))
    assert (total["tax_receivable"], total["tax_payable"]) == ("0.020000", "0.010000")
    assert (total["net"], total["tax"], total["gross"]) == ("0.130000", "0.010000", "0.140000")
    assert total["tax_percent"] == "7.7"


def test_a_total_is_settled_in_another_currency(tmp_path: Path) -> None:
    """10.01 and 3 euros at 160.5 are 1606.605 and 481.5: yen have no decimals, halves go up."""
    bench = AccrueBench(paying_tables(tmp_path, YEN, "tax: {percent: 10}"))
    bench.settle(money(0, 10_010_000), money(1, 3_000_000, item="bought"))
    total = total_of(closed(bench))
    assert total["net"] == "7.010000"
    assert total["settlement"] == {
        "currency": "JPY",
        "source": "ECB",
        "rates": [{"period": NOVEMBER, "date": "2026-11-30", "rate": "160.5"}],
        "receivable": "1607.000000",
        "payable": "482.000000",
        "net": "1125.000000",
        "tax_percent": "10",
        "tax_receivable": "161.000000",
        "tax_payable": "48.000000",
        "tax": "113.000000",
        "gross": "1238.000000",
    }


def test_a_missing_rate_leaves_the_total_in_its_own_currency(tmp_path: Path) -> None:
    """It is provisional and says why; nothing is zero."""
    fx = FX.replace("2026-11-30", "2026-11-22")  # eight days before the end
    bench = AccrueBench(paying_tables(tmp_path, YEN, fx=fx))
    bench.settle(money(0, 10_010_000))
    document = closed(bench)
    why = "no rate of ECB EUR/JPY for 2026-11-30"
    assert document["provisional"] == [why]
    total = total_of(document)
    assert total["receivable"] == "10.010000"
    assert total["settlement"] == {"currency": "JPY", "source": "ECB", "provisional": why}


def test_nothing_needs_no_rate(tmp_path: Path) -> None:
    """A period that comes to nothing comes to nothing in yen."""
    bench = AccrueBench(paying_tables(tmp_path, YEN, fx=FX.replace("2026-11-30", "2026-01-01")))
    bench.settle(money(0, 0))
    document = closed(bench)
    assert "provisional" not in document
    assert total_of(document)["settlement"]["net"] == "0.000000"
    assert total_of(document)["settlement"]["rates"] == []


@pytest.mark.parametrize("place", ["line", "statement"])
def test_late_usage_is_settled_at_the_rate_of_its_own_period(tmp_path: Path, place: str) -> None:
    """October was closed at 150; a late euro of it is 150 yen in November, the others 160.5.

    That rate stays, though fx.csv says another one by then.
    """
    bench = AccrueBench(paying_tables(tmp_path / "a", YEN, place=place))
    bench.settle(money(0, 5_000_000, of=OCTOBER))
    assert total_of(closed(bench, OCTOBER))["settlement"]["receivable"] == "750.000000"
    later = paying_tables(tmp_path / "b", YEN, place=place, fx=FX.replace(",150", ",999"))
    # Another process takes over: what was frozen is in the changelog.
    bench.loop.close()
    other = AccrueBench(later, bench.broker)
    other.settle(money(1, 1_000_000, of=OCTOBER), money(2, 2_000_000))
    total = total_of(closed(other))
    assert total["receivable"] == "3.000000"
    assert total["settlement"]["rates"] == [
        {"period": OCTOBER, "date": "2026-10-30", "rate": "150"},
        {"period": NOVEMBER, "date": "2026-11-30", "rate": "160.5"},
    ]
    assert total["settlement"]["receivable"] == "471.000000"  # 150 + 321


def test_the_last_version_before_the_end_rules_a_period(tmp_path: Path) -> None:
    """A tax from the 16th holds for all of November, not yet for October."""
    first = version_text(1, "2026-01-01\n      valid_upto: 2026-11-16", "tax: {percent: 19}")
    second = version_text(2, "2026-11-16", "tax: {percent: 25}")
    built = tables(versions_dir(tmp_path, first, second))
    labels = ("2025-12", OCTOBER, NOVEMBER, "2027-01", "no period")
    assert [ruling(built.versions, label).version for label in labels] == [1, 1, 2, 2, 1]
    bench = AccrueBench(built)
    bench.settle(money(0, 100_000_000), money(1, 100_000_000, of=OCTOBER))
    assert total_of(closed(bench, OCTOBER))["tax"] == "19.000000"
    assert total_of(closed(bench))["tax"] == "25.000000"


@pytest.mark.parametrize(
    ("on", "period", "day"),
    [
        ("period_end", "2026-11", "2026-11-30"),
        ("period_end", "2028-02", "2028-02-29"),
        ("period_start", "2028-02", "2028-02-01"),
        ("period_end", "2026-10-25", "2026-10-25"),
        ("period_start", "2026-10-25", "2026-10-25"),
    ],
)
def test_the_day_of_a_rate_is_on_the_agreements_calendar(on: str, period: str, day: str) -> None:
    """The first or last day of a month; of a day itself."""
    asked = SettleIn.model_validate({"currency": "JPY", "source": "ECB", "on": on})
    assert rate_day(asked, period).isoformat() == day


def test_the_rates_of_a_document_are_found_again() -> None:
    """Each for the usage that it converted."""
    settlement: dict[str, Any] = {
        "currency": "JPY",
        "rates": [{"period": "2026-10", "date": "2026-10-30", "rate": "150"}],
    }
    totals: list[dict[str, Any]] = [
        {"currency": "EUR", "settlement": settlement},
        {"currency": "USD"},
    ]
    found = dict(rates_used("P", totals))
    assert found == {Frozen("P", "2026-10", "EUR", "JPY"): ("2026-10-30", "150")}
