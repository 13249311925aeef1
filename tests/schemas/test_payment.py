"""Terms of payment in agreements: what they may say, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from iso4217 import Currency

from ops.oracle_payment import decimals_of as oracle_decimals
from schemas.money import MoneyError
from schemas.payment import SettleIn, Tax, Tolerance, decimals_of
from schemas.reference import load
from tests.builders import complaints_of
from tests.payment_makers import YEN, paying_dir

PLACE = "agreements.yaml:10: versions[0]."


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    """Decimals are the currency's, the day is the period's last; both limits hold of our own."""
    terms = ("tax: {percent: 7.7}", YEN, "tolerance: {percent: 1, absolute: 50}")
    [agreement] = load(paying_dir(tmp_path, *terms)).agreements
    [version] = agreement.versions
    assert version.decimals == 2
    assert version.tax == Tax(percent="7.7")
    assert version.settle_in == SettleIn(
        currency="JPY", source="ECB", on="period_end", mode="half_up", decimals="currency"
    )
    assert version.tolerance == Tolerance(percent="1", absolute="50", rule="both", basis="own")
    assert version.tax is not None
    assert version.tax.percent_nanos == 77_000_000


@pytest.mark.parametrize(
    ("term", "complaint"),
    [
        ("tax: {percent: -1}", "tax.percent: '-1' is not a percentage; write a number from 0"),
        ("tax: {}", "tax.percent: is missing; add it"),
        ("settle_in: {currency: EUR, source: ECB}", "settle_in.currency: EUR is the currency of"),
        ("settle_in: {currency: XAU, source: ECB}", "settle_in.currency: 'XAU' is not a currency"),
        ("settle_in: {currency: JPY, source: BOE}", "settle_in: no rate of BOE for EUR/JPY is in"),
        ("settle_in: {currency: JPY, source: ECB, on: friday}", "settle_in.on: 'friday' is not"),
        ("settle_in: {currency: JPY, source: ECB, decimals: 7}", "settle_in.decimals: '7' is not"),
        ("tolerance: {}", "tolerance: allows nothing; write percent, absolute or both"),
        ("tolerance: {absolute: -5}", "tolerance.absolute: '-5' is not a distance; write"),
        ("tolerance: {absolute: 5, rule: both}", "tolerance.rule: is for percent and absolute"),
        ("tolerance: {absolute: 5, basis: own}", "tolerance.basis: is what percent is of; add"),
        ("tolerance: {percent: 1, rule: any}", "tolerance.rule: 'any' is not known; write one of"),
    ],
)
def test_terms_that_make_no_sense_are_refused(tmp_path: Path, term: str, complaint: str) -> None:
    """Each with its line and what to do."""
    [found] = complaints_of(paying_dir(tmp_path, term))
    assert found.startswith(f"{PLACE}{complaint}")


def test_decimals_are_those_of_the_currency_where_it_is_said() -> None:
    """And the oracle knows the same of every currency that one can be paid in, by itself."""
    assert [decimals_of(None, c) for c in ("EUR", "JPY", "KWD", "XDR")] == [2, 0, 3, 2]
    assert decimals_of(4, "JPY") == 4
    payable = 0
    for currency in Currency:
        try:
            mine = decimals_of(None, currency.code)
        except MoneyError:
            continue
        payable += 1
        assert oracle_decimals("currency", currency.code) == mine, currency.code
    assert payable > 100
