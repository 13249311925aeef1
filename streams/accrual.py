"""Accrual: the running sum of what a partner owes or earns.

The fourth noun. Contributions add to rows of (agreement, version, item, line, currency, period); an
accrual row says how many events there were, how much was charged for, what it has come to in exact
money, and what it is worth *now* under the agreement's rule. For most items that is the sum of
rounded charges. Where the agreement rounds per line, the exact sum is rounded once. Where the price
depends on the period's whole volume V, it is F(V): since every batch books F(v + q) - F(v), the
batches telescope and their order cannot matter.

Usage of a closed period is booked in the next open one, at the original period's prices and at the
position its volume has reached there: the row keeps both periods apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from schemas.codes import Flow, PriceKind, RoundingMode, RoundingPlace
from schemas.money import round_ratio
from state.tables import ItemInfo, Tables, VersionInfo
from streams.contribution import Series

Volume = tuple[str, str, str, str, str]

NANOS = 10**9
MICROS = 10**6


@dataclass(frozen=True)
class Terms:
    """How one item of one agreement version is priced, rounded and paid."""

    item: ItemInfo
    version: VersionInfo
    partner: str
    model: str

    @property
    def tiered(self) -> bool:
        """Whether money depends on the period's volume."""
        return self.item.price_kind is PriceKind.TIERS

    @property
    def direct(self) -> bool:
        """Whether the sum of charges is the amount as it stands."""
        return not self.tiered and self.version.rounding_place is RoundingPlace.RECORD

    @property
    def payable(self) -> bool:
        """Whether the operator pays the partner."""
        return self.item.flow is Flow.PAYABLE


class Book:
    """The terms of every item by (agreement, version, item), from reference."""

    def __init__(self, tables: Tables) -> None:
        self._terms: dict[tuple[str, int, str], Terms] = {}
        for item in tables.items:
            version = tables.versions[item.version_row]
            agreement = tables.agreements[version.agreement]
            key = (agreement.name, version.version, item.name)
            self._terms[key] = Terms(item, version, agreement.partner, agreement.model.label)

    def terms(self, series: Series) -> Terms:
        """The terms of a series.

        Raises:
            KeyError: reference no longer has the version; versions are immutable, so the reference
                files are wrong.
        """
        return self._terms[(series.agreement, series.version, series.item)]


def cumulative(tiers: Sequence[tuple[int | None, int]], unit: int, quantity: int) -> Fraction:
    """F(q): what a whole volume costs, graduated, in currency units.

    Args:
        tiers: (upper bound in quantity units inclusive or None, price in nanos per unit), rising.
        unit: how many quantity units one price is for.
        quantity: the volume.
    """
    total, below = 0, 0
    for upto, price_nanos in tiers:
        top = quantity if upto is None else min(quantity, upto)
        if top <= below:
            break
        total += (top - below) * price_nanos
        below = top
    return Fraction(total, unit * NANOS)


def exact(terms: Terms, charge_micros: int, residue: int) -> Fraction:
    """The unrounded sum of an item priced per event, in currency units."""
    return Fraction(charge_micros, MICROS) + Fraction(residue, terms.item.unit * NANOS)


def round_amount(terms: Terms, value: Fraction) -> int:
    """An amount rounded as the agreement says, in micros."""
    decimals = terms.version.decimals
    return _rounded(value, terms.version.rounding_mode, decimals)


def shown(value: Fraction) -> int:
    """An amount that is not rounded by contract, to the micro, half to even: for display only."""
    return _rounded(value, RoundingMode.HALF_EVEN, 6)


def _rounded(value: Fraction, mode: RoundingMode, decimals: int) -> int:
    scaled = value * Fraction(10) ** decimals
    units = round_ratio(scaled.numerator, scaled.denominator, mode)
    return units * int(10 ** (6 - decimals))


@dataclass(frozen=True)
class Row:
    """One accrual row of a period."""

    series: Series
    events: int
    quantity: int
    charge_micros: int
    residue: int


def tier_positions(rows: Sequence[Row], row: Row) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where a tiered row begins and ends on the volume of its original period.

    Args:
        rows: all rows on the same volume, in whatever version and booked period.
        row: one of them.

    Returns:
        (from, to) with everything booked up to the row's booked period, and (from, to) with what
        was booked before it. Versions follow one another in time: an earlier version's volume lies
        below a later one's.
    """

    def volumes(chosen: Sequence[Row]) -> tuple[int, int]:
        below = sum(r.quantity for r in chosen if r.series.version < row.series.version)
        own = sum(r.quantity for r in chosen if r.series.version == row.series.version)
        return below, below + own

    before = [r for r in rows if r.series.booked < row.series.booked]
    beside = [r for r in rows if r.series.booked == row.series.booked]
    return volumes([*before, *beside]), volumes(before)


def amount(terms: Terms, row: Row, siblings: Sequence[Row]) -> tuple[int, Fraction]:
    """What a period row is worth: in micros as it is shown or stated, and exactly.

    With rounding per statement the first is for display only; the statement rounds the exact sum.
    """
    if terms.direct:
        return row.charge_micros, exact(terms, row.charge_micros, row.residue)
    statement = terms.version.rounding_place is RoundingPlace.STATEMENT
    if not terms.tiered:
        value = exact(terms, row.charge_micros, row.residue)
        return (shown(value) if statement else round_amount(terms, value)), value
    now, before = (
        cumulative(terms.item.tiers, terms.item.unit, upto)
        - cumulative(terms.item.tiers, terms.item.unit, start)
        for start, upto in tier_positions(siblings, row)
    )
    if statement:
        return shown(now - before), now - before
    return round_amount(terms, now) - round_amount(terms, before), now - before


def volume_of(series: Series, terms: Terms) -> Volume:
    """The volume that a tiered row lies on: an item's in a period, over versions that count alike.

    A version that prices the item without tiers has no place on it.
    """
    counts = terms.item.quantity.label if terms.tiered else ""
    return (series.agreement, series.item, series.line, series.original, counts)
