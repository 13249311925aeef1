"""Which rate line a leg is charged by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from schemas.codes import Reason, Service
from state.rates import NO_LINE
from state.tables import NONE
from streams.attribution import attribute
from streams.lines import find_lines
from tests.builders import agreement_text, complaints_of, reference_dir
from tests.makers import item_tables, usage
from tests.usage_makers import message, row

KEYS = "route,TG-1,ALFA-1,,"


def test_a_deck_has_a_line_for_each_zone_and_none_for_unknown_numbers(tmp_path: Path) -> None:
    """4917 is DE-MOBILE at 0.06, 49 is DE at 0.012, and 1809 lies under no prefix of the deck."""
    item = "{item: one, role: ingress, service: voice, flow: receivable, "
    tables = item_tables(tmp_path, item + "price: {kind: deck, deck: STANDARD}}", KEYS, "")
    calls = [
        row(Service.VOICE, sequence=n, ingress_route="TG-1", called_number=number)
        for n, number in enumerate(("4917123", "4930123", "1809"), 1)
    ]
    batch = usage(*(message(Service.VOICE, call) for call in calls))
    legs, _ = attribute(batch, np.arange(len(batch)), tables)
    reason = legs.reason.copy()
    line, zone, band = find_lines(batch, legs, reason, tables)
    assert band.tolist() == [0, 0, 0]
    assert [tables.decks.zone_names[z] if z != NONE else "" for z in zone] == [
        "DE-MOBILE",
        "DE",
        "",
    ]
    assert tables.rates.price_nanos[line].tolist() == [60_000_000, 12_000_000, 0]
    assert line[2] == NO_LINE
    assert reason.tolist() == [0, 0, Reason.NO_RATE]


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("rated", ["DE-MOBILE", "", "DE"]),  # routing where there is one, else called
        ("called", ["DE", "", "DE"]),
        ("routing", ["DE-MOBILE", "", ""]),
        ("calling", ["", "DE", "DE-MOBILE"]),
    ],
)
def test_an_item_says_which_number_its_deck_is_looked_up_by(
    tmp_path: Path, number: str, zones: list[str]
) -> None:
    """Where a call goes, with or without portability, or where it comes from."""
    item = "{item: one, role: ingress, service: voice, flow: receivable, "
    price = f"price: {{kind: deck, deck: STANDARD, number: {number}}}}}"
    tables = item_tables(tmp_path, item + price, KEYS, "")
    calls = [
        {"called_number": "4930", "routing_number": "4917", "calling_number": "33"},
        {"called_number": "1809", "calling_number": "4930"},
        {"called_number": "4930", "calling_number": "49171234567x"},
    ]
    batch = usage(
        *(
            message(Service.VOICE, row(Service.VOICE, sequence=n, ingress_route="TG-1", **fields))
            for n, fields in enumerate(calls)
        )
    )
    legs, _ = attribute(batch, np.arange(len(batch)), tables)
    _, zone, _ = find_lines(batch, legs, legs.reason.copy(), tables)
    assert [tables.decks.zone_names[z] if z != NONE else "" for z in zone] == zones


def test_a_deck_that_callers_are_looked_up_in_has_short_prefixes(tmp_path: Path) -> None:
    """Nine digits of a caller are left in suspense: a tenth would decide another price there."""
    item = "{item: one, role: ingress, service: voice, flow: receivable, "
    text = agreement_text(item + "price: {kind: deck, deck: STANDARD, number: calling}}")
    keys = f"kind,key,agreement,valid_from,valid_upto\n{KEYS}\n"
    for digits, complaints in (("331234567", 0), ("3312345678", 1)):
        directory = reference_dir(
            tmp_path / digits,
            agreements=text,
            attribution=keys,
            prefixes=f"prefix,zone\n49,DE\n{digits},DE-MOBILE\n",
        )
        found = complaints_of(directory)
        assert len(found) == complaints
    assert found[0] == (
        "agreements.yaml:3: versions[0].items[0].price.number: '3312345678' of deck 'STANDARD' is"
        " longer than 9 digits, all that suspense keeps of a caller; write it with fewer digits"
    )
