"""The oracle's clawbacks by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest

from ops.oracle_clawback import (
    Clawback,
    cost_of,
    original_of,
    part_taken,
    read_clawback,
    takes_back,
)
from ops.oracle_usage import Usage

DAY_US = 86_400_000_000
PRO_RATA = Clawback(("refund",), 180, "pro_rata")


def refund(days: int | None, retail: int = -5, cost: int = 3) -> Usage:
    """A refund so many days after its original."""
    fields: dict[str, int | str | None] = {
        "started_at": 400 * DAY_US,
        "transaction_type": "refund",
        "original_started_at": None if days is None else (400 - days) * DAY_US,
        "retail_amount_micros": retail,
        "cost_amount_micros": cost,
    }
    return Usage("transaction", fields, b"")


def test_an_item_says_its_clawback() -> None:
    """Shares of a charge are the days of the window where it is taken back pro rata."""
    entry = {"clawback": {"types": ["refund"], "window_days": "180", "rule": "pro_rata"}}
    assert read_clawback(entry) == PRO_RATA
    assert (PRO_RATA.shares, Clawback(("refund",), 180, "full").shares) == (180, 1)
    assert read_clawback({}) is None


def test_the_type_says_what_takes_back() -> None:
    """Only the types that are listed do."""
    assert takes_back(refund(1), PRO_RATA)
    assert not takes_back(refund(1), Clawback(("termination",), 180, "full"))
    assert not takes_back(refund(1), None)


@pytest.mark.parametrize(
    ("days", "rule", "part"),
    [
        (45, "pro_rata", Fraction(135, 180)),
        (180, "pro_rata", Fraction(0)),
        (179, "full", Fraction(1)),
        (180, "full", Fraction(0)),
        (None, "full", None),
    ],
)
def test_days_say_how_much(days: int | None, rule: str, part: Fraction | None) -> None:
    """What is left of 180 days; without the time of the original nothing can be said."""
    assert part_taken(refund(days), Clawback(("refund",), 180, rule)) == part


def test_the_original_is_what_was_paid() -> None:
    """A negative retail amount turns both amounts around."""
    turned = original_of(refund(1, retail=-5, cost=-3))
    assert (turned.number("retail_amount_micros"), cost_of(turned)) == (5, 3)
    kept = original_of(refund(1, retail=5, cost=3))
    assert (kept.number("retail_amount_micros"), cost_of(kept)) == (5, 3)
