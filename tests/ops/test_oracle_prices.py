"""The oracle's reading of prices: what a unit is, every field of a tier, deals."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from ops.oracle_prices import PER, Tier
from tests.ops.oracle_makers import item, reference, unit, version


@pytest.mark.parametrize(
    ("per", "quantity", "size"),
    [
        ("hour", "seconds", 3600),
        ("minute", "seconds", 60),
        ("second", "seconds", 1),
        ("byte", "bytes", 1),
        ("kilobyte", "bytes", 1000),
        ("megabyte", "bytes", 1_000_000),
        ("mebibyte", "bytes", 1_048_576),
        ("gigabyte", "bytes", 1_000_000_000),
        ("gibibyte", "bytes", 1_073_741_824),
        ("event", "events", 1),
        ("unit", "units", 1),
    ],
)
def test_a_unit_of_price_is_so_much_of_a_quantity(per: str, quantity: str, size: int) -> None:
    """Mega is a million, mebi is 2 to the power of 20: each word has one meaning."""
    assert PER[per] == (quantity, size)


def test_every_field_of_tiers_is_read(tmp_path: Path) -> None:
    """Bounds, blocks, free and committed quantities are in the quantity itself: here micros."""
    price = (
        "{kind: tiers, per: amount, curve: volume, free: 0.5, at_least: 3, flat_on_zero: true, "
        "tiers: [{from: 0, up_to: 2, percent: 12.5, flat: 1, cap: 7}, "
        "{block: 10, round: down, price: 3}, {step: 5, price: 1}]}"
    )
    found = reference(tmp_path, {"A": [version(item(price))]}).version("A", 1).items[0].price
    assert (found.curve, found.free, found.at_least) == (
        "volume",
        Fraction(500_000),
        Fraction(3_000_000),
    )
    assert found.flat_on_zero
    assert found.tiers == (
        Tier(Fraction(2 * 10**6), Fraction(1, 8), Fraction(1), cap=Fraction(7)),
        Tier(None, Fraction(3), block=Fraction(10**7), rounds="down"),
        Tier(None, Fraction(1), step=5),
    )


def test_deals_are_read(tmp_path: Path) -> None:
    """Bounds with what is not said left open, and a fee."""
    deals = (
        "[{deal: a, flow: payable, over: [x, y], price: {kind: bounds, discount_percent: 5}}, "
        "{deal: b, flow: payable, price: {kind: fee, amount: 2.5, on: 2026-11-15}}]"
    )
    written = version(item(unit("minute", "1")), deals=deals)
    bounds, fee = reference(tmp_path, {"A": [written]}).version("A", 1).deals
    assert (bounds.over, bounds.discount, bounds.maximum, bounds.minimum) == (
        ("x", "y"),
        Fraction(1, 20),
        None,
        Fraction(0),
    )
    assert (fee.kind, fee.amount, fee.on, fee.prorate) == (
        "fee",
        Fraction(5, 2),
        "2026-11-15",
        False,
    )
