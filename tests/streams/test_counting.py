"""What is charged for: increments by hand, and as adding steps until it is enough."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.counting import increments


def counted(seconds: int, initial: int, following: int) -> int:
    """One call's seconds in increments."""
    columns = (np.array([value], np.int64) for value in (seconds, initial, following))
    return int(increments(*columns)[0])


def test_time_grows_to_whole_increments() -> None:
    """30/6: one second counts 30, 31 count 36; 560 s are 566 at 60/11 and 571 at 12/13."""
    assert [counted(s, 30, 6) for s in (0, 1, 30, 31, 36, 37)] == [0, 30, 30, 36, 36, 42]
    assert counted(560, 60, 11) == 566  # 60 + 46 x 11
    assert counted(560, 12, 13) == 571  # 12 + 43 x 13


@given(st.integers(0, 5_000), st.integers(1, 90), st.integers(1, 90))
def test_increments_are_steps_until_it_is_enough(
    seconds: int, initial: int, following: int
) -> None:
    """Taking one increment after another gives the same, for any call and increments."""
    total = 0 if seconds == 0 else initial
    while total < seconds:
        total += following
    assert counted(seconds, initial, following) == total
