"""Rate lines: the same few figures for every price, found by one number."""

from __future__ import annotations

from pathlib import Path

from state.rates import NO_LINE, own_lines
from tests.builders import agreement_text, reference_dir, tables

ITEMS = """
{item: calls, role: ingress, service: voice, flow: receivable,
  price: {kind: deck, deck: STANDARD}},
{item: minutes, role: egress, service: voice, flow: payable,
  price: {kind: unit, per: minute, amount: 0.06, connect_fee: 0.01,
          initial_seconds: 30, next_seconds: 6}},
{item: shop, role: channel, service: transaction, flow: payable,
  price: {kind: share, percent: 12.5}},
{item: volume, role: subscriber, service: data, flow: receivable,
  price: {kind: tiers, per: gigabyte, tiers: [{price: 1}]}}
"""
NO_KEYS = "kind,key,agreement,valid_from,valid_upto\n"


def test_items_have_lines_of_their_own_before_those_of_decks(tmp_path: Path) -> None:
    """0.06 a minute at 30/6 with 0.01 to connect; 12.5 % is 0.125; tiers have no price."""
    built = tables(reference_dir(tmp_path, agreements=agreement_text(ITEMS), attribution=NO_KEYS))
    rates, line = built.rates, built.item_line
    assert line.tolist() == [NO_LINE, 1, 2, 3]
    assert rates.price_nanos[:4].tolist() == [0, 60_000_000, 125_000_000, 0]
    assert rates.connect_nanos[:4].tolist() == [0, 10_000_000, 0, 0]
    assert rates.initial_seconds[:4].tolist() == [1, 30, 1, 1]
    assert rates.next_seconds[:4].tolist() == [1, 6, 1, 1]
    # Behind them stand the two rates of the deck.
    assert sorted(rates.price_nanos[4:].tolist()) == [12_000_000, 60_000_000]
    assert len(rates) == 6


def test_lines_follow_one_another() -> None:
    """The numbers of the second table's lines grow by the length of the first."""
    own, line_of = own_lines([])
    assert (len(own), len(line_of)) == (1, 0)
    both = own.followed_by(own)
    assert both.initial_seconds.tolist() == [1, 1]
