"""Tables of tiers: texts become whole quantities, and what does not fit is named with advice."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.curves import block_size, quantity_of, tier_bound
from schemas.prices import PERS
from tests.builders import agreement_text, complaints_of, reference_dir

HERE = "agreements.yaml:3: versions[0].items[0].price."


def complaints(directory: Path, fields: str, per: str = "minute") -> list[str]:
    """What is wrong with a price of tiers, by the path below the price."""
    role, service = ("channel", "transaction") if per == "amount" else ("ingress", "voice")
    item = (
        f"{{item: a, role: {role}, service: {service}, flow: receivable, "
        f"price: {{kind: tiers, per: {per}, {fields}}}}}"
    )
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    text = agreement_text(item)
    found = complaints_of(reference_dir(directory, agreements=text, attribution=keys))
    assert all(complaint.startswith(HERE) for complaint in found)
    return [complaint.removeprefix(HERE) for complaint in found]


def test_a_text_becomes_a_whole_quantity() -> None:
    """1.5 minutes are 90 seconds, half a megabyte 500,000 bytes, 0.01 of money 10,000 micros."""
    assert tier_bound("1.5", PERS["minute"]) == 90
    assert tier_bound("0.5", PERS["megabyte"]) == 500_000
    assert tier_bound("1000", PERS["event"]) == 1_000
    assert block_size("10", PERS["minute"]) == 600
    assert quantity_of("0.01", PERS["amount"]) == 10_000


def test_a_quantity_may_name_its_own_unit(tmp_path: Path) -> None:
    """10 seconds of a price per minute, which are no decimal number of minutes."""
    assert tier_bound("10 second", PERS["minute"]) == 10
    assert block_size("1.5 gigabyte", PERS["byte"]) == 1_500_000_000
    assert complaints(tmp_path, "tiers: [{up_to: 10 second, price: 2}, {price: 1}]") == []
    assert complaints(tmp_path, "free: 1 byte, tiers: [{price: 1}]") == [
        "free: 'byte' is not known; write one of second, minute, hour, or no unit"
    ]


@pytest.mark.parametrize(
    "fields",
    [
        "tiers: [{from: 0, up_to: 10, price: 2, flat: 1}, {from: 10, price: 1, cap: 7}]",
        "tiers: [{up_to: 10, block: 5, price: 2, round: half_up}, {step: 60, price: 1}]",
        "curve: volume, free: 2.5, at_least: 100, flat_on_zero: true, tiers: [{price: 1, flat: 2}]",
    ],
)
def test_a_table_that_fits_is_taken(tmp_path: Path, fields: str) -> None:
    """Every field of a tier and of a price of tiers."""
    assert complaints(tmp_path, fields) == []


def test_a_percentage_is_a_price_of_money(tmp_path: Path) -> None:
    """Tiered commission: 10 % up to 10,000, then 15 %."""
    fields = "tiers: [{up_to: 10000, percent: 10}, {percent: 15}]"
    assert complaints(tmp_path, fields, "amount") == []


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        (
            "tiers: [{up_to: 100, price: 1}, {from: 200, price: 1}]",
            "tiers[1].from: leaves a gap after tier 1 (100 to 200); repeat its up_to",
        ),
        (
            "tiers: [{up_to: 100, price: 1}, {from: 50, price: 1}]",
            "tiers[1].from: overlaps tier 1 (50 to 100); repeat its up_to",
        ),
        (
            "tiers: [{from: 1, price: 1}]",
            "tiers[0].from: leaves a gap below the first tier (0 to 1); write 0, or remove it",
        ),
        (
            "tiers: [{from: much, price: 1}]",
            (
                "tiers[0].from: 'much' is not a decimal number; "
                'write digits and at most one point, for example "0.012"'
            ),
        ),
        ("tiers: [{up_to: 5}, {price: 1}]", "tiers[0].price: is missing; add it"),
        (
            "tiers: [{percent: 1}]",
            "tiers[0].percent: is of money; write per: amount, or a price",
        ),
        (
            "tiers: [{price: 1, block: 5, step: 60}]",
            "tiers[0].block: sells whole blocks, step counts them; keep one",
        ),
        (
            "tiers: [{price: 1, block: 0}]",
            (
                "tiers[0].block: '0' is not a possible block; "
                "write a positive number of whole seconds"
            ),
        ),
        (
            "tiers: [{price: 1, round: up}]",
            "tiers[0].round: rounds blocks; write block, or remove it",
        ),
        (
            "tiers: [{price: 1, block: 1, round: ceiling}]",
            "tiers[0].round: 'ceiling' is not known; write one of up, down, half_up",
        ),
        (
            "tiers: [{price: 1, cap: -1}]",
            ("tiers[0].cap: '-1' is negative; write it positive and turn the item's flow around"),
        ),
        (
            "at_least: 0, tiers: [{price: 1}]",
            ("at_least: '0' is not a possible quantity; write a positive number of whole seconds"),
        ),
        (
            "free: 0.001, tiers: [{price: 1}]",
            ("free: '0.001' is not a possible quantity; write a positive number of whole seconds"),
        ),
        (
            "curve: back_to_first, tiers: [{price: 1}]",
            "curve: 'back_to_first' is not known; write one of graduated, volume",
        ),
        (
            "flat_on_zero: yes, tiers: [{price: 1}]",
            "flat_on_zero: 'yes' is not known; write true or false",
        ),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, fields: str, complaint: str) -> None:
    """File, line, field, what is wrong and what to write instead."""
    assert complaints(tmp_path, fields) == [complaint]


@pytest.mark.parametrize(
    ("tier", "complaint"),
    [
        ("percent: 1, price: 1", "percent: is a second price; keep price or percent"),
        ("percent: 1, block: 10", "block: has a price, not a percentage; write price"),
        ("percent: 101", "percent: '101' is not a percentage; write a number from 0 to 100"),
    ],
)
def test_a_percentage_has_no_second_price(tmp_path: Path, tier: str, complaint: str) -> None:
    """A tier has one price."""
    assert complaints(tmp_path, f"tiers: [{{{tier}}}]", "amount") == [f"tiers[0].{complaint}"]
