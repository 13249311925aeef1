"""The product and the oracle agree on who may use what, and where, in random small worlds."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streams import attribution
from tests.paying import Paying
from tests.test_oracle_agreement import lived, settled
from tests.world_entitled import entitled
from tests.world_payment import paying
from tests.world_selectors import competing
from tests.world_shares import sharing
from tests.worlds import World, make_world, worlds

WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(max_examples=20, phases=WITHOUT_SHRINKING)
@given(world=worlds(), course=st.integers(0, 2**32), competes=st.booleans(), shares=st.booleans())
def test_any_world_of_entitlements_is_settled_alike(
    world: World, course: int, *, competes: bool, shares: bool
) -> None:
    """Whoever holds a key when, and wherever usage goes, no figure differs from the oracle's."""
    world = competing(world) if competes else world
    world = sharing(world) if shares else world
    with settled(entitled(world), course) as settling:
        assert settling.differences() == []
        by = {settling.first_reference: settling.references[0]}
        for document in settling.statements():
            known = by.get(document["reference"], settling.references[-1])
            assert not known.agreements[document["agreement"]].in_test


@settings(max_examples=8, phases=WITHOUT_SHRINKING)
@given(world=worlds(), course=st.integers(0, 2**32))
def test_whatever_a_partner_in_test_declares_is_refused(world: World, course: int) -> None:
    """Declarations and closes among the rest, by whomever; totals are the oracle's, too."""
    with lived(Paying, entitled(paying(world), lasting=True), course) as settling:
        assert settling.differences() == []
        assert settling.payment_differences() == []


def test_worlds_of_entitlements_hold_what_they_promise() -> None:
    """Over a few of them usage is outside of a territory, or of a key that nobody holds."""
    reasons: Counter[str] = Counter()
    for seed in range(6):
        with settled(entitled(make_world(seed, 60)), seed) as settling:
            found = settling.found()
            reasons.update(found.outcomes)
    assert reasons["suspended/outside_territory"] > 3
    assert reasons["suspended/not_entitled"] > 10
    assert reasons["suspended/unknown_route"] > 0
    assert reasons["rated/none"] > 20
    assert reasons["excluded/test_partner"] > 5


def test_a_wrong_territory_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were territories not looked at, outcomes would differ from the oracle's."""
    nothing = lambda _, event, *__: np.zeros(len(event), bool)  # noqa: E731
    monkeypatch.setattr(attribution, "outside", nothing)
    with settled(entitled(make_world(1, 60)), 1) as settling:
        assert [d for d in settling.differences() if "outside_territory" in d] != []
