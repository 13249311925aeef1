"""What is charged for: increments by hand, and as adding steps until it is enough."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codes import Service
from streams.counting import increments
from tests.makers import item_tables, rated_of, usage
from tests.usage_makers import message, row


def counted(seconds: int, initial: int, following: int) -> int:
    """One call's seconds in increments."""
    columns = (np.array([value], np.int64) for value in (seconds, initial, following))
    return int(increments(*columns)[0])


def test_time_grows_to_whole_increments() -> None:
    """30/6: one second counts 30, 31 count 36; 560 s are 566 at 60/11 and 571 at 12/13."""
    assert [counted(s, 30, 6) for s in (0, 1, 30, 31, 36, 37)] == [0, 30, 30, 36, 36, 42]
    assert counted(560, 60, 11) == 566  # 60 + 46 x 11
    assert counted(560, 12, 13) == 571  # 12 + 43 x 13


@given(st.integers(0, 5_000), st.integers(1, 90), st.integers(1, 90))
def test_increments_are_steps_until_it_is_enough(
    seconds: int, initial: int, following: int
) -> None:
    """Taking one increment after another gives the same, for any call and increments."""
    total = 0 if seconds == 0 else initial
    while total < seconds:
        total += following
    assert counted(seconds, initial, following) == total


@pytest.mark.parametrize(
    ("count", "up", "down", "quantity"),
    [
        ("{initial: 100, next: 10}", 99, 4, 110),  # 103 is 100 and one step of 10
        ("{of: up_bytes, initial: 100, next: 10}", 99, 4, 100),
        ("{of: down_bytes}", 99, 4, 4),
        ("{minimum: 500}", 99, 4, 500),
        ("{minimum: 500}", 0, 0, 0),  # nothing stays nothing
        ("{initial: 1000, next: 1000, round: down}", 1_999, 0, 1_000),
        ("{initial: 1000, next: 1000, round: half_up}", 2_500, 0, 3_000),
        ("{initial: 1000, next: 1000, round: half_up}", 2_499, 0, 2_000),
        ("{initial: 1000, next: 1000}", 1_247, 0, 2_000),
    ],
)
def test_an_item_says_what_counts_and_in_which_steps(
    tmp_path: Path, count: str, up: int, down: int, quantity: int
) -> None:
    """Bytes of one direction or both, from a least on, in steps that end up, down or nearest."""
    item = (
        f"{{item: one, role: subscriber, service: data, flow: receivable, count: {count}, "
        "price: {kind: unit, per: byte, amount: 1}}"
    )
    tables = item_tables(tmp_path, item, "access_point,ap,ALFA-1,,")
    fields = {"access_point": "ap", "volume_up_bytes": up, "volume_down_bytes": down}
    rated = rated_of(usage(message(Service.DATA, row(Service.DATA, **fields))), tables)
    assert rated.quantity.tolist() == [quantity]


def test_a_refund_counts_as_its_mirror(tmp_path: Path) -> None:
    """-1.2 in steps of 1 is -2, as 1.2 is 2."""
    item = (
        "{item: one, role: channel, service: transaction, flow: payable, "
        "count: {initial: 1000000, next: 1000000}, price: {kind: share, percent: 10}}"
    )
    tables = item_tables(tmp_path, item, "channel,C-1,ALFA-1,,")
    fields = {"sales_channel": "C-1", "retail_currency": "EUR"}
    sold = [
        message(Service.TRANSACTION, row(Service.TRANSACTION, **fields, **one))
        for one in (
            {"sequence": 1, "retail_amount_micros": 1_200_000},
            {"sequence": 2, "retail_amount_micros": -1_200_000},
        )
    ]
    rated = rated_of(usage(*sold), tables)
    assert rated.quantity.tolist() == [2_000_000, -2_000_000]
    assert rated.charge_micros.tolist() == [200_000, -200_000]
