"""Terms: how one item of one agreement version is priced, rounded and paid.

Whoever sums, prices or states what a partner owes asks the terms of a series: its item, its
version, whose agreement it is. Amounts are rounded here too, always by the version's rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from zoneinfo import ZoneInfo

from schemas.codes import BY_PERIOD, Each, Flow, RoundingMode, RoundingPlace
from schemas.moments import midnight_us
from schemas.money import MICROS, NANOS, round_ratio
from schemas.spans import Span
from state.curves import Curve
from state.invariants import InvariantViolation
from state.tables import ItemInfo, VersionInfo


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
        return self.item.price_kind in BY_PERIOD and self.item.deal is None

    @property
    def lies_beside(self) -> bool:
        """Whether what a row is worth depends on others: on its tiers, or of its allowance."""
        return self.tiered or self.item.allowance is not None

    @property
    def curve(self) -> Curve:
        """The curve of a tiered item."""
        curve = self.item.curve
        if curve is None:
            raise InvariantViolation(f"Invariant: {self.item.name} is priced by the period")
        return curve

    @property
    def span(self) -> Span | None:
        """The rule by which tiers go on over several periods; None where each starts anew."""
        return self.item.span

    @property
    def direct(self) -> bool:
        """Whether the sum of charges is the amount as it stands."""
        if self.item.deal is not None or self.item.allowance is not None:
            return False
        return not self.tiered and self.version.rounding_place is RoundingPlace.RECORD

    @property
    def owes_without_usage(self) -> bool:
        """Whether a period costs something by itself, without usage of this version.

        A commitment of windows is owed by windows with usage only, but of any version.
        """
        curve = self.item.curve
        flat = curve is not None and curve.flat_on_zero and curve.steps[0].flat_nanos > 0
        return flat or self.item.at_least > 0

    @property
    def windowed(self) -> bool:
        """Whether tiers begin anew with each window of the period."""
        return self.item.measure is not None and self.item.measure.is_windowed

    @property
    def service(self) -> str:
        """What the item prices, in a word; a deal has no service."""
        return "" if self.item.service is None else self.item.service.label

    def begins_day(self, day: date) -> bool:
        """Whether the version is in force when a day begins in its zone."""
        start_s = midnight_us(ZoneInfo(self.version.zone), day) // MICROS
        return self.version.valid_from_s <= start_s < self.version.valid_upto_s

    @property
    def counts(self) -> str:
        """What tells versions of an item apart that count unlike; versions of a deal are one.

        Under tiers these are not of one counter either whose tier something else chooses, or whose
        measures or windows differ.
        """
        item, measure = self.item, self.item.measure
        if item.deal is not None:
            return ""
        if measure is not None:
            zone = "" if measure.cell_window is Each.PERIOD else self.version.zone
            return f"{item.quantity.label} {measure.label} {zone}".rstrip()
        chosen = f" by {item.chosen_quantity} of {item.chosen_by}" if item.chosen_by else ""
        spread = "" if item.spread is None else f" {item.spread.label}"
        return f"{item.quantity.label}{spread}{chosen}"

    @property
    def payable(self) -> bool:
        """Whether the operator pays the partner."""
        return self.item.flow is Flow.PAYABLE


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
