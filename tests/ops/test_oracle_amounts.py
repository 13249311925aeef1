"""What a line of the oracle's statement states, by where its agreement rounds."""

from __future__ import annotations

from fractions import Fraction

from ops.oracle_amounts import Accrual, AccrualKey, Amount, summed
from ops.oracle_reference import Rounding

SHORT = Fraction("0.333")


def test_a_line_states_what_is_rounded() -> None:
    """2/3 and 0.333 missing: exact where only the total rounds, else as the line shows them."""
    exact = Amount(Fraction(2, 3), 0, "receivable", Rounding("statement", "up", 2), missed=SHORT)
    assert exact.stated == (Fraction(2, 3), Fraction(2, 3) + SHORT)
    line = Rounding("line", "up", 2)
    shown = Amount(Fraction(2, 3), 670_000, "receivable", line, missed=SHORT, missed_micros=340_000)
    assert shown.stated == (Fraction("0.67"), Fraction("1.01"))


def test_accruals_are_added_and_taken_away() -> None:
    """Of one key figure by figure; another key comes to what it has, or less than nothing."""
    keys = [AccrualKey("P", 1, item, "", "EUR", "2026-11", "2026-11", None) for item in "ab"]
    known = {keys[0]: Accrual(3, 30, 300, Fraction(1, 3))}
    more = {keys[0]: Accrual(1, 10, 100, Fraction(1, 3)), keys[1]: Accrual(1, 2, 3, Fraction(0))}
    assert summed(known, more) == {
        keys[0]: Accrual(4, 40, 400, Fraction(2, 3)),
        keys[1]: Accrual(1, 2, 3, Fraction(0)),
    }
    assert summed(known, more, -1) == {
        keys[0]: Accrual(2, 20, 200, Fraction(0)),
        keys[1]: Accrual(-1, -2, -3, Fraction(0)),
    }
