"""Totals and declarations of a data directory are worked out again; what is altered is found."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ops.embedded import Embedded
from schemas.codes import Service
from schemas.topics import STATEMENTS
from streams.facts import Which
from tests.builders import reference_dir
from tests.ops.books import event, settle, verdict

PERIOD = "2024-11"
TERMS = """\
- agreement: W-1
  partner: ALFA
  model: wholesale
  versions:
    - version: 1
      valid_from: 2024-01-01
      zone: UTC
      currency: EUR
      rounding: {place: statement, decimals: currency}
      tax: {percent: 25}
      settle_in: {currency: JPY, source: ECB}
      tolerance: {percent: 10}
      items:
        - {item: texts, role: ingress, service: sms, flow: receivable,
           price: {kind: unit, per: event, amount: "0.333"}}
"""
FX = "source,base,quote,date,rate\nECB,EUR,JPY,2024-11-29,161.25\n"
KEYS = "kind,key,agreement,valid_from,valid_upto\nroute,TG-001,W-1,,\n"


def text(sequence: int) -> dict[str, Any]:
    """A message of 1 November at 0.333."""
    return event(Service.SMS, sequence, ingress_route="TG-001")


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten messages, closed; then one that is late, and a figure that comes after it."""
    data = tmp_path_factory.mktemp("paid") / "data"
    terms = reference_dir(
        data.with_name("terms"), agreements=TERMS, attribution=KEYS, others={"fx.csv": FX}
    )
    settle(data, [text(n) for n in range(10)], terms)
    which = Which("W-1", PERIOD, "texts", "quantity")
    with Embedded(data) as weir:
        assert weir.declare(which, "12") is None
        weir.close_periods(["W-1"], PERIOD)
        assert weir.declare(which, "11") is None
        refused = weir.declare(which._replace(item="calls"), "1")
        assert refused is not None
        assert "W-1 has no item calls" in refused
        assert weir.facts().known(which) == (2, "11", "2024-12")
    settle(data, [text(20)], terms)
    with Embedded(data) as weir:
        weir.close_periods(["W-1"], "2024-12")
    return data


@pytest.fixture
def copy(closed: Path, tmp_path: Path) -> Path:
    """A copy of it, to be altered."""
    shutil.copytree(closed, tmp_path / "data")
    return tmp_path / "data"


def alter(data: Path, topic: str, wanted: bytes, change: Callable[[Any], object]) -> None:
    """Change the JSON value under the first key of a topic that has `wanted` in it."""
    with closing(sqlite3.connect(data / "log" / "log.sqlite")) as connection:
        found = connection.execute(
            "SELECT latest.id, key, value FROM latest JOIN topics ON topics.id = latest.id >> 56"
            " WHERE topics.name = ? AND value IS NOT NULL ORDER BY latest.id",
            (topic,),
        ).fetchall()
        row_id, value = next((i, json.loads(v)) for i, key, v in found if wanted in key)
        change(value)
        changed = json.dumps(value).encode()
        connection.execute("UPDATE latest SET value = ? WHERE id = ?", (changed, row_id))
        connection.commit()


def test_what_was_paid_is_what_is_due(closed: Path) -> None:
    """Ten messages are 3.33, with 0.83 of tax; 536.96 yen; twelve declared are over ten percent.

    The late one is 0.33 at the same rate, 53.21 yen; of eleven declared we have eleven by then.
    """
    assert verdict(closed).differences == []
    with Embedded(closed) as weir:
        first, second = weir.statements()
    [total] = first["totals"]
    assert (total["net"], total["tax"], total["gross"]) == ("3.330000", "0.830000", "4.160000")
    assert total["settlement"]["net"] == "537.000000"
    [declared] = first["declarations"]
    assert (declared["own"], declared["declared"], declared["result"]) == ("10", "12", "breach")
    [total] = second["totals"]
    assert total["settlement"]["net"] == "53.000000"
    assert total["settlement"]["rates"] == [
        {"period": PERIOD, "date": "2024-11-29", "rate": "161.25"}
    ]
    [declared] = second["declarations"]
    assert (declared["own"], declared["difference"], declared["result"]) == ("11", "0", "within")


def put(*path: str | int, value: object) -> Callable[[Any], object]:
    """A change of what stands at a place."""

    def change(document: Any) -> None:  # noqa: ANN401 - any JSON
        for part in path[:-1]:
            document = document[part]
        document[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put("totals", 0, "tax", value="0.84"), "total EUR: tax 0.84 is stated; recomputed: 0.83"),
        (put("totals", 0, "settlement", "net", value="538"), "settlement.net 538 is stated"),
        (put("totals", 0, "settlement", "rates", 0, "rate", value="161"), "settlement.rates"),
        (put("provisional", value=["no rate"]), "says ['no rate'] is missing; it is []"),
        (put("declarations", 0, "own", value="12"), "own 12 is stated; recomputed: 10"),
        (put("declarations", 0, "result", value="within"), "result within is stated; recomputed"),
        (put("declarations", value=[]), "declaration texts 2024-11 quantity: declared nothing"),
    ],
)
def test_an_altered_statement_is_found(
    copy: Path, change: Callable[[Any], object], said: str
) -> None:
    """Whatever of it says another thing than the usage, the rates and the commands."""
    alter(copy, STATEMENTS.name, b"W-1-000001", change)
    assert [line for line in verdict(copy).differences if said in line] != []


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (b"declared/", [2, "10", "2024-12"], "declared: W-1 2024-11 texts quantity 2 10 2024-12"),
        (b"fx/", ["2024-11-29", "160"], "frozen rates: W-1 2024-11 EUR JPY 2024-11-29 160"),
    ],
)
def test_altered_state_is_found(copy: Path, key: bytes, value: list[Any], said: str) -> None:
    """What the next statement would be made with."""

    def change(record: list[Any]) -> None:
        record[:] = value

    alter(copy, "accrue.changelog.v1", key, change)
    assert [line for line in verdict(copy).differences if said in line] != []
