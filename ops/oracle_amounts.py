"""What the oracle's settlement comes to: sums of accruals, lines and totals of statements.

Each is known by a key that says where it stands, so that two settlements can be laid side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from ops.oracle_reference import Rounding
from ops.oracle_rounding import MICROS


class AccrualKey(NamedTuple):
    """What an accrual is the running sum of; hour None is the whole original period."""

    agreement: str
    version: int
    item: str
    line: str
    currency: str
    booked: str
    original: str
    hour: int | None


class Accrual(NamedTuple):
    """A running sum: usages, quantity, charges as rounded, and what rounding left over."""

    events: int
    quantity: int
    charge_micros: int
    residue: Fraction


class AmountKey(NamedTuple):
    """A line of a statement: of the statement of `booked`, for usage of `original`."""

    agreement: str
    item: str
    version: int
    line: str
    currency: str
    booked: str
    original: str


class TotalKey(NamedTuple):
    """A statement in one currency."""

    agreement: str
    booked: str
    currency: str


class Total(NamedTuple):
    """What a statement comes to each way; both are positive, the net is their difference."""

    receivable: Decimal
    payable: Decimal


def summed(
    accruals: Mapping[AccrualKey, Accrual], more: Mapping[AccrualKey, Accrual], sign: int = 1
) -> dict[AccrualKey, Accrual]:
    """Accruals with others added, or taken away with the sign -1."""
    found = dict(accruals)
    for key, sums in more.items():
        have = found.get(key, Accrual(0, 0, 0, Fraction(0)))
        found[key] = Accrual(
            have.events + sign * sums.events,
            have.quantity + sign * sums.quantity,
            have.charge_micros + sign * sums.charge_micros,
            have.residue + sign * sums.residue,
        )
    return found


@dataclass(frozen=True)
class Amount:
    """A line before and after its rounding; a line that is not rounded keeps only its exact value.

    `micros` is what the line shows. With place `statement` the total is made of the exact values.
    `tiers` of a graduated line has the quantity and price of its part in each tier that it is in;
    another line has none. `missed` is what a commitment adds at the end, and has a line of its own.
    """

    exact: Fraction
    micros: int
    flow: str
    rounding: Rounding
    tiers: tuple[tuple[Fraction, Fraction], ...] | None = None
    missed: Fraction = Fraction(0)
    missed_micros: int = 0
    is_deal: bool = False

    @property
    def stated(self) -> tuple[Fraction, Fraction]:
        """The line as money: accrued, and with what is missed; exact where only totals round."""
        if self.rounding.place == "statement":
            return self.exact, self.exact + self.missed
        accrued = Fraction(self.micros, MICROS)
        return accrued, accrued + Fraction(self.missed_micros, MICROS)
