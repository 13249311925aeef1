"""Rate decks as tables: number to zone, zone and second to rate, over several decks at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from state.decks import build_decks
from state.prefixes import justify
from tests.builders import RATES, reference_dir, tables

APRIL_S = 1_767_225_600 + 90 * 86_400

GOLD = {
    "decks/GOLD.prefixes.csv": "prefix,zone\n44,UK\n49,DE\n",
    "decks/GOLD.rates.csv": RATES.splitlines()[0]
    + "\nUK,0.02,1,1,0,,\nDE,0.03,60,30,0.05,,2026-04-01\nDE,0.04,60,60,0,2026-04-01,\n",
}


def test_a_number_leads_to_the_rate_of_its_deck(tmp_path: Path) -> None:
    """The same number has another zone and price in another deck, and another price later."""
    built = tables(reference_dir(tmp_path, others=GOLD))
    decks, rates = built.decks, built.rates
    assert decks.deck_names == ("GOLD", "STANDARD")
    number = justify(pa.array(["4930123456"] * 3 + ["491701234567", "39061234"]))
    zone = decks.prefixes.lookup(np.array([0, 0, 1, 1, 1], np.int32), number)
    names = [decks.zone_names[code] if code >= 0 else "" for code in zone]
    assert names == ["DE", "DE", "DE", "DE-MOBILE", ""]
    assert decks.deck_of_zone[zone[:4]].tolist() == [0, 0, 1, 1]
    row = decks.line_of.lookup(zone, np.array([APRIL_S - 1, APRIL_S, 0, 0, 0], np.int64))
    assert row[4] == -1
    rated = row[:4]
    # 0.03 until April and 0.04 from then on; 0.012 and 0.06 in the standard deck.
    prices = [30_000_000, 40_000_000, 12_000_000, 60_000_000]
    assert rates.price_nanos[rated].tolist() == prices
    assert rates.connect_nanos[rated].tolist() == [50_000_000, 0, 0, 10_000_000]
    assert rates.initial_seconds[rated].tolist() == [60, 60, 1, 30]
    assert rates.next_seconds[rated].tolist() == [30, 60, 1, 6]


def test_zones_of_the_same_name_are_not_the_same(tmp_path: Path) -> None:
    """Both decks have a zone DE; each has its own code."""
    decks = tables(reference_dir(tmp_path, others=GOLD)).decks
    assert sorted(decks.zone_names) == ["DE", "DE", "DE-MOBILE", "UK"]


def test_columns_are_of_one_kind_for_the_hot_path(tmp_path: Path) -> None:
    """Rates are int64 and codes int32, whatever the files hold."""
    built = tables(reference_dir(tmp_path))
    rates = built.rates
    for column in (rates.price_nanos, rates.connect_nanos, rates.initial_seconds):
        assert column.dtype == np.int64
    assert built.decks.deck_of_zone.dtype == np.int32


def test_a_settlement_may_have_no_decks() -> None:
    """Nothing is found, and nothing breaks."""
    decks, lines = build_decks([])
    assert len(lines) == 0
    number = justify(pa.array(["49"]))
    assert decks.prefixes.lookup(np.array([-1], np.int32), number).tolist() == [-1]
    assert decks.line_of.lookup(np.array([-1], np.int32), np.zeros(1, np.int64)).tolist() == [-1]


def test_an_empty_deck_stands_in_its_place(tmp_path: Path) -> None:
    """A deck without rows keeps its code, and the deck after it too."""
    header = RATES.splitlines()[0] + "\n"
    others = {"decks/NONE.prefixes.csv": "prefix,zone\n", "decks/NONE.rates.csv": header}
    decks = tables(reference_dir(tmp_path, others=others)).decks
    assert decks.deck_names == ("NONE", "STANDARD")
    number = justify(pa.array(["4930", "4930"]))
    zone = decks.prefixes.lookup(np.array([0, 1], np.int32), number)
    assert zone[0] == -1
    assert decks.zone_names[zone[1]] == "DE"
