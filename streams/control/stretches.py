"""Stretches of time: when something holds, as half-open intervals that neither overlap nor touch.

A key is somebody's while its product is in service and its partner is live and nobody else had it
before: a conjunction of stretches. They are whole numbers of any one unit, in rising order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Stretch(NamedTuple):
    """From a moment up to, and without, another."""

    start: int
    end: int


def united(parts: Iterable[Stretch]) -> Sequence[Stretch]:
    """All moments that lie in any of the parts; empty parts are none."""
    found: list[Stretch] = []
    for part in sorted(part for part in parts if part.start < part.end):
        if found and part.start <= found[-1].end:
            found[-1] = Stretch(found[-1].start, max(found[-1].end, part.end))
        else:
            found.append(part)
    return found


def common(one: Iterable[Stretch], other: Sequence[Stretch]) -> Sequence[Stretch]:
    """The moments that lie in both."""
    return united(Stretch(max(a.start, b.start), min(a.end, b.end)) for a in one for b in other)


def without(one: Iterable[Stretch], taken: Sequence[Stretch]) -> Sequence[Stretch]:
    """The moments of one that are not taken."""
    left = list(united(one))
    for part in taken:
        before = [Stretch(a.start, min(a.end, part.start)) for a in left]
        after = [Stretch(max(a.start, part.end), a.end) for a in left]
        left = list(united([*before, *after]))
    return left
