"""Deals as they are written: bounds and fees, each field with what it may be."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from schemas.codes import Flow
from schemas.deals import BoundsPrice, FeePrice
from schemas.money import NANOS
from schemas.reference import load
from tests.builders import agreement_text, complaints_of, reference_dir

ITEM = (
    "{item: texts, role: ingress, service: sms, flow: receivable,"
    " price: {kind: unit, per: event, amount: 1}}"
)
NO_KEYS = "kind,key,agreement,valid_from,valid_upto\n"


def directory_of(directory: Path, price: str, over: str = "[texts]") -> Path:
    """A reference with one deal over one item."""
    deal = f"{{deal: cap, flow: receivable, over: {over}, price: {price}}}"
    terms = f"valid_from: 2026-01-01, zone: UTC, currency: EUR, deals: [{deal}]"
    text = agreement_text(ITEM, terms=terms)
    return reference_dir(directory, agreements=text, attribution=NO_KEYS)


def test_bounds_and_fees_are_read(tmp_path: Path) -> None:
    """Percent as nanos of a unit, money as nanos, a day as a day."""
    price = "{kind: bounds, discount_percent: 12.5, maximum: 100, minimum: 0.5}"
    [deal] = load(directory_of(tmp_path / "a", price)).agreements[0].versions[0].deals
    assert (deal.deal, deal.flow, deal.over) == ("cap", Flow.RECEIVABLE, ("texts",))
    assert isinstance(deal.price, BoundsPrice)
    assert deal.price.discount_nanos == NANOS // 8
    assert (deal.price.maximum_nanos, deal.price.minimum_nanos) == (100 * NANOS, NANOS // 2)
    price = "{kind: fee, amount: 2000000, on: 2026-11-15, prorate: true}"
    [fee] = load(directory_of(tmp_path / "b", price, "[]")).agreements[0].versions[0].deals
    assert isinstance(fee.price, FeePrice)
    assert fee.price.amount_nanos == 2 * 10**6 * NANOS
    assert (fee.price.on, fee.price.prorate) == (date(2026, 11, 15), True)


@pytest.mark.parametrize(
    ("price", "complaint"),
    [
        (
            "{kind: swop}",
            "price: has no known kind; write kind: bounds, fee, tiers, capacity or swap",
        ),
        (
            "{kind: bounds, maximum: -1}",
            "price.maximum: '-1' is negative; write it positive, or turn the flow around",
        ),
        (
            "{kind: bounds, maximum: 1000000001}",
            "price.maximum: '1000000001' is above 1000000000; check the amount",
        ),
        (
            "{kind: fee, amount: 1, on: November}",
            "price.on: 'November' is not a day; write it like 2026-11-15",
        ),
        ("{kind: fee}", "price.amount: is missing; add it"),
    ],
)
def test_a_wrong_deal_is_named(tmp_path: Path, price: str, complaint: str) -> None:
    """File, line, field, and what to write."""
    found = complaints_of(directory_of(tmp_path, price))
    assert found == [f"agreements.yaml:2: versions[0].deals[0].{complaint}"]
