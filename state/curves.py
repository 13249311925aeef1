"""Curves: what a whole quantity costs under tiers, exactly.

A curve is a function F of the quantity of a period. Graduated, each tier prices what lies within
it; by volume, the tier that the quantity reaches prices all of it, back to the first unit. A tier
has a price for every `unit` of the quantity and may have more: a `flat` amount once it is entered,
whole blocks or whole steps instead of exact quantities, a cap on what its part may cost. Free
quantity comes off before the tier is chosen. Everything is an integer numerator over one
denominator, so that nothing is rounded here, and F(-q) is -F(q).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from schemas.codes import CurveKind, RoundingMode
from schemas.curves import block_size, quantity_of, tier_bound
from schemas.money import CHARGE_MICROS_MAX, MICROS, NANOS, round_ratio
from schemas.prices import Per, PeriodTiers, Tiered

Exact = int | Fraction

QUANTITY_MAX = 2**62


@dataclass(frozen=True)
class Step:
    """One tier: up to and with a quantity (None for the last), and what its part costs.

    `price_nanos` is for `unit` of the curve, or for one `block` of so much where there is a block;
    blocks are rounded by `mode`. `step` counts the part in whole steps, always upwards. Quantities
    are base units: seconds, bytes, events, micros of a retail amount.
    """

    upto: int | None
    price_nanos: int
    flat_nanos: int = 0
    block: int = 0
    step: int = 0
    cap_nanos: int | None = None
    mode: RoundingMode = RoundingMode.UP


class Part(NamedTuple):
    """A part of what a quantity costs, in currency units; all parts add up to the whole.

    `what` is `free`, `tier`, `flat` or `cap` (what the cap takes off); `tier` counts from 0.
    `quantity` is what lies in the tier, in base units; of a flat, how often it is due.
    """

    tier: int
    what: str
    quantity: Exact
    amount: Fraction


PARTS = ("free", "tier", "flat", "cap")


@dataclass(frozen=True)
class Curve:
    """A table of tiers, the last of them open; see the module text."""

    kind: CurveKind
    steps: tuple[Step, ...]
    unit: int
    free: int = 0
    flat_on_zero: bool = False

    def exact(self, quantity: Exact, chosen_by: Exact | None = None) -> Fraction:
        """F(quantity): what a whole quantity costs, in currency units.

        By volume, something else may choose the tier; of that the size counts, not the sign.
        """
        nanos: Exact = 0
        for _, _, _, more in self._walk(-quantity if quantity < 0 else quantity, chosen_by):
            nanos += more
        return Fraction(-nanos if quantity < 0 else nanos, self.unit * NANOS)

    def parts(self, quantity: Exact, chosen_by: Exact | None = None) -> tuple[Part, ...]:
        """What F(quantity) is made of."""
        sign, scale = (-1 if quantity < 0 else 1), self.unit * NANOS
        return tuple(
            Part(tier, what, sign * within, Fraction(sign * nanos, scale))
            for tier, what, within, nanos in self._walk(sign * quantity, chosen_by)
        )

    @property
    def quantity_max(self) -> int:
        """The most that one event may be without costing more than is credible in some tier.

        Flat amounts do not count, and caps do not help.
        """
        return self.most_of(Fraction(1))

    def most_of(self, part: Fraction) -> int:
        """The same of something each unit of which is such a part of what is priced."""
        dearest = max(Fraction(step.price_nanos, step.block or self.unit) for step in self.steps)
        most_nanos = CHARGE_MICROS_MAX * (NANOS // MICROS)
        return min(QUANTITY_MAX, most_nanos // (dearest * part)) if dearest else QUANTITY_MAX

    def below(self, tier: int) -> int:
        """Where a tier begins: the bound of the one before it."""
        return (self.steps[tier - 1].upto or 0) if tier else 0

    def _walk(
        self, quantity: Exact, chosen_by: Exact | None
    ) -> Iterator[tuple[int, str, Exact, Exact]]:
        """Parts of a quantity that is not negative: tier, what, within it, nanos by `unit`."""
        left = max(quantity - self.free, 0)
        if quantity > left:
            yield 0, "free", quantity - left, 0
        if left == 0:
            if self.flat_on_zero and self.steps[0].flat_nanos:
                yield 0, "flat", 1, self.steps[0].flat_nanos * self.unit
            return
        if self.kind is CurveKind.VOLUME:
            size: Exact = left
            if chosen_by is not None:
                size = -chosen_by if chosen_by < 0 else chosen_by
            tier = next(n for n, s in enumerate(self.steps) if s.upto is None or size <= s.upto)
            yield from self._within(tier, left)
            return
        below = 0
        for tier, step in enumerate(self.steps):
            top = left if step.upto is None else min(left, step.upto)
            yield from self._within(tier, top - below)
            if top == left:
                return
            below = step.upto or 0

    def _within(self, tier: int, part: Exact) -> Iterator[tuple[int, str, Exact, Exact]]:
        """What a part of the quantity costs in one tier."""
        step = self.steps[tier]
        if step.block:
            pieces = Fraction(part, step.block)
            blocks = round_ratio(pieces.numerator, pieces.denominator, step.mode)
            nanos: Exact = blocks * step.price_nanos * self.unit
        elif step.step:
            nanos = -(-part // step.step) * step.step * step.price_nanos
        else:
            nanos = part * step.price_nanos
        yield tier, "tier", part, nanos
        if step.flat_nanos:
            yield tier, "flat", 1, step.flat_nanos * self.unit
        if step.cap_nanos is not None and nanos > step.cap_nanos * self.unit:
            yield tier, "cap", 0, step.cap_nanos * self.unit - nanos


def compile_curve(price: Tiered, bounds: Per | None = None) -> Curve:
    """The curve of a checked price: texts in the unit of the price become base quantities.

    Bounds of tiers that something else chooses are in `bounds`.
    """
    per = price.per
    steps = tuple(
        Step(
            upto=None if tier.up_to is None else tier_bound(tier.up_to, bounds or per),
            price_nanos=tier.price_nanos or tier.percent_nanos or 0,
            flat_nanos=tier.flat_nanos,
            block=0 if tier.block is None else block_size(tier.block, per),
            step=tier.step or 0,
            cap_nanos=tier.cap_nanos,
            mode=RoundingMode.UP if tier.rounds is None else tier.rounds,
        )
        for tier in price.tiers
    )
    free = 0 if price.free is None else quantity_of(price.free, per)
    flat_on_zero = isinstance(price, PeriodTiers) and price.flat_on_zero
    return Curve(price.curve, steps, per.unit, free, flat_on_zero)


def committed(price: PeriodTiers) -> int:
    """The base quantity that a price commits to in a whole period; 0 for none."""
    return 0 if price.at_least is None else quantity_of(price.at_least, price.per)
