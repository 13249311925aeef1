"""Marks of items: who has more than a price and a quantity."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from state.special import ATTEMPT, COUNT, FACTOR, LIMITS, NO_MAXIMUM
from state.tables import Tables
from tests.makers import item_tables

KEYS = "route,TG-1,ALFA-1,,"
PLAIN = (
    "{item: plain, role: egress, service: voice, flow: payable, "
    "price: {kind: unit, per: minute, amount: 1, initial_seconds: 60, next_seconds: 60}}"
)
VOICE = (
    "{item: calls, role: ingress, service: voice, flow: receivable, "
    "price: {kind: deck, deck: STANDARD"
)
DATA = (
    "{item: data, role: subscriber, service: data, flow: receivable, "
    "count: {initial: 10, next: 10}, price: {kind: unit, per: byte, amount: 1}}"
)


def tables(directory: Path, *items: str) -> Tables:
    """One agreement of these items."""
    return item_tables(directory, ", ".join(items), KEYS)


def test_marks_say_what_an_item_has(tmp_path: Path) -> None:
    """Increments of time are no mark, those of bytes are; 25 % less is 3/4 over 4 x 60."""
    fields = ", less_percent: 25, maximum: 2, attempt_fee: 0.5}}"
    built = tables(tmp_path, PLAIN, VOICE + fields, DATA)
    special = built.special
    assert special.marks.tolist() == [0, LIMITS | ATTEMPT | FACTOR, COUNT]
    assert special.anywhere == COUNT | LIMITS | ATTEMPT | FACTOR
    assert special.maximum_nanos.tolist() == [NO_MAXIMUM, 2 * 10**9, NO_MAXIMUM]
    assert special.attempt_nanos.tolist() == [0, 5 * 10**8, 0]
    assert special.factor_numerator.tolist() == [1, 3, 1]
    assert special.factor_denominator.tolist() == [1, 4, 1]
    assert built.item_unit.tolist() == [60, 240, 1]


def test_only_marked_legs_are_looked_at(tmp_path: Path) -> None:
    """A mark that no item has costs no look at the legs."""
    special = tables(tmp_path, PLAIN, DATA).special
    legs = np.array([0, 1, 1, 0], np.int32)
    assert special.legs(COUNT, legs).tolist() == [1, 2]
    assert special.legs(FACTOR, legs).tolist() == []
