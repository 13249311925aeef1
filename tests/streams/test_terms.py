"""Terms of one item: how its amounts are rounded, and which of its days count."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path

from streams.accrual import Book
from streams.contribution import Series
from streams.terms import exact, round_amount, shown
from tests.builders import reference_dir, tables

AGREEMENT = """\
- agreement: T
  partner: ALFA
  model: wholesale
  versions:
    - version: 1
      valid_from: 2026-11-16
      zone: Europe/Berlin
      currency: EUR
      rounding: {place: line, mode: half_even, decimals: 2}
      items:
        - {item: calls, role: ingress, service: voice, flow: payable,
           price: {kind: unit, per: minute, amount: "0.01"}}
"""
SERIES = Series("T", 1, "calls", "", "EUR", "2026-11", "2026-11")


def test_amounts_are_rounded_by_the_version(tmp_path: Path) -> None:
    """0.125 EUR is 0.12 by half to even; what is only displayed keeps six decimals.

    A charge of 1 micro and a residue of 30 (over 60 x 10^9) are 0.000001 + 0.0000000005.
    """
    known = reference_dir(
        tmp_path, agreements=AGREEMENT, attribution="kind,key,agreement,valid_from,valid_upto\n"
    )
    terms = Book(tables(known)).terms(SERIES)
    assert round_amount(terms, Fraction("0.125")) == 120_000
    assert shown(Fraction("0.1234565")) == 123_456
    assert exact(terms, 1, 30) == Fraction("0.0000010005")
    assert terms.payable
    assert not terms.direct
    assert not terms.tiered
    assert [terms.begins_day(date(2026, 11, day)) for day in (15, 16)] == [False, True]
