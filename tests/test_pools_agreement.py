"""The product and the oracle agree on deals that join agreements in random small worlds."""

from __future__ import annotations

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.test_oracle_agreement import settled
from tests.world_pools import pooled
from tests.worlds import World, make_world, worlds

WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(max_examples=12, phases=WITHOUT_SHRINKING)
@given(world=worlds(), course=st.integers(0, 2**32))
def test_any_world_with_a_joint_deal_is_settled_alike(world: World, course: int) -> None:
    """Whatever is late and whichever member is closed, no figure differs from the oracle's."""
    with settled(pooled(world), course) as settling:
        assert settling.differences() == []


def test_worlds_with_joint_deals_hold_what_they_promise() -> None:
    """Several of a few worlds have one."""
    found = [pooled(make_world(seed, 40)).reference["agreements.yaml"] for seed in range(8)]
    assert sum('"deal": "joint"' in text for text in found) >= 3
