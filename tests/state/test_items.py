"""Items compiled from their prices: integers, whatever the kind."""

from __future__ import annotations

from pathlib import Path

from schemas.codes import CurveKind, Flow, PriceKind, Quantity
from state.curves import Curve, Step
from state.items import NONE
from tests.builders import agreement_text, reference_dir, tables

NO_KEYS = "kind,key,agreement,valid_from,valid_upto\n"

PRICES = """
{item: deck, role: ingress, service: voice, flow: payable, price: {kind: deck, deck: STANDARD}},
{item: unit, role: ingress, service: data, flow: receivable,
  price: {kind: unit, per: mebibyte, amount: 0.25, connect_fee: 0.1}},
{item: time, role: egress, service: voice, flow: receivable,
  price: {kind: unit, per: hour, amount: 6, initial_seconds: 60, next_seconds: 30}},
{item: tiers, role: subscriber, service: voice, flow: receivable,
  price: {kind: tiers, per: minute, tiers: [{up_to: 1000, price: 0.01}, {price: 0.008}]}},
{item: share, role: channel, service: transaction, flow: payable,
  price: {kind: share, percent: 30}}
"""


def test_each_kind_of_price_becomes_integers(tmp_path: Path) -> None:
    """What a price is per is a unit of a quantity; a share is a price per unit of money."""
    directory = reference_dir(tmp_path, agreements=agreement_text(PRICES), attribution=NO_KEYS)
    deck, unit, time, tiers, share = tables(directory).items
    assert (deck.price_kind, deck.deck, deck.quantity, deck.unit) == (
        PriceKind.DECK,
        0,
        Quantity.SECONDS,
        60,
    )
    assert deck.flow is Flow.PAYABLE
    assert (unit.price_kind, unit.quantity, unit.unit) == (PriceKind.UNIT, Quantity.BYTES, 2**20)
    assert (unit.price_nanos, unit.connect_fee_nanos) == (250_000_000, 100_000_000)
    assert (time.unit, time.initial_seconds, time.next_seconds) == (3_600, 60, 30)
    assert (tiers.price_kind, tiers.quantity, tiers.price_nanos) == (
        PriceKind.TIERS,
        Quantity.SECONDS,
        0,
    )
    # 1000 minutes are 60,000 seconds; 0.01 and 0.008 a minute.
    assert tiers.curve == Curve(
        CurveKind.GRADUATED, (Step(60_000, 10_000_000), Step(None, 8_000_000)), 60
    )
    assert (share.price_kind, share.quantity, share.unit) == (
        PriceKind.SHARE,
        Quantity.AMOUNT_MICROS,
        10**6,
    )
    # 30 % of a unit of money is 0.3 units.
    assert share.price_nanos == 300_000_000
    assert (share.deck, share.curve, share.per) == (NONE, None, "amount")
