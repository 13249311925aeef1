"""What the fields of prices may be, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.prices import PERS, PRICE_MODELS
from tests.builders import agreement_text, complaints_of, reference_dir

DATA_ITEM = "{item: data, role: subscriber, service: data, flow: receivable, price: PRICE}"
NO_KEYS = "kind,key,agreement,valid_from,valid_upto\n"


@pytest.mark.parametrize(
    ("price", "complaint"),
    [
        (
            "{kind: unit, per: megabyte, amount: 0.0000000001}",
            "price.amount: '0.0000000001' has more than 9 decimals; write at most 9",
        ),
        (
            '{kind: unit, per: megabyte, amount: "0,5"}',
            (
                "price.amount: '0,5' is not a decimal number; "
                "write a point for the decimals and nothing between thousands"
            ),
        ),
        (
            "{kind: unit, per: megabyte, amount: -1}",
            "price.amount: '-1' is negative; write it positive and turn the item's flow around",
        ),
        (
            "{kind: unit, per: megabyte, amount: 1000001}",
            "price.amount: '1000001' is above 1000000; check the price and what it is per",
        ),
        (
            "{kind: unit, per: megabyte, amount: }",
            "price.amount: is empty; write a value or remove",
        ),
        ("{kind: unit, per: megabyte, amount: [1]}", "price.amount: holds a list or fields"),
        ("{kind: unit, per: megabyte}", "price.amount: is missing; add it"),
        (
            "{kind: unit, per: MB, amount: 1}",
            (
                "price.per: 'MB' is not known; write one of second, minute, hour, byte, kilobyte, "
                "megabyte, gigabyte, mebibyte, gibibyte, event, unit"
            ),
        ),
        (
            "{kind: unit, per: megabyte, amonut: 1, amount: 1}",
            "price.amonut: is not known here; write amount",
        ),
        (
            "{kind: unit, per: minute, amount: 1, initial_seconds: 0}",
            "price.initial_seconds: '0' is not a whole number from 1 to 86400",
        ),
        (
            "{kind: unit, per: minute, amount: 1, initial_seconds: 0x10}",
            "price.initial_seconds: '0x10' is not a whole number from 1 to 86400",
        ),
        (
            "{kind: flat, amount: 1}",
            "price: has no known kind; write kind: deck, unit, tiers, counted, share or recurring",
        ),
        (
            "12",
            "price: has no known kind; write kind: deck, unit, tiers, counted, share or recurring",
        ),
        (
            "{kind: tiers, per: megabyte, tiers: 5}",
            "price.tiers: must be a list; begin every entry",
        ),
        (
            "{kind: tiers, per: megabyte, tiers: [5]}",
            "price.tiers[0]: must be fields, written name: value",
        ),
        ("{kind: share, percent: 130}", "price.percent: '130' is not a percentage; write a number"),
    ],
)
def test_a_wrong_price_is_named_with_what_to_write(
    tmp_path: Path, price: str, complaint: str
) -> None:
    """Every message has file, line and the path of the field, and says what to do."""
    text = agreement_text(DATA_ITEM.replace("PRICE", price))
    found = complaints_of(reference_dir(tmp_path, agreements=text, attribution=NO_KEYS))
    assert len(found) == 1
    assert found[0].startswith(f"agreements.yaml:3: versions[0].items[0].{complaint}")


def test_every_model_refuses_fields_that_nobody_reads() -> None:
    """A mistyped field would otherwise be a price that is silently another one."""
    assert all(model.model_config["extra"] == "forbid" for model in PRICE_MODELS)
    assert all(model.model_config["frozen"] for model in PRICE_MODELS)


def test_per_says_how_many_of_a_quantity() -> None:
    """A minute is 60 seconds; a mebibyte is 1,048,576 bytes and a megabyte a million."""
    assert [PERS[name].unit for name in ("minute", "hour", "megabyte", "mebibyte")] == [
        60,
        3_600,
        1_000_000,
        1_048_576,
    ]
