"""Drafts are made of the rows of a book, and of what a plan will make of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from state.balances import stack
from streams.accrue_rows import Planned
from streams.contribution import Series
from streams.drafting import Drafting
from streams.facts import NO_FACTS
from tests.builders import reference_dir, tables
from tests.hop_makers import AccrueBench, block

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
        - {item: texts, role: ingress, service: sms, flow: receivable,
           price: {kind: tiers, per: event, tiers: [{up_to: 10, price: "0.1"}, {price: "0.01"}]}}
"""
TEXTS = Series("T", 1, "texts", "", "EUR", "2026-11", "")


def test_a_book_is_drafted_as_its_rows_stand(tmp_path: Path) -> None:
    """12 texts: 10 at 0.10 and 2 at 0.01 are 1.02; a book without rows has no lines."""
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    known = tables(reference_dir(tmp_path, agreements=AGREEMENT, attribution=keys))
    bench = AccrueBench(known)
    bench.settle(block(0, (TEXTS, 498_192, (12, 12, 0, 0))))
    memory = bench.hop.partitions[0]
    nothing = memory.balances.plan(np.zeros(0, np.int64), stack([np.zeros(0, np.int64)]))
    drafting = Drafting(bench.hop.names, bench.hop.book, memory, Planned(nothing))
    document = drafting.document(("T", "2026-11"), NO_FACTS)
    assert [line["amount"] for line in document["lines"]] == ["1.020000"]
    assert document["totals"][0]["receivable"] == "1.020000"
    assert drafting.document(("T", "2026-12"), NO_FACTS)["lines"] == []
