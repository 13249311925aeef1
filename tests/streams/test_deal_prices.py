"""What deals ask for, by hand: tiers of money and quantities, capacity, swaps."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from streams.accrual import Book
from streams.contribution import Series
from streams.deal_prices import Asked, Hour, Members
from tests import builders

ITEMS = """
        {item: came, role: ingress, service: voice, direction: in, flow: receivable,
         price: {kind: counted, per: minute}},
        {item: went, role: egress, service: voice, direction: out, flow: payable,
         price: {kind: counted, per: minute}},
        {item: sales, role: channel, service: transaction, flow: receivable,
         price: {kind: share, percent: 100}}"""
SWAP = "kind: swap, per: minute, in: [came], out: [went], balanced: 0.02, unbalanced: 0.05"


def asked(directory: Path, price: str, over: str = "came, went", line: str = "d") -> Asked:
    """What a deal asks for that has half of November to answer for."""
    swap = "kind: swap" in price
    way = "" if swap else f"flow: receivable, over: [{over}], "
    deals = (
        f"{{deal: d, {way}price: {{{price}}}}}, {{deal: rest, flow: receivable, "
        "over: [came, went], price: {kind: tiers, per: minute, tiers: [{price: 0}]}}"
    )
    terms = f"valid_from: 2026-11-16, zone: UTC, currency: EUR, deals: [{deals}]"
    text = builders.agreement_text(ITEMS, terms=terms)
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    book = Book(
        builders.tables(builders.reference_dir(directory, agreements=text, attribution=keys))
    )
    series = Series("ALFA-1", 1, line, "", "EUR", "2026-11", "2026-11")
    known = book.terms(series)
    assert known.item.deal is not None
    return Asked(known, known.item.deal, book.duty(series))


def members(
    money: str = "0", events: int = 0, hours: dict[int, str] | None = None, **quantities: int
) -> Members:
    """What members have: money as accrued and as due, seconds by item, money by hour."""
    by_hour = {hour: Hour(Fraction(m) * 10**6, 1) for hour, m in (hours or {}).items()}
    return Members(Fraction(money), Fraction(money), events, events, quantities, by_hour)


@pytest.mark.parametrize(
    ("price", "money", "now", "due"),
    [
        # 10 % of 10,000 and 15 % of 2,000.
        ("tiers: [{up_to: 10000, percent: 10}, {percent: 15}]", "12000", "1300", "1300"),
        # Twice what is above 50; half of November commits to 25 of 50, of which 20 are there.
        ("at_least: 50, tiers: [{up_to: 50, percent: 100}, {percent: 200}]", "70", "90", "90"),
        ("at_least: 50, tiers: [{up_to: 50, percent: 100}, {percent: 200}]", "20", "20", "25"),
        # Refunds mirror; nothing is nothing, but where a flat amount is due on it.
        ("tiers: [{up_to: 10, percent: 10}, {percent: 15}]", "-12", "-1.3", "-1.3"),
        ("tiers: [{percent: 10, flat: 3}]", "0", "0", "0"),
        ("flat_on_zero: true, tiers: [{percent: 10, flat: 3}]", "0", "3", "3"),
        ("free: 2, tiers: [{percent: -5}]", "12", "-0.5", "-0.5"),
    ],
)
def test_tiers_of_money(tmp_path: Path, price: str, money: str, now: str, due: str) -> None:
    """F of the money that members come to, now and at the end."""
    of = asked(tmp_path, f"kind: tiers, per: amount, {price}", "sales")
    assert of.at(members(money)) == Fraction(now)
    assert of.due(members(money)) == Fraction(due)
    assert sum((p.amount for p in of.parts(members(money))), Fraction(0)) == Fraction(now)


def test_money_by_the_number_of_events(tmp_path: Path) -> None:
    """Up to 499 events nothing off, from 500 on 5 % off all: 629 less 31.45 with 740 of them."""
    price = (
        "kind: tiers, per: amount, curve: volume, chosen_by: events, "
        "tiers: [{up_to: 499, percent: 0}, {percent: -5}]"
    )
    of = asked(tmp_path, price, "sales")
    found = [of.at(members("629", events)) for events in (499, 500, 740)]
    assert found == [0, Fraction("-31.45"), Fraction("-31.45")]


def test_money_committed_by_the_hour(tmp_path: Path) -> None:
    """4 and 13 of at least 10 an hour, twice above: 4 + 16, and 6 missing of the first hour."""
    price = (
        "kind: tiers, per: amount, each: hour, result: replace, at_least: 10, "
        "tiers: [{up_to: 10, percent: 100}, {percent: 200}]"
    )
    of = asked(tmp_path, price, "sales")
    found = members("17", hours={1: "4", 2: "13"})
    assert [of.at(found), of.due(found)] == [20, 26]


def test_pooled_quantities(tmp_path: Path) -> None:
    """15 minutes at 10 and then 5, of 10 and 10 in both directions: 150 + 25 = 175."""
    of = asked(tmp_path, "kind: tiers, per: minute, tiers: [{up_to: 15, price: 10}, {price: 5}]")
    assert of.at(members(came=600, went=600)) == 175
    assert of.before(members(came=600)) == 100


@pytest.mark.parametrize(
    ("came", "went", "price"),
    [(0, 0, 0), (60, 60, 1), (120, 180, 1), (121, 0, 2), (0, 181, 2), (10**9, 10**9, 3)],
)
def test_capacity(tmp_path: Path, came: int, went: int, price: int) -> None:
    """The highest tier that any reaches; exactly full is still the lower one."""
    rooms = "{up_to: {came: 2, went: 3}, price: 1}, {up_to: {came: 4}, price: 2}, {price: 3}"
    of = asked(tmp_path, f"kind: capacity, tiers: [{rooms}]")
    found = members(came=came, went=went)
    if went == 181:
        # The second tier says nothing of what went, so it has room for any of that.
        assert of.at(members(went=10**6)) == 2
    assert [of.at(found), of.due(found)] == [price, price]


def test_a_swap(tmp_path: Path) -> None:
    """900,000 against 1,000,000 minutes: 18,000 each way, and 100,000 x 0.05 for what is more."""
    sent = members(came=900_000 * 60, went=1_000_000 * 60)
    mine = asked(tmp_path / "a", SWAP, line="d:receivable")
    theirs = asked(tmp_path / "b", SWAP, line="d:payable")
    assert [mine.at(sent), theirs.at(sent)] == [18_000, 23_000]
    assert {p.what: [p.quantity, p.amount] for p in theirs.parts(sent)} == {
        "balanced": [54_000_000, 18_000],
        "unbalanced": [6_000_000, 5_000],
    }
