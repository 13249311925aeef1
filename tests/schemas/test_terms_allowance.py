"""What an allowance must be to the price beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import agreement_text, complaints_of, reference_dir

NO_KEYS = "kind,key,agreement,valid_from,valid_upto\n"
ROLES = {"voice": "ingress", "data": "subscriber", "transaction": "channel"}
SHARE = "{kind: share, percent: 1.3, connect_fee: 2}"
MINUTES = "{kind: unit, per: minute, amount: 1}"
TIERS = "{kind: tiers, per: minute, tiers: [{price: 1}]}"


def complaints(directory: Path, service: str, price: str, allowance: str) -> list[str]:
    """What is found in an agreement of one item, without its path."""
    item = (
        f"{{item: one, role: {ROLES[service]}, service: {service}, flow: receivable, "
        f"allowance: {allowance}, price: {price}}}"
    )
    found = complaints_of(
        reference_dir(directory, agreements=agreement_text(item), attribution=NO_KEYS)
    )
    return [text.partition("items[0].")[2] for text in found]


@pytest.mark.parametrize(
    ("service", "price", "allowance"),
    [
        ("transaction", SHARE, "{events: 3, quantity: 250}"),
        ("transaction", SHARE, "{quantity: 0.000001}"),
        ("voice", MINUTES, "{quantity: 0.5}"),
        ("voice", "{kind: unit, per: event, amount: 1}", "{events: 100000}"),
    ],
)
def test_what_fits_is_taken(tmp_path: Path, service: str, price: str, allowance: str) -> None:
    """Events, or a quantity in what the price is per, down to the smallest of it."""
    assert complaints(tmp_path, service, price, allowance) == []


@pytest.mark.parametrize(
    ("service", "price", "allowance", "complaint"),
    [
        ("voice", TIERS, "{quantity: 1}", "is for unit and share prices; write free for tiers"),
        (
            "voice",
            "{kind: deck, deck: STANDARD}",
            "{events: 1}",
            "is for unit and share prices of one line; remove it",
        ),
        ("transaction", SHARE, "{}", "frees nothing; write events, quantity or both"),
        (
            "voice",
            MINUTES,
            "{quantity: 0.001}",
            "'0.001' is not a possible quantity; write a positive number of whole seconds",
        ),
        (
            "transaction",
            SHARE,
            "{quantity: 0}",
            "'0' is not a possible quantity; write a positive number of whole amount_micros",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, service: str, price: str, allowance: str, complaint: str
) -> None:
    """Each with what to do."""
    [found] = complaints(tmp_path, service, price, allowance)
    assert found.partition(": ")[2] == complaint
