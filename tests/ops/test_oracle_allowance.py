"""The oracle's allowances by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest

from ops.oracle_allowance import Charged, allowed, come_to
from ops.oracle_prices import Allowance, Price
from ops.oracle_reference import Rounding

MICROS = 10**6
EXACTLY = Rounding("line", "half_up", 6)


def price(events: int | None, quantity: int | None) -> Price:
    """1.3 % and 2 an event."""
    allowance = Allowance(events, None if quantity is None else Fraction(quantity * MICROS))
    share = ("share", "amount", "amount_micros", MICROS, Fraction(13, 1000), Fraction(2))
    return Price(*share, allowance=allowance)


def event(at: int, amount: int) -> Charged:
    """A sale, and what it costs without an allowance."""
    exact = Fraction(13, 1000) * amount + 2
    return Charged((at, "s", 0, at, ""), amount * MICROS, exact, int(exact * MICROS))


FOUR = [event(1, 50), event(2, 100), event(3, 250), event(4, 400)]


@pytest.mark.parametrize(
    ("events", "quantity", "total"),
    [(3, 250, "11.15"), (None, 250, "11.15"), (3, 500, "7.2"), (5, None, "0")],
)
def test_the_first_ones_are_free(events: int | None, quantity: int | None, total: str) -> None:
    """Whichever is used up first; the one that crosses the quantity costs its rest and its fee."""
    exact, micros = come_to(reversed(FOUR), price(events, quantity), EXACTLY)
    assert exact == Fraction(total)
    assert micros == exact * MICROS


def test_what_is_booked_later_is_a_difference() -> None:
    """11.15, then 12.45 with a sale of 60 in front of all: 1.30."""
    by_period = {"2026-12": [event(0, 60)], "2026-11": FOUR}
    found = allowed(by_period, price(3, 250), EXACTLY)
    assert found == {
        "2026-11": (Fraction("11.15"), 11_150_000),
        "2026-12": (Fraction("1.3"), 1_300_000),
    }
