"""Verification under prices of the period: commitments, flat amounts and deals, with late usage."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.builders import reference_dir
from tests.ops.books import AGREEMENTS, ATTRIBUTION, RATED, call, close, settle, verdict

COMMITTED = """{kind: tiers, per: megabyte, at_least: 100, free: 0.5, flat_on_zero: true,
                   tiers: [{up_to: 1, price: "0.01", flat: 3}, {block: 10, price: "0.1"}]}}
      deals:
        - {deal: base, flow: receivable, price: {kind: fee, amount: 5}}
        - {deal: spend, flow: receivable, over: [data, base],
           price: {kind: bounds, discount_percent: 10, minimum: 20}}"""
SHARE = """{kind: tiers, per: amount, tiers: [{up_to: 5, percent: 30}, {percent: 40}]}}
      deals:
        - {deal: cap, flow: receivable, over: [shop], price: {kind: bounds, maximum: 2.5}}"""


def with_prices(directory: Path) -> Path:
    """The usual books, in which data is committed to and sales are tiered and capped."""
    start = AGREEMENTS.index("{kind: tiers")
    end = AGREEMENTS.index("\n- agreement: S-1")
    text = AGREEMENTS[:start] + COMMITTED + AGREEMENTS[end:]
    text = text.replace('{kind: share, percent: "30"}}', SHARE)
    return reference_dir(directory, agreements=text, attribution=ATTRIBUTION)


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settled, closed with and without usage, and late usage after it."""
    directory = tmp_path_factory.mktemp("prices")
    data, given = directory / "data", with_prices(directory / "given")
    settle(data, RATED, given)
    close(data, "2024-10")
    close(data)
    late = [dict(RATED[n], sequence=20 + n) for n in (2, 5)]
    settle(data, [*late, call(30)], given)
    return data


def statements(data: Path) -> list[dict[str, Any]]:
    """All documents."""
    with closing(sqlite3.connect(data / "log" / "log.sqlite")) as connection:
        found = connection.execute(
            "SELECT value FROM latest JOIN topics ON topics.id = latest.id >> 56"
            " WHERE topics.name = 'statements.v1'"
        ).fetchall()
    return [json.loads(value) for (value,) in found]


def test_everything_is_recomputed(settled: Path) -> None:
    """No figure of any row, line or total differs from what is worked out from usage again."""
    found = verdict(settled)
    assert list(found.differences) == []
    assert found.statements == 6


def test_statements_say_how_they_came_about(settled: Path) -> None:
    """November of M-1: 2 MB less 0.5 free, 1 MB at 0.01 + 3 and a block: 3.11; 100 MB are 4.01.

    At the end 4.01 and the fee of 5, less 10 %, are 8.109 of at least 20.
    """
    document = next(d for d in statements(settled) if d["number"] == "M-1-000002")
    lines = [(n["item"], n.get("kind"), n["amount"]) for n in document["lines"]]
    assert lines == [
        ("base", None, "5.000000"),
        ("data", None, "3.110000"),
        ("data", "shortfall", "0.900000"),
        ("spend", None, "-0.811000"),
        ("spend", "shortfall", "11.801000"),
    ]
    assert document["totals"][0]["receivable"] == "20.000000"
    october = next(d for d in statements(settled) if d["number"] == "M-1-000001")
    assert october["totals"][0]["receivable"] == "20.000000"
    # 9.99 of sales: 30 % of 5 and 40 % of 4.99 are 3.496, of which 2.50 are asked for.
    sales = next(d for d in statements(settled) if d["number"] == "S-1-000002")
    assert sales["totals"][0]["receivable"] == "2.500000"
