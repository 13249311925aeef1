"""The oracle reads a reference directory exactly as it is written."""

from __future__ import annotations

import os
import shutil
from fractions import Fraction
from pathlib import Path

from ops.oracle_files import Validity
from ops.oracle_reference import DecksRead, Rounding, read_reference
from tests.builders import reference_dir
from tests.ops.oracle_makers import item, micros, reference, tiers, unit, version


def test_an_amount_is_the_number_that_stands_in_the_file(tmp_path: Path) -> None:
    """An unquoted amount in YAML is read from its text and never passes through a float."""
    price = "{kind: unit, per: minute, amount: 0.1, connect_fee: 0.000000003}"
    read = reference(tmp_path, {"A": [version(item(price))]})
    found = read.version("A", 1).items[0].price
    # 0.1 as a binary float would be 3602879701896397/36028797018963968.
    assert found.amount == Fraction(1, 10)
    assert found.connect_fee == Fraction(3, 10**9)


def test_what_is_not_written_has_the_stated_defaults(tmp_path: Path) -> None:
    """A version that says nothing rounds records half up to six decimals, over months."""
    read = reference(tmp_path, {"A": [version(item(unit("minute", "1")))]})
    terms = read.version("A", 1)
    assert terms.rounding == Rounding("record", "half_up", 6)
    assert terms.period == "month"
    assert terms.items[0].direction == "any"
    assert (terms.items[0].price.initial_seconds, terms.items[0].price.next_seconds) == (1, 1)


def test_a_version_is_valid_from_midnight_in_its_own_zone(tmp_path: Path) -> None:
    """A date in a version is midnight there; a timestamp with offset is that instant."""
    terms = version(
        item(unit("minute", "1")),
        zone="Asia/Kolkata",
        valid_from="2026-11-01",
        valid_upto="2026-12-01T00:00:00+01:00",
    )
    read = reference(tmp_path, {"A": [terms]})
    # Midnight in Kolkata (+05:30) is 18:30 UTC of the day before; 00:00+01:00 is 23:00 UTC.
    assert read.version("A", 1).validity == Validity(
        micros("2026-10-31T18:30:00+00:00"), micros("2026-11-30T23:00:00+00:00")
    )


def test_a_key_belongs_to_whoever_holds_it_at_that_instant(tmp_path: Path) -> None:
    """Assignments are half open, midnight UTC; a gap between them means that nobody is listed."""
    rows = (
        "route,TG-1,A,,2026-03-01\nroute,TG-1,own,2026-03-01,2026-04-01\nroute,TG-1,B,2026-05-01,"
    )
    read = reference(tmp_path, {"A": [version(item(unit("minute", "1")))]}, rows)
    owners = [
        read.owner("route", "TG-1", micros(moment))
        for moment in (
            "2001-01-01T00:00:00+00:00",
            "2026-02-28T23:59:59.999999+00:00",
            "2026-03-01T00:00:00+00:00",
            "2026-04-01T00:00:00+00:00",
            "2026-05-01T00:00:00+00:00",
        )
    ]
    assert owners == ["A", "A", "own", None, "B"]
    assert read.owner("route", "TG-2", micros("2026-05-01T00:00:00+00:00")) is None


def test_tier_bounds_are_counted_in_the_quantity(tmp_path: Path) -> None:
    """A bound of 1,000 minutes is 60,000 seconds; a half minute is not lost."""
    price = tiers("minute", ("0.5", "2"), ("1000", "1"), ("", "0.5"))
    read = reference(tmp_path, {"A": [version(item(price))]})
    steps = read.version("A", 1).items[0].price.tiers
    assert [tier.upto_quantity for tier in steps] == [30, 60_000, None]
    assert [tier.price for tier in steps] == [2, 1, Fraction(1, 2)]


def test_a_share_is_a_price_per_million_micros(tmp_path: Path) -> None:
    """12.5 percent is an eighth of each currency unit of the retail amount."""
    read = reference(tmp_path, {"A": [version(item('{kind: share, percent: "12.5"}'))]})
    price = read.version("A", 1).items[0].price
    assert (price.quantity, price.unit, price.amount) == ("amount_micros", 10**6, Fraction(1, 8))


def test_a_deck_gives_zones_and_their_rates_over_time(tmp_path: Path) -> None:
    """Prefixes name zones, zones have rates that follow each other at midnight UTC."""
    deck = (
        "49,germany\n4915,germany-mobile",
        "germany,0.01,60,60,0.05,,2026-11-01\ngermany,0.02,,,,2026-11-01,",
    )
    price = "{kind: deck, deck: world}"
    read = reference(tmp_path, {"A": [version(item(price))]}, decks={"world": deck})
    found = read.decks["world"]
    assert found.zones == {"49": "germany", "4915": "germany-mobile"}
    first, second = found.rates["germany"]
    assert first.validity == Validity(None, micros("2026-11-01T00:00:00+00:00"))
    assert (first.price.initial_seconds, first.price.connect_fee) == (60, Fraction(1, 20))
    assert second.validity == Validity(micros("2026-11-01T00:00:00+00:00"), None)
    assert (second.price.initial_seconds, second.price.connect_fee) == (1, Fraction(0))
    assert second.price.amount == Fraction(1, 50)


def test_yaml_may_share_terms_by_merge_keys(tmp_path: Path) -> None:
    """A YAML merge brings in what is written elsewhere, as every YAML reader does."""
    reference(tmp_path, {"A": [version(item(unit("minute", "1")))]})
    merged = (
        "- agreement: A\n  partner: P\n  model: mvno\n  versions:\n"
        "  - &one {version: 1, valid_from: 2026-01-01, valid_upto: 2026-02-01, zone: UTC,"
        " currency: EUR, items: []}\n"
        "  - {<<: *one, version: 2, valid_from: 2026-02-01, valid_upto: null}\n"
    )
    (tmp_path / "agreements.yaml").write_text(merged)
    second = read_reference(tmp_path).version("A", 2)
    assert second.currency == "EUR"
    assert second.validity == Validity(micros("2026-02-01T00:00:00+00:00"), None)


def test_what_masters_told_is_read_with_the_files(tmp_path: Path) -> None:
    """Agreements and keys of the folder `followed` stand beside those of the files."""
    terms = version(item(unit("minute", "1")))
    reference(tmp_path / "followed", {"B": [terms]}, "route,TG-2,B,,")
    read = reference(tmp_path, {"A": [terms]}, "route,TG-1,A,,")
    assert sorted(read.agreements) == ["A", "B"]
    assert (read.owner("route", "TG-1", 0), read.owner("route", "TG-2", 0)) == ("A", "B")


def test_a_deck_whose_files_are_shared_is_read_once(tmp_path: Path) -> None:
    """Its rates or prefixes may be others though its name is the same."""
    first = reference_dir(tmp_path / "first")
    second, third = tmp_path / "second", tmp_path / "third"
    for other in (second, third):
        shutil.copytree(first, other, copy_function=os.link)
    (third / "decks/STANDARD.rates.csv").unlink()
    shutil.copy2(first / "decks/STANDARD.rates.csv", third / "decks")
    known: DecksRead = {}
    decks = [read_reference(place, known).decks["STANDARD"] for place in (first, second, third)]
    assert decks[0] is decks[1]
    assert decks[1] is not decks[2]
    assert len(known) == 2
