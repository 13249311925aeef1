"""Conditions as columns: sets of values and of prefixes, and the rank that precedence gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from schemas.codes import Direction, Role, Service
from state.prefixes import justify
from state.tables import NONE, Tables
from state.terms import CONTESTED
from tests.builders import agreement_text, reference_dir
from tests.builders import tables as compiled

KEYS = """\
kind,key,agreement,valid_from,valid_upto
route,TG-1,ALFA-1,,
route,TG-2,ALFA-1,,
"""
ITEMS = (
    ("any", ""),
    ("de", "where: {called: [49, 4930]}"),
    ("first", "where: {key: [route:TG-1], called: [49]}"),
    ("both", "where: {key: [route:TG-2, route:TG-1]}"),
    ("roaming", "where: {visited_network: [26201, 24201]}"),
    ("extra", "where: {visited_network: [24201]}, surcharge: true"),
)


@pytest.fixture(name="tables", scope="module")
def _tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    base = "role: ingress, service: voice, flow: receivable, direction: in"
    price = "price: {kind: unit, per: event, amount: 1}"
    items = ", ".join(
        f"{{item: {name}, {base}, {price}{', ' + more if more else ''}}}" for name, more in ITEMS
    )
    directory = tmp_path_factory.mktemp("choices")
    return compiled(reference_dir(directory, agreements=agreement_text(items), attribution=KEYS))


def test_contested_usage_leads_to_a_group(tables: Tables) -> None:
    """All candidates in the order of the version; other usage leads nowhere."""
    covering = tables.item_of[0, Role.INGRESS, Service.VOICE]
    assert covering[Direction.OUT] == NONE
    group = CONTESTED - covering[Direction.IN]
    assert tables.choices.group(group).tolist() == [0, 1, 2, 3, 4, 5]
    assert tables.choices.is_surcharge.tolist() == [False] * 5 + [True]


def test_an_item_alone_needs_no_choice(tmp_path: Path) -> None:
    """Without conditions the table names the item at once, and there is no group."""
    built = compiled(reference_dir(tmp_path))
    assert built.item_of[0, Role.INGRESS, Service.VOICE, Direction.IN] == 0
    assert len(built.choices.first) == 1
    assert (built.choices.values, built.choices.prefixes) == ({}, {})


def test_ranks_follow_precedence(tables: Tables) -> None:
    """Key and number, key, number, network, nothing: whatever the length of a prefix."""
    names = [name for name, _ in ITEMS[:5]]
    order = sorted(zip(tables.choices.rank.tolist(), names, strict=False), reverse=True)
    assert [name for _, name in order] == ["first", "both", "de", "roaming", "any"]


def test_a_set_of_values_holds_for_its_members_only(tables: Tables) -> None:
    """The two networks of one item, the one of another, and of no other item."""
    sets = tables.choices.values["visited_network"]
    assert sets.texts.to_pylist() == ["24201", "26201"]
    assert sets.set_of.tolist() == [NONE, NONE, NONE, NONE, 0, 1]
    items = np.repeat(np.array([4, 5], np.int32), 3)
    values = np.tile(np.array([0, 1, NONE]), 2)
    assert sets.met(items, values).tolist() == [True, True, False, True, False, False]


def test_keys_are_known_by_their_code(tables: Tables) -> None:
    """A key that no condition lists is no value at all."""
    sets = tables.choices.values["key"]
    one, two = tables.key_names.index("route:TG-1"), tables.key_names.index("route:TG-2")
    places = sets.place(np.array([one, two, 99, NONE], np.int64))
    assert places[2:].tolist() == [NONE, NONE]
    assert sets.met(np.full(4, 2, np.int32), places).tolist() == [True, False, False, False]
    assert sets.met(np.full(4, 3, np.int32), places).tolist() == [True, True, False, False]


def test_the_longest_prefix_gives_the_length(tables: Tables) -> None:
    """4930 matches with four digits, 4917 with two, 33 not."""
    sets = tables.choices.prefixes["called"]
    ranks = justify(pa.array(["49301", "49171", "33", None]))
    assert sets.lengths(np.full(4, 1, np.int32), ranks).tolist() == [4, 2, -1, -1]
