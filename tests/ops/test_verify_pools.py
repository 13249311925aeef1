"""A pool of two agreements from files to statements: verified, shown live, explained, closed."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ops.explain_line import LineName, explain_line
from ops.reading import Opened
from schemas.codes import Service
from state.view import View
from tests.builders import reference_dir
from tests.ops.books import close, event, settle, verdict

GIGABYTE = 10**9
TERMS = """
- agreement: {name}
  partner: ALFA
  model: mvno
  pool: NORTH
  versions:
    - version: 1
      valid_from: 2024-01-01
      zone: UTC
      currency: EUR
      rounding: {{place: {place}, decimals: 2}}
      items:
        - {{item: data, role: subscriber, service: data, flow: receivable,
           price: {{kind: counted, per: gigabyte}}}}
        - {{item: shop, role: channel, service: transaction, flow: receivable,
           price: {{kind: share, percent: 100}}}}
      deals: [{deals}]
"""
DEALS = """
        {deal: together, flow: receivable, over: [data, B-1/data],
         price: {kind: tiers, per: gigabyte, tiers: [{up_to: 15, price: 10}, {price: 5}]}},
        {deal: most, flow: receivable, over: [shop, B-1/shop, together],
         price: {kind: bounds, maximum: 180}}"""
ATTRIBUTION = """\
kind,key,agreement,valid_from,valid_upto
access_point,A,A-1,,
access_point,B,B-1,,
channel,A,A-1,,
channel,B,B-1,,
"""


def sessions(first: int, *gigabytes: tuple[str, int]) -> list[dict[str, Any]]:
    """A session of so many gigabytes each."""
    return [
        event(
            Service.DATA,
            first + n,
            access_point=who,
            subscriber=None,
            volume_up_bytes=size * GIGABYTE,
            volume_down_bytes=0,
        )
        for n, (who, size) in enumerate(gigabytes)
    ]


def sale(sequence: int, who: str) -> dict[str, Any]:
    """9.99 of sales."""
    return event(Service.TRANSACTION, sequence, sales_channel=who)


@pytest.mark.parametrize("place", ["line", "statement"])
def test_a_pool_is_settled_as_the_oracle_does(tmp_path: Path, place: str) -> None:
    """20 GB and 2 sales are 194.98 of at most 180; 2 GB late are 10, and all of it too much."""
    text = "".join(
        TERMS.format(name=name, place=place, deals=deals)
        for name, deals in (("A-1", DEALS), ("B-1", ""))
    )
    given = reference_dir(tmp_path / "given", agreements=text, attribution=ATTRIBUTION)
    data = tmp_path / "data"
    settle(data, [*sessions(1, ("A", 10), ("B", 10)), sale(3, "A"), sale(4, "B")], given)
    with Opened(data) as topics:
        found = explain_line(topics, LineName("A-1", "most", "2024-11"))
    assert found is not None
    assert found["lines"][0]["sum"] == "194.98"
    assert found["lines"][0]["amount"] == "-14.980000"
    with Opened(data) as topics:
        view = View(topics.tables)
        view.apply([*topics.snapshot(list(View.topics))])
    live = {total.agreement: total.receivable_micros for total in view.partners().items}
    assert live == {"A-1": 170_010_000, "B-1": 9_990_000}
    close(data, "2024-11", "B-1")
    settle(data, sessions(5, ("B", 2)), given)
    close(data, "2024-12", "A-1", "B-1")
    outcome = verdict(data)
    assert list(outcome.differences) == []
    assert outcome.statements == 4
    with Opened(data) as topics:
        stated = {d["number"]: Fraction(d["totals"][0]["receivable"]) for d in topics.statements()}
    assert stated == {
        "A-1-000001": Fraction("170.01"),  # and the 9.99 that B-1 states are 180
        "B-1-000001": Fraction("9.99"),
        "A-1-000002": 0,
        "B-1-000002": 0,
    }
