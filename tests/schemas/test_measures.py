"""What a measure may say, field by field."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from schemas.codes import Each, MeasureKind, Way
from schemas.measures import Measure


def test_a_measure_is_read() -> None:
    """Words become codes, a percentage nanos of one; what is not said is left open."""
    found = Measure.model_validate(
        {"of": "percentile", "percent": "95", "window": "5min", "direction": "higher", "by": "port"}
    )
    assert (found.of, found.percent_nanos) == (MeasureKind.PERCENTILE, 950_000_000)
    assert (found.window, found.direction, found.by_port) == (Each.FIVE_MINUTES, Way.HIGHER, True)
    assert Measure.model_validate({"of": "peak"}).window is None


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ({"of": "median"}, "'median' is not known; write one of sum, peak, percentile, distinct"),
        ({"of": "percentile", "percent": "0"}, "'0' is not a percentile; write a number above 0"),
        ({"of": "percentile", "percent": "100.5"}, "'100.5' is not a percentile"),
        ({"of": "peak", "window": "week"}, "'week' is not known; write one of 5min, hour, day"),
        ({"of": "percentile", "missing": "one"}, "'one' is not known; write one of drop, zero"),
        ({"of": "distinct", "of_what": "port"}, "write one of subscriber, instance"),
    ],
)
def test_what_is_no_measure_is_refused(written: dict[str, str], complaint: str) -> None:
    """Unknown words and percentages that no rank has."""
    with pytest.raises(ValidationError, match=complaint.replace("'", ".")):
        Measure.model_validate(written)
