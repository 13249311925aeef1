"""What a line of the oracle's statement states, by where its agreement rounds."""

from __future__ import annotations

from fractions import Fraction

from ops.oracle_amounts import Amount
from ops.oracle_reference import Rounding

SHORT = Fraction("0.333")


def test_a_line_states_what_is_rounded() -> None:
    """2/3 and 0.333 missing: exact where only the total rounds, else as the line shows them."""
    exact = Amount(Fraction(2, 3), 0, "receivable", Rounding("statement", "up", 2), missed=SHORT)
    assert exact.stated == (Fraction(2, 3), Fraction(2, 3) + SHORT)
    line = Rounding("line", "up", 2)
    shown = Amount(Fraction(2, 3), 670_000, "receivable", line, missed=SHORT, missed_micros=340_000)
    assert shown.stated == (Fraction("0.67"), Fraction("1.01"))
