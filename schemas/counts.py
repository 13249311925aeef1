"""Counts: what of an event is counted, in which steps, and what of a session is one call.

A price says what a unit costs; beside it an item may say how units are counted.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.codes import CountRound, Quantity, Whole
from schemas.fields import Strict, one_of, whole, word_of
from schemas.quantities import COUNTED

COUNT_MAX = 10**15


class Count(Strict):
    """What of an event is counted, and in which steps: the first one, then the following.

    Every figure is in the counted quantity itself: seconds, bytes, units, micros of an amount.
    `minimum` is the least that anything at all counts as. `whole` says whether the partial records
    of a session are calls of their own, its legs, or one call.
    """

    of: Annotated[Quantity, word_of(COUNTED)] | None = None
    initial: Annotated[int, whole(1, COUNT_MAX)] | None = None
    following: Annotated[int, whole(1, COUNT_MAX)] | None = Field(alias="next", default=None)
    minimum: Annotated[int, whole(0, COUNT_MAX)] = 0
    round: Annotated[CountRound, one_of(CountRound)] = CountRound.UP
    as_one: Annotated[Whole, one_of(Whole)] = Field(alias="whole", default=Whole.RECORD)
