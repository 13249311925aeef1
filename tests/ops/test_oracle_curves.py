"""The oracle's tiers by hand, element by element, and who answers for a period."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from ops.oracle_curves import dearest, is_standing, owings, placed_parts, tier_amount, tier_parts
from ops.oracle_prices import Price
from tests.ops.oracle_makers import item, reference, tiers, unit, version

NOVEMBER = "2026-11"


def price_of(directory: Path, text: str, per: str = "event") -> Price:
    """A price of tiers as the oracle reads it."""
    written = item(f"{{kind: tiers, per: {per}, {text}}}")
    return reference(directory, {"A": [version(written)]}).version("A", 1).items[0].price


def test_a_bound_belongs_to_the_tier_below_it(tmp_path: Path) -> None:
    """The 15th event is the last at 10, the 16th the first at 5: 150, then 155."""
    price = price_of(tmp_path, "tiers: [{up_to: 15, price: 10}, {price: 5}]")
    assert [tier_amount(price, q) for q in (0, 1, 15, 16)] == [0, 10, 150, 155]
    assert tier_parts(price, 16) == [(Fraction(15), Fraction(150)), (Fraction(1), Fraction(5))]


def test_a_bound_may_split_a_unit(tmp_path: Path) -> None:
    """Up to 1.5 minutes at 0.60, then 0.30: 91 seconds are 90 s at 0.01 and 1 s at 0.005."""
    price = price_of(tmp_path, "tiers: [{up_to: 1.5, price: 0.60}, {price: 0.30}]", "minute")
    assert tier_amount(price, 91) == Fraction("0.905")


@pytest.mark.parametrize(
    ("text", "quantity", "expected"),
    [
        ("tiers: [{up_to: 10, price: 10, flat: 2}, {price: 5, flat: 3}]", 11, "110"),
        ("tiers: [{price: 10, flat: 2}]", 0, "0"),
        ("flat_on_zero: true, tiers: [{price: 10, flat: 2}]", 0, "2"),
        ("curve: volume, tiers: [{up_to: 15, price: 10}, {price: 5}]", 15, "150"),
        ("curve: volume, tiers: [{up_to: 15, price: 10}, {price: 5}]", 16, "80"),
        ("free: 10, tiers: [{price: 100, block: 10}]", 121, "1200"),
        ("tiers: [{price: 100, block: 10, round: half_up}]", 15, "200"),
        ("tiers: [{price: 100, block: 10, round: down}]", 19, "100"),
        ("tiers: [{price: 2, step: 3, cap: 12}]", 7, "12"),
        ("tiers: [{price: 2}]", -7, "-14"),
    ],
)
def test_elements_by_hand(tmp_path: Path, text: str, quantity: int, expected: str) -> None:
    """The figures of the practice page and of the documentation."""
    assert tier_amount(price_of(tmp_path, text), quantity) == Fraction(expected)


def test_parts_have_their_places(tmp_path: Path) -> None:
    """12 with one free: 5 at 2 which may cost 3 at most, 6 at 1 with a flat of 4."""
    text = "free: 1, tiers: [{up_to: 5, price: 2, cap: 3}, {price: 1, flat: 4}]"
    found = placed_parts(price_of(tmp_path, text), 12)
    assert {place: (int(q), int(a)) for place, (q, a) in found.items()} == {
        (0, 0): (1, 0),
        (0, 1): (5, 10),
        (0, 3): (0, -7),
        (1, 1): (6, 6),
        (1, 2): (1, 4),
    }


def test_the_dearest_unit_counts(tmp_path: Path) -> None:
    """A block of 10 at 100 is 10 each; without tiers nothing is dear."""
    price = price_of(tmp_path, "tiers: [{up_to: 5, price: 7}, {block: 10, price: 100}]")
    assert dearest(price) == 10
    plain = reference(tmp_path / "unit", {"A": [version(item(unit("minute", "1")))]})
    assert dearest(plain.version("A", 1).items[0].price) == 0


def test_the_last_version_answers_for_the_days_of_all(tmp_path: Path) -> None:
    """Two versions share November; the second answers for 30 of 30 days, in December alone."""
    first, second = (tiers("event", ("", price)) for price in ("1", "2"))
    committed = second[:-1] + ", at_least: 30}"
    known = reference(
        tmp_path,
        {
            "A": [
                version(item(first), valid_from="2026-11-06", valid_upto="2026-11-16"),
                version(
                    item(committed), version="2", valid_from="2026-11-16", valid_upto="2026-12-11"
                ),
            ]
        },
    )
    [november], [december] = (owings(known, "A", period) for period in (NOVEMBER, "2026-12"))
    assert (november.version, november.part) == (2, Fraction(25, 30))
    assert (december.version, december.part) == (2, Fraction(10, 31))
    assert is_standing(november)
    quarterly = committed[:-1] + ", each: quarter}"
    terms = [version(item(quarterly), valid_from="2026-11-06", valid_upto="2026-12-11")]
    spanned = reference(tmp_path / "quarter", {"A": terms})
    # 25 + 10 days of 92, due in the last month in force.
    assert [o.part for o in owings(spanned, "A", "2026-12")] == [Fraction(35, 92)]
    assert owings(spanned, "A", "2026-10") == owings(spanned, "A", NOVEMBER) == []
    assert owings(known, "A", "2026-10") == owings(known, "A", "2026-11-07") == []
