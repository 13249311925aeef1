"""Rows with their hours: of their own series and book, as they will be."""

from __future__ import annotations

import numpy as np

from state.balances import PERIOD_SLOT, Balances, compose, stack
from streams.accrual import HourSums, Row
from streams.contribution import Series
from streams.deal_hours import with_hours


def test_hours_are_of_the_series_and_as_planned() -> None:
    """Series 0 of book 0 has two hours, one of them only by the plan; series 1 has none of them."""
    balances = Balances()

    def rows(*of: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Keys and values of book, slot, series and quantity, with a cent a unit."""
        book, slot, series, quantity = (np.array(c, np.int64) for c in zip(*of, strict=True))
        one, none = np.ones_like(quantity), np.zeros_like(quantity)
        return compose(book, slot, series), stack([one, quantity, quantity * 10_000, none, none])

    balances.apply(balances.plan(*rows((0, PERIOD_SLOT, 0, 5), (0, 8, 0, 5), (1, 8, 1, 7))))
    plan = balances.plan(*rows((0, PERIOD_SLOT, 0, 3), (0, 8, 0, 1), (0, 9, 0, 2), (0, 9, 2, 50)))
    names = [Series("A", 1, item, "", "EUR", "2026-11", "2026-11") for item in "ab"]
    periods = [Row(series, 0, 0, 0, 0) for series in names]
    first, second = with_hours(periods, np.array([0, 1]), np.array([0, 1]), balances, plan)
    assert first.hours == (HourSums(7, 2, 6, 60_000, 0), HourSums(8, 1, 2, 20_000, 0))
    assert second.hours == (HourSums(7, 1, 7, 70_000, 0),)
