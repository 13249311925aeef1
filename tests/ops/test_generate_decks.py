"""Tests of the invented dialling plan and its prices."""

from __future__ import annotations

import csv
from decimal import Decimal

from ops.generate_decks import deck_files, destinations, home_destinations


def table(text: str) -> list[dict[str, str]]:
    """The rows of a CSV text."""
    return list(csv.DictReader(text.splitlines()))


def test_every_zone_of_a_deck_has_prefixes_and_a_price() -> None:
    """Four decks, each of two files that name the same zones."""
    files = deck_files(7)
    names = {name.removeprefix("decks/").partition(".")[0] for name in files}
    assert names == {"carrier-1", "carrier-2", "carrier-3", "home"}
    for name in names:
        prefixes = table(files[f"decks/{name}.prefixes.csv"])
        rates = table(files[f"decks/{name}.rates.csv"])
        assert {row["zone"] for row in prefixes} == {row["zone"] for row in rates}
        assert len({row["prefix"] for row in prefixes}) == len(prefixes)
        assert all(Decimal(row["price_per_minute"]) > 0 for row in rates)


def test_some_prices_change_with_the_month() -> None:
    """A zone whose price changes has two rates that meet at 2026-11-01, five percent apart."""
    rates = table(deck_files(7)["decks/carrier-1.rates.csv"])
    ending = {row["zone"]: row for row in rates if row["valid_upto"]}
    assert len(ending) > 5
    for row in rates:
        if row["valid_from"] == "2026-11-01":
            before = ending.pop(row["zone"])
            assert (before["valid_upto"], row["valid_upto"]) == ("2026-11-01", "")
            ratio = Decimal(row["price_per_minute"]) / Decimal(before["price_per_minute"])
            assert Decimal("1.04") < ratio <= Decimal("1.05")
    assert ending == {}


def test_decks_count_in_different_steps() -> None:
    """Per second, by 30 and 6, and by whole minutes."""
    files = deck_files(7)
    steps = [
        {(r["initial_seconds"], r["next_seconds"]) for r in table(files[f"decks/{n}.rates.csv"])}
        for n in ("carrier-1", "carrier-2", "carrier-3")
    ]
    assert steps == [{("1", "1")}, {("30", "6")}, {("60", "60")}]


def test_the_seed_decides_the_prices() -> None:
    """The same seed gives the same decks, another one other prices."""
    assert deck_files(7) == deck_files(7)
    assert deck_files(7) != deck_files(8)


def test_prefixes_of_mobiles_lie_under_their_country() -> None:
    """The longest prefix decides: what no mobile prefix catches is the fixed network's."""
    by_zone = {d.zone: d for d in (*destinations(), *home_destinations())}
    for zone, destination in by_zone.items():
        if zone.endswith("-mobile"):
            (code,) = by_zone[zone.replace("-mobile", "-fixed")].prefixes
            assert all(p.startswith(code) and len(p) > len(code) for p in destination.prefixes)
