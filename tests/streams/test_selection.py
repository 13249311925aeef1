"""Which item prices a leg: by hand, and against the oracle for any items and usage."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops import oracle_attribution, oracle_select
from ops.oracle_reference import Reference, read_reference
from ops.oracle_usage import Usage, read_message, read_schemas
from schemas.codes import Reason, Service
from state import choices
from state.tables import Tables
from streams.privacy import mask
from tests import builders
from tests.makers import item_tables, legs_of, rated_of, usage
from tests.selecting import (
    Selecting,
    reference_of,
    some_items,
    some_usage,
    tie,
    without_ties,
)
from tests.usage_makers import message, row

SCHEMAS = read_schemas()
KEYS = "route,TG-1,ALFA-1,,\nroute,TG-2,ALFA-1,,\naccess_point,ap,ALFA-1,,"


def voice(name: str, amount: str, more: str = "") -> str:
    """An item for calls that come in, at so much a minute in whole minutes."""
    price = f"{{kind: unit, per: minute, amount: {amount}, initial_seconds: 60, next_seconds: 60}}"
    return (
        f"{{item: {name}, role: ingress, service: voice, flow: receivable, price: {price}{more}}}"
    )


def call(sequence: int = 1, **fields: Any) -> bytes:  # noqa: ANN401
    """A call of 61 seconds from the route TG-1."""
    return message(
        Service.VOICE, row(Service.VOICE, sequence=sequence, **{"ingress_route": "TG-1", **fields})
    )


def names(tables: Tables, *messages: bytes) -> list[list[str]]:
    """The items of each event's legs, the price first and surcharges behind it."""
    batch = usage(*messages)
    legs = legs_of(batch, tables)[0]
    return [
        [
            tables.items[item].name if item >= 0 else Reason(reason).label
            for message_number, item, reason in zip(
                batch.message[legs.event].tolist(),
                legs.item.tolist(),
                legs.reason.tolist(),
                strict=True,
            )
            if message_number == number
        ]
        for number in range(len(messages))
    ]


def expected(known: Reference, *messages: bytes) -> list[list[str]]:
    """The same as the oracle has it."""
    told = []
    for value in messages:
        (event,) = read_message(value, SCHEMAS)
        assert isinstance(event, Usage)
        claims, _ = oracle_attribution.attribute(event, known)
        (claim,) = claims
        (version,) = known.agreements[claim.agreement].versions
        item, added = oracle_select.select(event, claim, version, known)
        told.append(
            [item.name, *(more.name for more in added)] if item is not None else ["no_item"]
        )
    return told


@pytest.mark.parametrize(
    ("fields", "item"),
    [
        ({"called_number": "4930"}, "germany"),
        ({"called_number": "4917123"}, "mobile"),  # 4917 is longer than 49
        ({"called_number": "1809"}, "any"),
        ({"called_number": "4917123", "ingress_route": "TG-2"}, "second"),  # key before called
        ({"called_number": "1809", "visited_network": "26201"}, "roaming"),
        # A condition on the number weighs more than one on the network.
        ({"called_number": "4930", "visited_network": "26201"}, "germany"),
        # The called number decides, whatever the routing number says.
        ({"called_number": "1809", "routing_number": "4930"}, "any"),
    ],
)
def test_precedence_by_hand(tmp_path: Path, fields: dict[str, Any], item: str) -> None:
    """Key before number before network, and the longer prefix before the shorter."""
    items = [
        voice("any", "0.01"),
        voice("roaming", "0.02", ", where: {visited_network: [26201, 26202]}"),
        voice("germany", "0.03", ", where: {called: [49, 4930]}"),
        voice("mobile", "0.04", ", where: {called: [4917]}"),
        voice("second", "0.05", ", where: {key: [route:TG-2]}"),
    ]
    tables = item_tables(tmp_path, ", ".join(items), KEYS)
    assert names(tables, call(**fields)) == [[item]]


def test_usage_that_no_candidate_covers_waits(tmp_path: Path) -> None:
    """As where there is no item at all: suspended, never charged nothing."""
    tables = item_tables(tmp_path, voice("de", "1", ", where: {called: [49]}"), KEYS)
    found = names(tables, call(1, called_number="1809"), call(2, called_number="4930"))
    assert found == [["no_item"], ["de"]]


def test_a_network_pair_and_a_rating_group(tmp_path: Path) -> None:
    """Both networks of a pair have to match; a group that the list has not is another price."""
    base = "role: subscriber, service: data, flow: receivable"
    price = "price: {kind: unit, per: megabyte, amount: 1}"
    items = (
        f"{{item: pair, {base}, {price},"
        " where: {visited_network: [26201], home_network: [24201]}}, "
        f"{{item: group, {base}, {price}, where: {{rating_group: [10, 20]}}}}, "
        f"{{item: any, {base}, {price}}}"
    )
    tables = item_tables(tmp_path, items, KEYS)
    network = {"visited_network": "26201", "home_network": "24201"}
    events: list[dict[str, Any]] = [
        {"rating_group": 10},
        {"rating_group": 11},
        {"rating_group": 20, **network},
        {"visited_network": "26201"},
    ]
    messages = [
        message(Service.DATA, row(Service.DATA, sequence=n, access_point="ap", **fields))
        for n, fields in enumerate(events)
    ]
    assert names(tables, *messages) == [["group"], ["any"], ["pair"], ["any"]]


def test_a_surcharge_adds_a_leg_of_its_own(tmp_path: Path) -> None:
    """A minute at 0.012 and a surcharge of 0.05 for callers from 33: 0.062, in two lines."""
    items = [
        voice("calls", "0.012"),
        (
            "{item: origin, role: ingress, service: voice, flow: receivable, surcharge: true,"
            " where: {calling: [33, 34]}, price: {kind: unit, per: event, amount: 0.05}}"
        ),
    ]
    tables = item_tables(tmp_path, ", ".join(items), KEYS)
    batch = usage(
        call(1, calling_number="33140000000", duration_ms=60_000),
        call(2, calling_number="44140000000", duration_ms=60_000),
    )
    rated = rated_of(batch, tables)
    told = [
        (int(event), tables.items[item].name, int(micros))
        for event, item, micros in zip(
            rated.legs.event, rated.legs.item, rated.charge_micros, strict=True
        )
    ]
    assert told == [(0, "calls", 12_000), (1, "calls", 12_000), (0, "origin", 50_000)]
    assert rated.legs.role.tolist() == [0, 0, 0]


def test_a_surcharge_by_deck_adds_nothing_to_a_number_it_does_not_list(tmp_path: Path) -> None:
    """The deck has 49 only; a price by that deck would suspend 1809, a surcharge leaves it be."""
    items = [
        voice("calls", "0.012"),
        (
            "{item: extra, role: ingress, service: voice, flow: receivable, surcharge: true,"
            " price: {kind: deck, deck: STANDARD}}"
        ),
    ]
    tables = item_tables(tmp_path, ", ".join(items), KEYS)
    found = names(tables, call(1, called_number="4930"), call(2, called_number="1809"))
    assert found == [["calls", "extra"], ["calls"]]


def test_nothing_is_added_where_nothing_is_priced(tmp_path: Path) -> None:
    """An event without a price waits as a whole: its surcharge comes with it, later."""
    items = [
        voice("de", "0.012", ", where: {called: [49]}"),
        voice("extra", "1", ", surcharge: true"),
    ]
    tables = item_tables(tmp_path, ", ".join(items), KEYS)
    assert names(tables, call(called_number="1809")) == [["no_item"]]


@pytest.mark.parametrize(
    "number",
    ["33123456789", "331234567", "3312", "33123456x", "331234567x", "", "12345678912345678"],
)
def test_a_caller_is_the_same_before_and_after_suspense(tmp_path: Path, number: str) -> None:
    """Suspense keeps nine digits of a caller: what they decide is what all of them decided."""
    items = [
        voice("calls", "0.012"),
        voice("origin", "1", ", surcharge: true, where: {calling: [331234567, 12]}"),
    ]
    tables = item_tables(tmp_path, ", ".join(items), KEYS)
    before, after = names(
        tables, call(1, calling_number=number), call(2, calling_number=mask(number))
    )
    assert before == after


def test_more_lists_of_prefixes_than_one_structure_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each list is still its own when there are several structures of them, here of four."""
    monkeypatch.setattr(choices, "TABLES_MAX", 4)
    items = [voice(f"to-{n}", "1", f", where: {{called: [{n}]}}") for n in range(10, 20)]
    tables = item_tables(tmp_path, ", ".join(items), KEYS)
    calls = [call(n, called_number=f"{n}99") for n in range(10, 20)]
    assert len(tables.choices.prefixes["called"].tables) == 3
    assert names(tables, *calls) == [[f"to-{n}"] for n in range(10, 20)]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 9))
def test_the_winner_is_the_oracles(seed: int, count: int) -> None:
    """Any items and any usage: the same item prices it, the same surcharges are added."""
    random = Random(seed)
    items = without_ties(some_items(random, count))
    messages = some_usage(random, 25)
    with tempfile.TemporaryDirectory() as directory:
        path = reference_of(Path(directory), items)
        assert names(builders.tables(path), *messages) == expected(read_reference(path), *messages)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_an_item_more_changes_only_what_it_wins(seed: int) -> None:
    """With one item more, a leg is priced as before or by that item: others keep their order."""
    random = Random(seed)
    items = without_ties(some_items(random, 6))
    messages = some_usage(random, 25)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        fewer = [item for item in items if item != items[-1]] or [Selecting("only", "voice")]
        after = names(builders.tables(reference_of(Path(one), items)), *messages)
        before = names(builders.tables(reference_of(Path(other), fewer)), *messages)
    last = items[-1].name
    for was, now in zip(before, after, strict=True):
        assert now[0] in (was[0], last)
        if now[0] != last:
            assert [name for name in now if name != last] == was


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_ties_are_refused_and_nothing_else(seed: int) -> None:
    """A version loads exactly when no two of its items could tie."""
    items = some_items(Random(seed), 5)
    ties = any(tie(one, other) for at, one in enumerate(items) for other in items[:at])
    with tempfile.TemporaryDirectory() as directory:
        complaints = builders.complaints_of(reference_of(Path(directory), items))
    assert any("equal precedence" in complaint for complaint in complaints) == ties
    assert bool(complaints) == ties
