"""Curves by hand: every element at its edges, parts that add up, mirrored below zero."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codes import CurveKind, RoundingMode
from schemas.money import NANOS
from state.curves import QUANTITY_MAX, Curve, Part, Step
from tests import builders

GRADUATED, VOLUME = CurveKind.GRADUATED, CurveKind.VOLUME


def curve(tiers: str, directory: Path, per: str = "event") -> Curve:
    """The curve of a price as it is written, the fields behind `per`."""
    service = "transaction" if per == "amount" else "sms"
    role = "channel" if per == "amount" else "ingress"
    item = (
        f"{{item: a, role: {role}, service: {service}, flow: receivable, "
        f"price: {{kind: tiers, per: {per}, {tiers}}}}}"
    )
    reference = builders.reference_dir(
        directory,
        agreements=builders.agreement_text(item),
        attribution="kind,key,agreement,valid_from,valid_upto\n",
    )
    found = builders.tables(reference).items[0].curve
    assert found is not None
    return found


FLATS = "tiers: [{up_to: 10, price: 10, flat: 2}, {up_to: 20, price: 5, flat: 3}, "
FLATS += "{price: 5, flat: 3}]"
BACK = "curve: volume, tiers: [{up_to: 100, price: 2, flat: 10}, {up_to: 200, price: 1}, "
BACK += "{price: 0.5, flat: 50}]"
PACKAGE = "tiers: [{price: 100, block: 10}]"
PERCENT = "tiers: [{up_to: 10, percent: 1, flat: 200}, {up_to: 20, percent: 2, flat: 300}, "
PERCENT += "{percent: 3, flat: 400}]"


@pytest.mark.parametrize(
    ("tiers", "quantity", "expected"),
    [
        # Graduated with flats: 10 x 10 + 2; the 11th adds 5 and the second flat; ...
        (f"flat_on_zero: true, {FLATS}", 0, "2"),
        (FLATS, 0, "0"),
        (FLATS, 10, "102"),
        (FLATS, 11, "110"),
        (FLATS, 21, "163"),  # 102 + 53 + 8
        # Back to the first: 100 x 2 + 10, 101 x 1, 201 x 0.5 + 50.
        (f"flat_on_zero: true, {BACK}", 0, "10"),
        (BACK, 0, "0"),
        (BACK, 100, "210"),
        (BACK, 101, "101"),
        (BACK, 201, "150.5"),
        ("curve: volume, tiers: [{up_to: 15, price: 10}, {price: 5}]", 15, "150"),
        ("curve: volume, tiers: [{up_to: 15, price: 10}, {price: 5}]", 16, "80"),
        # Packages: 121 in tens are 13, with 10 free 12, with 200 free none.
        (PACKAGE, 121, "1300"),
        (f"free: 10, {PACKAGE}", 121, "1200"),
        (f"free: 200, {PACKAGE}", 121, "0"),
        (PACKAGE, 0, "0"),
        # Half of a package: down none, half up one.
        ("tiers: [{price: 100, block: 10, round: down}]", 15, "100"),
        ("tiers: [{price: 100, block: 10, round: half_up}]", 15, "200"),
        ("tiers: [{price: 100, block: 10, round: half_up}]", 14, "100"),
        # Blocks in tiers: 1000 in hundreds are 10, 4325 in thousands 5.
        ("tiers: [{up_to: 1000, block: 100, price: 1}, {block: 1000, price: 1}]", 5325, "15"),
        (
            "curve: volume, tiers: [{up_to: 1000, block: 100, price: 1}, {block: 1000, price: 1}]",
            1000,
            "10",
        ),
        # Whole steps: 7 count as 9 at 2; a cap of 12 takes 6 off, but not the flat.
        ("tiers: [{step: 3, price: 2}]", 7, "18"),
        ("tiers: [{step: 3, price: 2, cap: 12, flat: 1}]", 7, "13"),
        ("tiers: [{up_to: 5, price: 2, cap: 3}, {price: 1}]", 7, "5"),
        # Free comes off before the tier is chosen: 21 - 5 = 16 are all at 5.
        ("free: 5, curve: volume, tiers: [{up_to: 15, price: 10}, {price: 5}]", 20, "150"),
        ("free: 5, curve: volume, tiers: [{up_to: 15, price: 10}, {price: 5}]", 21, "80"),
    ],
)
def test_what_a_quantity_costs(tmp_path: Path, tiers: str, quantity: int, expected: str) -> None:
    """Every element by hand; its parts are the whole, and below zero it is mirrored."""
    of = curve(tiers, tmp_path)
    assert of.exact(quantity) == Fraction(expected)
    assert sum((part.amount for part in of.parts(quantity)), Fraction(0)) == Fraction(expected)
    if quantity:
        assert of.exact(-quantity) == -Fraction(expected)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("0", "200"), ("1", "200.01"), ("10", "200.1"), ("12", "500.14")],
)
def test_a_percentage_of_money_by_tiers(tmp_path: Path, amount: str, expected: str) -> None:
    """12 are 10 at 1 % + 200 and 2 at 2 % + 300: 0.10 + 200 + 0.04 + 300."""
    of = curve(f"flat_on_zero: true, {PERCENT}", tmp_path, "amount")
    assert of.exact(int(Fraction(amount) * 10**6)) == Fraction(expected)


def test_parts_say_what_they_are(tmp_path: Path) -> None:
    """12 with 1 free: 5 at 2 capped at 3, then 6 at 1 and a flat of 4."""
    of = curve("free: 1, tiers: [{up_to: 5, price: 2, cap: 3}, {price: 1, flat: 4}]", tmp_path)
    assert of.parts(12) == (
        Part(0, "free", 1, Fraction(0)),
        Part(0, "tier", 5, Fraction(10)),
        Part(0, "cap", 0, Fraction(-7)),
        Part(1, "tier", 6, Fraction(6)),
        Part(1, "flat", 1, Fraction(4)),
    )
    assert (of.below(0), of.below(1)) == (0, 5)


@pytest.mark.parametrize(
    ("step", "most"),
    [
        (Step(None, 10**6 * NANOS), 60_000),  # 1000 minutes at a million are a thousand million
        (Step(None, NANOS, block=1), 10**9),
        (Step(None, 7), min(QUANTITY_MAX, 10**18 * 60 // 7)),
        (Step(None, 0), QUANTITY_MAX),
    ],
)
def test_the_most_that_one_event_may_be(step: Step, most: int) -> None:
    """An event that would cost more than a thousand million in some tier is a mistake."""
    assert Curve(GRADUATED, (step,), 60).quantity_max == most


STEPS = st.builds(
    Step,
    upto=st.integers(1, 500),
    price_nanos=st.integers(0, 10**10),
    flat_nanos=st.integers(0, 10**10),
    block=st.integers(0, 70),
    cap_nanos=st.none() | st.integers(0, 10**11),
    mode=st.sampled_from([RoundingMode.UP, RoundingMode.DOWN, RoundingMode.HALF_UP]),
)


@given(
    st.lists(STEPS, min_size=1, max_size=4),
    st.sampled_from(CurveKind),
    st.integers(0, 300),
    st.fractions(-3000, 3000, max_denominator=12),
)
def test_parts_add_up_and_mirror(
    steps: list[Step], kind: CurveKind, free: int, quantity: Fraction
) -> None:
    """Whatever the table and the quantity, fractions too: parts are the whole, F(-q) is -F(q)."""
    bounds: list[int | None] = [sum(s.upto or 0 for s in steps[: n + 1]) for n in range(len(steps))]
    bounds[-1] = None
    rising = [replace(step, upto=bound) for step, bound in zip(steps, bounds, strict=True)]
    of = Curve(kind, tuple(rising), 60, free)
    whole = of.exact(quantity)
    assert sum((part.amount for part in of.parts(quantity)), Fraction(0)) == whole
    assert of.exact(-quantity) == -whole
    within = sum(
        (p.quantity for p in of.parts(quantity) if p.what in ("tier", "free")), Fraction(0)
    )
    assert within == quantity
