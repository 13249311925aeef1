"""Words for what is counted."""

from __future__ import annotations

from schemas.codes import Quantity
from schemas.quantities import AMOUNTS, COUNTED


def test_amounts_have_short_words() -> None:
    """And every quantity its label."""
    short = {word: COUNTED[word] for word in ("amount", "cost", "margin")}
    assert set(short.values()) == AMOUNTS
    assert all(COUNTED[quantity.label] is quantity for quantity in Quantity)
