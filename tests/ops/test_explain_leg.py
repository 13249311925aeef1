"""The words for what a leg was priced by, and its arithmetic, read as an analyst would."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.explain_leg import arithmetic, rate_line
from tests.builders import agreement_text, reference_dir, tables
from tests.makers import item_tables

KEYS = "route,TG-1,ALFA-1,,"
VOICE = "{item: one, role: ingress, service: voice, flow: receivable, price: "
DATA = "{item: one, role: subscriber, service: data, flow: receivable, "
SHARE = "{item: one, role: channel, service: transaction, flow: payable, price: "


def said(directory: Path, item: str, **row: int) -> tuple[str, str]:
    """The rate line and the arithmetic of a leg of such an item."""
    tables = item_tables(directory, item + "}", KEYS)
    figures = {"price_nanos": 0, "connect_nanos": 0, "zone": "DE", "started_us": 0} | row
    return rate_line(figures, tables.items[0], tables), arithmetic(figures, tables.items[0])


@pytest.mark.parametrize(
    ("quantity", "charge_micros", "text"),
    [
        # 2.99 % of 10, and 2: 2.299 lies between the limits; of 10,000 it is 301, of 0.1 2.00299.
        (10_000_000, 2_299_000, "10000000 x 0.0299 / 1000000 + 2 = 2.299 -> 2.299000"),
        (
            10_000_000_000,
            12_000_000,
            "10000000000 x 0.0299 / 1000000 + 2 = 301, maximum 12 -> 12.000000",
        ),
        (100_000, 2_100_000, "100000 x 0.0299 / 1000000 + 2 = 2.00299, minimum 2.1 -> 2.100000"),
    ],
)
def test_limits_are_shown_where_they_act(
    tmp_path: Path, quantity: int, charge_micros: int, text: str
) -> None:
    """A share with a fixed part, a least and a most."""
    item = SHARE + "{kind: share, percent: 2.99, connect_fee: 2, minimum: 2.1, maximum: 12}"
    row = {"raw_quantity": quantity, "quantity": quantity, "charge_micros": charge_micros}
    line, sum_of = said(tmp_path, item, price_nanos=29_900_000, connect_nanos=2 * 10**9, **row)
    assert line == "share of 2.99 % of the retail amount, connect fee 2"
    assert sum_of == text


def test_a_factor_stands_behind_the_decks_price(tmp_path: Path) -> None:
    """21 s at 0.012 a minute, three quarters of it."""
    item = VOICE + "{kind: deck, deck: STANDARD, less_percent: 25}"
    row = {"raw_quantity": 21, "quantity": 21, "charge_micros": 3_150}
    line, sum_of = said(tmp_path, item, price_nanos=12_000_000, **row)
    assert line == "deck STANDARD, zone DE: 0.012 per minute x 0.75, increments 1/1 s"
    assert sum_of == "(21 x 0.012 / 60) x 0.75 = 0.00315 -> 0.003150"


def test_an_attempt_shows_its_fee(tmp_path: Path) -> None:
    """Nothing was counted; the fee is what it costs."""
    item = VOICE + "{kind: unit, per: minute, amount: 0.6, attempt_fee: 3}"
    row = {"raw_quantity": 0, "quantity": 0, "charge_micros": 3_000_000}
    _, sum_of = said(tmp_path, item, price_nanos=6 * 10**8, **row)
    assert sum_of == "0 x 0.6 / 60 = 0, attempt fee 3 -> 3.000000"


def test_a_count_says_its_steps(tmp_path: Path) -> None:
    """Bytes from the network in steps, from a least on."""
    count = "count: {of: up_bytes, initial: 1000, next: 1000, minimum: 50, round: half_up}"
    item = f"{DATA}{count}, price: {{kind: unit, per: kilobyte, amount: 0.5}}"
    row = {"raw_quantity": 2_499, "quantity": 2_000, "charge_micros": 1_000_000}
    line, sum_of = said(tmp_path, item, price_nanos=5 * 10**8, **row)
    assert line == "0.5 per kilobyte, counted 1000/1000 up_bytes, at least 50, half_up"
    assert sum_of == "2000 x 0.5 / 1000 = 1 -> 1.000000"


def test_steps_of_a_call_are_shown_part_by_part(tmp_path: Path) -> None:
    """85 s: 60 at 0.2 a minute, 25 at 0.1, and 0.4 to connect."""
    tiers = "[{up_to: 1, step: 60, price: 0.2}, {step: 1, price: 0.1}]"
    price = f"{{kind: tiers, each: event, per: minute, connect_fee: 0.4, tiers: {tiers}}}"
    row = {"raw_quantity": 85, "quantity": 85, "charge_micros": 641_667}
    line, sum_of = said(tmp_path, VOICE + price, connect_nanos=4 * 10**8, **row)
    assert line == (
        "each event graduated per minute (seconds): 0.2 in steps of 60 seconds up to 60,"
        " 0.1 in steps of 1 seconds above, connect fee 0.4, increments 1/1 s"
    )
    assert sum_of == "60 seconds 0.2 + 25 seconds 1/24 + 0.4 = 77/120 -> 0.641667"


def test_what_only_counts_says_so(tmp_path: Path) -> None:
    """65 seconds are two minutes of some deal, and no money by themselves."""
    item = VOICE + "{kind: counted, per: minute, initial_seconds: 60, next_seconds: 60}"
    deal = (
        "{deal: pool, flow: receivable, over: [one], "
        "price: {kind: tiers, per: minute, tiers: [{price: 1}]}}"
    )
    terms = f"valid_from: 2026-01-01, zone: UTC, currency: EUR, deals: [{deal}]"
    keys = "kind,key,agreement,valid_from,valid_upto\nroute,TG-1,ALFA-1,,\n"
    text = agreement_text(item + "}", terms=terms)
    known = tables(reference_dir(tmp_path, agreements=text, attribution=keys))
    row = {"raw_quantity": 65, "quantity": 120, "charge_micros": 0, "price_nanos": 0}
    row |= {"connect_nanos": 0}
    assert rate_line(row, known.items[0], known) == "counted per minute, increments 60/60 s"
    assert arithmetic(row, known.items[0]) == "only counts 120 seconds, which a deal prices"
