"""Which cells a measure needs, and what versions must have alike."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from schemas.codes import Each, MeasureKind, Quantity
from state.items import ItemInfo
from state.measures import BYTES, LARGEST, PORT, PRESENT, QUANTITY, SUBSCRIBER, level_of
from state.special import CELLS
from tests.makers import item_tables

ITEMS = (
    "{item: port, role: product, service: bandwidth, flow: receivable, "
    "measure: {of: percentile, percent: 95, direction: up}, "
    "price: {kind: tiers, per: megabit_per_second, tiers: [{price: 1}]}}, "
    "{item: calls, role: ingress, service: voice, flow: receivable, measure: {of: peak}, "
    "price: {kind: tiers, each: hour, per: minute, tiers: [{price: 1}]}}, "
    "{item: users, role: subscriber, service: data, flow: receivable, "
    "measure: {of: distinct, of_what: subscriber}, "
    "price: {kind: tiers, per: unit, tiers: [{price: 1}]}}, "
    "{item: texts, role: ingress, service: sms, flow: receivable, measure: {of: sum}, "
    "price: {kind: tiers, per: event, tiers: [{price: 1}]}}, "
    "{item: days, role: egress, service: sms, flow: receivable, "
    "price: {kind: tiers, each: day, per: event, tiers: [{price: 1}]}}"
)


def items(directory: Path) -> dict[str, ItemInfo]:
    """The items by name."""
    return {item.name: item for item in item_tables(directory, ITEMS, "route,R,ALFA-1,,").items}


def test_items_say_which_cells_they_need(tmp_path: Path) -> None:
    """Windows, whose they are and what is kept; a sum of the whole period needs none."""
    tables = item_tables(tmp_path, ITEMS, "route,R,ALFA-1,,")
    rules = tables.special.cells
    found = [
        (i.name, Each(int(rules.window[at])), int(rules.member[at]), int(rules.keeps[at]))
        for at, i in enumerate(tables.items)
        if tables.special.marks[at] & CELLS
    ]
    assert found == [
        ("port", Each.FIVE_MINUTES, PORT, BYTES),
        ("calls", Each.HOUR, 0, LARGEST),
        ("users", Each.PERIOD, SUBSCRIBER, PRESENT),
        ("days", Each.DAY, 0, QUANTITY),
    ]


def test_a_measure_says_what_is_counted_beside_it(tmp_path: Path) -> None:
    """Of a level upwards the bytes up, of members events; a sum is no measure."""
    known = items(tmp_path)
    assert known["port"].quantity is Quantity.UP_BYTES
    assert known["users"].quantity is Quantity.EVENTS
    assert known["texts"].measure is None
    measure = known["port"].measure
    assert measure is not None
    assert (measure.kind, measure.part) == (MeasureKind.PERCENTILE, Fraction(95, 100))
    assert measure.label == "percentile of 5min part 19/20 up by port"


def test_a_level_is_exact() -> None:
    """37,500,000 bytes of five minutes are 10^6 bits a second; one byte of an hour 1/450."""
    assert level_of(37_500_000, Each.FIVE_MINUTES) == 10**6
    assert level_of(1, Each.HOUR) == Fraction(1, 450)


def test_what_one_sample_may_be_is_bounded_by_its_price(tmp_path: Path) -> None:
    """At 1 for a Mbit/s 10^9 is paid for 10^15 bits a second: for 3.75 x 10^16 bytes."""
    assert items(tmp_path)["port"].quantity_max == 37_500_000 * 10**9
