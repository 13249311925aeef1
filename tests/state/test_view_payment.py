"""Live totals have tax and settlement as the statement of that moment would have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from api.statements import PaidTotal, StatementTotal, head_of
from api.stream import total_body
from schemas.topics import ACCRUALS, STATEMENTS
from state.tables import Tables
from state.view import View
from streams.log import Message
from tests.hop_makers import AccrueBench, latest
from tests.payment_makers import FX, NOVEMBER, OCTOBER, YEN, closed, money, paying_tables
from tests.state.view_makers import segment

TAX = "tax: {percent: 25}"


class Followed:
    """A hop, and a view that follows what it commits."""

    def __init__(self, tables: Tables) -> None:
        self.bench = AccrueBench(tables)
        self.view = View(tables)
        self._offset = {ACCRUALS.name: 0, STATEMENTS.name: 0}

    def bodies(self) -> dict[str, dict[str, Any]]:
        """What is streamed of each book, by period."""
        for topic in self._offset:
            found: list[Message] = [*latest(self.bench.broker, topic).items()]
            self.view.apply([segment(found, self._offset[topic], topic=topic)])
            self._offset[topic] += len(found)
        self.view.mark_caught_up()
        return {total.period: total_body(total) for total in self.view.partners().items}


@pytest.mark.parametrize("place", ["line", "statement"])
def test_a_live_total_says_what_its_statement_will(tmp_path: Path, place: str) -> None:
    """193.3333 euros: tax, gross and yen; late usage of October at the rate that was frozen."""
    followed = Followed(paying_tables(tmp_path, TAX, YEN, place=place))
    bench = followed.bench
    bench.settle(money(0, 5_000_000, of=OCTOBER))
    closed(bench, OCTOBER)
    bench.settle(money(1, 1_000_000, of=OCTOBER), money(2, 192_333_300))
    live = followed.bodies()[NOVEMBER]
    [total] = closed(bench)["totals"]
    assert {name: live[name] for name in total} == total
    assert live["gross"] == "241.660000"
    assert [rate["period"] for rate in live["settlement"]["rates"]] == [OCTOBER, NOVEMBER]


def test_a_closed_total_says_what_its_statement_says(tmp_path: Path) -> None:
    """It was provisional when it was made; a rate that is known by now changes nothing of it."""
    fx = FX.replace("2026-11-30", "2026-11-22")
    followed = Followed(paying_tables(tmp_path / "a", YEN, fx=fx))
    followed.bench.settle(money(0, 10_000_000))
    assert "provisional" in followed.bodies()[NOVEMBER]["settlement"]
    closed(followed.bench)
    followed.view.use(paying_tables(tmp_path / "b", YEN))
    body = followed.bodies()[NOVEMBER]
    assert body["status"] == "final"
    assert body["settlement"]["provisional"] == "no rate of ECB EUR/JPY for 2026-11-30"


def test_without_terms_of_payment_nothing_is_said(tmp_path: Path) -> None:
    """Neither of a live total nor in the list of statements, which has them where there are any."""
    for name, terms, kind in (("a", (), StatementTotal), ("b", (TAX,), PaidTotal)):
        followed = Followed(paying_tables(tmp_path / name, *terms))
        followed.bench.settle(money(0, 10_000_000))
        assert ("tax" in followed.bodies()[NOVEMBER]) is bool(terms)
        closed(followed.bench)
        followed.bodies()
        [statement] = followed.view.statements()[1]
        [total] = head_of(statement).totals
        assert type(total) is kind
        listed = json.loads(total.model_dump_json(exclude_none=True))
        assert listed == json.loads(statement.document)["totals"][0]
