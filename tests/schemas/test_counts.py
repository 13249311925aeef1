"""What a count may say, and what it says where it says nothing."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from schemas.codes import CountRound, Quantity, Whole
from schemas.counts import COUNT_MAX, Count


def test_a_count_that_says_nothing_counts_every_record_as_it_is() -> None:
    """No steps of its own, upwards, by record."""
    count = Count.model_validate({})
    assert (count.of, count.initial, count.following) == (None, None, None)
    assert (count.minimum, count.round, count.as_one) == (0, CountRound.UP, Whole.RECORD)


def test_all_that_a_count_may_say() -> None:
    """As files write it."""
    said = {"of": "up_bytes", "initial": "2", "next": "1", "minimum": "3", "round": "down"}
    count = Count.model_validate({**said, "whole": "session"})
    assert (count.of, count.initial, count.following) == (Quantity.UP_BYTES, 2, 1)
    assert (count.minimum, count.round, count.as_one) == (3, CountRound.DOWN, Whole.SESSION)


@pytest.mark.parametrize(
    "said",
    [{"initial": "0"}, {"next": str(COUNT_MAX + 1)}, {"whole": "all"}, {"following": "1"}],
)
def test_what_it_may_not_say(said: dict[str, str]) -> None:
    """Steps of nothing or beyond reason, other words, and names that are no fields of files."""
    with pytest.raises(ValidationError):
        Count.model_validate(said)
