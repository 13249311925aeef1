"""Amounts of reference files: exact, not negative, and not beyond what an error explains."""

from __future__ import annotations

import pytest

from schemas.amounts import PRICE_NANOS_MAX, price_nanos


def test_an_amount_is_read_exactly() -> None:
    """Nine decimals, and no binary fraction on the way."""
    assert price_nanos("0.000000001") == 1
    assert price_nanos("850") == 850_000_000_000
    assert price_nanos("1000000") == PRICE_NANOS_MAX


@pytest.mark.parametrize(
    ("text", "message"),
    [("-1", "is negative; write it positive"), ("1000000.1", "is above 1000000")],
)
def test_what_is_no_amount_is_refused(text: str, message: str) -> None:
    """A negative amount, and one that only a typing error explains."""
    with pytest.raises(ValueError, match=message):
        price_nanos(text)
