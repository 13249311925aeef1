"""Explain and price show what a charge was divided into, and of what a share is a part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ops.explain import explain
from ops.explain_event import EventName, rated_legs
from ops.explain_text import steps
from ops.price import price
from ops.reading import Opened
from schemas.codes import Service
from tests.ops.books import event, settle, usage_file, verdict
from tests.sharing_makers import PART, PRICE, RECEIVED, SALE, TERMS, agreement, directory, split

SINCE = TERMS.replace("2026", "2024")
# 60 %, 25 % and 15 % of a sale; of its 25 % the shop gives a third on.
AGREEMENTS = (
    agreement(
        "ALFA-1", f"{SALE}, {PRICE}, {split('largest_remainder', '60', '25', '15')}}}", SINCE
    ),
    agreement(
        "SHOP-2",
        f"{PART}, {RECEIVED}, split: {{rule: rest_to_last, parties: "
        '[{agreement: ORIG-4, item: part, part: "1/3"}, {part: "2/3"}]}}',
        SINCE,
    ),
    agreement("SHOP-3", f"{PART}, {RECEIVED}}}", SINCE),
    agreement("ORIG-4", f"{PART}, {RECEIVED}}}", SINCE),
)
SOLD = event(Service.TRANSACTION, 1, sales_channel="C-1", retail_amount_micros=10_030_000)


@pytest.fixture(name="data", scope="module")
def _data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One sale of 10.03."""
    path = tmp_path_factory.mktemp("shares")
    settle(path / "data", [SOLD], directory(path / "reference", *AGREEMENTS))
    return path / "data"


def explained(data: Path) -> dict[str, Any]:
    """What is known of the sale."""
    with Opened(data) as opened:
        document = explain(opened, EventName("msc-1", 0, 1, None))
    assert document is not None
    return document


def test_the_cascade_is_shown_leg_by_leg(data: Path) -> None:
    """6.018, 2.5075 and 1.5045: the cent goes to the first, 0.8 cut; a third of 2.51 is 0.84."""
    legs = explained(data)["legs"]
    assert [(leg["agreement_version"], leg["charge"]) for leg in legs] == [
        ("ALFA-1 version 1", "6.020000"),
        ("SHOP-2 version 1", "1.670000"),
        ("SHOP-3 version 1", "1.500000"),
        ("ORIG-4 version 1", "0.840000"),
    ]
    assert legs[0]["arithmetic"] == "10030000 x 1 / 1000000 = 10.03 -> 10.030000"
    assert legs[0]["shares"] == [
        "60 % stays: 6.020000",
        "25 % to SHOP-2/part: 2.510000 payable",
        "15 % to SHOP-3/part: 1.500000 payable",
    ]
    assert legs[1]["share_of"] == "ALFA-1/sale"
    assert legs[1]["rate_line"] == "share of ALFA-1/sale by largest_remainder: 25 %"
    assert legs[1]["arithmetic"] == "25 % of 10.030000 = 2.5075 -> 2.510000"
    assert legs[1]["shares"] == ["1/3 to ORIG-4/part: 0.840000 payable", "2/3 stays: 1.670000"]
    assert legs[3]["arithmetic"] == "1/3 of 2.510000 = 251/300 -> 0.840000"
    assert (legs[3]["share_of"], legs[3]["candidates"]) == ("SHOP-2/part", [])
    assert [leg["accrual"][0]["amount"] for leg in legs] == [leg["charge"] for leg in legs]


def test_people_read_it_in_order(data: Path) -> None:
    """The leg, its parts, then the shares under headings of their own."""
    said = list(steps(explained(data)))
    headings = [what for what, text in said if not text and what]
    assert headings == [
        "event msc-1/0/1",
        "leg channel",
        "share of ALFA-1/sale",
        "share of ALFA-1/sale",
        "share of SHOP-2/part",
    ]
    assert said.index(("share", "60 % stays: 6.020000")) < said.index(("share of ALFA-1/sale", ""))


def test_what_the_sale_earns_is_shown(data: Path) -> None:
    """6.02 is owed to the operator; 1.67, 1.50 and 0.84 are paid."""
    found = explained(data)
    assert found["margin"] == "2.010000 EUR, receivable less payable"
    assert list(steps(found))[-1] == ("margin", found["margin"])


def test_what_was_divided_is_verified(data: Path) -> None:
    """The oracle makes the same of it."""
    found = verdict(data)
    assert (found.differences, found.accrual_rows) == ([], 8)


def test_the_archive_has_where_shares_come_from(data: Path) -> None:
    """Legs are found again with their numbers once they are files."""
    with Opened(data) as opened:
        rows = rated_legs(opened, EventName("msc-1", 0, 1, None))
    assert list((data / "archive" / "complete").iterdir())
    assert [(r["kind"], r["leg"], r["sender_leg"], r["whole_micros"]) for r in rows] == [
        (0, 0, None, 10_030_000),
        (2, 1, 0, 2_510_000),
        (2, 2, 0, None),
        (2, 3, 1, None),
    ]


def test_price_shows_shares(tmp_path: Path) -> None:
    """Under what the agreement says, and what its receivers get."""
    reference = directory(tmp_path / "reference", *AGREEMENTS)
    found = price(reference, "ALFA-1", [usage_file(tmp_path / "usage.jsonl", [SOLD])], None)
    shown = [(leg["agreement"], leg["charge"], leg.get("share_of")) for leg in found["legs"]]
    assert shown == [
        ("ALFA-1", "6.020000", None),
        ("SHOP-2", "1.670000", "ALFA-1/sale"),
        ("SHOP-3", "1.500000", "ALFA-1/sale"),
        ("ORIG-4", "0.840000", "SHOP-2/part"),
    ]
    assert found["legs"][3]["arithmetic"] == "1/3 of 2.510000 = 251/300 -> 0.840000"
    assert [p["totals"][0]["payable"] for p in found["periods"] if p["agreement"] == "ORIG-4"] == [
        "0.840000"
    ]
