"""Measures: what a period, or each window of it, is reduced to before tiers price it.

Mostly that is a sum. A *measure* says something else: the `peak` (the largest event, or the largest
window), a `percentile` of the levels of windows, the `average` of a level over the time of the
period, or how many `distinct` members there were. Tiers of a period may also begin anew with each
window of it (`each`): then every window is reduced and priced for itself.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, PlainValidator

from schemas.codes import Each, MeasureKind, Member, Missing, Way
from schemas.fields import Strict, read_text, word_of
from schemas.money import NANOS, parse_decimal

PERCENT_DECIMALS = 7

MEASURES = {"sum": MeasureKind.SUM, "peak": MeasureKind.PEAK}
MEASURES |= {"percentile": MeasureKind.PERCENTILE, "distinct": MeasureKind.DISTINCT}
MEASURES |= {"average": MeasureKind.AVERAGE}
WINDOWS = {"5min": Each.FIVE_MINUTES, "hour": Each.HOUR, "day": Each.DAY}
WINDOWED = frozenset(WINDOWS.values())
EACH = {"period": Each.PERIOD, **WINDOWS, "quarter": Each.QUARTER, "year": Each.YEAR}
WAYS = {way.label: way for way in Way}
MEMBERS = {member.label: member for member in Member}
BY_PORT = {"port": True, "all": False}
MISSING = {missing.label: missing for missing in Missing}


def _percentile_nanos(value: object) -> int:
    """Which percentile, as nanos of all: 95 is 950,000,000."""
    nanos = parse_decimal(read_text(value), PERCENT_DECIMALS)
    if not 0 < nanos <= NANOS:
        raise ValueError(f"{value!r} is not a percentile; write a number above 0 and up to 100")
    return nanos


def _each(value: object) -> Each:
    """What tiers of a period start anew with, if not with the period itself."""
    text = read_text(value)
    if text not in EACH:
        words = f"event, {', '.join(EACH)}"
        raise ValueError(f"{text!r} is not known; write one of {words}")
    return EACH[text]


EachField = Annotated[Each, PlainValidator(_each)]


class Measure(Strict):
    """What a period is reduced to, in place of the sum of what is counted.

    A percentile is of windows, of the bytes in one `direction` or of both, `by` port or of all
    ports together. What fits together is checked in `schemas/terms_measures.py`.
    """

    of: Annotated[MeasureKind, word_of(MEASURES)]
    percent_nanos: Annotated[int, BeforeValidator(_percentile_nanos)] | None = Field(
        alias="percent", default=None
    )
    window: Annotated[Each, word_of(WINDOWS)] | None = None
    direction: Annotated[Way, word_of(WAYS)] | None = None
    by_port: Annotated[bool, word_of(BY_PORT)] | None = Field(alias="by", default=None)
    missing: Annotated[Missing, word_of(MISSING)] | None = None
    of_what: Annotated[Member, word_of(MEMBERS)] | None = None
