"""What the product says an amendment comes to is what the oracle's two settlements differ by.

A random world lives through closes, mended reference and recycling; then the terms of another
world, which differ in everything, are held against it. Every line, total and count of outcomes must
be the oracle's with these terms less the oracle's with those in force. And who goes back to the old
terms gets back exactly what the new ones changed.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.amending import (
    Amending,
    lines_between,
    lines_of,
    totals_between,
    totals_of,
)
from tests.test_oracle_agreement import WITHOUT_SHRINKING, lived
from tests.world_allowance import allowing
from tests.world_clawback import reversing
from tests.world_measures import measuring
from tests.world_pools import pooled
from tests.world_selectors import competing
from tests.world_sessions import partial
from tests.world_shares import sharing
from tests.worlds import World, make_world

# Worlds are named by their seeds, since a world that is no candidate is long to print.
ANY = st.integers(0, 2**32)
KINDS = (partial, sharing, competing, measuring, allowing, pooled, reversing)
MESSAGES = st.integers(1, 60)


def check(world: World, candidate: World, course: int) -> None:
    """Preview and oracle agree on one world under the terms of another."""
    with lived(Amending, world, course) as settling:
        found = settling.preview(candidate)
        before, after = settling.before(), settling.after(candidate)
    assert lines_of(found) == lines_between(before, after)
    assert totals_of(found) == totals_between(before, after)
    outcomes = {(o.outcome, o.reason): o.after - o.before for o in found.outcomes}
    more = {**after.counts, **before.counts}
    counts = {key: after.counts[key] - before.counts[key] for key in more}
    assert outcomes == {key: count for key, count in counts.items() if count}


@settings(max_examples=12, phases=WITHOUT_SHRINKING)
@given(seed=ANY, messages=MESSAGES, other=ANY, course=ANY)
def test_any_terms_change_what_the_oracle_says(
    seed: int, messages: int, other: int, course: int
) -> None:
    """Lines, totals and outcomes are the differences of two independent settlements."""
    check(make_world(seed, messages), make_world(other, 1), course)


@settings(max_examples=14, phases=WITHOUT_SHRINKING)
@given(kind=st.sampled_from(KINDS), seed=ANY, messages=MESSAGES, other=ANY, course=ANY)
def test_other_worlds_change_alike(
    kind: Callable[[World], World], seed: int, messages: int, other: int, course: int
) -> None:
    """Where sessions are priced whole, charges split, windows measured or deals shared, too."""
    check(kind(make_world(seed, messages)), kind(make_world(other, 1)), course)


@settings(max_examples=6, phases=WITHOUT_SHRINKING)
@given(seed=ANY, messages=MESSAGES, other=ANY)
def test_there_and_back_is_nothing(seed: int, messages: int, other: int) -> None:
    """What the new terms change of the old, the old ones take back of the new, to the residue."""
    world, candidate = make_world(seed, messages), make_world(other, 1)
    changed = World(
        world.seed,
        candidate.reference,
        candidate.mended,
        {**world.pools, **candidate.pools},
        world.usage,
        world.usage_partitions,
        world.settlement_partitions,
    )
    found = []
    for settled, given_terms in ((world, changed), (changed, world)):
        with Amending(settled) as settling:
            settling.send(len(world.usage))
            settling.settle()
            found.append(settling.preview(given_terms))
    there, back = ({effect.line: effect.change for effect in each.effects} for each in found)
    assert back == {line: tuple(-figure for figure in c) for line, c in there.items()}
