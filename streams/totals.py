"""Totals: what the lines of a statement come to in each currency and direction of payment.

Lines that are rounded by themselves add what they show. Where the statement is what is rounded,
exact values are added first, and all that round alike are rounded together, once. What late usage
of earlier periods adds is told apart, since it is converted at the rate of its own period.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from schemas.codes import RoundingMode, RoundingPlace
from schemas.money import format_micros
from streams.contribution import Series
from streams.terms import Terms, round_amount
from streams.worth import Worth

Rule = tuple[RoundingMode, int]


class Flows(NamedTuple):
    """Money both ways, in micros."""

    receivable: int = 0
    payable: int = 0

    @property
    def net(self) -> int:
        """What the partner owes the operator; negative when it is the other way round."""
        return self.receivable - self.payable

    def figures(self) -> dict[str, Any]:
        """As documents have them."""
        return {
            "receivable": format_micros(self.receivable),
            "payable": format_micros(self.payable),
            "net": format_micros(self.net),
        }


@dataclass
class _Sum:
    """One currency and direction: rounded money, and exact sums by the rule they round by."""

    micros: int = 0
    exact: dict[Rule, tuple[Terms, Fraction]] = field(default_factory=dict)

    def add(self, terms: Terms, found: Worth) -> None:
        if terms.version.rounding_place is not RoundingPlace.STATEMENT:
            self.micros += found.micros + found.shortfall_micros
            return
        # One rounding a total and rule: versions that round alike are summed before.
        rule = (terms.version.rounding_mode, terms.version.decimals)
        before = self.exact.get(rule, (terms, Fraction(0)))[1]
        self.exact[rule] = (terms, before + found.value + found.shortfall)

    def total(self) -> int:
        return self.micros + sum(round_amount(terms, v) for terms, v in self.exact.values())


class Sums:
    """The totals of a statement while its lines are gone through."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str, str], _Sum] = {}
        self._late: dict[tuple[str, str, str], _Sum] = {}

    def add(self, terms: Terms, series: Series, found: Worth) -> None:
        """Add what a row is worth, its shortfall included."""
        flow = terms.item.flow.label
        self._sums.setdefault((series.currency, flow, ""), _Sum()).add(terms, found)
        if series.original != series.booked:
            self._late.setdefault((series.currency, flow, series.original), _Sum()).add(
                terms, found
            )

    def totals(self) -> dict[str, Flows]:
        """What each currency comes to."""
        return {currency: flows for (currency, _), flows in _flows(self._sums).items()}

    def late(self, currency: str) -> Mapping[str, Flows]:
        """What usage of earlier periods adds to a currency, by original period."""
        return {of: flows for (c, of), flows in _flows(self._late).items() if c == currency}


def _flows(sums: Mapping[tuple[str, str, str], _Sum]) -> dict[tuple[str, str], Flows]:
    """Both directions by currency and original period, in order."""
    found: dict[tuple[str, str], Flows] = {}
    for (currency, flow, original), one in sorted(sums.items(), key=lambda item: item[0]):
        before = found.get((currency, original), Flows())
        found[currency, original] = before._replace(**{flow: one.total()})
    return found
