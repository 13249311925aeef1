"""Allowances compiled, and the price of one event outside of the hot path."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from state.allowance import AllowanceTerms, EventPrice
from tests.makers import item_tables

ITEM = "{item: one, role: ROLE, service: SERVICE, flow: receivable, "
SHARE = "price: {kind: share, percent: 1.3}}"


@pytest.mark.parametrize(
    ("role", "service", "text", "expected"),
    [
        (
            "channel",
            "transaction",
            "allowance: {events: 3, quantity: 250}, " + SHARE,
            (3, 25 * 10**7),
        ),
        (
            "ingress",
            "voice",
            "allowance: {quantity: 0.5}, price: {kind: unit, per: minute, amount: 1}}",
            (None, 30),
        ),
        ("channel", "transaction", SHARE, None),
    ],
)
def test_a_quantity_is_in_base_units(
    tmp_path: Path, role: str, service: str, text: str, expected: tuple[int | None, int] | None
) -> None:
    """250 of the currency are 250,000,000 millionths, half a minute is 30 seconds."""
    item = ITEM.replace("ROLE", role).replace("SERVICE", service) + text
    [found] = item_tables(tmp_path, item, "channel,C-1,ALFA-1,,").items
    assert found.allowance == (None if expected is None else AllowanceTerms(*expected))


@pytest.mark.parametrize(
    ("quantity", "amount"),
    [
        (10_000_000, "1.75"),  # 0.299 is below the least
        (80_000_000, "2.392"),
        (10**10, "12"),  # 299 is above the most
    ],
)
def test_an_event_costs_what_it_costs_when_it_is_rated(quantity: int, amount: str) -> None:
    """2.99 % of an amount, at least 1.75, at most 12."""
    price = EventPrice(29_900_000, 0, 10**6, 1_750_000_000, 12 * 10**9)
    assert price.exact(quantity) == Fraction(amount)


def test_a_fee_is_part_of_it() -> None:
    """5 and 1 % of 1; without limits."""
    assert EventPrice(10**7, 5 * 10**9, 10**6, 0, None).exact(10**6) == Fraction("5.01")
