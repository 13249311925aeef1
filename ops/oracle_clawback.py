"""The oracle's clawbacks: what a reversal takes back of what its original was charged.

The original is charged once more, from amounts written without their sign, by the terms that were
in force when it began; then the days that have passed say how much of that goes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction

from ops.oracle_files import EPOCH, MICROSECOND, mapping
from ops.oracle_prices import list_of
from ops.oracle_usage import Usage

RETAIL, COST = "retail_amount_micros", "cost_amount_micros"


@dataclass(frozen=True)
class Clawback:
    """Which types of transactions take back, for how many days, and by which rule."""

    types: tuple[str, ...]
    days: int
    rule: str

    @property
    def shares(self) -> int:
        """How many equal shares of a charge it takes some of."""
        return 1 if self.rule == "full" else self.days


def read_clawback(entry: Mapping[str, object]) -> Clawback | None:
    """The clawback of an item, if it has one."""
    if "clawback" not in entry:
        return None
    written = mapping(entry["clawback"])
    types = tuple(map(str, list_of(written["types"])))
    return Clawback(types, int(str(written["window_days"])), str(written["rule"]))


def takes_back(usage: Usage, clawback: Clawback | None) -> bool:
    """Whether an event is a reversal for an item."""
    return clawback is not None and usage.text("transaction_type") in clawback.types


def original_of(usage: Usage) -> Usage:
    """A reversal as its original was written: the retail amount is what somebody paid."""
    retail, cost = usage.number(RETAIL), cost_of(usage)
    if retail < 0 or (retail == 0 and cost < 0):
        retail, cost = -retail, -cost
    return replace(usage, fields={**usage.fields, RETAIL: retail, COST: cost})


def cost_of(usage: Usage) -> int:
    """What an event cost the operator; the first version of usage does not say."""
    cost = usage.fields.get(COST, 0)
    return cost if isinstance(cost, int) else 0


def part_taken(usage: Usage, clawback: Clawback) -> Fraction | None:
    """The part of the original's charge that goes back; None where it is not said when that was."""
    if not isinstance(usage.fields.get("original_started_at"), int):
        return None
    began = EPOCH + usage.priced_at * MICROSECOND
    passed = (EPOCH + usage.number("started_at") * MICROSECOND) - began
    whole_days = passed // timedelta(days=1)
    if whole_days >= clawback.days:
        return Fraction(0)
    return Fraction(1) if clawback.rule == "full" else 1 - Fraction(whole_days, clawback.days)
