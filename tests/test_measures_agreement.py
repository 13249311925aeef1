"""The product and the oracle agree on what tiers price besides sums, however usage arrives.

Worlds of `world_measures.py` are settled as those of `test_oracle_agreement.py` are: in batches of
any size, with repeats, closes, late usage and recycling between.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import measures
from tests.test_oracle_agreement import WITHOUT_SHRINKING, settled
from tests.world_measures import measured_world, measuring
from tests.worlds import World, worlds


@settings(max_examples=12, phases=WITHOUT_SHRINKING)
@given(seed=st.integers(0, 2**32), messages=st.integers(1, 120), course=st.integers(0, 2**32))
def test_any_measure_is_settled_alike(seed: int, messages: int, course: int) -> None:
    """Whatever a period is reduced to, no figure differs from the oracle's."""
    with settled(measured_world(seed, messages), course) as settling:
        assert settling.differences() == []


@settings(max_examples=5, phases=WITHOUT_SHRINKING)
@given(world=worlds(), course=st.integers(0, 2**32))
def test_any_world_of_measures_is_settled_alike(world: World, course: int) -> None:
    """The same among everything else that a world has."""
    with settled(measuring(world), course) as settling:
        assert settling.differences() == []


def test_worlds_of_measures_hold_what_they_promise() -> None:
    """Over a few of them every measure is priced, also in statements and adjustments."""
    kinds: Counter[str] = Counter()
    missed = adjusted = 0
    for seed in range(4):
        with settled(measured_world(seed, 80), seed) as settling:
            hop, found = settling.engine.accrue_hop, settling.found()
            for series in hop.names.series.names:
                measure = hop.book.terms(series).item.measure
                name = " ".join(map(str, [*series[:5], series.booked, series.original]))
                if measure is not None and found.amounts.get(name):
                    kinds["windowed" if measure.is_windowed else measure.kind.label] += 1
                    adjusted += series.booked != series.original
                missed += measure is not None and name in found.shortfalls
    assert set(+kinds) == {"windowed", "peak", "percentile", "distinct"}
    assert adjusted > 0
    assert missed > 0


def test_a_wrong_rank_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the lowest window taken for the one at the rank, amounts would differ."""
    monkeypatch.setattr(measures, "_nth", lambda values, _: int(np.min(values)))
    differences = []
    for seed in range(2):
        with settled(measured_world(seed, 80), seed) as settling:
            differences += settling.differences()
    assert [line for line in differences if line.startswith("amounts")] != []
