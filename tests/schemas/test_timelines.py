"""Timelines: cut and joined they keep every second's rate, and differ where a second does."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from schemas.moments import OPEN_FROM_S, OPEN_UPTO_S
from schemas.timelines import (
    Difference,
    Rate,
    Span,
    Timeline,
    continued,
    cut,
    differences,
    joined,
    rate_at,
)

CHEAP, DEAR = Rate(10, 1, 1, 0), Rate(20, 1, 1, 0)
LAST = 12


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    """Spans of a few seconds without gaps, of two rates."""
    edges = sorted(draw(st.sets(st.integers(0, LAST), max_size=5)))
    pairs = pairwise(edges)
    return joined(Span(a, b, draw(st.sampled_from([CHEAP, DEAR]))) for a, b in pairs)


def test_any_higher_part_rises() -> None:
    """A longer increment costs the caller more although the price is the same."""
    assert Rate(10, 60, 1, 0).rises_above(CHEAP)
    assert Rate(5, 1, 1, 1).rises_above(CHEAP)
    assert not CHEAP.rises_above(CHEAP)
    assert not CHEAP.rises_above(DEAR)


def test_touching_spans_of_one_rate_are_one() -> None:
    """So that how a deck says it makes no difference."""
    assert joined([Span(0, 5, CHEAP)], [Span(5, 9, CHEAP)]) == (Span(0, 9, CHEAP),)
    apart = (Span(0, 4, CHEAP), Span(5, 9, CHEAP))
    assert joined(apart) == apart


@given(timelines(), st.integers(0, LAST), st.integers(0, LAST))
def test_a_cut_keeps_what_is_inside(line: Timeline, start: int, end: int) -> None:
    """Second by second."""
    inside = cut(line, start, end)
    for second in range(LAST):
        expected = rate_at(line, second) if start <= second < end else None
        assert rate_at(inside, second) == expected


@given(timelines(), timelines())
def test_differences_are_where_a_second_differs(before: Timeline, after: Timeline) -> None:
    """Second by second, with what was and what will be."""
    found = list(differences(before, after))
    for second in range(LAST):
        was, will_be = rate_at(before, second), rate_at(after, second)
        here = [d for d in found if d.from_s <= second < d.upto_s]
        assert [(d.before, d.after) for d in here] == ([(was, will_be)] if was != will_be else [])


def test_a_difference_says_from_when() -> None:
    """20 from second 5 on, instead of 10."""
    before, after = (Span(0, 9, CHEAP),), (Span(0, 5, CHEAP), Span(5, 9, DEAR))
    assert list(differences(before, after)) == [Difference(5, 9, CHEAP, DEAR)]


def test_what_is_around_goes_on_where_the_own_ends() -> None:
    """At the date, or later where it begins later; never after a gap."""
    own = (Span(OPEN_FROM_S, OPEN_UPTO_S, CHEAP),)
    around = (Span(OPEN_FROM_S, OPEN_UPTO_S, DEAR),)
    assert continued(own, around, 5) == (Span(0, 5, CHEAP), Span(5, OPEN_UPTO_S, DEAR))
    assert continued(own, (), 5) == (Span(0, 5, CHEAP),)
    assert continued(own, cut(around, 8), 5) == (Span(0, 8, CHEAP), Span(8, OPEN_UPTO_S, DEAR))
    assert continued(cut(own, 0, 4), cut(around, 8), 5) == (Span(0, 4, CHEAP),)


@given(timelines(), timelines(), st.integers(0, LAST))
def test_continuing_twice_is_continuing_once(own: Timeline, around: Timeline, second: int) -> None:
    """Applying a list again changes nothing, and a line without gaps gets none."""
    once = continued(own, around, second)
    assert not once or continued(once, around, second) == once
    assert all(a.upto_s == b.from_s for a, b in pairwise(once))
