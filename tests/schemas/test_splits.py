"""Parts of a split: percentages and fractions, exactly; what is none is refused."""

from __future__ import annotations

from fractions import Fraction

import pytest
from pydantic import ValidationError

from schemas.codes import Allot
from schemas.splits import Party, Split


@pytest.mark.parametrize(
    ("fields", "weight"),
    [
        ({"percent": "60"}, Fraction(3, 5)),
        ({"percent": "0.0000001"}, Fraction(1, 10**9)),
        ({"part": "1/3"}, Fraction(1, 3)),
        ({"part": "0.25"}, Fraction(1, 4)),
        ({"part": "0"}, Fraction(0)),
        ({"part": "1"}, Fraction(1)),
    ],
)
def test_a_part_is_exact(fields: dict[str, str], weight: Fraction) -> None:
    """A third is a third."""
    assert Party.model_validate(fields).weight == weight


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"part": "4/3"}, "'4/3' is not a part of the whole; write a number from 0 to 1"),
        ({"part": "1/0"}, "is not a decimal number"),
        ({"part": "-0.5"}, "is not a part of the whole"),
        ({"percent": "101"}, "is not a percentage"),
        ({"percent": "0.00000001"}, "more than 7 decimals"),
        ({"percent": "60", "share": "1"}, "Extra inputs are not permitted"),
    ],
)
def test_what_is_no_part_is_refused(fields: dict[str, str], told: str) -> None:
    """With a sentence that says what to write."""
    with pytest.raises(ValidationError, match=told):
        Party.model_validate(fields)


def test_a_split_says_its_rule() -> None:
    """There is no default: the contract must say who has what is left over."""
    parties = [{"percent": "100"}]
    given = Split.model_validate({"rule": "rest_to_last", "parties": parties})
    assert given.rule is Allot.REST_TO_LAST
    with pytest.raises(ValidationError, match="Field required"):
        Split.model_validate({"parties": parties})
    with pytest.raises(ValidationError, match="write one of largest_remainder, first_parts"):
        Split.model_validate({"rule": "random", "parties": parties})
