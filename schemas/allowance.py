"""Allowances: the first events or units of a period that cost nothing.

A price of each event may begin only when so many events, or so much of what is counted, have been
free. Which ones came first is said by their own time, never by when they arrived.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from schemas.fields import Strict, read_text, whole

EVENTS_MAX = 100_000


class Allowance(Strict):
    """How many events, or how much in what the price is per, are free; with both, until either."""

    events: Annotated[int, whole(1, EVENTS_MAX)] | None = None
    quantity: Annotated[str, BeforeValidator(read_text)] | None = None
