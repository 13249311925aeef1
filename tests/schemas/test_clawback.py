"""Clawbacks as they are written."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from schemas.clawback import Clawback


def test_a_clawback_says_types_days_and_rule() -> None:
    """Pro rata divides a charge into the days of the window; in full it is one part."""
    written = {"types": ["refund"], "window_days": "180", "rule": "pro_rata"}
    assert Clawback.model_validate(written).parts == 180
    assert Clawback.model_validate({**written, "rule": "full"}).parts == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"types": []},
        {"types": ["refund", "refund"]},
        {"window_days": "0"},
        {"window_days": "3651"},
        {"rule": "half"},
    ],
)
def test_what_means_nothing_is_refused(wrong: dict[str, object]) -> None:
    """No type, one given twice, no window, one beyond reason, no such rule."""
    written = {"types": ["refund"], "window_days": "180", "rule": "pro_rata"}
    with pytest.raises(ValidationError):
        Clawback.model_validate(written | wrong)
