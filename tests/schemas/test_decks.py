"""Rate decks: each prefix once, each zone priced at every time from its first rate on."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.moments import OPEN_FROM_S, OPEN_UPTO_S
from schemas.reference import load
from tests.builders import agreement_text, complaints_of, reference_dir

RATES = "zone,price_per_minute,initial_seconds,next_seconds,connect_fee,valid_from,valid_upto\n"
APRIL_S = 1_767_225_600 + 90 * 86_400


def test_a_deck_becomes_columns(tmp_path: Path) -> None:
    """Prices in nanos a minute, validity in seconds, by zone and time."""
    rates = RATES + "DE,0.013,60,30,0.05,2026-04-01,\nDE,0.012,1,1,0,,2026-04-01\n"
    deck = load(reference_dir(tmp_path, prefixes="prefix,zone\n49,DE\n", rates=rates)).decks[0]
    assert deck.name == "STANDARD"
    assert deck.prefixes.rows() == [("49", "DE")]
    names = ("price_nanos", "initial_seconds", "next_seconds", "connect_fee_nanos")
    assert deck.rates.select("zone", *names, "valid_from_s", "valid_upto_s").rows() == [
        ("DE", 12_000_000, 1, 1, 0, OPEN_FROM_S, APRIL_S),
        ("DE", 13_000_000, 60, 30, 50_000_000, APRIL_S, OPEN_UPTO_S),
    ]


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("DE,0.0000000001,1,1,0,,", "price_per_minute: '0.0000000001' has more than 9 decimals"),
        ("DE,,1,1,0,,", "price_per_minute: '' is not a decimal number"),
        ("DE,-1,1,1,0,,", "price_per_minute: '-1' is negative"),
        ("DE,2000000,1,1,0,,", "price_per_minute: '2000000' is above 1000000"),
        ("DE,1,0,1,0,,", "initial_seconds: '0' is not a whole number of seconds from 1 to 86400"),
        ("DE,1,1,1.5,0,,", "next_seconds: '1.5' is not a whole number of seconds"),
        ("DE,1,1,1,x,,", "connect_fee: 'x' is not a decimal number"),
        ("DE,1,1,1,0,2026-04-01T00:00,", "valid_from: '2026-04-01T00:00' has no offset from UTC"),
        ("Alle Länder,1,1,1,0,,", "zone: 'Alle Länder' is not a name; use letters, digits"),
    ],
)
def test_a_wrong_rate_is_named_with_what_to_write(tmp_path: Path, row: str, complaint: str) -> None:
    """File, line, field, and what to do about it; a bad row brings no further complaints."""
    found = complaints_of(reference_dir(tmp_path, rates=f"{RATES}{row}\n"))
    assert len(found) == 1
    assert found[0].startswith(f"decks/STANDARD.rates.csv:2: {complaint}")


@pytest.mark.parametrize(
    ("second", "complaint"),
    [
        ("2026-03-31", "overlaps the row on line 2; end that row where this one begins"),
        ("2026-04-02", "leaves a gap after the row on line 2; begin where it ends"),
    ],
)
def test_rates_of_a_zone_neither_gap_nor_overlap(
    tmp_path: Path, second: str, complaint: str
) -> None:
    """A call has one price: not two, and not none between two."""
    rates = f"{RATES}DE,1,1,1,0,,2026-04-01\nDE,2,1,1,0,{second},\n"
    found = complaints_of(reference_dir(tmp_path, prefixes="prefix,zone\n49,DE\n", rates=rates))
    assert found == [f"decks/STANDARD.rates.csv:3: valid_from: {complaint}"]


def test_zones_do_not_disturb_each_other(tmp_path: Path) -> None:
    """The end of one zone's rates is no gap before the next zone's."""
    rates = f"{RATES}A,1,1,1,0,,2026-04-01\nB,2,1,1,0,2026-05-01,\n"
    directory = reference_dir(tmp_path, prefixes="prefix,zone\n1,A\n2,B\n", rates=rates)
    assert complaints_of(directory) == []


def test_a_wrong_prefix_is_named_with_what_to_write(tmp_path: Path) -> None:
    """Plus signs, what spreadsheets make of numbers, and prefixes given twice."""
    prefixes = "prefix,zone\n+49,DE\n4.9E+01,DE\n49,DE\n49,DE-MOBILE\n,DE\n"
    file = "decks/STANDARD.prefixes.csv"
    advice = "is not 1 to 15 digits; write digits only, without + or spaces"
    assert complaints_of(reference_dir(tmp_path, prefixes=prefixes)) == [
        f"{file}:2: prefix: '+49' {advice}",
        f"{file}:3: prefix: '4.9E+01' {advice}",
        f"{file}:5: prefix: '49' is already given above; keep one of the two rows",
        f"{file}:6: prefix: is empty; write digits only, without + or spaces",
    ]


def test_every_zone_has_a_rate(tmp_path: Path) -> None:
    """A zone without any rate would suspend all calls to it; a rate without prefix does no harm."""
    prefixes = "prefix,zone\n49,DE\n33,FR\n"
    assert complaints_of(reference_dir(tmp_path, prefixes=prefixes)) == [
        (
            "decks/STANDARD.prefixes.csv:3: zone: 'FR' has no rate; "
            "add a row for it to decks/STANDARD.rates.csv"
        )
    ]


def test_a_deck_is_two_files_with_a_name(tmp_path: Path) -> None:
    """Half a deck, a stray file and a name that no item could write are refused."""
    others = {
        "decks/HALF.rates.csv": RATES,
        "decks/OLD.csv": "x",
        "decks/A B.prefixes.csv": "prefix,zone\n",
        "decks/.hidden": "x",
    }
    assert complaints_of(reference_dir(tmp_path, others=others)) == [
        (
            "decks/A B.prefixes.csv: the deck's name 'A B' is not a name; "
            "use letters, digits and _ . : - and begin with a letter or digit"
        ),
        "decks/HALF.prefixes.csv: is missing; a deck needs it beside decks/HALF.rates.csv",
        "decks/OLD.csv: is not part of a deck; name it NAME.prefixes.csv or NAME.rates.csv",
    ]


BANDED = RATES.replace("zone,", "zone,band,")
DAY_AND_NIGHT = (
    "DE,day,0.02,60,60,0.05,,2026-04-01\nDE,day,0.03,60,60,0,2026-04-01,\nDE,night,0.01,30,30,0,,\n"
)
WEEK = (
    '- {bands: WEEK, days: {mon-sun: [{from: "00:00", band: night}, {from: "08:00", band: day}]}}\n'
)
NO_KEYS = "kind,key,agreement,valid_from,valid_upto\n"


def by_band(directory: Path, rates: str, price: str, plan: str = WEEK) -> Path:
    """A reference with a deck by band, and a price by it."""
    item = f"{{item: one, role: ingress, service: voice, flow: receivable, price: {{{price}}}}}"
    return reference_dir(
        directory,
        agreements=agreement_text(item),
        attribution=NO_KEYS,
        prefixes="prefix,zone\n49,DE\n",
        rates=rates,
        others={"bands.yaml": plan},
    )


USED = "kind: deck, deck: STANDARD, bands: {of: WEEK, split: start_band}"


def test_a_deck_may_have_rates_by_band(tmp_path: Path) -> None:
    """Each band has rates that follow each other; together they begin and end alike."""
    deck = load(by_band(tmp_path, BANDED + DAY_AND_NIGHT, USED)).decks[0]
    assert deck.bands == ("day", "night")
    columns = ("zone", "band", "price_nanos", "valid_upto_s")
    assert deck.rates.select(columns).rows() == [
        ("DE", "day", 20_000_000, APRIL_S),
        ("DE", "day", 30_000_000, OPEN_UPTO_S),
        ("DE", "night", 10_000_000, OPEN_UPTO_S),
    ]


@pytest.mark.parametrize(
    ("rates", "complaint"),
    [
        (
            DAY_AND_NIGHT + "FR,day,0.02,1,1,0,,\n",
            "5: band: zone 'FR' lacks a rate for one of the deck's bands (day, night); add it",
        ),
        (
            "DE,day,0.02,1,1,0,,\nDE,night,0.01,1,1,0,2026-04-01,\n",
            (
                "3: band: the rates of this band begin later than others of zone 'DE'; "
                "give all bands the same time"
            ),
        ),
        (
            "DE,day,0.02,1,1,0,,2026-04-01\nDE,night,0.01,1,1,0,,\n",
            (
                "2: band: the rates of this band end earlier than others of zone 'DE'; "
                "give all bands the same time"
            ),
        ),
        (
            "DE,day,0.02,1,1,0,,\nDE,day,0.01,1,1,0,,\n",
            "3: valid_from: overlaps the row on line 2; end that row where this one begins",
        ),
        ("DE,,0.02,1,1,0,,\n", "2: band: is empty; use letters, digits and"),
    ],
)
def test_rates_by_band_leave_no_hour_without_a_price(
    tmp_path: Path, rates: str, complaint: str
) -> None:
    """A zone has all bands at all times, or none."""
    found = complaints_of(by_band(tmp_path, BANDED + rates, USED))
    assert found[0].startswith(f"decks/STANDARD.rates.csv:{complaint}")


@pytest.mark.parametrize(
    ("rates", "price", "complaint"),
    [
        (
            BANDED + DAY_AND_NIGHT,
            "kind: deck, deck: STANDARD",
            "price.deck: 'STANDARD' has rates by band (day, night); add bands with of and split",
        ),
        (
            RATES + "DE,0.02,1,1,0,,\n",
            USED,
            "price.bands: deck 'STANDARD' has no rates by band; remove bands",
        ),
        (
            BANDED + DAY_AND_NIGHT.replace("night", "evening"),
            USED,
            (
                "price.bands.of: WEEK has the bands day, night, "
                "deck 'STANDARD' has day, evening; use the same"
            ),
        ),
        (
            BANDED + DAY_AND_NIGHT,
            USED.replace("WEEK", "YEAR"),
            "price.bands.of: there are no bands 'YEAR'; add them to bands.yaml",
        ),
        (
            BANDED + DAY_AND_NIGHT,
            USED.replace(", split: start_band", ""),
            "price.bands.split: is missing; the contract must say start_band, ",
        ),
    ],
)
def test_a_deck_by_band_is_used_with_its_bands(
    tmp_path: Path, rates: str, price: str, complaint: str
) -> None:
    """Deck and plan name the same bands, and neither is used without the other."""
    (found,) = complaints_of(by_band(tmp_path, rates, price))
    assert f".{complaint}" in found
