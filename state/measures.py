"""Measures on the hot path: which cells an item's usage fills, and what is made of them.

A *cell* is what one member (a port, a subscriber, or nobody in particular) did in one window of a
period: a sum of bytes up and down or of what is counted, the largest event, or that it was there.
Sums and maxima do not depend on order, so cells say all that a measure needs to know, whenever
usage arrives and however it is batched.

Windows are numbered from the beginning of the period of the usage: by their length in time that
really passed, so that a day of 25 hours has 25 of an hour, or by the days of the zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from schemas.agreements import Item
from schemas.codes import Each, MeasureKind, Member, Missing, Quantity, Way
from schemas.measures import WINDOWED
from schemas.money import NANOS
from schemas.prices import TiersPrice
from state.allowance import AllowanceTerms

WINDOW_SECONDS = {Each.FIVE_MINUTES: 300, Each.HOUR: 3_600}
EACH_WORDS = {Each.FIVE_MINUTES: "5min", Each.HOUR: "hour", Each.DAY: "day"}
BYTE_BITS = 8

# What bytes make a level in each direction: what the item counts beside it.
COUNTED = {Way.UP: Quantity.UP_BYTES, Way.DOWN: Quantity.DOWN_BYTES}


@dataclass(frozen=True)
class MeasureInfo:
    """What is made of an item's cells.

    `each` is what tiers begin anew with, `window` what is ranked within the period (PERIOD where
    events are); the `part` is 1 for a peak, and 95/100 for the 95th percentile. `is_level` is of
    bits a second, by `way` of the bytes. `missing` says what becomes of windows without a sample.
    """

    kind: MeasureKind
    each: Each = Each.PERIOD
    window: Each = Each.PERIOD
    part: Fraction = Fraction(1)
    way: Way = Way.HIGHER
    by_port: bool = False
    member: Member = Member.INSTANCE
    is_level: bool = False
    missing: Missing = Missing.DROP

    @property
    def cell_window(self) -> Each:
        """The windows that cells are of: those ranked, or those priced apart."""
        return self.window if self.each is Each.PERIOD else self.each

    @property
    def is_ranked(self) -> bool:
        """Whether windows are ranked, and one of them is the value."""
        return self.window is not Each.PERIOD

    @property
    def is_peak(self) -> bool:
        """Whether cells keep the largest event, and not a sum."""
        return self.kind is MeasureKind.PEAK and not self.is_ranked

    @property
    def keeps_largest(self) -> bool:
        """Whether two values of a cell make the larger one; elsewhere they make their sum."""
        return self.is_peak or self.kind is MeasureKind.DISTINCT

    @property
    def has_members(self) -> bool:
        """Whether cells are told apart by member."""
        return self.kind is MeasureKind.DISTINCT or self.by_port

    @property
    def is_windowed(self) -> bool:
        """Whether each window is priced for itself."""
        return self.each is not Each.PERIOD

    @property
    def label(self) -> str:
        """Everything that versions must have alike to go on along one curve, in words."""
        words = [self.kind.label]
        words += [f"each {EACH_WORDS[self.each]}"] if self.is_windowed else []
        words += [f"of {EACH_WORDS[self.window]}"] if self.is_ranked else []
        words += [f"part {self.part}"] if self.kind is MeasureKind.PERCENTILE else []
        words += [self.way.label] if self.is_level else []
        words += ["by port"] if self.by_port else []
        words += [self.missing.label] if self.missing is not Missing.DROP else []
        words += [self.member.label] if self.kind is MeasureKind.DISTINCT else []
        return " ".join(words)


def level_of(window_bytes: int, window: Each) -> Fraction:
    """The level of a window in bits a second, exactly."""
    return Fraction(window_bytes * BYTE_BITS, WINDOW_SECONDS[window])


def measure_info(item: Item) -> MeasureInfo | None:
    """The measure of an item that needs cells; None where the period's sum says it all."""
    price, said = item.price, item.measure
    if item.allowance is not None:
        return MeasureInfo(MeasureKind.FIRST)
    if not isinstance(price, TiersPrice):
        return None
    if said is None or said.of in (MeasureKind.SUM, MeasureKind.AVERAGE):
        if price.each not in WINDOWED:
            return None
        return MeasureInfo(MeasureKind.SUM, price.each)
    window = said.window or Each.PERIOD
    if said.of is MeasureKind.PERCENTILE and said.window is None:
        window = Each.FIVE_MINUTES
    is_level = price.per.quantity is Quantity.BITS_PER_SECOND
    return MeasureInfo(
        kind=said.of,
        each=price.each,
        window=window,
        part=Fraction(said.percent_nanos or NANOS, NANOS),
        way=Way.HIGHER if said.direction is None else said.direction,
        by_port=is_level if said.by_port is None else said.by_port,
        member=Member.INSTANCE if said.of_what is None else said.of_what,
        is_level=is_level,
        missing=Missing.DROP if said.missing is None else said.missing,
    )


def counted_quantity(quantity: Quantity, measure: MeasureInfo | None) -> Quantity:
    """What is counted of an event: of a level the bytes, of members only that they were there."""
    if measure is None:
        return quantity
    if measure.kind is MeasureKind.DISTINCT:
        return Quantity.EVENTS
    return COUNTED.get(measure.way, Quantity.BYTES) if measure.is_level else quantity


NOBODY, PORT, SUBSCRIBER, EVENT = range(4)
"""Whose cells an item's are: by a number in `CellRules.member`."""
QUANTITY, LARGEST, BYTES, PRESENT = range(4)
"""What a cell keeps: by a number in `CellRules.keeps`."""


MOST = 2**45
"""More than any event, or any number of events of a batch, counts."""
ENDLESS = AllowanceTerms(None, None)


@dataclass(frozen=True)
class CellRules:
    """Which cells usage fills, one entry an item; of an item without a measure nothing is meant.

    `window` has codes of `Each`, `member` and `keeps` the numbers above; `events_max` and
    `quantity_max` say what an allowance frees at most.
    """

    window: npt.NDArray[np.int8]
    member: npt.NDArray[np.int8]
    keeps: npt.NDArray[np.int8]
    events_max: npt.NDArray[np.int64]
    quantity_max: npt.NDArray[np.int64]

    @staticmethod
    def of(
        measures: Sequence[MeasureInfo | None], allowances: Sequence[AllowanceTerms | None]
    ) -> CellRules:
        """The columns of these items' measures and allowances."""
        free = [allowance or ENDLESS for allowance in allowances]
        windows = [Each.PERIOD if m is None else m.cell_window for m in measures]
        return CellRules(
            window=np.array(windows, np.int8),
            member=np.array([_member(m) for m in measures], np.int8),
            keeps=np.array([_keeps(m) for m in measures], np.int8),
            events_max=np.array([of.events or MOST for of in free], np.int64),
            quantity_max=np.array([of.quantity or MOST for of in free], np.int64),
        )


def _member(measure: MeasureInfo | None) -> int:
    if measure is not None and measure.kind is MeasureKind.FIRST:
        return EVENT
    if measure is None or not measure.has_members:
        return NOBODY
    is_subscriber = measure.kind is MeasureKind.DISTINCT and measure.member is Member.SUBSCRIBER
    return SUBSCRIBER if is_subscriber else PORT


def _keeps(measure: MeasureInfo | None) -> int:
    if measure is None:
        return QUANTITY
    if measure.kind is MeasureKind.DISTINCT:
        return PRESENT
    if measure.is_level:
        return BYTES
    return LARGEST if measure.is_peak else QUANTITY
