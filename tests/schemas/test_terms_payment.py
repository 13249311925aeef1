"""Payment terms against rates: a pair must be known to its source, a day may still be missing."""

from __future__ import annotations

from pathlib import Path

from schemas.reference import load
from schemas.terms_payment import check_payment, check_rates_known
from tests.payment_makers import YEN, paying_dir


def test_a_source_must_have_a_rate_for_the_pair(tmp_path: Path) -> None:
    """A rate the other way round is none."""
    [agreement] = load(paying_dir(tmp_path, YEN)).agreements
    assert list(check_payment(agreement)) == []
    assert list(check_rates_known(agreement, {("ECB", "EUR", "JPY")})) == []
    [(path, message)] = check_rates_known(agreement, {("ECB", "JPY", "EUR")})
    assert path == ("versions", 0, "settle_in")
    assert message == "no rate of ECB for EUR/JPY is in fx.csv; add it there"
