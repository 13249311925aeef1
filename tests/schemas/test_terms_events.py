"""What the parts of an event's price must be to each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import agreement_text, complaints_of, reference_dir

NO_KEYS = "kind,key,agreement,valid_from,valid_upto\n"
ROLES = {"voice": "ingress", "data": "subscriber", "transaction": "channel"}


def complaints(directory: Path, service: str, price: str, count: str = "") -> list[str]:
    """What is found in an agreement of one item, without its path."""
    more = f", count: {count}" if count else ""
    item = (
        f"{{item: one, role: {ROLES[service]}, service: {service}, flow: receivable{more}, "
        f"price: {price}}}"
    )
    found = complaints_of(
        reference_dir(directory, agreements=agreement_text(item), attribution=NO_KEYS)
    )
    return [text.partition("items[0].")[2] for text in found]


MEGABYTES = "{kind: unit, per: megabyte, amount: 1}"
MINUTES = "{kind: unit, per: minute, amount: 1, initial_seconds: 30}"
SHARE = "{kind: share, percent: 2.99, connect_fee: 2, minimum: 1.75, maximum: 12}"


@pytest.mark.parametrize(
    ("service", "price", "count"),
    [
        ("data", MEGABYTES, "{of: up_bytes, initial: 100000, next: 10000, minimum: 7}"),
        ("data", MEGABYTES, "{initial: 1024, next: 1024, round: half_up}"),
        ("voice", MINUTES, "{next: 6, minimum: 10}"),
        ("transaction", SHARE, "{initial: 1000000, next: 1000000, round: down}"),
        ("transaction", "{kind: unit, per: amount, amount: 1.33333}", ""),
        ("voice", "{kind: deck, deck: STANDARD, less_percent: 25, attempt_fee: 0.002}", ""),
        ("voice", "{kind: deck, deck: STANDARD, factor: 0.75, minimum: 0.01}", ""),
    ],
)
def test_what_fits_is_taken(tmp_path: Path, service: str, price: str, count: str) -> None:
    """Counts, limits, fees and factors where they mean something."""
    assert complaints(tmp_path, service, price, count) == []


@pytest.mark.parametrize(
    ("service", "price", "count", "complaint"),
    [
        (
            "voice",
            "{kind: deck, deck: STANDARD}",
            "{initial: 60}",
            "count: is said by the deck's own increments; remove it",
        ),
        (
            "voice",
            MINUTES,
            "{of: bytes}",
            "count.of: voice has no bytes; write another quantity",
        ),
        (
            "data",
            "{kind: unit, per: second, amount: 1}",
            "{of: up_bytes}",
            "count.of: is not what the price is per; write seconds",
        ),
        (
            "voice",
            "{kind: unit, per: event, amount: 1}",
            "{minimum: 2}",
            "count: has nothing to count beside the event; remove it",
        ),
        (
            "voice",
            MINUTES,
            "{initial: 60}",
            "count.initial: is also said by price.initial_seconds; keep one",
        ),
        (
            "data",
            MEGABYTES,
            "{initial: 100, next: 10, round: down}",
            "count.round: needs steps of one size; write the same initial and next",
        ),
        ("data", MEGABYTES, "{next: 0}", "count.next: '0' is not a whole number"),
        (
            "transaction",
            "{kind: share, percent: 3, minimum: 2, maximum: 1}",
            "",
            "price.maximum: is below minimum; exchange the two",
        ),
        (
            "voice",
            "{kind: unit, per: event, amount: 1, attempt_fee: 1}",
            "",
            "price.attempt_fee: is never due, for an event always counts one; remove it",
        ),
        (
            "voice",
            "{kind: deck, deck: STANDARD, factor: 0.5, less_percent: 50}",
            "",
            "price.less_percent: is also said by factor; keep one",
        ),
        (
            "voice",
            "{kind: deck, deck: STANDARD, less_percent: 100}",
            "",
            "price.less_percent: leaves nothing of the deck's prices; write another one",
        ),
        (
            "voice",
            "{kind: deck, deck: STANDARD, minimum: -1}",
            "",
            "price.minimum: '-1' is negative",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, service: str, price: str, count: str, complaint: str
) -> None:
    """Each with the field and what to do."""
    found = complaints(tmp_path, service, price, count)
    assert len(found) == 1
    assert found[0].startswith(complaint)
