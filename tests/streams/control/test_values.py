"""A look into JSON of any shape finds what is there, and never fails."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.control.values import characteristic, member, members, text, word

SCALARS = st.none() | st.booleans() | st.integers() | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


def test_texts_and_whole_numbers_are_texts() -> None:
    """Ids are sent as either; a truth value is no text, and blanks around a text are none of it."""
    values = [" aborted ", 17, True, None, ["a"]]
    assert [text(value) for value in values] == ["aborted", "17", "", "", ""]
    assert word(" Partner ") == "partner"


def test_a_single_object_is_a_list_of_one() -> None:
    """Some masters leave the brackets out; what is not an object in a list is passed over."""
    assert members({"id": "1"}) == [{"id": "1"}]
    assert members([{"id": "1"}, "x", None, {"id": "2"}]) == [{"id": "1"}, {"id": "2"}]
    assert members("x") == []


def test_a_characteristic_is_found_by_name() -> None:
    """Among the characteristics that the reader has put under their names."""
    assert characteristic({"characteristics": {"units": 4}}, "units") == 4
    assert characteristic({"characteristics": [4]}, "units") is None


@given(JSON, st.text())
def test_a_look_never_fails(value: object, name: str) -> None:
    """Whatever was sent."""
    assert isinstance(text(value), str)
    assert isinstance(member(value, name), dict)
    assert all(isinstance(one, dict) for one in members(value))
