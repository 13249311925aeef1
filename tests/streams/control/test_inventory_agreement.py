"""Histories of products and orders, told late, twice and out of order, against a plain reading.

The plain reading folds what was told by itself, finds out what each order did, and then asks for
every day what is in service. Each thing is told something at most once a day, because of two images
of one moment the order is a matter of the fold (`tests/state/test_entities.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.control.changes import Change, Form
from streams.control.in_service import Dates, Stage
from streams.control.inventory import intervals, keys
from streams.control.orders import Action, OrderItem
from tests.streams.control.inventory_makers import day_text, day_us, known, told
from tests.streams.control.plain_service import DAY_FIRST, DAY_LAST, Told, plain, plain_ordered

Images = Sequence[tuple[int, dict[str, Any] | None, bool]]
"""Day, what is known from then on (None: it is deleted), and whether a full image came."""

STAGES = {
    "created": Stage.WAITING,
    "pendingActive": Stage.WAITING,
    "active": Stage.RUNNING,
    "pendingTerminate": Stage.RUNNING,
    "suspended": Stage.PAUSED,
    "terminated": Stage.ENDED,
    "cancelled": Stage.VOID,
    "aborted ": Stage.VOID,
}
COMPLETED = "completed"


def folded(changes: Sequence[Change]) -> Images:
    """What is known of a thing, from day to day."""
    found: list[tuple[int, dict[str, Any] | None, bool]] = []
    values: dict[str, Any] = {}
    is_whole = False
    for change in sorted(changes, key=lambda change: change.at_us):
        states = {s["itemId"]: s["state"] for s in change.attributes.get("itemStateChange", ())}
        said = {k: v for k, v in change.attributes.items() if k != "itemStateChange"}
        values = said if change.form is Form.FULL else {**values, **said}
        values = {} if change.form is Form.GONE else values
        is_whole = change.form is Form.FULL or (is_whole and change.form is Form.PART)
        if states and "productOrderItem" in values:
            items = values["productOrderItem"]
            values = {**values, "productOrderItem": [restated(item, states) for item in items]}
        day = (change.at_us - day_us(0)) // (day_us(1) - day_us(0))
        found.append((day, None if change.form is Form.GONE else values, is_whole))
    return found


def restated(item: dict[str, Any], states: dict[str, str]) -> dict[str, Any]:
    """An item with the states that were told, and the items in it."""
    inner = {"productOrderItem": [restated(i, states) for i in item.get("productOrderItem", ())]}
    state = {"state": states[item["id"]]} if item["id"] in states else {}
    return {**item, **state, **(inner if inner["productOrderItem"] else {})}


def versions(images: Images) -> list[Told]:
    """The versions of a product as the plain reading takes them, under agreement and units."""
    found: list[Told] = []
    for day, values, is_whole in images:
        if values is None:
            found.append((day, Stage.VOID, None, "", False))
            continue
        dates = Dates(values.get("startDate", ""), values.get("terminationDate", ""))
        stage = Stage.RUNNING if is_whole and dates.start else Stage.WAITING
        stage = STAGES.get(values.get("status", ""), stage)
        units = values.get("characteristics", {}).get("units", 1)
        under = "" if is_whole else None
        if values.get("agreements"):
            under = f"{values['agreements'][0]['agreement']} {units}"
        found.append((day, stage, dates, under, is_whole))
    return found


def leaves(values: dict[str, Any], around: str = "") -> dict[str, dict[str, Any]]:
    """The leaves of an order by their path."""
    found: dict[str, dict[str, Any]] = {}
    for item in values.get("productOrderItem", ()):
        path = f"{around}{item['id']}"
        inner = leaves(item, f"{path}/")
        found |= inner or {path: item}
    return found


def done(name: str, images: Images) -> list[OrderItem]:
    """What the completed leaves of an order did."""
    whole = [n for n, (_, values, is_whole) in enumerate(images) if is_whole and values is not None]
    if not whole:
        return []
    last, values, _ = images[whole[-1]]
    assert values is not None
    found = []
    for path, leaf in leaves(values).items():
        if leaf["state"] != COMPLETED:
            continue
        completed, is_seen = last, False
        for day, earlier, _ in reversed(images[: whole[-1]]):
            state = leaves(earlier or {}).get(path, {}).get("state")
            is_seen = state not in {None, COMPLETED}
            if state != COMPLETED:
                break
            completed = day
        completed_us = day_us(completed)
        if not is_seen and "completionDate" in values:
            completed_us = values["completionDate"]
            completed_us = next(day_us(d) for d in range(16) if day_text(d) == completed_us)
        product, action = leaf["product"], Action(leaf["action"])
        date = {Action.ADD: "startDate", Action.DELETE: "terminationDate"}.get(action, "")
        said = [day_us(d) for d in range(16) if day_text(d) == product.get(date)]
        holds_us = said[0] if said else completed_us
        units = product.get("characteristics", {}).get("units")
        under, status = product["agreements"][0]["agreement"], product.get("status", "")
        head = (name, path, product["id"], "", under, "", "", action, COMPLETED, 0)
        found.append(OrderItem(*head, completed_us, holds_us, units, status))
    return found


def expected(changes: Sequence[Change], name: str) -> dict[int, tuple[str, int] | None]:
    """Under what and in how many units a product is in service, day by day."""
    told_of = [c for c in changes if (c.kind, c.id) == ("product", name)]
    if told_of:
        words = plain(versions(folded(told_of)))
        pairs = {day: word.rpartition(" ") for day, word in words.items()}
        return {day: (pair[0], int(pair[2])) if pair[2] else None for day, pair in pairs.items()}
    items = []
    for order in "12":
        items += done(
            order, folded([c for c in changes if (c.kind, c.id) == ("productOrder", order)])
        )
    of_product = [item for item in items if item.product == name]
    return {day: plain_ordered(of_product, day) for day in range(DAY_FIRST, DAY_LAST + 1)}


DAYS = st.integers(0, 12)
TIMES = DAYS.map(day_text)
AGREEMENTS = st.sampled_from(["A", "B"]).map(lambda name: [{"agreement": name}])
UNITS = st.sampled_from([{}, {"units": 2}])
PRODUCTS = st.fixed_dictionaries(
    {"agreements": AGREEMENTS},
    optional={
        "status": st.sampled_from([*STAGES]),
        "startDate": TIMES,
        "terminationDate": TIMES,
        "characteristics": UNITS,
    },
)
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from([*STAGES]),
        "agreements": AGREEMENTS,
        "startDate": TIMES,
        "terminationDate": TIMES,
    },
)
STATES = st.sampled_from([COMPLETED, COMPLETED, "inProgress", "failed"])
ORDERED = st.fixed_dictionaries(
    {"id": st.sampled_from("PR"), "agreements": AGREEMENTS},
    optional={
        "startDate": TIMES,
        "terminationDate": TIMES,
        "characteristics": UNITS,
        "status": st.sampled_from(["active", "suspended", "terminated"]),
    },
)


def leaf(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """A leaf of an order; leaves of one name may be of any product, as masters may correct it."""
    actions = st.sampled_from(["add", "add", "modify", "delete"])
    said = {"id": st.just(name), "action": actions, "state": STATES, "product": ORDERED}
    return st.fixed_dictionaries(said)


BUNDLE = st.tuples(leaf("2"), leaf("3")).map(
    lambda inner: {"id": "4", "productOrderItem": [*inner]}
)
ORDERS = st.fixed_dictionaries(
    {"productOrderItem": st.tuples(leaf("1"), BUNDLE).map(list)},
    optional={"completionDate": TIMES},
)
CHANGED = st.dictionaries(st.sampled_from("123"), STATES).map(
    lambda states: {"itemStateChange": [{"itemId": i, "state": s} for i, s in states.items()]}
)


def told_of(
    kind: str, names: str, full: st.SearchStrategy[Any], part: st.SearchStrategy[Any]
) -> st.SearchStrategy[Change]:
    """Something told of one of some things."""
    head = (st.just(kind), st.sampled_from(names), DAYS)
    return st.one_of(
        st.builds(told, *head, full),
        st.builds(told, *head, full),
        st.builds(told, *head, part, st.just(Form.PART)),
        st.builds(told, *head, part, st.just(Form.PART)),
        st.builds(told, *head, st.just({}), st.just(Form.GONE)),
    )


CHANGES = st.lists(
    told_of("product", "P", PRODUCTS, PARTS) | told_of("productOrder", "12", ORDERS, CHANGED),
    max_size=9,
    unique_by=lambda change: (change.kind, change.id, change.at_us),
)


@given(CHANGES, st.randoms())
def test_every_day_is_as_a_plain_reading_says(changes: list[Change], random: Any) -> None:  # noqa: ANN401
    """Both products, all days; and the keys are the intervals without their units."""
    again = [*changes, *random.choices(changes, k=2)] if changes else []
    random.shuffle(again)
    entities = known(again)
    rows = intervals(entities)
    written = keys(entities)[0]
    for name in "PR":
        for day, pair in expected(changes, name).items():
            at_us = day_us(day)
            held = [r for r in rows if r.product == name and r.from_us <= at_us < r.upto_us]
            assert [(r.agreement, r.units) for r in held] == ([] if pair is None else [pair])
            at = day_text(day).replace("Z", "+00:00")
            owners = [
                key.agreement
                for key in written
                if key.key == name and key.valid_from <= at < (key.valid_upto or "9")
            ]
            assert owners == [row.agreement for row in held]
