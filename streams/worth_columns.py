"""Worth in columns: the rows whose worth depends on nothing but their own sums, all at once.

Most rows are alone on their counter: one version, no usage booked in a later period, no deal. What
such a row is worth is F of its own quantity, or its own exact sum, rounded once; and a partition
may have a hundred thousand of them that change every second, so they are priced by array
operations. Everything else, and every row whose figures might leave 62 bits, is left to
`streams/worth.py`, which says the same of these rows too: one of each batch is worked out both
ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.codes import RoundingMode, RoundingPlace
from schemas.money import MICROS, MICROS_DECIMALS, NANOS, round_columns
from state.balances import COLUMNS, RESIDUE_BITS
from state.curves import Curve
from state.distinct import distinct
from state.event_curves import EventCurves
from streams.accrual import Book, Volume
from streams.contribution import Series
from streams.families import Ints
from streams.pricings import SumPricing, pricing_of
from streams.terms import Terms

Bools = npt.NDArray[np.bool_]

NOT_HERE, SUMMED, BY_CURVE = range(3)
SUM_MAX = 2**58  # four times a sum of charges stays within 62 bits
HIGH_MAX = 2**26  # so does a residue with a high part below this
STYLES = len(RoundingMode)
DISPLAY = MICROS_DECIMALS + 1  # in place of decimals, where the statement is what is rounded
UNIT_MAX = 2**61


class Columns(NamedTuple):
    """What rows are worth, in micros; `known` tells which of them were priced here."""

    micros: Ints
    shortfall_micros: Ints
    known: Bools


@dataclass(frozen=True)
class _Rule:
    """How one series is priced here; the fields that its way does not use are 0."""

    way: int = NOT_HERE
    unit: int = 0
    curve: Curve | None = None
    at_least: int = 0
    style: int = 0


class Alone:
    """Which series are priced in columns, and by what; follows the numbers of series."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._first_on: dict[Volume, int] = {}
        self._codes: dict[Curve, int] = {}
        self._curves = EventCurves.of([])
        self._way = np.zeros(0, np.int8)
        self._unit = np.zeros(0, np.int64)
        self._code = np.zeros(0, np.int32)
        self._at_least = np.zeros(0, np.int64)
        self._style = np.zeros(0, np.int64)

    def follow(self, names: Sequence[Series]) -> None:
        """Learn the series that are new; one that comes to another's counter joins it there.

        Args:
            names: all series, by their numbers.
        """
        have = len(self._way)
        if have == len(names):
            return
        rules, joined = [], []
        for number in range(have, len(names)):
            counter = self._book.counter(names[number])
            rules.append(self._rule(names[number]))
            if counter is not None and self._first_on.setdefault(counter, number) != number:
                joined += [self._first_on[counter], number]
        codes = [-1 if r.curve is None else self._coded(r.curve) for r in rules]
        self._way = np.append(self._way, np.array([r.way for r in rules], np.int8))
        self._unit = np.append(self._unit, np.array([r.unit for r in rules], np.int64))
        self._code = np.append(self._code, np.array(codes, np.int32))
        self._at_least = np.append(self._at_least, np.array([r.at_least for r in rules], np.int64))
        self._style = np.append(self._style, np.array([r.style for r in rules], np.int64))
        self._way[joined] = NOT_HERE
        if len(self._curves.curves) < len(self._codes):
            self._curves = EventCurves.of(list(self._codes))

    def worth(self, series: Ints, values: Ints) -> Columns:
        """What period rows are worth.

        Args:
            series: the number of each row's series, all of them followed.
            values: their sums, in the order of `COLUMNS`.
        """
        micros, shortfall = np.zeros((2, len(series)), np.int64)
        way = self._way[series]
        summed, fits = np.flatnonzero(way == SUMMED), np.zeros(len(series), np.bool_)
        if len(summed):
            micros[summed], fits[summed] = self._summed(series[summed], values[summed])
        curved = np.flatnonzero(way == BY_CURVE)
        if len(curved):
            quantity = values[curved, COLUMNS.index("quantity")]
            found = self._by_curve(series[curved], quantity)
            micros[curved], shortfall[curved], fits[curved] = found
        return Columns(micros, shortfall, fits)

    def _summed(self, series: Ints, values: Ints) -> tuple[Ints, Bools]:
        """Exact sums, rounded: whole micros, and which of a micro's quarters the rest lies in.

        A sum is charge and residue; of the part of a micro no more counts for rounding than whether
        it is none, less than half, half, or more.
        """
        charge, high, low = (
            values[:, COLUMNS.index(c)] for c in ("charge_micros", "residue_high", "residue_low")
        )
        one = self._unit[series] * (NANOS // MICROS)  # a micro, as a residue
        fits = (np.abs(charge) < SUM_MAX) & (np.abs(high) < HIGH_MAX)
        residue = np.where(fits, (high << RESIDUE_BITS) + low, 0)
        more = residue // one
        rest = residue - more * one
        quarter = np.where(rest == 0, 0, 2 + np.sign(rest - (one - rest)))
        whole = np.where(fits, charge, 0) + more
        return self._rounded(4 * whole + quarter, np.full(len(series), 4), series), fits

    def _by_curve(self, series: Ints, quantity: Ints) -> tuple[Ints, Ints, Bools]:
        """F of quantities, and what is missed of a commitment; both ends rounded."""
        code, least = self._code[series], self._at_least[series]
        cost, fits = self._curves.costs(code, quantity)
        due, due_fits = self._curves.costs(code, np.maximum(quantity, least))
        one = self._unit[series] * (NANOS // MICROS)
        micros = self._rounded(cost, one, series)
        # Both figures together are what is due, rounded once; on display each is rounded.
        missed = self._rounded(due, one, series) - micros
        displayed = self._style[series] // STYLES == DISPLAY
        if np.any(displayed & (least > 0)):
            missed = np.where(displayed, self._rounded(due - cost, one, series), missed)
        return micros, np.where(least > 0, missed, 0), fits & due_fits

    def _rounded(self, numerator: Ints, one: Ints, series: Ints) -> Ints:
        """Amounts rounded by each row's rule, in micros; `one` is a micro in the numerators."""
        found = np.zeros(len(numerator), np.int64)
        style = self._style[series]
        for number in distinct(style)[0].tolist():
            at = np.flatnonzero(style == number)
            decimals, mode = divmod(number, STYLES)
            step = _step(decimals)
            whole = round_columns(numerator[at], one[at] * step, RoundingMode(mode))
            found[at] = whole * step
        return found

    def _rule(self, series: Series) -> _Rule:
        """How a series is priced if nothing else comes to its counter."""
        terms = self._book.terms(series)
        if terms.direct or terms.item.deal is not None or terms.item.allowance is not None:
            return _Rule()
        style, unit = _style(terms), terms.item.unit
        if unit * (NANOS // MICROS) * _step(style // STYLES) > UNIT_MAX:
            return _Rule()
        if not terms.tiered:
            return _Rule(SUMMED, unit, style=style)
        pricing, duty = pricing_of(terms, series.original), self._book.duty(series)
        if type(pricing) is not SumPricing or pricing.curve.flat_on_zero:
            return _Rule()
        committed = duty.at_least if duty is not None else None
        if committed and committed.denominator > 1:
            return _Rule()
        at_least = committed.numerator if committed else 0
        return _Rule(BY_CURVE, unit, pricing.curve, at_least, style)

    def _coded(self, curve: Curve) -> int:
        return self._codes.setdefault(curve, len(self._codes))


def _style(terms: Terms) -> int:
    """A rounding rule in a number; where the statement is what is rounded, that of display."""
    version = terms.version
    if version.rounding_place is RoundingPlace.STATEMENT:
        return DISPLAY * STYLES + int(RoundingMode.HALF_EVEN)
    return version.decimals * STYLES + int(version.rounding_mode)


def _step(decimals: int) -> int:
    """The smallest amount of so many decimals, in micros."""
    return int(10 ** max(0, MICROS_DECIMALS - decimals))
