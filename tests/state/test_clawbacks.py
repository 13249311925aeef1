"""Clawbacks as columns."""

from __future__ import annotations

import numpy as np

from schemas.clawback import Clawback
from state.clawbacks import Clawbacks, ClawbackTerms, clawback_terms

REFUNDS = ClawbackTerms(("refund", "termination"), 180, 180)
SALES = ClawbackTerms(("refund",), 30, 1)


def test_terms_are_those_of_the_agreement() -> None:
    """An item without a clawback has no terms."""
    written = {"types": ["refund"], "window_days": "30", "rule": "full"}
    assert clawback_terms(Clawback.model_validate(written)) == SALES
    assert clawback_terms(None) is None


def test_an_item_takes_back_by_its_own_types() -> None:
    """Item 0 by two types, item 1 by none, item 2 by one; types are coded by their names."""
    columns = Clawbacks.of([REFUNDS, None, SALES])
    assert columns.types.to_pylist() == ["refund", "termination"]
    assert columns.window_days.tolist() == [180, 0, 30]
    assert columns.parts.tolist() == [180, 1, 1]
    item = np.array([0, 0, 0, 1, 2, 2, 2], np.int32)
    kind = np.array([0, 1, -1, 0, 0, 1, -1], np.int32)
    assert columns.covers(item, kind).tolist() == [True, True, False, False, True, False, False]


def test_without_any_nothing_is_covered() -> None:
    """Items of no clawback at all."""
    columns = Clawbacks.of([None])
    assert not columns.covers(np.zeros(2, np.int32), np.array([-1, -1], np.int32)).any()
