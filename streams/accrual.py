"""Accrual: the running sum of what a partner owes or earns.

The fourth noun. Contributions add to rows of (agreement, version, item, line, currency, period); an
accrual row says how many events there were, how much was charged for, what it has come to in exact
money, and what it is worth *now* under the agreement's rule. For most items that is the sum of
rounded charges. Where the agreement rounds per line, the exact sum is rounded once. Where the price
depends on the period's whole volume V, it is F(V): since every batch books F(v + q) - F(v), the
batches telescope and their order cannot matter (`streams/worth.py`).

Usage of a closed period is booked in the next open one, at the original period's prices and at the
position its volume has reached there: the row keeps both periods apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

from schemas.codes import Flow, PriceKind, RoundingMode, RoundingPlace
from schemas.moments import midnight_us
from schemas.money import round_ratio
from state.curves import Curve
from state.invariants import InvariantViolation
from state.tables import ItemInfo, Tables, VersionInfo
from streams.contribution import Series
from streams.standing import Served, served

Volume = tuple[str, str, str, str, str]
DEALS = "deals"  # in place of what is counted: all rows of an agreement and original period

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
    def curve(self) -> Curve:
        """The curve of a tiered item."""
        curve = self.item.curve
        if curve is None:
            raise InvariantViolation(f"Invariant: {self.item.name} is priced by the period")
        return curve

    @property
    def direct(self) -> bool:
        """Whether the sum of charges is the amount as it stands."""
        if self.item.deal is not None:
            return False
        return not self.tiered and self.version.rounding_place is RoundingPlace.RECORD

    @property
    def owes_without_usage(self) -> bool:
        """Whether a period without usage costs something."""
        curve = self.item.curve
        flat = curve is not None and curve.flat_on_zero and curve.steps[0].flat_nanos > 0
        return flat or self.item.at_least > 0

    @property
    def service(self) -> str:
        """What the item prices, in a word; a deal has no service."""
        return "" if self.item.service is None else self.item.service.label

    def begins_day(self, day: date) -> bool:
        """Whether the version is in force when a day begins in its zone."""
        start_s = midnight_us(ZoneInfo(self.version.zone), day) // MICROS
        return self.version.valid_from_s <= start_s < self.version.valid_upto_s

    @property
    def payable(self) -> bool:
        """Whether the operator pays the partner."""
        return self.item.flow is Flow.PAYABLE


class Duty(NamedTuple):
    """What a version answers for in a period, beyond the price of its own usage.

    `at_least` is the committed quantity in proportion to the days in force, `served` says of how
    many.
    """

    terms: Terms
    at_least: Fraction
    served: Served

    @property
    def days(self) -> str:
        """The days in force, of those of the period: 15/30."""
        return f"{self.served.days}/{self.served.days_of_period}"


class Book:
    """The terms of every item by (agreement, version, item), from reference."""

    def __init__(self, tables: Tables) -> None:
        self._terms: dict[tuple[str, int, str], Terms] = {}
        # Under tiers: the versions of an item that count alike, in order.
        self._alike: dict[tuple[str, str, str], list[Terms]] = {}
        self._duties: dict[tuple[str, str, str, str], Duty | None] = {}
        self._owing: dict[str, set[tuple[str, str, str]]] = {}
        self._deals: dict[str, dict[str, list[Terms]]] = {}
        for item in (*tables.items, *tables.deals):
            version = tables.versions[item.version_row]
            agreement = tables.agreements[version.agreement]
            key = (agreement.name, version.version, item.name)
            terms = Terms(item, version, agreement.partner, agreement.model.label)
            self._terms[key] = terms
            if item.deal is not None:
                deals = self._deals.setdefault(agreement.name, {})
                deals.setdefault(item.name, []).append(terms)
            if terms.tiered or item.deal is not None:
                alike = (agreement.name, item.name, item.quantity.label)
                self._alike.setdefault(alike, []).append(terms)
                if terms.owes_without_usage:
                    self._owing.setdefault(agreement.name, set()).add(alike)

    def terms(self, series: Series) -> Terms:
        """The terms of a series.

        Raises:
            KeyError: reference no longer has the version; versions are immutable, so the reference
                files are wrong.
        """
        return self._terms[(series.agreement, series.version, series.item)]

    def duty(self, series: Series) -> Duty | None:
        """What a series under tiers answers for besides its usage, if it is its version that does.

        It is the last version in force in the period of the usage.
        """
        terms = self.terms(series)
        alike = (series.agreement, series.item, terms.item.quantity.label)
        duty = self._duty(alike, series.original)
        return duty if duty is not None and duty.terms is terms else None

    @property
    def owes_without_usage(self) -> bool:
        """Whether any agreement owes something in a period without usage."""
        return bool(self._owing or self._deals)

    def standing(self, agreement: str, period: str) -> list[Series]:
        """The series that an open period has even without usage, because something is owed."""
        found = []
        for alike in sorted(self._owing.get(agreement, ())):
            duty = self._duty(alike, period)
            if duty is not None and duty.terms.owes_without_usage:
                version = duty.terms.version
                series = (agreement, version.version, alike[1], "", version.currency)
                found.append(Series(*series, period, period))
        return [*found, *self.deals(agreement, period, period)]

    def has_deals(self, agreement: str) -> bool:
        """Whether any version of an agreement has a deal."""
        return agreement in self._deals

    def deals(self, agreement: str, original: str, booked: str) -> list[Series]:
        """The rows of deals for an original period in a booked one: of all versions in force."""
        return [
            Series(agreement, version.version, name, "", version.currency, original, booked)
            for name, versions in self._deals.get(agreement, {}).items()
            for version in (terms.version for terms in versions)
            if served([version], original) is not None
        ]

    def deal_over(self, series: Series, deal: str) -> tuple[str, ...]:
        """What a deal is over in the version of a series; nothing where that has no such deal."""
        terms = self._terms.get((series.agreement, series.version, deal))
        found = None if terms is None else terms.item.deal
        return () if found is None else found.over

    def counter(self, series: Series) -> Volume | None:
        """The rows that the worth of a series depends on; None where it is its own sums."""
        terms = self.terms(series)
        if terms.item.deal is not None:
            return (series.agreement, "", "", series.original, DEALS)
        return volume_of(series, terms) if terms.tiered else None

    def counters(self, series: Series) -> list[Volume]:
        """All sets of rows that a series is one of: of its tiers, and of its agreement's deals."""
        terms = self.terms(series)
        found = [volume_of(series, terms)] if terms.tiered else []
        if self.has_deals(series.agreement):
            found.append((series.agreement, "", "", series.original, DEALS))
        return found

    def _duty(self, alike: tuple[str, str, str], period: str) -> Duty | None:
        """Who answers for a period of the versions that count alike; worked out once."""
        key = (*alike, period)
        if key not in self._duties:
            versions = self._alike.get(alike, [])
            of = served([terms.version for terms in versions], period)
            duty = None
            if of is not None:
                last = versions[of.last]
                part = Fraction(of.days, of.days_of_period)
                duty = Duty(last, last.item.at_least * part, of)
            self._duties[key] = duty
        return self._duties[key]


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


def volume_of(series: Series, terms: Terms) -> Volume:
    """The volume that a tiered row lies on: an item's in a period, over versions that count alike.

    A version that prices the item without tiers has no place on it.
    """
    counts = terms.item.quantity.label if terms.tiered else ""
    return (series.agreement, series.item, series.line, series.original, counts)
