"""What reversals take back, by hand: the original's charge, the days, and what is missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codes import Reason, Service
from state.tables import Tables
from streams.rating import Rated
from tests.builders import reference_dir
from tests.builders import tables as compiled
from tests.makers import item_tables, rated_of, usage
from tests.usage_makers import NOVEMBER_US, message, row

KEYS = "channel,C-1,ALFA-1,,"
ITEM = "{item: one, role: channel, service: transaction, flow: payable, "
HUNDRED = "{kind: unit, per: event, amount: 100}"
PRO_RATA = "{types: [termination, refund], window_days: 180, rule: pro_rata}"
FULL = "{types: [refund], window_days: 30, rule: full}"
CENTS = ", rounding: {place: record, decimals: 2}"
DAY_US = 86_400_000_000


def tables(directory: Path, price: str, clawback: str, more: str = "", terms: str = "") -> Tables:
    """Tables of one item with a clawback."""
    item = f"{ITEM}clawback: {clawback}, {more}price: {price}}}"
    return item_tables(directory, item, KEYS, terms)


def rated(of: Tables, *events: dict[str, Any]) -> Rated:
    """Transactions, rated."""
    rows = [row(Service.TRANSACTION, sales_channel="C-1", **event) for event in events]
    return rated_of(usage(*(message(Service.TRANSACTION, r) for r in rows)), of)


def refund(days: float | None, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    """A refund so many days after its original."""
    original = None if days is None else NOVEMBER_US - int(days * DAY_US)
    return {"transaction_type": "refund", "original_started_at": original} | fields


@pytest.mark.parametrize(
    ("days", "micros"),
    [
        (0, -100_000_000),
        (45, -75_000_000),  # 100 x 135/180
        (45.9, -75_000_000),  # begun days do not count
        (179, -560_000),  # 100/180 is 0.5555..., rounded to cents
        (180, 0),
        (200, 0),
    ],
)
def test_a_part_of_a_commission_comes_back(tmp_path: Path, days: float, micros: int) -> None:
    """100 for a sale; of the 180 days those that are left."""
    found = rated(tables(tmp_path, HUNDRED, PRO_RATA, terms=CENTS), refund(days))
    assert found.charge_micros.tolist() == [micros]
    assert found.quantity.tolist() == [-1]
    assert found.reason.tolist() == [0]


@pytest.mark.parametrize(("days", "micros"), [(29, -100_000_000), (30, 0)])
def test_all_of_it_comes_back_within_the_window(tmp_path: Path, days: int, micros: int) -> None:
    """By the rule full the 30th day after is the first on which nothing is taken back."""
    found = rated(tables(tmp_path, HUNDRED, FULL), refund(days))
    assert found.charge_micros.tolist() == [micros]


def test_sales_are_what_they_were(tmp_path: Path) -> None:
    """A sale, and a type that takes nothing back, are charged as without the clawback."""
    other = {"transaction_type": "upgrade", "original_started_at": NOVEMBER_US - DAY_US}
    found = rated(tables(tmp_path, HUNDRED, PRO_RATA), {}, other)
    assert found.charge_micros.tolist() == [100_000_000, 100_000_000]
    assert found.residue.tolist() == [0, 0]
    assert found.reversals is None


@pytest.mark.parametrize("sign", [1, -1])
def test_fees_and_limits_come_back_with_it(tmp_path: Path, sign: int) -> None:
    """10 % of 50 and 1 are 6, at most 4; of 20 they are 3. Amounts may be negative or not."""
    price = "{kind: share, percent: 10, connect_fee: 1, maximum: 4}"
    amounts = [
        refund(90, retail_amount_micros=sign * micros) for micros in (50 * 10**6, 20 * 10**6)
    ]
    found = rated(tables(tmp_path, price, PRO_RATA), *amounts)
    assert found.charge_micros.tolist() == [-2_000_000, -1_500_000]
    assert found.quantity.tolist() == [-50_000_000, -20_000_000]


@pytest.mark.parametrize(
    ("retail", "cost", "micros"),
    [(100, 65, -14_000_000), (-100, -65, -14_000_000), (100, 110, 4_000_000), (0, -5, 2_000_000)],
)
def test_a_share_of_a_margin_comes_back(
    tmp_path: Path, retail: int, cost: int, micros: int
) -> None:
    """40 % of 100 - 65; the share of a loss, which was negative, is given back to the other."""
    of = tables(tmp_path, "{kind: share, percent: 40}", FULL, "count: {of: margin}, ")
    amounts = {"retail_amount_micros": retail * 10**6, "cost_amount_micros": cost * 10**6}
    found = rated(of, refund(1, **amounts))
    assert found.charge_micros.tolist() == [micros]


def test_without_the_time_of_the_original_there_is_no_price(tmp_path: Path) -> None:
    """Nobody knows which commission is meant."""
    found = rated(tables(tmp_path, HUNDRED, FULL), refund(None), refund(1))
    assert found.reason.tolist() == [Reason.NO_ORIGINAL_TIME, 0]
    assert found.charge_micros.tolist()[1] == -100_000_000


VERSION = """\
    - {version: NUMBER, valid_from: FROM, zone: UTC, currency: EUR, items: [
       {item: one, role: channel, service: transaction, flow: payable,
        clawback: {types: [refund], window_days: 60, rule: full},
        price: {kind: share, percent: PERCENT}}]}
"""


def test_the_terms_are_those_of_the_original(tmp_path: Path) -> None:
    """10 % until September and 15 % since: a refund in November of a sale in September is of 10 %.

    It belongs to November all the same, for that is when it happened.
    """
    first = VERSION.replace("NUMBER", "1").replace("PERCENT", "10")
    first = first.replace("FROM", "2026-01-01, valid_upto: 2026-10-01")
    second = VERSION.replace("NUMBER", "2").replace("PERCENT", "15").replace("FROM", "2026-10-01")
    text = "- agreement: ALFA-1\n  partner: ALFA\n  model: referral\n  versions:\n"
    keys = f"kind,key,agreement,valid_from,valid_upto\n{KEYS}\n"
    of = compiled(reference_dir(tmp_path, agreements=text + first + second, attribution=keys))
    sold = {"retail_amount_micros": 100_000_000}
    found = rated(of, refund(40, **sold), refund(20, **sold), sold)
    assert found.charge_micros.tolist() == [-10_000_000, -15_000_000, 15_000_000]
    assert [of.calendars[0].label(p) for p in found.period.tolist()] == ["2026-11"] * 3


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2**43), st.integers(0, 200), st.booleans()),
        min_size=1,
        max_size=8,
    )
)
def test_what_comes_back_and_what_is_kept_add_up(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[int, int, bool]]
) -> None:
    """Charge and residue of a reversal are exactly so many parts of those of its sale."""
    of = tables(
        tmp_path_factory.mktemp("r"), "{kind: share, percent: 3.1234567}", PRO_RATA, terms=CENTS
    )
    sold = [{"retail_amount_micros": amount} for amount, _, _ in events]
    back = [
        refund(days, retail_amount_micros=-amount if turned else amount)
        for amount, days, turned in events
    ]
    found = rated(of, *sold, *back)
    exact = [
        charge * of.items[0].unit * 1_000 + residue
        for charge, residue in zip(
            found.charge_micros.tolist(), found.residue.tolist(), strict=True
        )
    ]
    for (_, days, _), sale, taken in zip(
        events, exact[: len(sold)], exact[len(sold) :], strict=True
    ):
        assert taken * 180 == -sale * max(0, 180 - days)


def test_some_legs_keep_what_is_theirs(tmp_path: Path) -> None:
    """Legs that are taken out of a batch, in any order, take their reversals with them."""
    found = rated(tables(tmp_path, HUNDRED, FULL), refund(1), {}, refund(2))
    assert found.reversals is not None
    picked = found.take(np.array([2, 1])).reversals
    assert picked is not None
    assert (picked.leg.tolist(), picked.original_us.tolist()) == ([0], [NOVEMBER_US - 2 * DAY_US])
    assert found.take(np.array([1])).reversals is None


def test_days_are_24_hours(tmp_path: Path) -> None:
    """From 25 October 00:30 to 1 November 00:00 UTC seven days have not passed."""
    began = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    since = timedelta(microseconds=NOVEMBER_US) - (began - datetime(1970, 1, 1, tzinfo=UTC))
    week = "{types: [refund], window_days: 7, rule: pro_rata}"
    found = rated(tables(tmp_path, HUNDRED, week), refund(since / timedelta(days=1)))
    assert found.charge_micros.tolist() == [-14_285_714]  # a seventh of 100
