"""What the rows of a counter come to: together, in whatever order, and by themselves nothing."""

from __future__ import annotations

from fractions import Fraction

from schemas.codes import CurveKind
from state.curves import Curve, Step
from streams.accrual import Row
from streams.contribution import Series
from streams.pricings import ChosenPricing, SumPricing

SERIES = Series("ALFA-1", 1, "voice", "", "EUR", "2026-10", "2026-10")
NANOS = 10**9
# 1 a minute up to 10 minutes, then 0.5; 3 at once when the period begins, used or not.
STEPS = (Step(600, NANOS, flat_nanos=3 * NANOS), Step(None, NANOS // 2))
PRICING = SumPricing(Curve(CurveKind.GRADUATED, STEPS, unit=60, flat_on_zero=True))


def rows(*seconds: int) -> list[Row]:
    """Rows of one counter."""
    return [Row(SERIES, 1, quantity, 0, 0) for quantity in seconds]


def test_rows_come_to_what_their_sum_comes_to() -> None:
    """4 and 8 minutes are 12: 3 + 10 x 1 + 2 x 0.5 = 14, either way round."""
    assert PRICING.exact(rows(240, 480)) == PRICING.exact(rows(480, 240)) == 14
    assert sum(part.amount for part in PRICING.parts(rows(240, 480))) == 14


def test_nothing_used_comes_to_nothing_but_what_is_due_on_zero() -> None:
    """Rows that cancel out count as nothing used; 3 is due then, and only then."""
    assert PRICING.exact(rows(60, -60)) == 0
    assert PRICING.parts(rows(60, -60)) == ()
    assert [part.amount for part in PRICING.on_zero(rows(60, -60))] == [3]
    assert PRICING.on_zero(rows(60)) == ()


def test_what_is_missed_is_priced_by_the_curve() -> None:
    """Of 12 committed minutes 9 are used: 14 - 12 = 2; beyond the commitment nothing is missed."""
    assert PRICING.missed(rows(540), Fraction(720)) == 2
    assert PRICING.missed(rows(780), Fraction(720)) == 0


def test_another_item_or_the_events_choose_the_tier() -> None:
    """198.6 units at the price of the tier that 300 of another reach: 99.3 + 50; by 2 events 2."""
    steps = (Step(100, 2 * NANOS), Step(200, NANOS), Step(None, NANOS // 2, flat_nanos=50 * NANOS))
    curve = Curve(CurveKind.VOLUME, steps, unit=1)
    other = SERIES._replace(item="full")
    beside = [Row(SERIES, 2, 198, 0, 0), Row(other, 7, 300, 0, 0)]
    chosen = ChosenPricing(curve, "voice", "full")
    assert chosen.exact(beside) == 198 / 2 + 50
    assert sum(part.amount for part in chosen.parts(beside)) == 149
    assert chosen.exact(beside[1:]) == 0
    assert ChosenPricing(curve, "voice", "events").exact(beside) == 198 * 2
