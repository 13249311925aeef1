"""The oracle's totals, from lines, worked by hand."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from ops.oracle_amounts import Amount, AmountKey
from ops.oracle_money import Converted, Kept, own_figure, ruling, total_figures, verdict
from ops.oracle_reference import Reference, Rounding, read_reference
from tests.payment_makers import YEN, paying_dir

KEY = AmountKey("P", "texts", 1, "", "EUR", "2026-11", "2026-11")
ROUNDING = Rounding("line", "half_up", 2)
NAME = ("P", "2026-11")


def reference(directory: Path, *terms: str) -> Reference:
    """P with these terms."""
    return read_reference(paying_dir(directory, *terms))


def lines(own: int, late: int = 0) -> dict[AmountKey, Amount]:
    """Cents of texts of November, and of October."""
    of = {KEY: own, KEY._replace(original="2026-10"): late}
    return {
        key: Amount(Fraction(cents, 100), cents * 10_000, "receivable", ROUNDING)
        for key, cents in of.items()
    }


def test_tax_and_settlement(tmp_path: Path) -> None:
    """19 % of 10.01 are 1.9019; at 160.5 they are 1606.605 yen, of which the tax is 305.33."""
    kept: Kept = {}
    known = reference(tmp_path, YEN, "tax: {percent: 19}")
    found = total_figures(known, NAME, lines(1001), kept)["EUR"]
    assert (found["net"], found["tax"], found["gross"]) == ("10.010000", "1.900000", "11.910000")
    assert found["settlement.net"] == "1607.000000"
    assert found["settlement.tax"] == "305.000000"
    assert found["settlement.rates"] == "2026-11 2026-11-30 321/2"
    use = Converted("P", "2026-11", "EUR", "JPY")
    assert kept == {use: ("2026-11-30", Fraction(321, 2))}


def test_a_rate_that_was_kept_goes_first(tmp_path: Path) -> None:
    """Five euros of October at the 140 of its statement, though the file says 150."""
    kept: Kept = {Converted("P", "2026-10", "EUR", "JPY"): ("2026-10-29", Fraction(140))}
    found = total_figures(reference(tmp_path, YEN), NAME, lines(200, 500), kept)["EUR"]
    assert found["settlement.receivable"] == "1021.000000"  # 321 + 700
    assert found["settlement.rates"] == "2026-10 2026-10-29 140; 2026-11 2026-11-30 321/2"


def test_a_missing_rate_is_said(tmp_path: Path) -> None:
    """And nothing is converted; nothing at all needs no rate."""
    known = reference(tmp_path, YEN)
    december = {KEY._replace(booked="2026-12", original="2026-12"): lines(1)[KEY]}
    found = total_figures(known, ("P", "2026-12"), december, {})["EUR"]
    assert found["settlement.provisional"] == "no rate of ECB EUR/JPY for 2026-12-31"
    assert "settlement.net" not in found
    assert total_figures(known, NAME, lines(0), {})["EUR"]["settlement.rates"] == ""


def test_own_figures_are_of_an_item_and_its_period(tmp_path: Path) -> None:
    """In the unit that is meant, up to the statement that shows them."""
    known = lines(1001, 500)
    known[KEY._replace(item="bought")] = Amount(Fraction(9), 9_000_000, "payable", ROUNDING)
    quantities = {KEY: (7, "events"), KEY._replace(booked="2026-12"): (1, "events")}
    amount, quantity = ("P", "2026-11", "texts", "amount"), ("P", "2026-11", "texts", "quantity")
    assert own_figure(known, quantities, amount, "EUR", "2026-11") == Fraction(1001, 100)
    assert own_figure(known, quantities, amount, "USD", "2026-11") == 0
    assert own_figure(known, quantities, quantity, "events", "2026-11") == 7
    assert ruling([reference(tmp_path).version("P", 1)], "2026-11").number == 1


@pytest.mark.parametrize(
    ("tolerance", "own", "declared", "expected"),
    [
        ("percent: 1", 100, 101, "within"),
        ("percent: 1, basis: declared", 99, 100, "within"),
        ("percent: 1", 99, 100, "breach"),
        ("percent: 1, absolute: 50", 10_000, 10_090, "breach"),
        ("percent: 1, absolute: 50, rule: either", 10_000, 10_090, "within"),
    ],
)
def test_verdicts(tmp_path: Path, tolerance: str, own: int, declared: int, expected: str) -> None:
    """By the agreement's tolerance."""
    terms = reference(tmp_path, f"tolerance: {{{tolerance}}}").version("P", 1)
    assert verdict(terms, Fraction(own), Fraction(declared)) == expected
