"""What only some items have: marks that say which legs need more than a price and a quantity.

Most legs are a price by a quantity and a connect fee. Whatever an item has beyond that is marked,
and its figures stand in columns that only the marked legs look at, so an agreement pays for what it
uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.codes import TIMES, AttemptOn, CountRound, PriceKind, Quantity, Whole
from state.clawbacks import Clawbacks
from state.curves import Curve
from state.event_curves import EventCurves
from state.items import NONE, ItemInfo, Limits
from state.measures import CellRules

Int8 = npt.NDArray[np.int8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

COUNT, LIMITS, ATTEMPT, FACTOR, STEPS, SESSION, ATTEMPT_LAST = (1 << bit for bit in range(7))
INTERVAL = 1 << 9
SPLIT = 1 << 12
CELLS = 1 << 10
CLAWBACK = 1 << 13
NO_MAXIMUM = 2**62


@dataclass(frozen=True)
class Special:
    """Marks and their figures, one entry an item; `anywhere` has the marks of all items.

    Limits and attempt fees have an entry for each time band of an item, else one: the first of an
    item is at `first_limits`. `curve` is an item's row in `curves`, by which each event is priced;
    `cells` says which cells usage fills.
    """

    marks: Int32
    anywhere: int
    count_minimum: Int64
    count_round: Int8
    first_limits: Int64
    limits_by_band: npt.NDArray[np.bool_]
    minimum_nanos: Int64
    maximum_nanos: Int64
    attempt_nanos: Int64
    attempt_last: npt.NDArray[np.bool_]
    whole: Int8
    factor_numerator: Int64
    factor_denominator: Int64
    curve: Int32
    curves: EventCurves
    cells: CellRules
    clawbacks: Clawbacks

    @staticmethod
    def of(items: Sequence[ItemInfo]) -> Special:
        """The columns of these items."""
        marks = np.array([marks_of(item) for item in items], np.int32)
        of_items = [item.limits for item in items]
        limits = [limit for of_item in of_items for limit in of_item]
        ends = np.cumsum([0, *map(len, of_items)])
        stepped = [(row, c) for row, item in enumerate(items) if (c := event_curve(item))]
        codes = {row: code for code, (row, _) in enumerate(stepped)}
        return Special(
            marks=marks,
            anywhere=int(np.bitwise_or.reduce(marks)) if len(marks) else 0,
            count_minimum=np.array([item.count_minimum for item in items], np.int64),
            count_round=np.array([item.count_round for item in items], np.int8),
            first_limits=ends[:-1].astype(np.int64),
            limits_by_band=np.array([len(of_item) > 1 for of_item in of_items], np.bool_),
            minimum_nanos=np.array([limit.minimum_nanos for limit in limits], np.int64),
            maximum_nanos=np.array([_most(limit) for limit in limits], np.int64),
            attempt_nanos=np.array([limit.attempt_fee_nanos for limit in limits], np.int64),
            attempt_last=np.array([of.attempt_on is AttemptOn.LAST for of in limits], np.bool_),
            whole=np.array([item.count_whole for item in items], np.int8),
            factor_numerator=np.array([item.factor.numerator for item in items], np.int64),
            factor_denominator=np.array([item.factor.denominator for item in items], np.int64),
            curve=np.array([codes.get(row, NONE) for row in range(len(items))], np.int32),
            curves=EventCurves.of([curve for _, curve in stepped]),
            cells=CellRules.of(
                [item.measure for item in items], [item.allowance for item in items]
            ),
            clawbacks=Clawbacks.of([item.clawback for item in items]),
        )

    def legs(self, mark: int, item: Int32) -> npt.NDArray[np.int64]:
        """Which legs have a mark, by their item; none is looked at where no item has it."""
        if not self.anywhere & mark:
            return np.zeros(0, np.int64)
        return np.flatnonzero(self.marks[item] & mark)


def event_curve(item: ItemInfo) -> Curve | None:
    """The curve of each event of an item that is priced so."""
    return item.curve if item.price_kind is PriceKind.STEPS else None


def _most(limits: Limits) -> int:
    """The most that an event may cost, as a number in any case."""
    return NO_MAXIMUM if limits.maximum_nanos is None else limits.maximum_nanos


def marks_of(item: ItemInfo) -> int:
    """The marks of an item."""
    steps = item.initial_seconds, item.next_seconds
    in_seconds = item.quantity is Quantity.SECONDS
    counts = item.count_minimum or item.count_round is not CountRound.UP
    marks = COUNT if counts or (steps != (1, 1) and not in_seconds) else 0
    limited = any(of.minimum_nanos or of.maximum_nanos is not None for of in item.limits)
    marks |= LIMITS if limited else 0
    marks |= ATTEMPT if any(of.attempt_fee_nanos for of in item.limits) else 0
    marks |= SPLIT if item.split is not None else 0
    marks |= CELLS if item.measure is not None else 0
    marks |= CLAWBACK if item.clawback is not None else 0
    marks |= STEPS if item.price_kind is PriceKind.STEPS else 0
    marks |= SESSION if item.count_whole is not Whole.RECORD else 0
    lasts = (of.attempt_fee_nanos and of.attempt_on is AttemptOn.LAST for of in item.limits)
    marks |= ATTEMPT_LAST if any(lasts) else 0
    marks |= INTERVAL if item.quantity in TIMES else 0
    return marks | (FACTOR if item.factor != 1 else 0)
