"""The oracle reads terms of payment by itself, with the defaults of the documentation."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from ops.oracle_payment import Payment, Settle, Tolerance, read_payment, read_rates
from ops.oracle_reference import read_reference
from tests.payment_makers import FX, YEN, paying_dir


def test_terms_and_rates_are_read(tmp_path: Path) -> None:
    """Percentages become parts of one, limits that are not said are none."""
    terms = ("tax: {percent: 7.7}", YEN, "tolerance: {absolute: 50}")
    reference = read_reference(paying_dir(tmp_path, *terms))
    version = reference.version("P", 1)
    assert version.rounding.decimals == 2
    assert version.payment == Payment(
        Fraction(77, 1000),
        Settle("JPY", "ECB", "period_end", "half_up", 0),
        Tolerance(None, Fraction(50), "both", "own"),
    )
    days = {"2026-10-30": Fraction(150), "2026-11-30": Fraction(321, 2)}
    assert reference.rates == {("ECB", "EUR", "JPY"): days}
    assert FX.count("\n") == 3


def test_nothing_said_is_nothing(tmp_path: Path) -> None:
    """No tax of zero, no rates in a directory without them."""
    assert read_payment({"zone": "UTC"}) == Payment(None, None, None)
    assert read_rates(tmp_path / "fx.csv") == {}
