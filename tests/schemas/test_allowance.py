"""Allowances as they are written."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from schemas.allowance import Allowance


def test_an_allowance_is_of_events_or_of_a_quantity() -> None:
    """Both may be given; a quantity stays text until it is known what the price is per."""
    both = Allowance.model_validate({"events": "3", "quantity": "0.5"})
    assert (both.events, both.quantity) == (3, "0.5")
    assert Allowance.model_validate({"events": "1"}).quantity is None


@pytest.mark.parametrize("events", ["0", "-1", "1.5", "100001"])
def test_events_are_a_number_of_them(events: str) -> None:
    """None, less, a half, more than are kept in order."""
    with pytest.raises(ValidationError):
        Allowance.model_validate({"events": events})
