"""The oracle's way to divide, by hand."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from ops.oracle_splits import Party, Split, divide, read_split


def parties(parts: str) -> tuple[Party, ...]:
    """Parties with these parts."""
    return tuple(Party("", "", Fraction(part)) for part in parts.split())


@pytest.mark.parametrize(
    ("rule", "parts", "units", "expected"),
    [
        ("largest_remainder", "4/5 2/25 3/25", 15, [12, 1, 2]),
        ("largest_remainder", "4/5 2/25 3/25", -15, [-12, -1, -2]),
        ("largest_remainder", "1/3 1/3 1/3", 101, [34, 34, 33]),
        ("first_parts", "0 1/2 1/2", 15, [0, 8, 7]),
        ("rest_to_last", "1/3 1/3 1/3", 100, [34, 34, 32]),  # rounded up here
        ("rest_to_last", "9/10 9/100 1/100", 1, [1, 0, 0]),
    ],
)
def test_units_are_handed_out(rule: str, parts: str, units: int, expected: list[int]) -> None:
    """All of them, to whom the rule says."""
    assert divide(units, Split(rule, parties(parts)), math.ceil) == expected


def test_a_split_is_read() -> None:
    """Percentages and fractions; the one without agreement is nobody else."""
    listed = [{"percent": "60"}, {"agreement": "B", "item": "part", "part": "2/5"}]
    split = read_split({"split": {"rule": "first_parts", "parties": listed}})
    assert split == Split(
        "first_parts", (Party("", "", Fraction(3, 5)), Party("B", "part", Fraction(2, 5)))
    )
    assert read_split({}) is None
