"""Prices over time: rates in spans that follow each other, cut, joined and compared.

What a minute to a destination costs is a *timeline*: spans `[from_s, upto_s)` in rising order, each
with its rate. A new price list does not replace a timeline, it changes it from a date on: the old
one is cut where the new one begins, and both are joined. Two timelines are equal exactly when every
second has the same rate in both, because spans that touch with one rate are one span.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from schemas.moments import OPEN_FROM_S, OPEN_UPTO_S


class Rate(NamedTuple):
    """What a call costs: nanos a minute and a call, and the increments in seconds."""

    price_nanos: int
    initial_seconds: int
    next_seconds: int
    connect_fee_nanos: int

    def rises_above(self, other: Rate) -> bool:
        """Whether any part is higher: a longer increment costs the caller more, too."""
        return any(mine > its for mine, its in zip(self, other, strict=True))


class Span(NamedTuple):
    """One rate from a second to another, the latter not included."""

    from_s: int
    upto_s: int
    rate: Rate


Timeline: TypeAlias = tuple[Span, ...]


class Difference(NamedTuple):
    """A stretch of time in which two timelines differ; None where one has no rate."""

    from_s: int
    upto_s: int
    before: Rate | None
    after: Rate | None


def joined(*parts: Iterable[Span]) -> Timeline:
    """Spans in rising order as a timeline: those that touch with one rate become one."""
    spans: list[Span] = []
    for span in (span for part in parts for span in part):
        last = spans[-1] if spans else None
        if last is not None and last.upto_s == span.from_s and last.rate == span.rate:
            spans[-1] = Span(last.from_s, span.upto_s, span.rate)
        else:
            spans.append(span)
    return tuple(spans)


def cut(timeline: Sequence[Span], from_s: int = OPEN_FROM_S, upto_s: int = OPEN_UPTO_S) -> Timeline:
    """What of a timeline lies in `[from_s, upto_s)`."""
    clipped = (Span(max(s.from_s, from_s), min(s.upto_s, upto_s), s.rate) for s in timeline)
    return tuple(span for span in clipped if span.from_s < span.upto_s)


def rate_at(timeline: Sequence[Span], second: int) -> Rate | None:
    """The rate in force at a second."""
    return next((s.rate for s in timeline if s.from_s <= second < s.upto_s), None)


def continued(own: Timeline, around: Timeline, from_s: int) -> Timeline:
    """`own` up to `from_s`, and `around` from there on.

    Where `around` begins later, `own` goes on until then. Where it does not begin before `own` has
    ended, there would be a gap, which no deck may have: `own` then just ends.
    """
    rest = cut(around, from_s)
    if not rest:
        return cut(own, upto_s=from_s)
    kept = cut(own, upto_s=rest[0].from_s)
    if kept and kept[-1].upto_s < rest[0].from_s:
        return cut(own, upto_s=from_s)
    return joined(kept, rest)


def differences(before: Timeline, after: Timeline) -> Iterator[Difference]:
    """The stretches in which two timelines differ, in order of time."""
    edges = sorted({edge for s in (*before, *after) for edge in (s.from_s, s.upto_s)})
    for start, end in pairwise(edges):
        was, will_be = rate_at(before, start), rate_at(after, start)
        if was != will_be:
            yield Difference(start, end, was, will_be)
