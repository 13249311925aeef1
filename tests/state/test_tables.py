"""Compiled reference: columns say what the records say, and codes fit each other."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest

from schemas.codes import KeyKind, RoundingMode, RoundingPlace
from schemas.reference import load
from state.tables import NONE, OWN, build
from tests.builders import AGREEMENTS, reference_dir, tables

NO_KEYS = "kind,key,agreement,valid_from,valid_upto\n"
ROUNDED = AGREEMENTS.replace(
    "zone: UTC", "zone: UTC\n      rounding: {place: line, mode: half_even, decimals: -2}"
).replace("EUR", "NOK", 1)


def test_columns_say_what_the_items_say(tmp_path: Path) -> None:
    """Row for row, item columns repeat the item and the rounding of its version."""
    built = tables(reference_dir(tmp_path, agreements=ROUNDED))
    assert len(built.items) == 2
    for row, item in enumerate(built.items):
        version = built.versions[item.version_row]
        assert built.item_version[row] == item.version_row
        assert built.item_kind[row] == item.price_kind
        assert built.item_quantity[row] == item.quantity
        assert built.item_unit[row] == item.unit
        line, rates = built.item_line[row], built.rates
        assert rates.price_nanos[line] == item.price_nanos
        assert rates.connect_nanos[line] == item.connect_fee_nanos
        assert rates.initial_seconds[line] == item.initial_seconds
        assert rates.next_seconds[line] == item.next_seconds
        assert built.item_deck[row] == item.deck
        assert built.item_place[row] == version.rounding_place
        assert built.item_mode[row] == version.rounding_mode
        assert built.item_decimals[row] == version.decimals
        assert built.item_currency[row] == version.currency_code
    assert built.item_place[1] == RoundingPlace.LINE
    assert built.item_mode[1] == RoundingMode.HALF_EVEN
    assert built.item_decimals[1] == -2
    assert built.currencies == ("NOK", "EUR")


def test_versions_share_calendars(tmp_path: Path) -> None:
    """A thousand agreements of one zone and kind of period have one calendar."""
    built = tables(reference_dir(tmp_path))
    assert [calendar.zone for calendar in built.calendars] == ["Europe/Berlin", "UTC"]
    assert built.version_calendar.tolist() == [0, 1]
    assert built.version_currency.tolist() == [0, 0]
    for version, calendar in zip(built.versions, built.version_calendar, strict=True):
        assert built.calendars[calendar] is version.periods


def test_columns_have_the_types_that_the_stations_expect(tmp_path: Path) -> None:
    """Codes are int32, small codes int8, and everything that is multiplied int64."""
    built = tables(reference_dir(tmp_path))
    for code in (built.item_version, built.item_deck, built.item_currency, built.item_of):
        assert code.dtype == np.int32
    for small in (built.item_kind, built.item_quantity, built.item_place, built.item_decimals):
        assert small.dtype == np.int8
    rates = built.rates
    for wide in (built.item_unit, rates.price_nanos, rates.initial_seconds, rates.next_seconds):
        assert wide.dtype == np.int64


def test_the_same_reference_has_the_same_codes(tmp_path: Path) -> None:
    """Two workers that load the same directory agree on every code."""
    directory = reference_dir(tmp_path)
    first, second = build(load(directory)), build(load(directory))
    assert first.reference_id == second.reference_id
    assert first.key_names == second.key_names
    assert first.items == second.items
    assert first.decks.zone_names == second.decks.zone_names
    assert np.array_equal(first.decks.prefixes.starts, second.decks.prefixes.starts)


def test_an_empty_reference_has_empty_tables(tmp_path: Path) -> None:
    """A settlement that begins with nothing suspends everything and breaks on nothing."""
    directory = reference_dir(tmp_path, partners="[]", agreements="[]", attribution=NO_KEYS)
    built = tables(directory)
    assert (built.items, built.versions, built.agreements, built.partners) == ((), (), (), ())
    assert len(built.keys) == len(KeyKind)
    none = np.array([NONE], np.int32)
    second = np.zeros(1, np.int64)
    assert built.assignment.lookup(none, second).tolist() == [NONE]
    assert built.version_of.lookup(none, second).tolist() == [NONE]


def test_tables_are_never_changed(tmp_path: Path) -> None:
    """New reference means new tables; and OWN is not an agreement."""
    built = tables(reference_dir(tmp_path))
    with pytest.raises(FrozenInstanceError):
        built.reference_id = "other"  # type: ignore[misc]
    assert OWN not in range(len(built.agreements))
