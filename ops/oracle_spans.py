"""The oracle's spans: the months that tiers go on over, found by going from month to month.

Where a price counts by quarter or year, the usage of several settlement periods is on one scale.
Which months those are is found by walking back to a month in which a span begins, and on from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

LENGTHS = {"quarter": 3, "year": 12}
OUTERMOST = ("1999-12", "2100-12")  # the calendar of settlement periods ends here


class Span(NamedTuple):
    """Which months tiers go on over: how many, and the first of a year in which one begins."""

    months: int
    begins_in: str

    def covering(self, period: str) -> tuple[str, ...]:
        """The months of the span that a month or day is in."""
        start = period[:7]
        while not self._begins(start):
            start = _neighbour(start, -1)
        found = [start]
        while len(found) < self.months:
            found.append(_neighbour(found[-1], 1))
        first, last = OUTERMOST
        return tuple(month for month in found if first <= month <= last)

    def holds(self, period: str, other: str) -> bool:
        """Whether two periods are of one span."""
        return other[:7] in self.covering(period)

    def _begins(self, month: str) -> bool:
        """Whether a span begins with a month: with the one that is named, and so many later."""
        ordinals = range(int(self.begins_in), int(self.begins_in) + 12, self.months)
        return int(month[5:7]) in {(ordinal - 1) % 12 + 1 for ordinal in ordinals}


def read_span(each: str, first: str) -> Span | None:
    """A span as a price says it: `each`, and the month that `from` names."""
    if each not in LENGTHS:
        return None
    months = LENGTHS[each]
    return Span(months, f"{(int(first[5:7] or 1) - 1) % months + 1:02d}")


def last_closed(span: Span, period: str, closed: Iterable[str]) -> str:
    """The last closed period of the span of a period; empty when none is."""
    return max((label for label in closed if span.holds(period, label)), default="")


def _neighbour(month: str, step: int) -> str:
    """The month before or after one."""
    year, number = int(month[:4]), int(month[5:7]) + step
    if number == 0:
        return f"{year - 1}-12"
    if number == 13:  # noqa: PLR2004 - the month after December
        return f"{year + 1}-01"
    return f"{year}-{number:02d}"
