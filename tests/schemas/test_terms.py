"""What the parts of an agreement must be to each other: no gap, no overlap, nothing uncountable."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import agreement_text, complaints_of, reference_dir

NO_KEYS = "kind,key,agreement,valid_from,valid_upto\n"
EACH = "{kind: unit, per: event, amount: 1}"


def item(
    name: str = "one",
    *,
    role: str = "ingress",
    service: str = "voice",
    more: str = "",
    price: str = EACH,
) -> str:
    """One item in flow style."""
    usage = f"role: {role}, service: {service}, flow: receivable{more}"
    return f"{{item: {name}, {usage}, price: {price}}}"


def complaints(directory: Path, agreements: str) -> list[str]:
    """What is wrong with these agreements, without the file's name and line."""
    found = complaints_of(reference_dir(directory, agreements=agreements, attribution=NO_KEYS))
    return [complaint.split(": ", 1)[1] for complaint in found]


def versions(*validity: str) -> str:
    """An agreement with a version per validity, numbered from 1 unless it says otherwise."""
    written = [
        f"    - {{{'' if 'version:' in valid else f'version: {number}, '}{valid}, "
        f"zone: UTC, currency: EUR, items: [{item()}]}}\n"
        for number, valid in enumerate(validity, start=1)
    ]
    head = "- agreement: ALFA-1\n  partner: ALFA\n  model: wholesale\n  versions:\n"
    return head + "".join(written)


def test_versions_that_follow_each_other_are_fine(tmp_path: Path) -> None:
    """Each begins in the second in which the one before ends."""
    text = versions(
        "valid_from: 2026-01-01, valid_upto: 2026-04-01",
        "valid_from: 2026-04-01T00:00:00Z, valid_upto: 2026-07-01",
        "valid_from: 2026-07-01",
    )
    assert complaints(tmp_path, text) == []


@pytest.mark.parametrize(
    ("validity", "complaint"),
    [
        (
            ["valid_from: 2026-01-01, valid_upto: 2026-04-01", "valid_from: 2026-05-01"],
            (
                "versions[1].valid_from: leaves a gap after version 1; "
                "let this version begin where that one ends"
            ),
        ),
        (
            ["valid_from: 2026-01-01, valid_upto: 2026-04-02", "valid_from: 2026-04-01"],
            (
                "versions[1].valid_from: overlaps version 1; "
                "let this version begin where that one ends"
            ),
        ),
        (
            ["valid_from: 2026-01-01", "valid_from: 2026-04-01"],
            (
                "versions[1].valid_from: overlaps, for version 1 has no valid_upto; "
                "end it where this one begins"
            ),
        ),
        (
            ["valid_from: 2026-04-01, valid_upto: 2026-04-01"],
            "versions[0].valid_upto: is not after valid_from; exchange the two",
        ),
        (
            [
                "version: 2, valid_from: 2026-01-01, valid_upto: 2026-04-01",
                "version: 2, valid_from: 2026-04-01",
            ],
            "versions[1].version: does not rise; write a number above 2",
        ),
    ],
)
def test_versions_neither_gap_nor_overlap(
    tmp_path: Path, validity: list[str], complaint: str
) -> None:
    """At every second from the first on, exactly one version is in force."""
    assert complaints(tmp_path, versions(*validity)) == [complaint]


def test_an_agreement_has_versions_and_items(tmp_path: Path) -> None:
    """Empty lists would suspend all usage without a word."""
    text = "- {agreement: ALFA-1, partner: ALFA, model: wholesale, versions: []}\n"
    assert complaints(tmp_path, text) == ["versions: is empty; write at least one version"]
    found = complaints(tmp_path, agreement_text(""))
    assert found == ["versions[0].items: is empty; write at least one item"]


def test_two_items_never_cover_the_same_usage(tmp_path: Path) -> None:
    """An item for any direction competes with one for a single direction."""
    both = f"{item('one')}, {item('two', more=', direction: out')}"
    assert complaints(tmp_path, agreement_text(both)) == [
        (
            "versions[0].items[1].direction: covers ingress voice out like item 'one'; "
            "let one item cover it"
        )
    ]


def test_items_of_different_usage_are_fine(tmp_path: Path) -> None:
    """Role, service and direction each make a difference."""
    written = [
        item("one", more=", direction: in"),
        item("two", more=", direction: out"),
        item("three", role="egress"),
        item("four", service="sms"),
    ]
    assert complaints(tmp_path, agreement_text(", ".join(written))) == []


def test_item_names_are_distinct(tmp_path: Path) -> None:
    """A statement's line is known by the item's name."""
    twice = f"{item('one')}, {item('one', service='sms')}"
    assert complaints(tmp_path, agreement_text(twice)) == [
        "versions[0].items[1].item: 'one' is given twice; choose another name"
    ]


@pytest.mark.parametrize(
    ("service", "price", "complaint"),
    [
        (
            "sms",
            "{kind: deck, deck: STANDARD}",
            "price.kind: a deck prices voice, not sms; use a unit price",
        ),
        (
            "data",
            "{kind: share, percent: 30}",
            "price.kind: data has no retail amount; use a unit price",
        ),
        (
            "sms",
            "{kind: unit, per: minute, amount: 1}",
            "price.per: sms is not counted so; write one of event, unit",
        ),
        (
            "circuit",
            "{kind: unit, per: gigabyte, amount: 1}",
            (
                "price.per: circuit is not counted so; write one of event, unit, unit_day,"
                " unit_hour, average_unit"
            ),
        ),
        (
            "data",
            "{kind: unit, per: megabyte, amount: 1, next_seconds: 60}",
            "price.next_seconds: is for prices per time, not per megabyte; remove it",
        ),
    ],
)
def test_a_price_is_for_what_the_service_has(
    tmp_path: Path, service: str, price: str, complaint: str
) -> None:
    """A price that could never be applied is a mistake in the making."""
    text = agreement_text(item(service=service, price=price))
    assert complaints(tmp_path, text) == [f"versions[0].items[0].{complaint}"]


@pytest.mark.parametrize(
    ("tiers", "complaint"),
    [
        (
            "{up_to: 10, price: 2}, {up_to: 20, price: 1}",
            "tiers[1].up_to: leaves a gap above the last tier; remove up_to to leave it open",
        ),
        (
            "{up_to: 20, price: 2}, {up_to: 20, price: 1}, {price: 0}",
            "tiers[1].up_to: does not rise and overlaps the tier above; sort tiers by up_to",
        ),
        (
            "{price: 2}, {price: 1}",
            "tiers[0].up_to: is missing and overlaps the tiers below; only the last is open",
        ),
        (
            "{up_to: 0.0001, price: 2}, {price: 1}",
            (
                "tiers[0].up_to: '0.0001' is not a possible bound; "
                "write a positive number of whole seconds"
            ),
        ),
        (
            "{up_to: many, price: 2}, {price: 1}",
            (
                "tiers[0].up_to: 'many' is not a decimal number; "
                'write digits and at most one point, for example "0.012"'
            ),
        ),
        ("", "tiers: is empty; write at least one tier"),
    ],
)
def test_tiers_neither_gap_nor_overlap(tmp_path: Path, tiers: str, complaint: str) -> None:
    """Every quantity from nothing to without end lies in exactly one tier."""
    price = f"{{kind: tiers, per: minute, tiers: [{tiers}]}}"
    text = agreement_text(item(price=price))
    assert complaints(tmp_path, text) == [f"versions[0].items[0].price.{complaint}"]


def test_all_mistakes_are_reported_together(tmp_path: Path) -> None:
    """One run shows what is wrong in both agreements, in order of line."""
    text = agreement_text("") + agreement_text(
        item(price="{kind: deck, deck: GOLD}"), name="ALFA-2", partner="NOBODY"
    )
    found = complaints_of(reference_dir(tmp_path, agreements=text, attribution=NO_KEYS))
    assert found == [
        "agreements.yaml:3: versions[0].items: is empty; write at least one item",
        "agreements.yaml:4: partner: 'NOBODY' is not in partners.yaml; add it there",
        (
            "agreements.yaml:6: versions[0].items[0].price.deck: there is no deck 'GOLD'; "
            "add decks/GOLD.prefixes.csv and .rates.csv"
        ),
    ]


def test_records_per_something_large_are_not_rounded_to_tens(tmp_path: Path) -> None:
    """2^30 bytes x 10^(9 + 2) is beyond 2^61; per line, money is computed once and never wraps."""
    price = '{kind: unit, per: gibibyte, amount: "3"}'
    one = item(price=price, service="data", role="subscriber")
    terms = "valid_from: 2026-01-01, zone: UTC, currency: EUR, rounding: {place: %s, decimals: -2}"
    (tmp_path / "record").mkdir()
    [complaint] = complaints(tmp_path / "record", agreement_text(one, terms=terms % "record"))
    assert complaint.startswith("versions[0].items[0].price.per: is too large to round records")
    (tmp_path / "line").mkdir()
    assert complaints(tmp_path / "line", agreement_text(one, terms=terms % "line")) == []
