"""What is taken back reads as an analyst would write it."""

from __future__ import annotations

from pathlib import Path

from ops import explain_clawback
from ops.explain_leg import arithmetic, rate_line
from tests.makers import item_tables

ITEM = "{item: one, role: channel, service: transaction, flow: payable, "
CLAWBACK = "clawback: {types: [refund], window_days: 180, rule: RULE}, "
DAY_US = 86_400_000_000
REVERSAL = {
    "raw_quantity": 100_000_000,
    "quantity": -100_000_000,
    "price_nanos": 4 * 10**8,
    "connect_nanos": 10**9,
    "charge_micros": -30_750_000,
    "residue": 0,
    "parts_taken": 135,
    "original_us": 0,
    "started_us": 45 * DAY_US,
}


def test_a_part_is_shown_of_the_original(tmp_path: Path) -> None:
    """40 % of 100 and 1 are 41; of these 135 of 180 parts are 30.75."""
    clawback = CLAWBACK.replace("RULE", "pro_rata")
    price = "count: {of: margin}, price: {kind: share, percent: 40, connect_fee: 1}}"
    tables = item_tables(tmp_path, ITEM + clawback + price, "channel,C-1,ALFA-1,,")
    [item] = tables.items
    assert arithmetic(REVERSAL, item) == (
        "original 100000000 x 0.4 / 1000000 + 1 = 41; x -135/180 = -30.75 -> -30.750000"
    )
    assert rate_line(REVERSAL, item, tables) == "share of 40 % of the margin, connect fee 1"
    assert explain_clawback.window(REVERSAL, item) == (
        ", taken back 45 days after the original, window 180 days"
    )
    sale = {**REVERSAL, "quantity": 1, "parts_taken": None}
    assert explain_clawback.window(sale, item) == ""
    assert not explain_clawback.is_reversal(sale)


def test_all_of_it_is_shown_as_once(tmp_path: Path) -> None:
    """By the rule full the original's charge comes back once, or not at all."""
    clawback = CLAWBACK.replace("RULE", "full")
    price = "price: {kind: unit, per: event, amount: 100}}"
    tables = item_tables(tmp_path, ITEM + clawback + price, "channel,C-1,ALFA-1,,")
    row = {**REVERSAL, "raw_quantity": 1, "quantity": -1, "price_nanos": 10**11}
    row |= {"connect_nanos": 0, "parts_taken": 1, "charge_micros": -100_000_000}
    told = arithmetic(row, tables.items[0])
    assert told == "original 1 x 100 = 100; x -1 = -100 -> -100.000000"
