"""Keys from all masters at once, and what they tell differently."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.documents import Problems
from schemas.keys import COLUMNS, read_keys
from state.entities import FOREVER_US
from streams.control.changes import Change, Form
from streams.control.derived import Finding, Key
from streams.control.in_service import InService
from streams.control.inventory import intervals, keys, order_facts
from tests.streams.control.inventory_makers import agreement, day_text, day_us, known, told
from tests.streams.control.order_makers import leaf, order, states

UNDER = {"agreements": [{"agreement": "ALFA-1", "item": ""}]}


def product(day: int, status: str, name: str = "P", **said: Any) -> Change:  # noqa: ANN401
    """A full image of a product on a day, under ALFA-1 unless it says otherwise."""
    return told("product", name, day, {"status": status, **UNDER, **said})


def found(*changes: Change) -> tuple[Sequence[Key], list[str]]:
    """The keys, and the reasons of the findings."""
    rows, findings = keys(known(changes))
    return rows, [finding.reason for finding in findings]


def at(day: int) -> str:
    """A day as `attribution.csv` writes it."""
    return day_text(day).replace("Z", "+00:00")


def row(since: int, until: int | None = None, under: str = "ALFA-1", name: str = "P") -> Key:
    """The row of a product."""
    return Key("product", name, under, at(since), "" if until is None else at(until))


def test_keys_of_all_masters() -> None:
    """A product of the inventory, one that orders alone know, and a route; sorted."""
    route = {"kind": "route", "key": "TG-001", "agreement": "ALFA-1"}
    rows, reasons = found(
        agreement("ALFA-1", "ALFA"),
        product(3, "active"),
        order(4, leaf("1", "add", product="Q")),
        told("resource", "T", 2, {"characteristics": {"weirKey": route}}),
    )
    assert rows == [row(3), row(4, name="Q"), Key("route", "TG-001", "ALFA-1", at(2), "")]
    assert reasons == []


def test_units_split_intervals_and_not_keys() -> None:
    """Two units from day 0, three from day 5: one key, two intervals."""
    changes = [
        product(0, "active", characteristics={"units": 2}),
        product(5, "active", characteristics={"units": 3}),
    ]
    assert intervals(known(changes)) == [
        InService("P", "ALFA-1", day_us(0), day_us(5), 2),
        InService("P", "ALFA-1", day_us(5), FOREVER_US, 3),
    ]
    assert found(*changes)[0] == [row(0)]


def test_the_inventory_is_the_master_of_what_it_knows() -> None:
    """It says day 6; the order of day 4 is of no account, and its add is seen: no contradiction."""
    assert found(order(4, leaf("1", "add")), product(6, "active")) == ([row(6)], [])
    # A product that is known and not yet active is not filled in by its order either.
    assert found(order(4, leaf("1", "add")), product(6, "created")) == ([], [])


def test_orders_fill_in_what_the_inventory_does_not_know() -> None:
    """Nested, with a late state, and ended by another order."""
    bundle = {"id": "1", "productOrderItem": [leaf("2", "add", "inProgress")]}
    placed = order(0, bundle)
    done = states(4, _2="completed")
    ended = order(9, leaf("1", "delete"), name="2")
    assert found(placed, done, ended) == ([row(4, 9)], [])
    assert found(placed, ended) == ([], [])


@pytest.mark.parametrize(
    "history",
    [
        [product(0, "active"), product(3, "terminated")],
        [product(0, "created"), product(3, "cancelled")],
        [product(0, "active"), told("product", "P", 3, {}, Form.GONE)],
    ],
)
def test_an_add_after_the_end_contradicts(history: list[Change]) -> None:
    """Over on day 3 by the inventory, put in service on day 5 by an order: the inventory holds."""
    rows, reasons = found(*history, order(5, leaf("1", "add")))
    assert reasons == ["contradiction"]
    assert rows == found(*history)[0]


def test_a_delete_that_the_inventory_does_not_see_contradicts() -> None:
    """In service without an end, although an order ended it on day 5; with an end it is settled."""
    deleted = order(5, leaf("1", "delete"))
    assert found(product(0, "active"), deleted) == ([row(0)], ["contradiction"])
    ended = product(6, "terminated", terminationDate=day_text(5))
    assert found(product(0, "active"), deleted, ended) == ([row(0, 5)], [])
    # An order that is older than the newest one of the product has been overtaken.
    again = order(7, leaf("1", "add"), name="2")
    assert found(product(0, "active"), deleted, again) == ([row(0)], [])


def test_another_agreement_contradicts() -> None:
    """BETA-1 by its order, ALFA-1 by the inventory; an order without one says nothing of it."""
    changes = product(0, "active"), order(5, leaf("1", "add"), under="BETA-1")
    rows, findings = keys(known(changes))
    assert rows == [row(0)]
    detail = "is under agreement 'ALFA-1', not 'BETA-1' as in order '1'"
    held = "the inventory holds: correct one of the two"
    assert findings == [Finding("product", "P", "contradiction", f"{detail}; {held}")]
    retail = order(5, leaf("1", "add"), under=None)
    assert found(product(0, "active"), retail) == ([row(0)], [])


def test_a_name_that_is_no_key_is_left_out() -> None:
    """A product of two lines, and one under an agreement whose name nobody could write."""
    wide = product(0, "active", "Q", agreements=[{"agreement": "Alfa Carrier"}])
    assert found(product(0, "active", "P\n1"), wide) == ([], ["bad_key", "bad_key"])


def test_two_things_may_claim_one_key() -> None:
    """For one agreement it is one row; for two the caller decides."""
    route = {"kind": "route", "key": "TG-001", "agreement": "ALFA-1"}
    other = {**route, "agreement": "BETA-1"}
    changes = [
        told("resource", "T", 0, {"characteristics": {"weirKey": route}}),
        told("service", "S", 2, {"state": "active", "characteristics": {"weirKey": route}}),
    ]
    assert found(*changes)[0] == [Key("route", "TG-001", "ALFA-1", at(0), "")]
    third = told("resource", "U", 5, {"characteristics": {"weirKey": other}})
    assert [one.agreement for one in found(*changes, third)[0]] == ["ALFA-1", "BETA-1"]


def test_facts_of_orders() -> None:
    """By way of the catalogue, so that what was not on offer sold nothing."""
    placed = order(4, {**leaf("1", "add"), "productOffering": {"id": "PORT"}})
    [fact] = order_facts(known([placed]))
    assert (fact.offering, fact.from_us, fact.upto_us) == ("PORT", day_us(4), FOREVER_US)
    [fact] = order_facts(known([placed, told("productOffering", "OTHER", 0, {})]))
    assert (fact.from_us, fact.upto_us) == (None, None)


JUNK = st.sampled_from([None, 5, "x", [], {}, [None], {"id": 5}, True])
TIMES = st.integers(0, 12).map(day_text) | st.sampled_from(["soon", "2026-01-05", "9999-12-31"])
STATUSES = st.sampled_from(
    ["created", "active", "suspended", "pendingTerminate", "terminated", "cancelled", "aborted "]
)
AGREEMENTS = st.sampled_from(["ALFA-1", "BETA-1", "7", "Alfa Carrier"])
REFERENCES = st.lists(st.fixed_dictionaries({"agreement": AGREEMENTS}), max_size=1)
CHARACTERISTICS = st.fixed_dictionaries(
    {},
    optional={
        "units": st.integers(0, 3) | JUNK,
        "demarcation": st.sampled_from(["end_user", "point_of_interconnect"]) | JUNK,
        "endUserAcceptedAt": TIMES,
        "weirKey": st.fixed_dictionaries(
            {"kind": st.just("route"), "key": st.sampled_from("XY"), "agreement": AGREEMENTS}
        )
        | JUNK,
    },
)
PRODUCTS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["P", "Q"]),
        "status": STATUSES | JUNK,
        "startDate": TIMES | JUNK,
        "terminationDate": TIMES | JUNK,
        "agreements": REFERENCES | JUNK,
        "characteristics": CHARACTERISTICS | JUNK,
    },
)
LEAVES = st.fixed_dictionaries(
    {"id": st.sampled_from("123"), "action": st.sampled_from(["add", "modify", "delete", "x"])},
    optional={
        "state": st.sampled_from(["completed", "inProgress", "failed"]) | JUNK,
        "product": PRODUCTS | JUNK,
        "productOffering": st.fixed_dictionaries({"id": st.sampled_from(["PORT", "OTHER"])}),
    },
)
ORDER_ITEMS = st.lists(
    LEAVES
    | st.fixed_dictionaries({"id": st.sampled_from("45"), "productOrderItem": st.lists(LEAVES)}),
    max_size=3,
)
ORDERS = st.fixed_dictionaries(
    {},
    optional={
        "productOrderItem": ORDER_ITEMS,
        "state": st.sampled_from(["completed", "inProgress"]),
        "agreement": st.lists(st.fixed_dictionaries({"id": AGREEMENTS}), max_size=1) | JUNK,
        "relatedParty": JUNK,
        "creationDate": TIMES,
        "completionDate": TIMES,
    },
)
THINGS = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from(["designed", "active", "suspended", "terminated"]) | JUNK,
        "administrativeState": st.sampled_from(["locked", "unlocked"]),
        "startDate": TIMES,
        "endOperatingDate": TIMES | JUNK,
        "characteristics": CHARACTERISTICS | JUNK,
    },
)
OFFERINGS = st.fixed_dictionaries(
    {},
    optional={
        "lifecycleStatus": st.sampled_from(["Active", "Retired"]) | JUNK,
        "agreement": st.lists(st.fixed_dictionaries({"name": AGREEMENTS}), max_size=2) | JUNK,
        "validFor": st.fixed_dictionaries({"endDateTime": TIMES}) | JUNK,
    },
)
NAMED = st.fixed_dictionaries({"name": AGREEMENTS | JUNK}, optional={"engagedParty": JUNK})


def changes_of(kind: str, names: Sequence[str], values: st.SearchStrategy[Any]) -> Any:  # noqa: ANN401
    """Changes of some things of a kind."""
    return st.builds(
        told,
        st.just(kind),
        st.sampled_from(names),
        st.integers(0, 12),
        values,
        st.sampled_from([Form.FULL, Form.FULL, Form.PART, Form.GONE]),
    )


CHANGES = st.lists(
    st.one_of(
        changes_of("product", "PQ", PRODUCTS),
        changes_of("productOrder", "12", ORDERS),
        changes_of("resource", "TU", THINGS),
        changes_of("service", "S", THINGS),
        changes_of("productOffering", ["PORT"], OFFERINGS),
        changes_of("agreement", "78", NAMED),
    ),
    max_size=10,
)


def claims(rows: Iterable[Key]) -> list[Key]:
    """Rows of which no two claim one key: those of the agreement that claims it first."""
    owner: dict[tuple[str, str], str] = {}
    return [r for r in rows if owner.setdefault((r.kind, r.key), r.agreement) == r.agreement]


@given(CHANGES, st.randoms())
def test_any_set_of_changes_leads_to_keys(changes: list[Change], random: Any) -> None:  # noqa: ANN401
    """Always the same ones, one agreement a product at a time, and a file of them loads."""
    again = [*changes, *random.choices(changes, k=3)] if changes else []
    random.shuffle(again)
    entities, others = known(changes), known(again)
    assert keys(entities) == keys(others)
    assert order_facts(entities) == order_facts(others)
    rows = intervals(entities)
    assert rows == intervals(others)
    for one, other in pairwise(rows):
        assert one.from_us < one.upto_us
        assert one.product != other.product or one.upto_us <= other.from_us
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n").writerows([COLUMNS, *claims(keys(entities)[0])])
    problems = Problems()
    read_keys(written.getvalue().encode(), None, problems)
    assert problems.found == []
