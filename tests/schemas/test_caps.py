"""Prices against regulated caps: compared exactly, in the time that both are in force."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from schemas.caps import Cap
from schemas.reference import load
from tests.builders import agreement_text, complaints_of, reference_dir

NO_KEYS = "kind,key,agreement,valid_from,valid_upto\n"
CAPS = """\
- cap: EU-MTR
  per: minute
  currency: EUR
  on_breach: refuse
  prices:
    - {amount: 0.004, valid_from: 2024-01-01}
    - {amount: 0.002, valid_from: 2026-01-01}
"""


def complaints(
    directory: Path,
    price: str,
    *,
    caps: str = CAPS,
    regulated: str = "EU-MTR",
    terms: str = "valid_from: 2026-01-01, zone: UTC, currency: EUR",
    rates: str = "DE,0.002,1,1,0.5,,\nDE-MOBILE,0.002,1,1,0,,\n",
    others: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """What is wrong with one item of a voice price under a cap, from the item on."""
    item = "{item: one, role: ingress, service: voice, flow: payable, "
    text = agreement_text(f"{item}regulated: {regulated}, price: {{{price}}}}}", terms=terms)
    columns = "zone,price_per_minute,initial_seconds,next_seconds,connect_fee,valid_from,valid_upto"
    found = complaints_of(
        reference_dir(
            directory,
            agreements=text,
            attribution=NO_KEYS,
            rates=f"{columns}\n{rates}",
            others={"caps.yaml": caps, **others},
        )
    )
    return [complaint.partition("items[0].")[2] or complaint for complaint in found]


@pytest.mark.parametrize(
    ("price", "complaint"),
    [
        ("kind: unit, per: minute, amount: 0.002", ""),  # at the cap is not above it
        ("kind: unit, per: hour, amount: 0.12", ""),
        ("kind: unit, per: minute, amount: 0.002, connect_fee: 1", ""),  # fees are not compared
        (
            "kind: unit, per: minute, amount: 0.003",
            "price.amount: 0.003 a minute is above the cap EU-MTR of 0.002 a minute;",
        ),
        # 0.000033334 x 60 = 0.00200004, although both are 0.0020000 to seven decimals
        (
            "kind: unit, per: second, amount: 0.000033334",
            "price.amount: 0.000033334 a second is above the cap EU-MTR of 0.002 a minute;",
        ),
        (
            "kind: tiers, per: minute, tiers: [{up_to: 10, price: 0.001}, {price: 0.0021}]",
            ("price.tiers[1].price: 0.0021 a minute is above the cap EU-MTR of 0.002 a minute;"),
        ),
        # 0.02 for ten minutes is 0.002 for each; 0.021 is more.
        ("kind: tiers, per: minute, tiers: [{block: 10, price: 0.02}]", ""),
        (
            "kind: tiers, per: minute, tiers: [{block: 10, price: 0.021}]",
            (
                "price.tiers[0].price: 0.021 a block of 10 minute is above the cap EU-MTR"
                " of 0.002 a minute;"
            ),
        ),
        ("kind: deck, deck: STANDARD", ""),
    ],
)
def test_every_price_is_held_against_the_cap(tmp_path: Path, price: str, complaint: str) -> None:
    """As exact fractions of the price for one second."""
    found = complaints(tmp_path, price)
    assert [line.removesuffix(" lower it") for line in found] == [complaint] * bool(complaint)


def test_only_the_time_that_both_are_in_force_counts(tmp_path: Path) -> None:
    """0.003 was allowed in 2025; a rate of a deck that ended then may have been so dear."""
    unit = "kind: unit, per: minute, amount: 0.003"
    until = "valid_from: 2025-01-01, valid_upto: 2026-01-01, zone: UTC, currency: EUR"
    later = "valid_from: 2025-01-01, valid_upto: 2026-01-02, zone: UTC, currency: EUR"
    assert complaints(tmp_path / "a", unit, terms=until) == []
    assert len(complaints(tmp_path / "b", unit, terms=later)) == 1
    rates = "DE,0.003,1,1,0,,2026-01-01\nDE,{},1,1,0,2026-01-01,\nDE-MOBILE,0,1,1,0,,\n"
    deck = "kind: deck, deck: STANDARD"
    assert complaints(tmp_path / "c", deck, rates=rates.format("0.002")) == []
    assert complaints(tmp_path / "d", deck, rates=rates.format("0.0025")) == [
        (
            "price.deck: zone 'DE' at 0.0025 a minute is above the cap EU-MTR of 0.002 a minute;"
            " lower it"
        )
    ]


def test_the_price_of_every_time_band_is_compared(tmp_path: Path) -> None:
    """The night is within the cap and the day above it: each band is a price of its own."""
    days = '{mon-sun: [{from: "00:00", band: night}, {from: "08:00", band: day}]}'
    rates = "{night: {amount: 0.002}, day: {amount: 0.003}}"
    price = f"kind: unit, per: minute, bands: {{of: WEEK, split: start_band, prices: {rates}}}"
    bands = {"bands.yaml": f"- {{bands: WEEK, days: {days}}}\n"}
    assert complaints(tmp_path, price, others=bands) == [
        (
            "price.bands.prices.day.amount: 0.003 a minute is above the cap EU-MTR of 0.002 a"
            " minute; lower it"
        )
    ]


def test_a_decks_prices_are_compared_as_they_are_charged(tmp_path: Path) -> None:
    """0.0025 less 20 % is 0.002 and within the cap; less 19 % is 0.002025 and above."""
    rates = "DE,0.0025,1,1,0,,\nDE-MOBILE,0,1,1,0,,\n"
    deck = "kind: deck, deck: STANDARD, less_percent: {}"
    assert complaints(tmp_path / "a", deck.format(20), rates=rates) == []
    assert complaints(tmp_path / "b", deck.format(19), rates=rates) == [
        (
            "price.deck: zone 'DE' at 0.0025 a minute times 81/100 is above the cap EU-MTR of 0.002"
            " a minute; lower it"
        )
    ]


@pytest.mark.parametrize(
    ("price", "caps", "regulated", "complaint"),
    [
        (
            "kind: unit, per: minute, amount: 0",
            CAPS,
            "UK",
            "regulated: there is no cap 'UK'; add it to caps.yaml",
        ),
        (
            "kind: unit, per: event, amount: 0",
            CAPS,
            "EU-MTR",
            "regulated: cap EU-MTR is per minute, and this item is priced per event; name another",
        ),
        (
            "kind: unit, per: minute, amount: 0",
            CAPS.replace("currency: EUR", "currency: USD"),
            "EU-MTR",
            "regulated: cap EU-MTR is in USD, the price in EUR; name another",
        ),
        (
            "kind: unit, per: minute, amount: 0",
            CAPS.replace("2026", "2023"),
            "EU-MTR",
            "caps.yaml:7: prices[1].valid_from: does not rise; sort the prices by time",
        ),
        (
            "kind: unit, per: minute, amount: 0",
            CAPS.replace("refuse", "warn"),
            "EU-MTR",
            "caps.yaml:4: on_breach: 'warn' is not known; write one of refuse, flag",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(
    tmp_path: Path, price: str, caps: str, regulated: str, complaint: str
) -> None:
    """A cap that is missing, in another currency or of another quantity, or with mistakes."""
    assert complaints(tmp_path, price, caps=caps, regulated=regulated) == [complaint]


def test_a_breach_may_be_flagged_instead(tmp_path: Path) -> None:
    """The reference loads, and names the price with its place."""
    price = "kind: unit, per: minute, amount: 0.003"
    caps = CAPS.replace("refuse", "flag")
    assert complaints(tmp_path, price, caps=caps) == []
    (flagged,) = load(tmp_path).flagged
    assert str(flagged) == (
        "agreements.yaml:3: versions[0].items[0].price.amount: 0.003 a minute is above the cap"
        " EU-MTR of 0.002 a minute; lower it"
    )


def test_a_cap_holds_from_its_first_step_on() -> None:
    """Before it there is none; each step holds until the next."""
    prices = [
        {"amount": "0.004", "valid_from": "2024-01-01"},
        {"amount": "0.002", "valid_from": "2026-01-01"},
    ]
    cap = Cap.model_validate(
        {"cap": "C", "per": "minute", "currency": "EUR", "on_breach": "flag", "prices": prices}
    )
    new_year = 1_767_225_600  # 2026-01-01T00:00:00Z
    assert cap.most(0) is None
    assert (cap.most(new_year - 1), cap.most(new_year)) == (4_000_000, 2_000_000)


def test_the_price_of_every_band_is_held_against_the_cap(tmp_path: Path) -> None:
    """By night 0.002 is at the cap, by day 0.003 is above."""
    bands = "{day: {amount: 0.003}, night: {amount: 0.002}}"
    price = f"kind: unit, per: minute, bands: {{of: HOURS, split: start_band, prices: {bands}}}"
    found = [line for line in complaints(tmp_path, price) if "cap" in line]
    assert found == [
        (
            "price.bands.prices.day.amount: 0.003 a minute is above the cap EU-MTR of 0.002"
            " a minute; lower it"
        )
    ]
