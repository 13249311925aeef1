"""Clawbacks: what an item takes back when a transaction is reversed.

A commission is paid when something is sold, and some of it is owed back when the customer leaves
early or is refunded. The transaction that reverses another one says when that one began; it is
priced by the terms that were in force then, whatever has changed since, and turned around. Within
the window all of it comes back (`full`), or the part of the window that was not lived (`pro_rata`).
"""

from __future__ import annotations

from typing import Annotated

from schemas.codes import ClawbackRule
from schemas.fields import Strict, one_of, whole
from schemas.selectors import Words

WINDOW_DAYS_MAX = 3_650


class Clawback(Strict):
    """Which types of transactions take back, for how many days after the original, and how much."""

    types: Words
    window_days: Annotated[int, whole(1, WINDOW_DAYS_MAX)]
    rule: Annotated[ClawbackRule, one_of(ClawbackRule)]

    @property
    def parts(self) -> int:
        """Into how many parts a charge is divided, of which some are taken back."""
        return self.window_days if self.rule is ClawbackRule.PRO_RATA else 1
