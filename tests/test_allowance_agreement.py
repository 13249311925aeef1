"""The product and the oracle agree on what is free, in random small worlds."""

from __future__ import annotations

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.test_oracle_agreement import settled
from tests.world_allowance import allowing
from tests.world_clawback import reversing
from tests.worlds import World, make_world, worlds

WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(max_examples=15, phases=WITHOUT_SHRINKING)
@given(world=worlds(), course=st.integers(0, 2**32), is_reversed=st.booleans())
def test_any_world_with_allowances_is_settled_alike(
    world: World, course: int, *, is_reversed: bool
) -> None:
    """In whatever order and batches events come, and what is closed between, the same is free."""
    with settled(allowing(reversing(world) if is_reversed else world), course) as settling:
        assert settling.differences() == []


def test_worlds_with_allowances_hold_what_they_promise() -> None:
    """Over a few of them something is free that would have cost something, late events too."""
    freed = late = 0
    for seed in range(5):
        with settled(allowing(make_world(seed, 60)), seed) as settling:
            found = settling.found()
            for name, amount in found.amounts.items():
                charge = found.rows.get(f"{name} None", (0, 0, 0))[2]
                if charge > amount:
                    freed += 1
                    late += name.split()[-1] != name.split()[-2]
    assert freed > 10
    assert late > 0
