"""What the items of orders ask for, and since when they hold."""

from __future__ import annotations

from typing import Any

import pytest

from streams.control.agreement_names import AgreementNames
from streams.control.changes import Change, Form
from streams.control.orders import Action, OrderItem, ordered_items
from tests.streams.control.inventory_makers import (
    agreement,
    day_of,
    day_text,
    day_us,
    known,
    told,
)
from tests.streams.control.order_makers import leaf, order, states


def read(*changes: Change) -> tuple[dict[str, OrderItem], list[str]]:
    """The items by their path, and the reasons of findings."""
    entities = known(changes)
    items, findings = ordered_items(entities, AgreementNames(entities))
    return {item.item: item for item in items}, [finding.reason for finding in findings]


def days(*changes: Change) -> dict[str, int | None]:
    """From which day on each item holds; those that do nothing are not there."""
    items, _ = read(*changes)
    return {path: day_of(i.holds_us) for path, i in items.items() if i.holds_us is not None}


def test_an_item_holds_when_it_becomes_completed() -> None:
    """In progress from day 0; the states of day 4 start it, and repeating them changes nothing."""
    placed = order(0, leaf("1", "add", "inProgress"), leaf("2", "add", "inProgress", "Q"))
    assert days(placed) == {}
    assert days(placed, states(4, _1="completed")) == {"1": 4}
    again = order(9, leaf("1", "add"), leaf("2", "add", "inProgress", "Q"))
    assert days(placed, states(4, _1="completed"), again) == {"1": 4}


def test_the_start_of_the_product_goes_before_the_message() -> None:
    """Completed on day 4, in service since day 2, as the product in the item says."""
    placed = order(0, leaf("1", "add", "inProgress", startDate=day_text(2)))
    assert days(placed, states(4, _1="completed")) == {"1": 2}


def test_an_order_that_is_completed_when_it_is_first_told() -> None:
    """Nobody saw it happen: its completion says when, else the message."""
    assert days(order(9, leaf("1", "add"), completionDate=day_text(3))) == {"1": 3}
    assert days(order(9, leaf("1", "add"))) == {"1": 9}
    # Where it was seen, its completion does not matter.
    seen = order(0, leaf("1", "add", "inProgress")), order(5, leaf("1", "add"), completionDate="x")
    assert days(*seen) == {"1": 5}


def test_an_item_that_comes_again_is_a_new_one() -> None:
    """Completed on day 2, no longer in the order on day 4, completed again on day 6."""
    images = [order(2, leaf("1", "add")), order(4), order(6, leaf("1", "add"))]
    assert days(*images) == {"1": 6}


def test_a_delete_holds_from_the_end_of_the_product() -> None:
    """Completed on day 4, with an end on day 3; a start does not matter to it."""
    ended = leaf("1", "delete", terminationDate=day_text(3), startDate=day_text(1))
    assert days(order(4, ended)) == {"1": 3}
    assert days(order(4, leaf("1", "delete"))) == {"1": 4}


def test_a_modification_holds_from_its_completion() -> None:
    """The start in it is that of the product, long ago."""
    assert days(order(4, leaf("1", "modify", startDate=day_text(1)))) == {"1": 4}


def test_of_an_order_fulfilled_in_part_the_completed_items_count() -> None:
    """Also of one that failed: the leaf decides."""
    for state in ("partial", "failed", "inProgress.accepted"):
        items = leaf("1", "add"), leaf("2", "add", "failed", "Q"), leaf("3", "add", "cancelled")
        assert days(order(4, *items, state=state)) == {"1": 4}


def test_the_leaf_decides_and_not_the_item_around_it() -> None:
    """A bundle in progress with one completed part; and a completed bundle with a failed part."""
    inner = [leaf("2", "add"), leaf("3", "add", "failed", "Q")]
    for state in ("inProgress", "completed"):
        bundle = {**leaf("1", "add", state, "BUNDLE"), "productOrderItem": inner}
        found = days(order(4, bundle))
        assert found == {"1/2": 4}


def test_states_of_inner_items_are_told_by_their_own_id() -> None:
    """The leaf of a leaf."""
    innermost = {"id": "2", "productOrderItem": [leaf("3", "add", "inProgress")]}
    placed = order(0, {"id": "1", "productOrderItem": [innermost]})
    assert days(placed, states(4, _3="completed")) == {"1/2/3": 4}


def test_what_a_leaf_does_not_say_is_said_around_it() -> None:
    """Agreement, offering and state from the bundle; of what both say, the leaf's counts."""
    bundle = {
        "id": "1",
        "state": "completed",
        "agreement": [{"id": "BETA-1"}],
        "productOffering": {"id": "BUNDLE"},
        "productOrderItem": [
            leaf("2", "add", None),
            leaf("3", "add", None, "Q", agreements=[{"agreement": "GAMMA-1"}]),
        ],
    }
    bundle["productOrderItem"][1]["productOffering"] = {"id": "PORT"}  # type: ignore[index]
    items, _ = read(order(4, bundle))
    found = [(i.product, i.agreement, i.offering, i.state) for i in items.values()]
    assert found == [
        ("P", "BETA-1", "BUNDLE", "completed"),
        ("Q", "GAMMA-1", "PORT", "completed"),
    ]


def test_items_without_states_have_that_of_the_order() -> None:
    """An order that is completed as a whole."""
    placed = order(0, leaf("1", "add", None), state="inProgress")
    assert days(placed) == {}
    assert days(placed, states(6, order_state="completed")) == {"1": 6}


def test_a_completed_order_with_an_item_under_way_is_told() -> None:
    """The item holds, because charging needs its own state; items that failed are settled."""
    items, reasons = read(order(4, leaf("1", "add", "inProgress"), state="completed"))
    assert (items["1"].holds_us, reasons) == (None, ["contradiction"])
    assert read(order(4, leaf("1", "add", "failed"), state="completed"))[1] == []


def test_an_item_that_changes_nothing() -> None:
    """It stands in the order for the sake of others."""
    assert days(order(4, leaf("1", "noChange"))) == {}
    assert read(order(4, leaf("1", "noChange")))[0]["1"].action is Action.NO_CHANGE


def test_demarcation_at_the_end_user() -> None:
    """Completed on day 4, accepted on day 6: it holds from then on; at the interconnect at once."""
    accepted = {"demarcation": "end_user", "endUserAcceptedAt": day_text(6)}
    assert days(order(4, leaf("1", "add", characteristics=accepted))) == {"1": 6}
    started = leaf("1", "add", startDate=day_text(8), characteristics=accepted)
    assert days(order(4, started)) == {"1": 8}
    accepted["demarcation"] = "point_of_interconnect"
    assert days(order(4, leaf("1", "add", characteristics=accepted))) == {"1": 4}


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (leaf("1", "replace"), "unknown_action"),
        ({"id": "1", "action": "add", "state": "completed"}, "incomplete"),
        (leaf("1", "add", characteristics={"units": "many"}), "bad_value"),
        (leaf("1", "add", characteristics={"demarcation": "roof"}), "bad_value"),
        (leaf("1", "add", startDate="soon"), "bad_time"),
        (leaf("1", "delete", terminationDate="soon"), "bad_time"),
    ],
)
def test_an_item_that_nobody_understands_does_nothing(item: dict[str, Any], reason: str) -> None:
    """It is told, once it is completed."""
    assert read(order(4, item))[1] == [reason]
    assert days(order(4, item)) == {}
    assert read(order(4, {**item, "state": "inProgress"}))[1] == []


@pytest.mark.parametrize("values", [{"creationDate": "soon"}, {"completionDate": "soon"}])
def test_dates_of_the_order_that_are_no_moments(values: dict[str, str]) -> None:
    """They decide when it was placed and when it was completed."""
    assert read(order(4, leaf("1", "add"), **values))[1] == ["bad_time"]


def test_parts_of_an_order_wait_for_its_image() -> None:
    """They are told until it comes; an order that is only deleted is nothing."""
    assert read(states(4, _1="completed")) == ({}, ["incomplete"])
    assert read(told("productOrder", "1", 4, {}, Form.GONE)) == ({}, [])


def test_an_order_that_is_deleted_stays_done() -> None:
    """Orders are tidied away; what they did stays. What comes after is no image."""
    gone = told("productOrder", "1", 6, {}, Form.GONE)
    assert days(order(4, leaf("1", "add")), gone) == {"1": 4}
    assert days(order(4, leaf("1", "add")), gone, states(8, order_state="held")) == {"1": 4}


def test_when_it_was_placed() -> None:
    """By its own date in either dialect (the reader gives one), else when it was first told."""
    items, _ = read(order(4, leaf("1", "add"), creationDate=day_text(2)))
    assert items["1"].ordered_us == day_us(2)
    items, _ = read(order(4, leaf("1", "add"), orderDate=day_text(3)))
    assert items["1"].ordered_us == day_us(3)
    placed = order(4, leaf("1", "add", "inProgress")), states(6, _1="completed")
    assert read(*placed)[0]["1"].ordered_us == day_us(4)


def test_who_ordered() -> None:
    """Who has the role, a partner before its customer; else the partner of the agreement."""
    alfa = agreement("ALFA-1", "ALFA", "US")
    customer, reseller = {"party": "C", "role": "Customer"}, {"party": "R", "role": "reseller"}
    items, _ = read(alfa, order(4, leaf("1", "add"), relatedParty=[customer, reseller]))
    assert items["1"].partner == "R"
    items, _ = read(alfa, order(4, leaf("1", "add"), relatedParty=[customer]))
    assert items["1"].partner == "C"
    items, _ = read(alfa, order(4, leaf("1", "add"), relatedParty=[{"party": "X", "role": "z"}]))
    assert items["1"].partner == "ALFA"
    assert read(order(4, leaf("1", "add")))[0]["1"].partner == ""


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ([{"id": "shop-12", "name": "Shop"}], "shop-12"),
        ([{"channel": {"name": "Web"}}], "Web"),
        ("web", "web"),
        ([], ""),
    ],
)
def test_the_channel_is_kept(channel: object, expected: str) -> None:
    """By its id, else its name."""
    assert read(order(4, leaf("1", "add"), channel=channel))[0]["1"].channel == expected


def test_junk_within_an_order_is_passed_over() -> None:
    """The reader vouches for what it reads; deep inside anything may stand."""
    junk = told("productOrder", "1", 4, {"productOrderItem": [None, 5, {"id": {}, "product": []}]})
    items, _ = read(junk)
    assert [(i.product, i.action) for i in items.values()] == [("", None)]
