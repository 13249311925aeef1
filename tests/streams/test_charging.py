"""From an exact price to money and what is left over, rows of any size among others."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from schemas.money import CHARGE_MICROS_MAX
from state.rates import Rates
from state.tables import Tables
from streams.banding import Parts
from streams.charging import by_parts, charges, exact
from tests.makers import item_tables

KEYS = "route,TG-1,ALFA-1,,"
ITEM = (
    "{item: one, role: ingress, service: voice, flow: receivable, price: {kind: unit, per: minute, "
)


def column(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Figures of legs."""
    return np.array(values, np.int64)


def minutes(directory: Path) -> Tables:
    """One item by the minute, rounded to cents by the record."""
    terms = ", rounding: {mode: half_even, decimals: 2}"
    return item_tables(directory, ITEM + "amount: 1}}", KEYS, terms)


def test_money_and_residue_are_the_exact_price(tmp_path: Path) -> None:
    """45 s at 0.02 a minute are 0.015, half to even 0.02; the residue is -0.005 over 60 x 10^9."""
    of = exact(column(20_000_000), column(0), column(45), column(60))
    charge, residue = charges(of, np.zeros(1, np.int32), minutes(tmp_path))
    assert charge.tolist() == [20_000]
    assert residue.tolist() == [-300_000_000]  # -0.005 x 60 x 10^9
    assert Fraction(20_000, 10**6) + Fraction(-300_000_000, 60 * 10**9) == Fraction(15, 1000)


def test_no_quantity_no_connect_fee(tmp_path: Path) -> None:
    """An unanswered call costs nothing; a second of it the fee and 1/60 of the price."""
    of = exact(column(60_000_000, 60_000_000), column(10**7, 10**7), column(0, 1), column(60, 60))
    assert of.value.tolist() == [0, 60_000_000 + 60 * 10**7]
    assert charges(of, np.zeros(2, np.int32), minutes(tmp_path))[0].tolist() == [0, 10_000]


def test_a_row_beyond_64_bits_is_computed_alone(tmp_path: Path) -> None:
    """A million a minute for 10^12 minutes is 10^18 units: refused, its neighbour as ever."""
    most = column(10**15, 20_000_000)
    of = exact(most, column(0, 0), column(60 * 10**12, 45), column(60, 60))
    assert of.wide == {0: 60 * 10**27}
    charge, residue = charges(of, np.zeros(2, np.int32), minutes(tmp_path))
    assert charge.tolist() == [CHARGE_MICROS_MAX + 1, 20_000]
    assert residue[0] == 0


PARTS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 10**7)), min_size=1, max_size=9
)


@given(PARTS, st.sampled_from([0, 7, 10**9]), st.sampled_from([1, 60, 3_600]))
def test_parts_cost_their_sum_and_one_fee(
    parts: list[tuple[int, int, int]], fee: int, unit: int
) -> None:
    """Of any size; a leg without parts costs what it did."""
    prices = [0, 1, 20_000_000, 10**15]
    rates = Rates(np.array(prices), *np.zeros((3, 4), np.int64))
    leg, line, quantity = (column(*figures) for figures in zip(*sorted(parts), strict=True))
    of = Parts(leg, line.astype(np.int8), line.astype(np.int32), quantity, quantity)
    plain = exact(column(5, 5, 5), column(*[fee] * 3), column(1, 2, 3), column(*[unit] * 3))
    found = by_parts(plain, of, column(*[fee] * 3), column(*[unit] * 3), rates)
    for row in range(3):
        own = [(prices[at], seconds) for where, at, seconds in parts if where == row]
        wanted = sum(price * seconds for price, seconds in own) + fee * unit
        if not own:
            wanted = int(plain.value[row])
        assert found.wide.get(row, int(found.value[row])) == wanted


@given(
    st.integers(0, 10**15),
    st.integers(0, 10**15),
    st.integers(-(10**12), 10**12),
    st.integers(1, 10**9),
)
def test_exact_is_price_by_quantity_and_fee(price: int, fee: int, quantity: int, unit: int) -> None:
    """Whatever fits a column stands there, everything else beside it; neither wraps around."""
    of = exact(column(price), column(fee), column(quantity), column(unit))
    wanted = price * quantity + (fee * unit if quantity else 0)
    assert of.wide.get(0, int(of.value[0])) == wanted
