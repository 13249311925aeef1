"""What the price of a deal may say, and what it is over must be for that."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas.reference import load
from schemas.terms_chosen import chosen_per
from schemas.terms_deal_prices import is_of_money
from tests.builders import agreement_text, complaints_of, reference_dir

ITEMS = ", ".join(
    f"{{item: {name}, role: {role}, service: {service}, direction: {way}, flow: {flow}, "
    f"price: {{{price}}}}}"
    for name, role, service, way, flow, price in (
        ("texts", "ingress", "sms", "any", "receivable", "kind: unit, per: event, amount: 1"),
        (
            "tiered",
            "egress",
            "sms",
            "any",
            "receivable",
            "kind: tiers, per: event, tiers: [{price: 1}]",
        ),
        ("came", "ingress", "voice", "in", "receivable", "kind: counted, per: minute"),
        ("went", "egress", "voice", "out", "payable", "kind: counted, per: second"),
        ("bytes", "subscriber", "data", "any", "receivable", "kind: counted, per: gigabyte"),
    )
)
# A deal that is over everything that counts, so that nothing is left without a price.
ALL = (
    "{deal: all, flow: receivable, over: [came, went, bytes], price: {kind: capacity, tiers: "
    "[{up_to: {came: 1, went: 1, bytes: 1}, price: 1}, {price: 2}]}}"
)
NO_KEYS = "kind,key,agreement,valid_from,valid_upto\n"


def directory_of(directory: Path, deals: str, zone: str = "UTC") -> Path:
    """A reference with these deals over items with and without money of their own."""
    terms = f"valid_from: 2026-01-01, zone: {zone}, currency: EUR, deals: [{deals}]"
    text = agreement_text(ITEMS, terms=terms)
    return reference_dir(directory, agreements=text, attribution=NO_KEYS)


def complaints(directory: Path, price: str, over: str, zone: str = "UTC") -> list[str]:
    """What is wrong with one deal beside the one over all that counts."""
    deal = f"{{deal: a, flow: receivable, over: [{over}], price: {{{price}}}}}"
    found = complaints_of(directory_of(directory, f"{ALL}, {deal}", zone))
    return [c.removeprefix("agreements.yaml:2: versions[0].deals[1].") for c in found]


@pytest.mark.parametrize(
    ("price", "over"),
    [
        ("kind: tiers, per: amount, tiers: [{percent: -100}]", "texts, tiered"),
        (
            "kind: tiers, per: amount, result: replace, at_least: 5, tiers: [{percent: 200}]",
            "texts",
        ),
        (
            (
                "kind: tiers, per: amount, curve: volume, chosen_by: bytes, "
                "tiers: [{up_to: 2, percent: 1}, {price: 0.5}]"
            ),
            "texts",
        ),
        ("kind: tiers, per: amount, each: hour, at_least: 3, tiers: [{percent: 1}]", "texts"),
        (
            "kind: tiers, per: minute, flat_on_zero: true, tiers: [{price: 1, flat: 2}]",
            "came, went",
        ),
        ("kind: tiers, per: hour, each: hour, tiers: [{price: 1}]", "went"),
    ],
)
def test_what_fits_is_taken(tmp_path: Path, price: str, over: str) -> None:
    """Money of any item, quantities of those that count the same."""
    assert complaints(tmp_path, price, over) == []


TIERS = "tiers: [{percent: 1}]"
BY_EVENTS = "curve: volume, chosen_by: events"


@pytest.mark.parametrize(
    ("price", "over", "complaint"),
    [
        (
            "kind: tiers, per: amount, tiers: [{percent: -100.1}]",
            "texts",
            "price.tiers[0].percent: '-100.1' is not possible; write a number from -100 to 10000",
        ),
        (
            f"kind: tiers, per: amount, initial_seconds: 60, {TIERS}",
            "texts",
            "price.initial_seconds: is for items, which count; write it there",
        ),
        (
            "kind: tiers, per: minute, result: replace, tiers: [{price: 1}]",
            "came",
            "price.result: replaces money; write per: amount, or remove it",
        ),
        (
            f"kind: tiers, per: amount, {TIERS}",
            "came",
            "over[0]: 'came' only counts; name what comes to money",
        ),
        (
            "kind: tiers, per: minute, tiers: [{price: 1}]",
            "texts",
            "over[0]: 'texts' has money of its own; this deal prices items of kind: counted",
        ),
        (
            "kind: tiers, per: minute, tiers: [{price: 1}]",
            "bytes",
            "over[0]: 'bytes' counts bytes, the deal seconds; a deal counts one quantity",
        ),
        (
            f"kind: tiers, per: amount, chosen_by: texts, {TIERS}",
            "texts",
            "price.chosen_by: chooses one tier for all; write curve: volume",
        ),
        (
            f"kind: tiers, per: amount, curve: volume, chosen_by: zzz, {TIERS}",
            "texts",
            "price.chosen_by: there is no item 'zzz'; write events, or an item's name",
        ),
        (
            f"kind: tiers, per: amount, curve: volume, chosen_by: events, at_least: 1, {TIERS}",
            "texts",
            "price.at_least: cannot be told where something else chooses the tier; remove it",
        ),
        (
            f"kind: tiers, per: amount, {BY_EVENTS}, flat_on_zero: true, {TIERS}",
            "texts",
            "price.flat_on_zero: is not for tiers that something else chooses; remove it",
        ),
        (
            f"kind: tiers, per: amount, each: hour, {TIERS}",
            "tiered",
            ("over[0]: 'tiered' has no money by the hour; name items that are priced by the event"),
        ),
        (
            f"kind: tiers, per: amount, each: hour, flat_on_zero: true, {TIERS}",
            "texts",
            "price.flat_on_zero: is not for tiers of each hour; remove it",
        ),
        (
            "kind: tiers, per: amount, tiers: [{percent: 1}, {percent: 2}]",
            "texts",
            (
                "price.tiers[0].up_to: is missing and overlaps the tiers below; "
                "only the last is open"
            ),
        ),
        (
            "kind: capacity, tiers: [{up_to: {came: 2}, price: 1}, {up_to: {came: 2}, price: 2}]",
            "came",
            "price.tiers[1].up_to: leaves a gap above the last tier; remove up_to to leave it open",
        ),
        (
            (
                "kind: capacity, tiers: "
                "[{up_to: {came: 2}, price: 1}, {up_to: {came: 2}, price: 2}, {price: 3}]"
            ),
            "came",
            "price.tiers[1].up_to: does not rise; sort tiers by up_to",
        ),
        (
            (
                "kind: capacity, tiers: "
                "[{up_to: {came: 2}, price: 1}, {up_to: {came: 1}, price: 2}, {price: 3}]"
            ),
            "came",
            "price.tiers[1].up_to.came: falls; sort tiers by up_to",
        ),
        (
            "kind: capacity, tiers: [{up_to: {came: 2, went: 2}, price: 1}, {price: 3}]",
            "came",
            "price.tiers[0].up_to: 'went' is not what the deal is over; add it there",
        ),
        (
            "kind: capacity, tiers: [{price: 1}, {price: 3}]",
            "came",
            (
                "price.tiers[0].up_to: is missing and overlaps the tiers below; "
                "only the last is open"
            ),
        ),
        (
            "kind: capacity, tiers: [{up_to: {came: 0.001}, price: 1}, {price: 3}]",
            "came",
            (
                "price.tiers[0].up_to.came: '0.001' is not a possible bound; "
                "write a positive number of whole seconds"
            ),
        ),
        (
            "kind: capacity, tiers: [{up_to: {came: 1}, price: 1}, {price: 3}]",
            "came, went",
            "over[1]: 'went' has no bound in any tier; add one, or remove it",
        ),
        ("kind: capacity, tiers: []", "", "over: is empty; name the items that the deal is over"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, price: str, over: str, complaint: str) -> None:
    """Each with what to do about it."""
    assert complaint in complaints(tmp_path, price, over)


def test_hours_are_those_of_the_clock(tmp_path: Path) -> None:
    """In Kathmandu they begin a quarter past those that usage is summed by."""
    price = f"kind: tiers, per: amount, each: hour, {TIERS}"
    [found] = complaints(tmp_path, price, "texts", "Asia/Kathmandu")
    assert (
        found == "price.each: needs a zone of whole hours, which Asia/Kathmandu is not; remove it"
    )


def test_swaps(tmp_path: Path) -> None:
    """A swap is of both flows; its sides are there, apart, and count what it is per."""
    rates = "balanced: 0.02, unbalanced: 0.05"
    right = f"{{deal: s, price: {{kind: swap, per: minute, in: [came], out: [went], {rates}}}}}"
    over = "{deal: b, flow: payable, over: ['s:payable'], price: {kind: bounds, maximum: 1}}"
    assert complaints_of(directory_of(tmp_path / "a", f"{ALL}, {right}, {over}")) == []
    wrong = (
        f"{{deal: s, flow: payable, over: [came], price: "
        f"{{kind: swap, per: minute, in: [came, bytes], out: [came, all], {rates}}}}}, "
        "{deal: c, flow: receivable, over: [s], price: {kind: bounds, maximum: 1}}"
    )
    found = complaints_of(directory_of(tmp_path / "b", f"{ALL}, {wrong}"))
    assert [c.removeprefix("agreements.yaml:2: versions[0].deals") for c in found] == [
        "[1].flow: is not for a swap, which has a line each way; remove it",
        "[1].over: is said by in and out; remove it",
        ("[1].price.in[1]: 'bytes' counts bytes, the deal seconds; a deal counts one quantity"),
        "[1].price.out[0]: 'came' is given twice; keep one",
        ("[1].price.out[1]: 'all' has money of its own; this deal prices items of kind: counted"),
        "[2].over[0]: 's' has a line each way; write s:receivable or s:payable",
    ]


def test_what_only_counts_needs_a_deal(tmp_path: Path) -> None:
    """Three items that no deal is over; and a deal that does not say which way it flows."""
    found = complaints_of(directory_of(tmp_path, "{deal: x, price: {kind: fee, amount: 1}}"))
    found = [re.sub(r"^agreements.yaml:[0-9]+: versions", "", c) for c in found]
    message = "only counts, and no deal of this version is over it; add one, or a price"
    assert found == [
        "[0].deals[0].flow: is missing; add it",
        *(f"[0].items[{n}].price: {message}" for n in (2, 3, 4)),
    ]


def test_what_a_deal_looks_at(tmp_path: Path) -> None:
    """Capacity at quantities; a tier is chosen in what the chosen item is priced per."""
    version = load(directory_of(tmp_path, ALL)).agreements[0].versions[0]
    items = {item.item: item for item in version.items}
    assert not is_of_money(version.deals[0])
    pers = [chosen_per(name, items) for name in ("events", "bytes", "nothing")]
    assert [per and per.name for per in pers] == ["event", "gigabyte", None]
