"""Rows: what the running accruals have of one series, as records.

What prices a period looks at few rows at a time: the sums of a series and, where its price asks for
more, its hours or its cells.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from state.cells import CellSet
from streams.contribution import Series


class HourSums(NamedTuple):
    """What a row has come to in one hour since 1970."""

    hour: int
    events: int
    quantity: int
    charge_micros: int
    residue: int


class Known(NamedTuple):
    """What a row is worth, as it was published: accrued and shortfall, in micros and exactly."""

    micros: int
    value: Fraction
    shortfall_micros: int
    shortfall: Fraction


@dataclass(frozen=True)
class Row:
    """One accrual row of a period; with its cells, where its measure is made of them.

    `hours` are there only where some deal goes by the hour. Where only the log is read there are
    no cells; then it is `known` what such a row is worth.
    """

    series: Series
    events: int
    quantity: int
    charge_micros: int
    residue: int
    hours: tuple[HourSums, ...] = field(default=(), kw_only=True)
    cells: CellSet | None = field(default=None, compare=False, kw_only=True)
    known: Known | None = field(default=None, compare=False, kw_only=True)
