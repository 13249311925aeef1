"""Factors, limits and attempt fees on exact charges, in columns and for rows of any size."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codes import Service
from state.tables import Tables
from streams.charging import Exact, exact
from streams.limits import limit
from tests.makers import item_tables, rated_of, usage
from tests.usage_makers import message, row

KEYS = "route,TG-1,ALFA-1,,\nchannel,C-1,ALFA-1,,"
SHARE = "{item: one, role: channel, service: transaction, flow: payable, price: {kind: share, "
VOICE = "{item: one, role: ingress, service: voice, flow: receivable, price: {"


def charged(tables: Tables, family: Service, **fields: Any) -> Fraction:  # noqa: ANN401
    """What one event costs exactly, in currency units."""
    keys = {"ingress_route": "TG-1"} if family is Service.VOICE else {"sales_channel": "C-1"}
    rated = rated_of(usage(message(family, row(family, **keys, **fields))), tables)
    assert rated.reason.tolist() == [0]
    unit = int(tables.item_unit[rated.legs.item[0]])
    charge, residue = int(rated.charge_micros[0]), int(rated.residue[0])
    return Fraction(charge, 10**6) + Fraction(residue, unit * 10**9)


@pytest.mark.parametrize(
    ("amount_micros", "cost"),
    [
        # 2.99 % and 2 for each event, at least 1.75 and at most 12: 18.691 for the first three.
        (10_000_000, "2.299"),  # 0.299 + 2
        (80_000_000, "4.392"),  # 2.392 + 2
        (10_000_000_000, "12"),  # 299 + 2 is above 12
        (-10_000_000_000, "-12"),  # -299 + 2 mirrors it
        (0, "0"),
    ],
)
def test_a_share_within_limits(tmp_path: Path, amount_micros: int, cost: str) -> None:
    """A percentage with a fixed part, a least and a most."""
    price = "percent: 2.99, connect_fee: 2, minimum: 1.75, maximum: 12}}"
    tables = item_tables(tmp_path, SHARE + price, KEYS)
    fields = {"retail_amount_micros": amount_micros, "retail_currency": "EUR"}
    assert charged(tables, Service.TRANSACTION, **fields) == Fraction(cost)


def test_a_deck_less_a_percentage(tmp_path: Path) -> None:
    """0.012 a minute less 25 %: 21 s cost 0.0042 x 0.75 = 0.00315, a mobile's fee too."""
    tables = item_tables(tmp_path, VOICE + "kind: deck, deck: STANDARD, less_percent: 25}}", KEYS)
    call = {"called_number": "4930123", "duration_ms": 21_000}
    assert charged(tables, Service.VOICE, **call) == Fraction("0.00315")
    # 0.06 a minute at 30/6 and 0.01 to connect: (0.03 + 0.01) x 0.75
    mobile = {"called_number": "4917123", "duration_ms": 21_000}
    assert charged(tables, Service.VOICE, **mobile) == Fraction("0.03")


def test_an_attempt_costs_a_fee_and_an_answered_call_does_not(tmp_path: Path) -> None:
    """3 for nobody answering; a second costs its 1/60 of 0.6 and the least of 0.02 lifts it."""
    price = "kind: unit, per: minute, amount: 0.6, attempt_fee: 3, minimum: 0.02}}"
    tables = item_tables(tmp_path, VOICE + price, KEYS)
    assert charged(tables, Service.VOICE, duration_ms=0) == 3
    assert charged(tables, Service.VOICE, duration_ms=1_000) == Fraction("0.02")
    assert charged(tables, Service.VOICE, duration_ms=60_000) == Fraction("0.6")


def test_rows_of_any_size_are_limited_alike(tmp_path: Path) -> None:
    """A charge beyond 62 bits comes down to the most of 12, one beside it up to the least."""
    tables = item_tables(tmp_path, SHARE + "percent: 3, minimum: 1.75, maximum: 12}}", KEYS)
    columns = (np.array(v, np.int64) for v in ([10**9, 30], [0, 0], [10**15, 10**6], [10**6] * 2))
    of = exact(*columns)
    assert list(of.wide) == [0]
    quantity = np.array([10**15, 10**6])
    first, no_band = np.zeros(2, np.int32), np.zeros(2, np.int8)
    limited = limit(of, quantity, quantity, first, no_band, tables)
    assert limited.wide == {0: 12 * 10**15}  # 12 over 10^6 x 10^9
    assert limited.value[1] == 1_750_000_000 * 10**6


@cache
def limited(least: str, most: str) -> Tables:
    """Tables of a share with these limits."""
    price = f"percent: 3, minimum: {least}" + (f", maximum: {most}" if most else "") + "}}"
    with tempfile.TemporaryDirectory() as directory:
        return item_tables(Path(directory), SHARE + price, KEYS)


LIMITS = [("0", "5"), ("0.000000001", ""), ("3", "5"), ("1000000", "1000000"), ("0", "1000000")]


@given(
    st.integers(-(2**61), 2**61),
    st.booleans(),
    st.sampled_from([-5, 0, 7]),
    st.sampled_from(LIMITS),
)
def test_limits_are_least_and_most(
    value: int,
    wide: bool,
    quantity: int,
    bounds: tuple[str, str],
) -> None:
    """Against plain integers, whatever the charge, on either side of 62 bits."""
    charge = value * 2**10 if wide else value
    of = Exact(np.array([0 if wide else value]), {0: charge} if wide else {})
    counted = np.array([quantity], np.int64)
    first, no_band = np.zeros(1, np.int32), np.zeros(1, np.int8)
    result = limit(of, counted, counted, first, no_band, limited(*bounds))
    sign = -1 if quantity < 0 else 1
    least, most = (Fraction(bound or 0) * 10**15 for bound in bounds)
    size = max(sign * charge, int(least)) if least else sign * charge
    size = min(size, int(most)) if most else size
    assert result.wide.get(0, int(result.value[0])) == (sign * size if quantity else 0)
