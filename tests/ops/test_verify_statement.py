"""A statement is held against what its usage comes to, line by line and field by field."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from ops.oracle import Settlement
from ops.oracle_amounts import Accrual, AccrualKey, Amount, AmountKey, Total, TotalKey
from ops.oracle_reference import Rounding
from ops.verify_statement import statement_differences

ROUNDING = Rounding("line", "half_up", 2)
KEY = AmountKey("A", "voice", 1, "DE", "EUR", "2024-11", "2024-11")
PERIOD = AccrualKey("A", 1, "voice", "DE", "EUR", "2024-11", "2024-11", None)
TIERED = KEY._replace(item="data", line="")


def settlement() -> Settlement:
    """0.123 rounded to 0.12, which leaves 0.003; and two tiers that come to 0.012."""
    parts = ((Fraction(10), Fraction(1, 100)), (Fraction(5), Fraction(2, 1000)))
    return Settlement(
        accruals={
            PERIOD: Accrual(3, 60, 123_000, Fraction(0)),
            PERIOD._replace(item="data", line=""): Accrual(1, 15, 0, Fraction(0)),
        },
        lines={
            KEY: Amount(Fraction(123, 1000), 120_000, "receivable", ROUNDING),
            TIERED: Amount(Fraction(12, 1000), 12_000, "receivable", ROUNDING, parts),
        },
        totals={TotalKey("A", "2024-11", "EUR"): Total(Decimal("0.132"), Decimal(0))},
    )


def document() -> dict[str, Any]:
    """The statement that says so."""
    common = {
        "agreement_version": 1,
        "original_period": "2024-11",
        "currency": "EUR",
        "flow": "receivable",
    }
    tiers = [{"quantity": 10, "amount": "0.01"}, {"quantity": 5, "amount": "1/500"}]
    voice = {"events": 3, "quantity": 60, "amount": "0.120000", "residue": "0.003"}
    data = {"events": 1, "quantity": 15, "amount": "0.012000", "residue": "0"}
    data["tiers"] = tiers
    return {
        "number": "A-000001",
        "agreement": "A",
        "period": "2024-11",
        "lines": [
            {**common, **voice, "item": "voice", "zone": "DE"},
            {**common, **data, "item": "data", "zone": ""},
        ],
        "totals": [
            {"currency": "EUR", "receivable": "0.132000", "payable": "0.000000", "net": "0.132000"}
        ],
    }


def sealed(statement: dict[str, Any]) -> dict[str, Any]:
    """With the digest of what it says."""
    text = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {**statement, "digest": hashlib.sha256(text.encode()).hexdigest()}


def differences(statement: dict[str, Any]) -> list[str]:
    """What differs."""
    return list(statement_differences(statement, settlement()))


def test_a_right_statement_has_no_difference() -> None:
    """Lines, tiers, residues and totals are as they have to be."""
    assert differences(sealed(document())) == []


def test_a_change_after_sealing_shows_in_the_digest() -> None:
    """Even of a field that no usage decides."""
    assert differences({**sealed(document()), "partner": "X"}) == [
        "statement A-000001 digest: the document was changed after it was sealed"
    ]


@pytest.mark.parametrize(
    ("line", "field", "value", "said"),
    [
        (0, "amount", "0.130000", "amount 0.130000 is stated; recomputed from usage: 0.120000"),
        (0, "events", 4, "events 4 is stated; recomputed from usage: 3"),
        (0, "quantity", 61, "quantity 61 is stated; recomputed from usage: 60"),
        (0, "residue", "0", "residue 0 is stated; recomputed from usage: 3/1000"),
        (0, "flow", "payable", "flow payable is stated; recomputed from usage: receivable"),
        (1, "tiers", [], "tiers none is stated; recomputed from usage: 10 for 1/100; 5 for 1/500"),
    ],
)
def test_every_field_of_a_line_counts(line: int, field: str, value: object, said: str) -> None:
    """Altered and sealed again, it is the usage that tells."""
    altered = document()
    altered["lines"][line][field] = value
    (difference,) = differences(sealed(altered))
    name = ("voice DE", "data")[line]
    assert difference == f"statement A-000001 line {name} v1 of 2024-11 in EUR: {said}"


@pytest.mark.parametrize("field", ["receivable", "payable", "net"])
def test_every_total_counts(field: str) -> None:
    """What is owed each way, and the net of it."""
    altered = document()
    altered["totals"][0][field] = "9.000000"
    (difference,) = differences(sealed(altered))
    assert f"total EUR: {field} 9.000000 is stated" in difference


def test_lines_must_be_there_and_no_others() -> None:
    """One that is due is missed, one that is not is named."""
    short = document()
    moved = {**short["lines"].pop(0), "item": "sms"}
    assert [line.partition(": ")[2].split(" with ")[0] for line in differences(sealed(short))] == [
        "due"
    ]
    short["lines"].append(moved)
    found = differences(sealed(short))
    assert [line.split(" with ")[0].rpartition(": ")[2] for line in found] == ["stated", "due"]


def test_a_line_of_nothing_may_be_missing_or_there() -> None:
    """Usage of other lines may have moved a price by nothing in the end."""
    empty = document()
    nothing = {"events": 0, "quantity": 0, "amount": "0.000000", "residue": "0"}
    nothing["tiers"] = []
    empty["lines"].append({**empty["lines"][1], **nothing, "agreement_version": 2})
    assert differences(sealed(empty)) == []
