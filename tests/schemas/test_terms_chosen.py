"""Tiers of items that something else chooses: what they may be, and in what their bounds are."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.reference import load
from schemas.terms_chosen import chosen_per
from tests.builders import agreement_text, complaints_of, reference_dir

ITEM = (
    "{{item: full, role: ingress, service: sms, flow: receivable, "
    "price: {{kind: unit, per: unit, amount: 0}}}}, "
    "{{item: used, role: egress, service: voice, flow: receivable, "
    "price: {{kind: tiers, per: minute, {}}}}}, "
    "{{item: calls, role: ingress, service: voice, flow: receivable, "
    "price: {{kind: deck, deck: STANDARD}}}}, "
    "{{item: shop, role: channel, service: transaction, flow: payable, "
    "price: {{kind: share, percent: 5}}}}"
)
TIERS = "tiers: [{up_to: 0.5, price: 2}, {price: 1}]"


def directory_of(directory: Path, price: str) -> Path:
    """A reference with an item under these tiers, and items of other prices beside it."""
    terms = "valid_from: 2026-01-01, zone: UTC, currency: EUR"
    text = agreement_text(ITEM.format(price), terms=terms)
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    return reference_dir(directory, agreements=text, attribution=keys)


@pytest.mark.parametrize("chosen", ["calls", "shop"])
def test_bounds_are_in_what_chooses(tmp_path: Path, chosen: str) -> None:
    """Half a minute of calls, or half a euro of sales, is possible."""
    price = f"curve: volume, chosen_by: {chosen}, {TIERS}"
    assert complaints_of(directory_of(tmp_path, price)) == []


@pytest.mark.parametrize(
    ("price", "complaint"),
    [
        (
            f"curve: volume, chosen_by: full, {TIERS}",
            (
                "tiers[0].up_to: '0.5' is not a possible bound; "
                "write a positive number of whole units"
            ),
        ),
        (
            f"curve: volume, chosen_by: fuel, {TIERS}",
            "chosen_by: there is no item 'fuel'; write events, or an item's name",
        ),
        (
            f"curve: volume, chosen_by: used, {TIERS}",
            "chosen_by: is the item itself, as without it; remove it",
        ),
        (f"chosen_by: calls, {TIERS}", "chosen_by: chooses one tier for all; write curve: volume"),
        (
            f"curve: volume, chosen_by: calls, at_least: 1, {TIERS}",
            "at_least: cannot be told where something else chooses the tier; remove it",
        ),
        (
            f"curve: volume, chosen_by: calls, flat_on_zero: true, {TIERS}",
            "flat_on_zero: is not for tiers that something else chooses; remove it",
        ),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, price: str, complaint: str) -> None:
    """Each with what to do about it."""
    found = complaints_of(directory_of(tmp_path, price))
    assert found == [f"agreements.yaml:3: versions[0].items[1].price.{complaint}"]


def test_what_a_choice_is_in(tmp_path: Path) -> None:
    """Decks are per minute, shares per amount, events by themselves."""
    version = load(directory_of(tmp_path, TIERS)).agreements[0].versions[0]
    items = {item.item: item for item in version.items}
    pers = [chosen_per(name, items) for name in ("events", "full", "calls", "shop", "none")]
    assert [per and per.name for per in pers] == ["event", "unit", "minute", "amount", None]
