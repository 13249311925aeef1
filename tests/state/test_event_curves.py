"""Curves of single events in columns are the scalar curves, for any tiers and any quantity."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from schemas.codes import CurveKind, RoundingMode
from schemas.money import NANOS
from state.curves import Curve, Step
from state.event_curves import EventCurves

BEATS = Curve(
    CurveKind.GRADUATED,
    (Step(60, 200_000_000, step=60), Step(None, 100_000_000, step=1)),
    60,
)
MODES = (RoundingMode.UP, RoundingMode.DOWN, RoundingMode.HALF_UP)


def cost(curves: EventCurves, code: int, quantity: int) -> int:
    """One quantity by the columns, or alone where it does not fit them."""
    costs, fits = curves.costs(np.array([code], np.int32), np.array([quantity], np.int64))
    return int(costs[0]) if fits[0] else curves.cost(code, quantity)


def test_a_minute_and_then_seconds() -> None:
    """85 s: 0.2 for the first minute, 25 of 60 s at 0.1; 7 s are the first minute too."""
    curves = EventCurves.of([BEATS])
    scale = 60 * NANOS
    assert [Fraction(cost(curves, 0, s), scale) for s in (0, 7, 60, 85, -85)] == [
        0,
        Fraction("0.2"),
        Fraction("0.2"),
        Fraction("0.2") + Fraction(25, 600),
        -Fraction("0.2") - Fraction(25, 600),
    ]


def test_each_row_has_its_own_curve() -> None:
    """By volume all of it costs what the tier reached says; curves of other widths lie beside."""
    flat = Curve(CurveKind.VOLUME, (Step(10, 5), Step(20, 3, flat_nanos=7), Step(None, 1)), 1)
    curves = EventCurves.of([BEATS, flat])
    code, quantity = np.array([1, 0, 1, 1], np.int32), np.array([10, 60, 11, 21])
    costs, fits = curves.costs(code, quantity)
    assert fits.all()
    assert costs.tolist() == [50, 60 * 200_000_000, 11 * 3 + 7, 21]


def test_what_does_not_fit_is_left_to_the_scalar_curve() -> None:
    """10^15 seconds at a million a minute is beyond 62 bits, and priced all the same."""
    dear = EventCurves.of([Curve(CurveKind.GRADUATED, (Step(None, 10**15),), 60)])
    costs, fits = dear.costs(np.zeros(1, np.int32), np.array([10**15]))
    assert (costs.tolist(), fits.tolist()) == ([0], [False])
    assert dear.cost(0, 10**15) == 10**30


def test_no_curves_are_no_columns() -> None:
    """A reference without such prices has an empty table."""
    assert EventCurves.of([]).quantity_max.tolist() == []


@st.composite
def curves(draw: st.DrawFn) -> Sequence[Curve]:
    """One to three curves of up to four tiers with everything that a tier may have."""
    found = []
    for _ in range(draw(st.integers(1, 3))):
        bounds = sorted(draw(st.sets(st.integers(1, 500), max_size=3)))
        steps = []
        for bound in [*bounds, None]:
            pieces = draw(st.sampled_from(["", "block", "step"]))
            steps.append(
                Step(
                    bound,
                    draw(st.sampled_from([0, 1, 7, 10**9, 10**15])),
                    flat_nanos=draw(st.sampled_from([0, 0, 3, 10**9])),
                    block=draw(st.integers(1, 90)) if pieces == "block" else 0,
                    step=draw(st.integers(1, 90)) if pieces == "step" else 0,
                    cap_nanos=draw(st.sampled_from([None, None, 0, 50, 10**15])),
                    mode=draw(st.sampled_from(MODES)),
                )
            )
        free = draw(st.sampled_from([0, 0, 5, 600]))
        kind = draw(st.sampled_from(CurveKind))
        found.append(Curve(kind, tuple(steps), draw(st.sampled_from([1, 60, 10**6])), free))
    return found


@given(curves(), st.lists(st.integers(-2_000, 2_000) | st.integers(-(2**61), 2**61), min_size=1))
def test_columns_are_the_scalar_curve(found: Sequence[Curve], quantities: list[int]) -> None:
    """Every curve on every quantity, in one batch."""
    table = EventCurves.of(found)
    for code, curve in enumerate(found):
        rows = np.array(quantities, np.int64)
        costs, fits = table.costs(np.full(len(rows), code, np.int32), rows)
        for quantity, whole, fit in zip(quantities, costs.tolist(), fits.tolist(), strict=True):
            exact = curve.exact(quantity) * curve.unit * NANOS
            assert table.cost(code, quantity) == exact
            assert not fit or whole == exact
