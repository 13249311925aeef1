"""Versions follow from what was told, in whatever order and however often it came."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from state.entities import FOREVER_US, Entities
from streams.control.changes import Change, Form


def change(at_us: int, form: Form = Form.PART, known_us: int = 0, **said: Any) -> Change:  # noqa: ANN401
    """A change of the order 1 at a moment."""
    return Change("productOrder", "1", at_us, form, said, "orders", "", "order.v1/0/0/0", known_us)


def known(*changes: Change) -> Entities:
    """What is known after some changes."""
    entities = Entities()
    for one in changes:
        entities.add(one)
    return entities


def test_a_part_changes_some_attributes_and_a_full_image_all() -> None:
    """What a part does not say stays; what a full image does not say is gone."""
    entities = known(
        change(10, Form.FULL, state="acknowledged", category="wholesale"),
        change(20, state="completed"),
        change(30, Form.FULL, state="completed"),
    )
    history = entities.history("productOrder", "1")
    assert [(v.from_us, v.upto_us, dict(v.attributes)) for v in history] == [
        (10, 20, {"state": "acknowledged", "category": "wholesale"}),
        (20, 30, {"state": "completed", "category": "wholesale"}),
        (30, FOREVER_US, {"state": "completed"}),
    ]


def test_a_part_before_its_full_image_waits() -> None:
    """Alone it is incomplete; once the earlier image is there it is what it would have been."""
    late = change(20, itemStateChange=[{"itemId": "2", "state": "completed"}])
    entities = known(late)
    [version] = entities.history("productOrder", "1")
    assert not version.is_complete
    items = [{"id": "1", "productOrderItem": [{"id": "2", "state": "inProgress"}]}]
    entities.add(change(10, Form.FULL, productOrderItem=items))
    last = entities.latest("productOrder", "1")
    assert last is not None
    assert last.is_complete
    assert last.attributes["productOrderItem"][0]["productOrderItem"][0]["state"] == "completed"
    assert items[0]["productOrderItem"] == [{"id": "2", "state": "inProgress"}]


def test_states_and_items_that_are_none_change_nothing() -> None:
    """Whatever a master puts there, the order can be read; an id may be a number."""
    items = [{"id": 1, "productOrderItem": "none"}, 5]
    entities = known(
        change(10, Form.FULL, productOrderItem=items),
        change(20, itemStateChange=[{"itemId": "1", "state": "completed"}, 7, {"itemId": []}]),
        change(30, itemStateChange="all"),
    )
    last = entities.latest("productOrder", "1")
    assert last is not None
    [item] = last.attributes["productOrderItem"]
    assert item == {"id": 1, "productOrderItem": "none", "state": "completed"}
    assert known(change(10, itemStateChange=[{"itemId": "1"}], productOrderItem=3)).latest(
        "productOrder", "1"
    )


def test_what_is_deleted_is_not_there_until_it_is_made_again() -> None:
    """An end leaves nothing of what was known before it."""
    entities = known(
        change(10, Form.FULL, state="active"), change(20, Form.GONE), change(30, category="new")
    )
    assert entities.at("productOrder", "1", 19) is not None
    assert entities.at("productOrder", "1", 20) is None
    again = entities.at("productOrder", "1", 30)
    assert again is not None
    assert (dict(again.attributes), again.is_complete) == ({"category": "new"}, False)


def test_what_was_believed_then_is_known_now() -> None:
    """Only changes that had come by then count; a change told twice came with its first."""
    first, second = change(10, Form.FULL, known_us=100, n=1), change(20, known_us=300, n=2)
    entities = known(first, second, change(20, known_us=200, n=2))
    assert entities.at("productOrder", "1", 25, known_us=199).attributes["n"] == 1  # type: ignore[union-attr]
    assert entities.at("productOrder", "1", 25, known_us=200).attributes["n"] == 2  # type: ignore[union-attr]


CHANGES = st.builds(
    change,
    st.integers(0, 5),
    st.sampled_from(Form),
    st.integers(0, 3),
    state=st.sampled_from("abc"),
)


@given(st.lists(CHANGES, max_size=8), st.randoms())
def test_any_order_and_repetition_comes_to_the_same(told: list[Change], random: Any) -> None:  # noqa: ANN401
    """The set of changes decides, not how they came."""
    again = [*told, *random.choices(told, k=3)] if told else []
    random.shuffle(again)
    assert known(*told).history("productOrder", "1") == known(*again).history("productOrder", "1")


def from_source(source: str, known_us: int, **said: Any) -> Change:  # noqa: ANN401
    """A full image of the order 1 that a source told."""
    return replace(change(10, Form.FULL, known_us, **said), source=source)


def test_the_source_that_told_first_is_that_of_record() -> None:
    """What another one says of the same thing is not folded, whatever its master's clock says."""
    first, second = from_source("crm", 1, n=1), from_source("shop", 2, n=2)
    held, others = known(second, first).of_record()
    assert [v.attributes for v in held.history("productOrder", "1")] == [{"n": 1}]
    assert others == [second]
    assert held.first_told("productOrder", "1") == (1, "order.v1/0/0/0")


def test_a_declared_source_is_that_of_record() -> None:
    """Even if it has not told anything yet: then nothing is known."""
    first, second = from_source("crm", 1, n=1), from_source("shop", 2, n=2)
    held, others = known(first, second).of_record({"productOrder": "shop"})
    assert [v.attributes for v in held.history("productOrder", "1")] == [{"n": 2}]
    assert others == [first]
    held, others = known(first).of_record({"productOrder": "shop"})
    assert (held.kinds(), others) == ([], [first])
