"""Rates of exchange: exact, of the day or of the last one within a week; mistakes are told."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from schemas.documents import Problems
from schemas.fx import Fx, FxRate, read_fx
from schemas.reference import load
from tests.builders import complaints_of
from tests.payment_makers import FX, YEN, paying_dir

PAIR = ("ECB", "EUR", "JPY")


def fx_of(*rows: str) -> tuple[Fx, list[str]]:
    """The rates in some rows, and what is wrong with them."""
    problems = Problems()
    text = "source,base,quote,date,rate\n" + "".join(f"{row}\n" for row in rows)
    found = read_fx(text.encode(), problems)
    return found, [str(problem) for problem in problems.found]


def test_a_rate_holds_until_the_next_and_for_a_week(tmp_path: Path) -> None:
    """That of Friday is the one of Saturday; after seven days there is none any more."""
    fx = load(paying_dir(tmp_path, YEN)).rates
    assert fx.rate(PAIR, date(2026, 10, 29)) is None
    assert fx.rate(PAIR, date(2026, 10, 30)) == FxRate("2026-10-30", "150")
    assert fx.rate(PAIR, date(2026, 11, 6)) == FxRate("2026-10-30", "150")
    assert fx.rate(PAIR, date(2026, 11, 7)) is None
    assert fx.rate(PAIR, date(2026, 12, 1)) == FxRate("2026-11-30", "160.5")
    assert fx.rate(("ECB", "JPY", "EUR"), date(2026, 11, 30)) is None


def test_rows_may_come_in_any_order() -> None:
    """A rate of twelve decimals keeps them all."""
    rows = ["ECB,USD,INR,2024-06-30,82.421350000001", "ECB,USD,INR,2024-06-28,82"]
    fx, wrong = fx_of(*rows)
    assert wrong == []
    assert fx.rate(("ECB", "USD", "INR"), date(2024, 7, 1)) == ("2024-06-30", "82.421350000001")
    assert fx.rate(("ECB", "USD", "INR"), date(2024, 6, 29)) == ("2024-06-28", "82")


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (",EUR,JPY,2026-11-30,1", "source: '' is not a name; use letters"),
        ("ECB,EUX,JPY,2026-11-30,1", "base: 'EUX' is not an ISO 4217 currency"),
        ("ECB,EUR,jpy,2026-11-30,1", "quote: 'jpy' is not an ISO 4217 currency; write JPY"),
        ("ECB,EUR,EUR,2026-11-30,1", "quote: 'EUR' is the base too; remove the row"),
        ("ECB,EUR,JPY,30.11.2026,1", "date: '30.11.2026' is not a day; write it like 2026-11-30"),
        ("ECB,EUR,JPY,20261130,1", "date: '20261130' is not a day; write it like 2026-11-30"),
        ("ECB,EUR,JPY,2026-11-30,0", "rate: '0' is not a rate; write a number above 0"),
        ("ECB,EUR,JPY,2026-11-30,-1", "rate: '-1' is not a rate; write a number above 0"),
        ("ECB,EUR,JPY,2026-11-30,1e2", "rate: '1e2' is not a decimal number; write it out"),
        ("ECB,EUR,JPY,2026-11-30,0.0000000000001", "rate: '0.0000000000001' has more than 12"),
    ],
)
def test_a_row_that_is_wrong_is_told(row: str, complaint: str) -> None:
    """With its line; a rate of nothing would make every amount nothing."""
    fx, [said] = fx_of("ECB,EUR,USD,2026-11-30,1.1", row)
    assert said.startswith(f"fx.csv:3: {complaint}")
    assert list(fx.pairs) == [("ECB", "EUR", "USD")]


def test_two_rates_of_one_day_are_refused(tmp_path: Path) -> None:
    """Nobody knows which one would be meant."""
    fx = FX + "ECB,EUR,JPY,2026-10-30,151\n"
    said = "fx.csv:4: date: '2026-10-30' is already given on line 2; keep one"
    assert complaints_of(paying_dir(tmp_path, YEN, fx=fx)) == [said]
