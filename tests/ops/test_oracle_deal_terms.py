"""The oracle's reading of deals: two of a swap, quantities in base units."""

from __future__ import annotations

from fractions import Fraction

from ops.oracle_deal_terms import read_deals

ITEMS: list[dict[str, object]] = [
    {"item": "came", "price": {"kind": "counted", "per": "minute"}},
    {"item": "calls", "price": {"kind": "deck", "deck": "STD"}},
    {"item": "sales", "price": {"kind": "share", "percent": "10"}},
]


def test_a_swap_is_two() -> None:
    """Each has its own side first; 0.02 a minute is 1/3000 a second."""
    price = {"kind": "swap", "per": "minute", "in": ["came"], "out": ["calls"]}
    rates = {"balanced": "0.02", "unbalanced": "0.05"}
    one, two = read_deals({"deal": "s", "price": {**price, **rates}}, ITEMS)
    assert (one.name, one.flow, one.sides) == (
        "s:receivable",
        "receivable",
        (("came",), ("calls",)),
    )
    assert (two.name, two.flow, two.sides) == ("s:payable", "payable", (("calls",), ("came",)))
    assert one.rates == (Fraction(1, 3_000), Fraction(1, 1_200))


def test_rooms_are_in_base_units() -> None:
    """Minutes are seconds, amounts micros; a deck is per minute."""
    tiers = [{"up_to": {"came": "2", "calls": "1", "sales": "0.5"}, "price": "7"}, {"price": "9"}]
    entry = {"deal": "c", "flow": "payable", "over": ["came"]}
    [deal] = read_deals({**entry, "price": {"kind": "capacity", "tiers": tiers}}, ITEMS)
    bounds = [dict(bounds) for bounds, _ in deal.rooms]
    assert bounds == [{"came": 120, "calls": 60, "sales": 500_000}, {}]
    assert [price for _, price in deal.rooms] == [7, 9]


def test_what_chooses_a_tier_is_in_its_own_unit() -> None:
    """Two events, or two minutes, above which all of the money is at another percentage."""
    price = {"kind": "tiers", "per": "amount", "curve": "volume", "result": "replace"}
    tiers = [{"up_to": "2", "percent": "-5"}, {"percent": "200"}]
    for chosen, bound in (("events", 2), ("came", 120)):
        entry = {"deal": "d", "flow": "payable", "over": ["sales"]}
        [deal] = read_deals(
            {**entry, "price": {**price, "tiers": tiers, "chosen_by": chosen}}, ITEMS
        )
        assert deal.tiers is not None
        assert [tier.upto_quantity for tier in deal.tiers.tiers] == [bound, None]
        assert [tier.price for tier in deal.tiers.tiers] == [Fraction(-1, 20), 2]
        assert (deal.result, deal.by_hour, deal.alike) == (
            "replace",
            False,
            ("tiers", "amount_micros"),
        )
