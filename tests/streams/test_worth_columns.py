"""Rows priced in columns are worth what they are worth one by one, and those left alone are few."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.balances import COLUMNS, join_residue, split_residue
from streams.accrual import Book, Row
from streams.contribution import Series
from streams.worth import worth
from streams.worth_columns import Alone
from tests import builders

PERIOD = "2026-11"
PRICES = {
    "graduated": "{kind: tiers, per: minute, tiers: [{up_to: 10, price: 0.01}, {price: 0.003}]}",
    "volume": (
        "{kind: tiers, per: minute, curve: volume, at_least: 7,"
        " tiers: [{up_to: 10, price: 0.0133}, {price: 0.0071, flat: 1}]}"
    ),
    "blocks": (
        "{kind: tiers, per: minute, free: 2, at_least: 30,"
        " tiers: [{up_to: 20, block: 5, price: 1, cap: 3}, {price: 0.07}]}"
    ),
    "unit": "{kind: unit, per: minute, amount: 0.0077}",
    "hour": "{kind: unit, per: hour, amount: 0.0077}",
}
ROUNDINGS = (
    "place: line, mode: half_up, decimals: 2",
    "place: line, mode: half_even, decimals: 6",
    "place: line, mode: up, decimals: 0",
    "place: line, mode: floor, decimals: -2",
    "place: record, mode: down, decimals: 3",
    "place: statement, mode: ceiling, decimals: 1",
)


@cache
def book() -> Book:
    """An agreement for each rounding, with an item for each price."""
    agreements = [
        f"- {{agreement: A{n}, partner: ALFA, model: wholesale, versions: [{{version: 1,"
        f" valid_from: 2026-01-01, zone: UTC, currency: EUR, rounding: {{{rounding}}}, items: ["
        + ", ".join(
            f"{{item: {name}, role: {role}, service: voice, direction: {way},"
            f" flow: receivable, price: {price}}}"
            for (name, price), (role, way) in zip(PRICES.items(), USES, strict=True)
        )
        + "]}]}\n"
        for n, rounding in enumerate(ROUNDINGS)
    ]
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    with tempfile.TemporaryDirectory() as directory:
        made = builders.reference_dir(
            Path(directory), agreements="".join(agreements), attribution=keys
        )
        return Book(builders.tables(made))


USES = [(role, way) for role in ("ingress", "egress", "subscriber") for way in ("in", "out")][:5]
SERIES = [
    Series(f"A{n}", 1, name, "", "EUR", PERIOD, PERIOD)
    for n in range(len(ROUNDINGS))
    for name in PRICES
]
NUMBERS = st.sampled_from(range(len(SERIES)))
RESIDUES = st.integers(-(2**60), 2**60)
AMOUNTS = st.integers(-(10**12), 10**12) | st.sampled_from([0, 599, 600, 601, 1200, 1800])


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(range(len(SERIES))), AMOUNTS, AMOUNTS, st.integers(-(2**60), 2**60)
        ),
        min_size=1,
    )
)
def test_rows_alone_are_worth_the_same_in_columns(rows: list[tuple[int, int, int, int]]) -> None:
    """Any sums, under any price and rounding: the same two figures, or left to the other way."""
    known = book()
    alone = Alone(known)
    alone.follow(SERIES)
    numbers = np.array([number for number, *_ in rows], np.int64)
    high, low = split_residue(np.array([residue for *_, residue in rows], np.int64))
    values = np.zeros((len(rows), len(COLUMNS)), np.int64)
    for at, (_, quantity, charge, _) in enumerate(rows):
        values[at] = 1, quantity, charge, high[at], low[at]
    found = alone.worth(numbers, values)
    for at, number in enumerate(numbers.tolist()):
        if not found.known[at]:
            continue
        events, quantity, charge, above, below = values[at].tolist()
        row = Row(SERIES[number], events, quantity, charge, join_residue(above, below))
        one = worth(row, (row,), known)
        assert (one.micros, one.shortfall_micros) == (
            found.micros[at],
            found.shortfall_micros[at],
        ), row


def test_ordinary_rows_are_priced_in_columns() -> None:
    """Whatever is not simply its charge: of 30 series all but the two whose charges are rounded."""
    alone = Alone(book())
    alone.follow(SERIES)
    values = np.tile(np.array([1, 600, 6_000, 0, 0], np.int64), (len(SERIES), 1))
    found = alone.worth(np.arange(len(SERIES)), values)
    left = [SERIES[at] for at in np.flatnonzero(~found.known).tolist()]
    assert {(s.agreement, s.item) for s in left} == {("A4", "unit"), ("A4", "hour")}


def test_a_committed_quantity_is_missed() -> None:
    """Of 7 minutes at 0.0133 five are used: 0.0665 is 0.07 as a line; due are 0.0931, 0.09."""
    alone = Alone(book())
    alone.follow(SERIES)
    number = SERIES.index(Series("A0", 1, "volume", "", "EUR", PERIOD, PERIOD))
    found = alone.worth(np.array([number]), np.array([[1, 300, 0, 0, 0]]))
    assert (found.micros[0], found.shortfall_micros[0]) == (70_000, 20_000)


@pytest.mark.parametrize("at_once", [True, False])
def test_a_row_that_gets_company_is_alone_no_more(*, at_once: bool) -> None:
    """Late usage of the same period, booked in December: both rows need to know of each other."""
    series = SERIES[0]
    late = series._replace(booked="2026-12")
    alone = Alone(book())
    if not at_once:
        alone.follow([series])
        assert alone.worth(np.array([0]), np.array([[1, 600, 0, 0, 0]])).known.all()
    alone.follow([series, late])
    assert not alone.worth(np.array([0, 1]), np.array([[1, 600, 0, 0, 0]] * 2)).known.any()


def test_figures_too_large_for_columns_are_left() -> None:
    """A charge of 2^60 micros, and a residue of 2^63, are for the other way."""
    alone = Alone(book())
    alone.follow(SERIES)
    number = SERIES.index(Series("A0", 1, "unit", "", "EUR", PERIOD, PERIOD))
    values = np.array([[1, 1, 2**60, 0, 0], [1, 1, 0, 2**31, 0], [1, 1, 1, 0, 0]])
    assert alone.worth(np.array([number] * 3), values).known.tolist() == [False, False, True]
