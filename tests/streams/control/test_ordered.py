"""Products as orders made them, example by example and against a plain reading of each day."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from state.entities import FOREVER_US
from streams.control.agreement_names import AgreementNames
from streams.control.catalogues import Catalogue
from streams.control.changes import Change, Form
from streams.control.ordered import OrderFact, facts, intervals, on_offer
from streams.control.orders import Action, OrderItem, ordered_items
from tests.streams.control.inventory_makers import (
    agreement,
    day_of,
    day_text,
    day_us,
    known,
    told,
)
from tests.streams.control.order_makers import leaf, order
from tests.streams.control.plain_service import plain_ordered


def sold(*changes: Change) -> tuple[list[OrderItem], list[str]]:
    """The items after the catalogue was asked, and the reasons of findings."""
    entities = known(changes)
    names = AgreementNames(entities)
    items, findings = on_offer(ordered_items(entities, names)[0], Catalogue(entities, names), names)
    return [*items], [finding.reason for finding in findings]


def days(*changes: Change) -> list[tuple[Any, ...]]:
    """Agreement, days from and up to (None for open) and units of product P."""
    rows = intervals(sold(*changes)[0]).get("P", ())
    return [(r.agreement, day_of(r.from_us), day_of(r.upto_us), r.units) for r in rows]


def test_an_add_puts_in_service_and_a_delete_takes_out() -> None:
    """By two orders: from day 2 to day 9."""
    added, deleted = order(2, leaf("1", "add")), order(9, leaf("1", "delete"), name="2")
    assert days(added) == [("ALFA-1", 2, None, 1)]
    assert days(added, deleted) == [("ALFA-1", 2, 9, 1)]
    assert days(deleted) == []


def test_a_modification_leaves_no_gap() -> None:
    """Another agreement from day 5, more units from day 7; what it does not say stays."""
    assert days(
        order(2, leaf("1", "add", characteristics={"units": 2})),
        order(5, leaf("1", "modify"), name="2", under="BETA-1"),
        order(7, leaf("1", "modify", characteristics={"units": 3}), name="3", under=None),
    ) == [("ALFA-1", 2, 5, 2), ("BETA-1", 5, 7, 2), ("BETA-1", 7, None, 3)]


def test_a_modification_that_changes_nothing_splits_nothing() -> None:
    """One interval, although two orders speak of it."""
    found = days(order(2, leaf("1", "add")), order(5, leaf("1", "modify"), name="2"))
    assert found == [("ALFA-1", 2, None, 1)]


def test_a_suspension_is_a_modification() -> None:
    """Suspended from day 4 to day 6, ended by a status on day 9; other statuses change nothing."""
    assert days(
        order(2, leaf("1", "add", status="created")),
        order(4, leaf("1", "modify", status="suspended"), name="2"),
        order(5, leaf("1", "modify", status="pendingActive"), name="3"),
        order(6, leaf("1", "modify", status="active"), name="4"),
        order(9, leaf("1", "modify", status="terminated"), name="5"),
    ) == [("ALFA-1", 2, 4, 1), ("ALFA-1", 6, 9, 1)]


def test_what_is_deleted_before_it_begins_never_was() -> None:
    """To begin on day 20, deleted on day 9; a modification on day 6 does not begin it either."""
    added = order(2, leaf("1", "add", startDate=day_text(20)))
    deleted = order(9, leaf("1", "delete"), name="2")
    modified = order(6, leaf("1", "modify", characteristics={"units": 2}), name="3")
    assert days(added, deleted) == []
    assert days(added, modified) == [("ALFA-1", 20, None, 2)]
    assert days(added, modified, deleted) == []


def test_what_ended_stays_so_until_it_is_added_again() -> None:
    """A modification of day 7 is too late; an add of day 9 is a new beginning."""
    changes = [
        order(2, leaf("1", "add")),
        order(5, leaf("1", "delete"), name="2"),
        order(7, leaf("1", "modify"), name="3"),
    ]
    assert days(*changes) == [("ALFA-1", 2, 5, 1)]
    again = order(9, leaf("1", "add"), name="4", under="BETA-1")
    assert days(*changes, again) == [("ALFA-1", 2, 5, 1), ("BETA-1", 9, None, 1)]


def test_what_was_added_before_anybody_told_us() -> None:
    """What is modified on day 5 must be in service; a suspension of it is none."""
    assert days(order(5, leaf("1", "modify"))) == [("ALFA-1", 5, None, 1)]
    assert days(
        order(5, leaf("1", "modify", status="suspended")),
        order(7, leaf("1", "modify", status="active"), name="2"),
    ) == [("ALFA-1", 7, None, 1)]


def offering(name: str, day: int, form: Form = Form.FULL, **said: Any) -> Change:  # noqa: ANN401
    """What was told of an offering on a day."""
    return told("productOffering", name, day, said, form)


def ordering(day: int, offered: str, action: str = "add", name: str = "1", **said: Any) -> Change:  # noqa: ANN401
    """An order of a product by an offering."""
    return order(day, {**leaf("1", action), "productOffering": {"id": offered}}, name=name, **said)


def test_what_is_not_on_offer_does_nothing() -> None:
    """Retired on day 3: the order of day 2 holds, that of day 5 and an unknown one do not."""
    port = [
        offering("PORT", 0, lifecycleStatus="Active"),
        offering("PORT", 3, Form.PART, lifecycleStatus="Retired"),
    ]
    assert days(*port, ordering(2, "PORT")) == [("ALFA-1", 2, None, 1)]
    for day, name, reason in ((5, "PORT", "not_in_catalogue"), (2, "X", "unknown_offering")):
        assert days(*port, ordering(day, name)) == []
        assert sold(*port, ordering(day, name))[1] == [reason]
    # Completed on day 5, but placed on day 2.
    placed = ordering(5, "PORT", creationDate=day_text(2))
    assert days(*port, placed) == [("ALFA-1", 5, None, 1)]


def test_what_was_sold_can_be_modified_when_it_is_retired() -> None:
    """By the same offering; another one must be on offer, and a delete never needs to be."""
    changes = [
        offering("PORT", 0),
        offering("PORT", 3, Form.PART, lifecycleStatus="Retired"),
        ordering(2, "PORT"),
    ]
    assert sold(*changes, ordering(5, "PORT", "modify", "2"))[1] == []
    assert sold(*changes, ordering(5, "X", "modify", "2"))[1] == ["unknown_offering"]
    assert sold(*changes, ordering(5, "X", "delete", "2"))[1] == []


def test_a_modification_is_under_the_agreement_of_its_product() -> None:
    """It names none itself; the catalogue of ALFA-1 is open to it, and what is not there is not."""
    private = [offering(name, 0, agreement=[{"id": "ALFA-1"}]) for name in ("PORT", "PORT+")]
    changes = [*private, ordering(2, "PORT"), ordering(5, "PORT+", "modify", "2", under=None)]
    assert sold(*changes)[1] == []
    other = ordering(6, "X", "modify", "3", under=None)
    assert sold(*changes, other)[1] == ["unknown_offering"]


def test_an_order_of_a_partner_needs_an_agreement() -> None:
    """Of somebody who is party to nothing it is retail, and no concern."""
    ordered = [
        order(2, leaf("1", "add"), under=None, relatedParty=[{"party": p, "role": "partner"}])
        for p in ("ALFA", "C")
    ]
    alfa = agreement("ALFA-1", "ALFA")
    assert sold(alfa, ordered[0])[1] == ["no_agreement"]
    assert sold(alfa, ordered[1]) == (sold(ordered[1])[0], [])
    assert days(alfa, ordered[1]) == []


def test_what_each_item_sold() -> None:
    """By which channel, to whom, under what and for how long: the add ends with the delete."""
    channel = [{"id": "shop-12"}]
    changes = [
        agreement("ALFA-1", "ALFA"),
        ordering(2, "PORT", channel=channel),
        ordering(9, "PORT", "delete", "2"),
        order(4, leaf("1", "add", "inProgress", "Q"), name="3", under=None),
    ]
    first = ("1", "1", "P", "ALFA", "ALFA-1", "PORT", "shop-12", "add", "completed")
    second = ("2", "1", "P", "ALFA", "ALFA-1", "PORT", "", "delete", "completed")
    third = ("3", "1", "Q", "", "", "", "", "add", "inProgress")
    assert facts(sold(*changes)[0]) == [
        OrderFact(*first, day_us(2), day_us(9)),
        OrderFact(*second, day_us(9), day_us(9)),
        OrderFact(*third, None, None),
    ]
    assert facts(sold(*changes[:2])[0])[0].upto_us == FOREVER_US
    # Sold again on day 11: the end of day 9 is none of this one.
    again = facts(sold(*changes, ordering(11, "PORT", name="4"))[0])[-1]
    assert (again.from_us, again.upto_us) == (day_us(11), FOREVER_US)


DAYS = st.integers(0, 9)


def item(
    number: int, action: Action, completed: int, holds: int, said: tuple[str, int | None, str]
) -> OrderItem:
    """A completed item of product P."""
    under, units, status = said
    moments = (day_us(completed), day_us(holds))
    head = (str(number), "1", "P", "", under, "", "", action, "completed", 0)
    return OrderItem(*head, *moments, units, status)


SAID = st.tuples(
    st.sampled_from(["A", "B", ""]),
    st.sampled_from([None, 1, 2]),
    st.sampled_from(["", "active", "suspended", "terminated", "created"]),
)
ACTIONS = st.sampled_from([Action.ADD, Action.MODIFY, Action.DELETE])
ITEMS = st.lists(st.tuples(ACTIONS, DAYS, DAYS, SAID), max_size=6).map(
    lambda rows: [item(number, *row) for number, row in enumerate(rows)]
)


@given(ITEMS, st.randoms())
def test_a_plain_reading_of_each_day_finds_the_same(items: list[OrderItem], random: Any) -> None:  # noqa: ANN401
    """In whatever order items come; the intervals of a product neither overlap nor repeat."""
    shuffled = random.sample(items, len(items))
    rows = intervals(items).get("P", ())
    assert intervals(shuffled).get("P", ()) == rows
    for day in range(-1, 12):
        at_us = day_us(day)
        found = [(r.agreement, r.units) for r in rows if r.from_us <= at_us < r.upto_us]
        expected = plain_ordered(items, day)
        assert found == ([] if expected is None else [expected])
    for one, other in pairwise(rows):
        assert one.upto_us <= other.from_us
        assert one.upto_us < other.from_us or one[1::3] != other[1::3]
