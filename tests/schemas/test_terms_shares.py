"""What splits may not say, each refused with place, reason and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import complaints_of
from tests.sharing_makers import (
    PART,
    PRICE,
    RECEIVED,
    SALE,
    TERMS,
    agreement,
    directory,
    shops,
    split,
)

HALVES = split("largest_remainder", "50", "50")
OTHER = PART.replace("part", "other")
HALF = "{agreement: %s, item: part, percent: 50}"
TO_SELF = f"split: {{rule: first_parts, parties: [{{percent: 50}}, {HALF}]}}"


def complaints(path: Path, *agreements: str) -> list[str]:
    """What is wrong, without file and line."""
    return [told.split(": ", 1)[1] for told in complaints_of(directory(path, *agreements))]


def sells(items: str, terms: str = TERMS) -> str:
    """ALFA-1 with one item that sells."""
    return agreement("ALFA-1", f"{SALE}, {items}}}", terms)


def test_what_fits_is_taken(tmp_path: Path) -> None:
    """Two halves, of every kind of price of one event, and a receiver that rounds more finely."""
    fine = agreement("SHOP-2", f"{PART}, {RECEIVED}}}", TERMS.replace("decimals: 2", "decimals: 4"))
    for price in (
        PRICE,
        "price: {kind: unit, per: event, amount: 1}",
        "price: {kind: tiers, each: event, per: amount, tiers: [{percent: 5}]}",
    ):
        assert complaints(tmp_path, sells(f"{price}, {HALVES}"), fine) == []


@pytest.mark.parametrize(
    ("parties", "told"),
    [
        (
            "{percent: 60}, {agreement: SHOP-2, item: part, percent: 35}",
            "parties: add up to 95 %, not 100; mend the parts",
        ),
        (
            '{part: "1/3"}, {agreement: SHOP-2, item: part, part: "1/3"}',
            "parties: add up to 200/3 %, not 100; mend the parts",
        ),
        (
            "{agreement: SHOP-2, item: part, percent: 100}",
            "parties: names no party without agreement; exactly one is this agreement itself",
        ),
        (
            "{percent: 50}, {percent: 50}",
            "parties: names several without agreement; exactly one is this agreement itself",
        ),
        (
            "{percent: 0}, " + f"{HALF}, {HALF}" % ("SHOP-2", "SHOP-2"),
            "parties[2].item: 'SHOP-2/part' is given twice; add the two parts",
        ),
        (
            '{percent: 50, part: "1/2"}, {agreement: SHOP-2, item: part, percent: 50}',
            "parties[0].percent: is to be said once; write either percent or part",
        ),
        (
            "{percent: 50}, {agreement: SHOP-2, percent: 50}",
            "parties[1].item: is missing; name agreement and item, or neither of them",
        ),
        (
            "{percent: 50}, {agreement: SHOP-9, item: part, percent: 50}",
            "parties[1].agreement: there is no agreement 'SHOP-9'; add it",
        ),
        (
            "{percent: 50}, {agreement: SHOP-2, item: sale, percent: 50}",
            "parties[1].item: 'sale' is no received item of SHOP-2 version 1; give it one",
        ),
        (
            '{part: "1/2147483649"}, '
            + (HALF % "SHOP-2").replace("percent: 50", 'part: "2147483648/2147483649"'),
            "parties: have a common denominator above 2147483648; write parts whose",
        ),
    ],
)
def test_parties_that_do_not_fit(tmp_path: Path, parties: str, told: str) -> None:
    """Each mistake with its place."""
    text = f"split: {{rule: first_parts, parties: [{parties}]}}"
    found = complaints(tmp_path, sells(f"{PRICE}, {text}"), shops(1))
    [one] = found
    assert one.startswith(f"versions[0].items[0].split.{told}")


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("line", "is rounded by the line, so single charges cannot be divided"),
        ("statement", "is rounded by the statement, so single charges cannot be divided"),
    ],
)
def test_only_rounded_records_are_divided(tmp_path: Path, place: str, told: str) -> None:
    """A sum that is rounded later has no parts yet."""
    terms = TERMS.replace("decimals: 2", f"place: {place}")
    assert complaints(tmp_path, sells(f"{PRICE}, {HALVES}", terms), shops(1))[0].endswith(
        f"split: {told}; write rounding.place: record"
    )


def test_prices_of_a_period_are_not_divided(tmp_path: Path) -> None:
    """Their charges are none of a single event."""
    tiers = "price: {kind: tiers, per: amount, tiers: [{percent: 5}]}"
    [told] = complaints(tmp_path, sells(f"{tiers}, {HALVES}"), shops(1))
    assert told.endswith(
        "split: divides charges of single events, and this price is of the period; remove it"
    )


def test_an_item_with_an_allowance_is_not_divided(tmp_path: Path) -> None:
    """Its receivers would keep their part of what is free in the end."""
    free = f"allowance: {{events: 1}}, {PRICE}, {HALVES}"
    [told] = complaints(tmp_path, sells(free), shops(1))
    assert told == (
        "versions[0].items[0].allowance: takes off a period what a split has given away by event;"
        " keep one of them"
    )


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        (
            TERMS.replace("EUR", "USD"),
            "SHOP-2 version 1 is in USD, this version in EUR; a part keeps its currency",
        ),
        (
            TERMS.replace("decimals: 2", "decimals: 0"),
            "SHOP-2 version 1 rounds to 0 decimals, this version to 2; a part is not rounded",
        ),
    ],
)
def test_receivers_must_hold_the_parts(tmp_path: Path, terms: str, told: str) -> None:
    """In their currency and decimals, where both are in force."""
    found = complaints(
        tmp_path, sells(f"{PRICE}, {HALVES}"), agreement("SHOP-2", f"{PART}, {RECEIVED}}}", terms)
    )
    [one] = found
    assert one.startswith(f"versions[0].items[0].split.parties[1].agreement: {told}")
    ended = terms.replace("2026-01-01", "2025-01-01, valid_upto: 2026-01-01")
    shop = agreement("SHOP-2", f"{PART}, {RECEIVED}}}", ended)
    assert complaints(tmp_path, sells(f"{PRICE}, {HALVES}"), shop) == []


def test_a_circle_is_refused(tmp_path: Path) -> None:
    """SHOP-2 gives to SHOP-3, which gives back."""
    ways = [
        agreement(f"SHOP-{n}", f"{PART}, {RECEIVED}, {TO_SELF % f'SHOP-{5 - n}'}}}") for n in (2, 3)
    ]
    [told] = complaints(tmp_path, sells(f"{PRICE}, {HALVES}"), *ways)
    assert told == (
        "versions[0].items[0].split: SHOP-2/part > SHOP-3/part > SHOP-2/part is a circle;"
        " end it somewhere"
    )


def test_shares_end_after_eight_generations(tmp_path: Path) -> None:
    """A chain of eight is taken, one of nine is refused at its beginning."""

    def chain(length: int) -> list[str]:
        onward = [
            agreement(f"SHOP-{n}", f"{PART}, {RECEIVED}, {TO_SELF % f'SHOP-{n + 1}'}}}")
            for n in range(2, length + 1)
        ]
        end = agreement(f"SHOP-{length + 1}", f"{PART}, {RECEIVED}}}")
        return [sells(f"{PRICE}, {HALVES}"), *onward, end]

    assert complaints(tmp_path, *chain(8)) == []
    [told] = complaints(tmp_path, *chain(9))
    assert told == (
        "versions[0].items[0].split: goes on for 9 agreements; shares are shared 8 times at most"
    )


@pytest.mark.parametrize(
    "field", ["where: {key: [channel:C-1]}", "count: {initial: 10, next: 10}", "surcharge: true"]
)
def test_received_items_say_nothing_else(tmp_path: Path, field: str) -> None:
    """No usage leads to them, so nothing is selected and counted."""
    shop = agreement("SHOP-2", f"{PART}, {RECEIVED}, {field}}}")
    [told] = complaints(tmp_path, sells(f"{PRICE}, {HALVES}"), shop)
    name = field.partition(":")[0]
    assert told == f"versions[0].items[0].{name}: is not for a received item; remove it"


def test_a_split_may_stand_in_a_master_price_list(tmp_path: Path) -> None:
    """What is wrong with it is told where it stands."""
    book = (
        "- {book: LIST, currency: EUR, versions: [{version: 1, items: ["
        f"{SALE}, {PRICE}, {HALVES}}}]}}]}}\n"
    )
    master = TERMS + ", master: {book: LIST, version: 1}"
    other = "{item: sms, role: channel, service: sms, flow: payable"
    own = agreement("ALFA-1", f"{other}, price: {{kind: unit, per: event, amount: 1}}}}", master)
    path = directory(
        tmp_path, own, agreement("SHOP-2", f"{PART.replace('part', 'p')}, {RECEIVED}}}")
    )
    path.joinpath("books.yaml").write_text(book)
    [told] = complaints_of(path)
    assert told.startswith("books.yaml:1: versions[0].items[0].split.parties[1].item: 'part' is no")
