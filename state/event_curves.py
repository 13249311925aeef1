"""Curves of single events, in columns: what each call costs by steps of its own length.

The same curves as of a period's total (`state/curves.py`), but for one event at a time, so there
are as many results as events. All curves lie in one table, a row each, padded to the most tiers
that any of them has; a batch picks its rows and prices every tier of every leg at once. Quantities
so large that a product might leave 62 bits are left to the scalar curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.codes import CurveKind, RoundingMode
from schemas.money import NANOS
from state.curves import Curve, Step

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

COST_MAX = 2**61
NO_BOUND = 2**62


@dataclass(frozen=True)
class EventCurves:
    """Curves as columns: one row each, for those with tiers one column a tier.

    A cap is over (unit x 10^9) as costs are; `quantity_max` is the most that surely fits 61 bits.
    """

    curves: tuple[Curve, ...]
    below: Int64
    upto: Int64
    price: Int64
    flat: Int64
    block: Int64
    step: Int64
    cap: Int64
    mode: Int64
    unit: Int64
    free: Int64
    volume: Bools
    quantity_max: Int64

    @staticmethod
    def of(curves: Sequence[Curve]) -> EventCurves:
        """The columns of these curves."""
        width = max((len(curve.steps) for curve in curves), default=0)
        padded = [[*c.steps, *[Step(None, 0)] * (width - len(c.steps))] for c in curves]
        lows = [[0, *(NO_BOUND if s.upto is None else s.upto for s in steps)] for steps in padded]

        def table(rows: list[list[int]], columns: int) -> Int64:
            return np.array(rows, np.int64).reshape(len(curves), columns)

        bounds = table(lows, width + 1)
        units = [curve.unit for curve in curves]
        caps = [[_cap(s, unit) for s in p] for unit, p in zip(units, padded, strict=True)]
        return EventCurves(
            curves=tuple(curves),
            below=bounds[:, :-1],
            upto=bounds[:, 1:],
            price=table([[s.price_nanos for s in steps] for steps in padded], width),
            flat=table([[s.flat_nanos for s in steps] for steps in padded], width),
            block=table([[s.block for s in steps] for steps in padded], width),
            step=table([[s.step or 1 for s in steps] for steps in padded], width),
            cap=table(caps, width),
            mode=table([[s.mode for s in steps] for steps in padded], width),
            unit=np.array(units, np.int64),
            free=np.array([curve.free for curve in curves], np.int64),
            volume=np.array([curve.kind is CurveKind.VOLUME for curve in curves], bool),
            quantity_max=np.array([_quantity_max(curve) for curve in curves], np.int64),
        )

    def costs(self, code: Int32, quantity: Int64) -> tuple[Int64, Bools]:
        """What quantities cost, over (unit x 10^9), each by a curve; and which of them fit.

        One that does not fit has no cost here, see `cost`. A negative quantity mirrors a positive.
        """
        size = np.abs(quantity)
        fits = size <= self.quantity_max[code]
        left = np.where(fits, np.maximum(size - self.free[code], 0), 0)[:, None]
        below, upto, unit = self.below[code], self.upto[code], self.unit[code][:, None]
        within = np.clip(left - below, 0, upto - below)
        reached = np.where((left > below) & (left <= upto), left, 0)
        part = np.where(self.volume[code][:, None], reached, within)
        step, block, mode = self.step[code], self.block[code], self.mode[code]
        counted = -(-part // step) * step
        size_of = np.maximum(block, 1)
        blocks = part // size_of
        rest = part - blocks * size_of
        up = (mode == RoundingMode.UP) & (rest > 0)
        up |= (mode == RoundingMode.HALF_UP) & (rest >= size_of - rest)
        pieces = np.where(block > 0, (blocks + up) * unit, counted)
        cost = np.minimum(pieces * self.price[code], self.cap[code])
        cost += np.where(part > 0, self.flat[code] * unit, 0)
        total = cost.sum(axis=1)
        return np.where(quantity < 0, -total, total), fits

    def cost(self, code: int, quantity: int) -> int:
        """The same for one quantity of any size."""
        curve = self.curves[code]
        whole = curve.exact(quantity) * curve.unit * NANOS
        return whole.numerator


def _cap(step: Step, unit: int) -> int:
    """What a tier may cost at most, as a number in any case."""
    return NO_BOUND if step.cap_nanos is None else min(step.cap_nanos * unit, NO_BOUND)


def _quantity_max(curve: Curve) -> int:
    """A quantity up to which no part of a cost, nor all of them together, leaves 61 bits."""
    rate = always = 0
    for step in curve.steps:
        always += step.flat_nanos * curve.unit
        if step.block:
            rate += -(-step.price_nanos * curve.unit // step.block)
            always += step.price_nanos * curve.unit
        else:
            rate += step.price_nanos
            always += (step.step or 1) * step.price_nanos
    return min((COST_MAX - always) // max(rate, 1), NO_BOUND)
