"""The age of a figure is from sending its event to the accruals that cover it."""

from __future__ import annotations

import numpy as np

from ops.bench.freshness import ages


def test_ages_are_those_of_the_first_accrual_that_covers() -> None:
    """Each event counts once, when it is first covered, by the time it was sent itself."""
    sent_at = [np.array([10.0, 10.5, 11.0, 11.5]), np.array([10.25])]
    arrivals = [
        (11.0, {"usage.v1/0": 2}),  # 11 - 10 and 11 - 10.5
        (12.0, {"usage.v1/0": 2, "usage.v1/1": 1}),  # only partition 1 is new: 12 - 10.25
        (12.5, {"usage.v1/0": 1, "usage.v1/1": 1}),  # covers less than before: nothing is new
        (13.0, {"usage.v1/0": 3, "usage.v1/1": 1}),  # 13 - 11; the fourth event never arrives
    ]
    assert ages(sent_at, arrivals).tolist() == [1.0, 0.5, 1.75, 2.0]


def test_without_arrivals_there_are_no_ages() -> None:
    """Nothing arrived, or nothing of usage: no figure has an age."""
    assert ages([np.array([1.0])], []).tolist() == []
    assert ages([np.array([1.0])], [(5.0, {"commands.v1/0": 9})]).tolist() == []
