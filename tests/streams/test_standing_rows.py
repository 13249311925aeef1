"""Rows that stand without usage: there at a close, and seen by what is booked behind them."""

from __future__ import annotations

from pathlib import Path

from streams.contribution import Series
from tests.builders import reference_dir, tables
from tests.hop_makers import AccrueBench, block

# Whatever is counted over the quarter is booked behind its last closed month.
AGREEMENT = """\
- agreement: T
  partner: ALFA
  model: wholesale
  versions:
    - version: 1
      valid_from: 2026-01-01
      zone: UTC
      currency: EUR
      rounding: {place: line, mode: half_up, decimals: 2}
      items:
        - {item: calls, role: ingress, service: voice, flow: receivable,
           price: {kind: counted, per: minute}}
        - {item: texts, role: ingress, service: sms, flow: receivable,
           price: {kind: unit, per: event, amount: 1}}
      deals:
        - {deal: fee, flow: receivable, price: {kind: fee, amount: 5}}
        - {deal: pool, flow: receivable, over: [calls],
           price: {kind: tiers, each: quarter, per: minute, tiers: [{price: 1}]}}
"""
TEXTS = Series("T", 1, "texts", "", "EUR", "2026-10", "")
HOUR = 497_500


def test_a_fee_is_owed_once_in_whatever_order_months_are_closed(tmp_path: Path) -> None:
    """November is closed before October: a text of October goes to December, and its fee with it.

    Once October is closed, the fee of 5 stands there; the row in December is nothing more.
    """
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    bench = AccrueBench(tables(reference_dir(tmp_path, agreements=AGREEMENT, attribution=keys)))
    bench.close("T", "2026-11")
    bench.settle(block(0, (TEXTS, HOUR, (1, 1, 1_000_000, 0))))
    fees = {k[1]: v for k, v in bench.amounts().items() if k[0] == "fee" and k[3] == "2026-10"}
    assert fees == {"2026-12": 5_000_000}
    bench.close("T", "2026-10")
    fees = {k[1]: v for k, v in bench.amounts().items() if k[0] == "fee" and k[3] == "2026-10"}
    assert fees == {"2026-10": 5_000_000, "2026-12": 0}
