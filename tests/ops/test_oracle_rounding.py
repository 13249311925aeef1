"""The oracle rounds by the word of the rule, also below nothing."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from ops.oracle_reference import Rounding
from ops.oracle_rounding import decimal_of, round_micros, round_units


@pytest.mark.parametrize(
    ("mode", "found"),
    [
        ("half_up", (3, -3)),
        ("half_even", (2, -2)),
        ("up", (3, -3)),
        ("down", (2, -2)),
        ("ceiling", (3, -2)),
        ("floor", (2, -3)),
    ],
)
def test_two_and_a_half_by_every_rule(mode: str, found: tuple[int, int]) -> None:
    """2.5 and -2.5: all but two rules mirror."""
    assert (round_units(Fraction("2.5"), mode), round_units(Fraction("-2.5"), mode)) == found


def test_decimals_may_be_negative() -> None:
    """1,250 rounded to hundreds, half up, are 1,300; in micros."""
    assert round_micros(Fraction(1250), Rounding("line", "half_up", -2)) == 1_300_000_000
    assert decimal_of(1_300_000_001) == Decimal("1300.000001")
