"""The product and the oracle agree on reversals, cost and margin in random small worlds."""

from __future__ import annotations

from collections import Counter

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.test_oracle_agreement import settled
from tests.world_clawback import reversing
from tests.world_selectors import competing
from tests.worlds import World, make_world, worlds

WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(max_examples=15, phases=WITHOUT_SHRINKING)
@given(world=worlds(), course=st.integers(0, 2**32), is_contested=st.booleans())
def test_any_world_with_reversals_is_settled_alike(
    world: World, course: int, *, is_contested: bool
) -> None:
    """However late, repeated and batched reversals come, no figure differs from the oracle's."""
    # Items that only count are in a deal by name, and competing items have others.
    is_contested &= "kind: counted" not in world.reference["agreements.yaml"]
    with settled(reversing(competing(world) if is_contested else world), course) as settling:
        assert settling.differences() == []


def test_worlds_with_reversals_hold_what_they_promise() -> None:
    """Over a few worlds something is taken back, in whole and in part, and some cannot be."""
    outcomes: Counter[str] = Counter()
    taken = 0
    for seed in range(5):
        with settled(reversing(make_world(seed, 60)), seed) as settling:
            found = settling.found()
            outcomes.update(found.outcomes)
            taken += sum(leg[7] < 0 < leg[6] for leg in found.legs.values())
    assert outcomes["suspended/no_original_time"] > 0
    assert outcomes["quarantined/impossible_time"] > 0
    assert taken > 1
