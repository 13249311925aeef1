"""Explain shows one event of every service from its bytes to the line of a statement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ops.explain import explain
from ops.explain_event import EventName
from ops.reading import Opened
from tests.ops.books import MENDED, call, close, recycle, reference, settle


def told(data: Path, sequence: int) -> dict[str, Any]:
    """What is known of an event of msc-1."""
    with Opened(data) as opened:
        document = explain(opened, EventName("msc-1", 0, sequence, None))
    assert document is not None
    return document


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One event of every service and outcome; November is closed, then one call is late."""
    data = tmp_path_factory.mktemp("explain") / "data"
    settle(data)
    close(data)
    settle(data, [call(20)])
    return data


# Sequence, attribution, item, rate line, arithmetic and the line of the statement.
LEGS = [
    (
        1,
        "route:TG-001 -> W-1 (ALFA, wholesale)",
        "voice-in: deck per minute, receivable",
        "deck STANDARD, zone DE-MOBILE: 0.06 per minute, connect fee 0.01, increments 30/6 s",
        "66 x 0.06 / 60 + 0.01 = 0.076 -> 0.076000",
        "W-1-000001 line 4: voice-in 0.076000 EUR",
    ),
    (
        2,
        "route:TG-001 -> W-1 (ALFA, wholesale)",
        "sms-in: unit per event, payable",
        "0.005 per event",
        "1 x 0.005 = 0.005 -> 0.005000",
        "W-1-000001 line 3: sms-in 0.005000 EUR",
    ),
    (
        3,
        "number_range:49170 -> M-1 (BRAVO, mvno)",
        "data: tiers per megabyte, receivable",
        "graduated per megabyte (bytes): 0.01 up to 1000000, 0.002 above",
        "priced by the period's volume, of which this event is 2000000 bytes",
        "M-1-000001 line 1: data 0.012000 EUR",
    ),
    (
        4,
        "product:PORT-1 -> W-1 (ALFA, wholesale)",
        "ports: unit per gigabyte, receivable",
        "0.5 per gigabyte",
        "2000000000 x 0.5 / 1000000000 = 1 -> 1.000000",
        "W-1-000001 line 2: ports 1.000000 EUR",
    ),
    (
        5,
        "product:CIR-1 -> W-1 (ALFA, wholesale)",
        "circuits: unit per unit, receivable",
        "10 per unit",
        "1 x 10 = 10 -> 10.000000",
        "W-1-000001 line 1: circuits 10.000000 EUR",
    ),
    (
        6,
        "channel:CH-1 -> S-1 (BRAVO, reseller)",
        "shop: share per amount, receivable",
        "share of 30 % of the retail amount",
        "9990000 x 0.3 / 1000000 = 2.997 -> 2.997000",
        "S-1-000001 line 1: shop 2.997000 EUR",
    ),
]


@pytest.mark.parametrize(("sequence", "owner", "item", "rate", "sum_", "line"), LEGS)
def test_every_service_is_explained(
    data: Path, sequence: int, owner: str, item: str, rate: str, sum_: str, line: str
) -> None:
    """Rule, agreement version, rate line, arithmetic, accrual and statement line of each."""
    document = told(data, sequence)
    (leg,) = document["legs"]
    assert document["source"][0]["outcome"] == "rated"
    assert document["source"][0]["position"].startswith("usage.v1/0/")
    assert leg["attribution"] == owner
    assert leg["agreement_version"] == f"{owner.split()[2]} version 1"
    assert (leg["item"], leg["rate_line"], leg["arithmetic"]) == (item, rate, sum_)
    (accrual,) = leg["accrual"]
    assert (accrual["booked"], accrual["events"]) == ("2024-11", 1)
    assert leg["statement_lines"] == [line]


def test_measured_and_charged_are_told_apart(data: Path) -> None:
    """61 seconds were measured, increments of 30 and 6 make them 66."""
    (leg,) = told(data, 1)["legs"]
    assert (leg["measured"], leg["charged"]) == ("61 seconds", "66 seconds")
    assert (leg["charge"], leg["currency"]) == ("0.076000", "EUR")
    assert leg["rounding"] == "record, half_up, 6 decimals"


def test_repeats_and_conflicts_are_told_in_order(data: Path) -> None:
    """Number 1 came three times: it counted, came again, and came with another body."""
    document = told(data, 1)
    outcomes = [came["outcome"] for came in document["source"]]
    assert sorted(outcomes) == ["duplicate", "rated", "suspended: conflicting_body"]
    assert document["duplicate_check"] == (
        "this number came 3 times: 1 repeat and 1 conflicting body"
    )
    (waiting,) = document["not_rated"]
    assert waiting["reason"] == "conflicting_body"


def test_suspended_usage_is_explained(data: Path) -> None:
    """What is missing is named, and where to add it."""
    document = told(data, 7)
    assert document["legs"] == []
    assert document["source"][0]["outcome"] == "suspended: unknown_route"
    (waiting,) = document["not_rated"]
    assert (waiting["state"], waiting["detail"]) == ("suspended", "route:TX-1")
    assert waiting["what_to_do"].startswith("list route TX-1 in attribution.csv")


def test_quarantined_usage_is_explained(data: Path) -> None:
    """The rule that refused it, with the figure that it refused."""
    document = told(data, 8)
    assert document["source"][0]["outcome"] == "quarantined: negative_quantity"
    (waiting,) = document["not_rated"]
    assert waiting["state"] == "quarantined"
    assert "duration_ms=-1" in waiting["detail"]
    assert "same number" in waiting["what_to_do"]


@pytest.mark.parametrize(("sequence", "why"), [(9, "retail"), (10, "test")])
def test_excluded_usage_is_explained(data: Path, sequence: int, why: str) -> None:
    """Nobody's money, and why."""
    document = told(data, sequence)
    assert [came["outcome"] for came in document["source"]] == [f"excluded: {why}"]
    assert (document["not_rated"], document["legs"]) == ([], [])


def test_late_usage_is_part_of_the_next_period(data: Path) -> None:
    """The statement of November stays as it is: the late call is in December's accruals."""
    (leg,) = told(data, 20)["legs"]
    assert (leg["period"], leg["booked"]) == ("2024-11", "2024-12")
    (accrual,) = leg["accrual"]
    assert (accrual["original"], accrual["amount"]) == ("2024-11", "0.076000")
    assert leg["statement_lines"] == []


def test_recycled_usage_names_the_reference_it_was_rated_by(tmp_path: Path) -> None:
    """Tried again after November was closed it counts in December, by the mended reference."""
    data = tmp_path / "data"
    settle(data)
    (before,) = told(data, 1)["legs"]
    close(data)
    recycle(data, reference(tmp_path / "mended", MENDED))
    (leg,) = told(data, 7)["legs"]
    assert leg["reference"] != before["reference"]
    assert leg["attribution"].startswith("route:TX-1 -> W-1")
    assert leg["booked"] == "2024-12"
    # What was rated before still says by what.
    assert told(data, 1)["legs"][0]["reference"] == before["reference"]


def test_an_event_that_never_came_is_not_explained(data: Path) -> None:
    """There is nothing to say about it."""
    with Opened(data) as opened:
        assert explain(opened, EventName("msc-1", 0, 99, None)) is None
        assert explain(opened, EventName("msc-1", 1, 1, None)) is None
        assert explain(opened, EventName("msc-2", 0, 1, None)) is None
