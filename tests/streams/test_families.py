"""Columns of families laid one behind the other, whatever each of them lacks."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from schemas.codes import Direction, Service
from streams.families import Text, directions, ints, numbers, strings
from tests.usage_makers import decoded_of, row

NAMES = st.lists(st.none() | st.sampled_from(["a", "b", "", "ä"]), max_size=6)


@given(st.lists(NAMES, min_size=1, max_size=4))
def test_names_become_codes_into_what_occurs(parts: list[list[str | None]]) -> None:
    """Every row keeps its name, a row without one has no code, and no name stands there twice."""
    text = Text.join([pa.array(part, pa.string()) for part in parts])
    back = [None if code < 0 else text.values[code] for code in text.codes.tolist()]
    assert back == [name for part in parts for name in part]
    assert sorted(text.values) == sorted({name for name in back if name is not None})


@given(NAMES)
def test_names_are_looked_up_in_another_space(names: list[str | None]) -> None:
    """What the other space does not know, and what has no name, is -1 there."""
    text = Text.join([pa.array(names, pa.string())])
    there = {"a": 7, "ä": 9}
    found = [there.get(name or "?", -1) for name in names]
    assert text.map(there).tolist() == found
    assert text.find(pa.array(there), np.array([*there.values()], np.int32)).tolist() == found


def test_a_field_that_a_family_lacks_is_filled() -> None:
    """Messages have no duration, calls no volume; lines that could not be read come last."""
    families = [
        *decoded_of(Service.SMS, row(), row()).families,
        *decoded_of(Service.VOICE, row(Service.VOICE, duration_ms=5)).families,
    ]
    assert numbers(families, "duration_ms", 1).tolist() == [0, 0, 5, 0]
    assert numbers(families, "sequence", 2, -1).tolist() == [1, 1, 1, -1, -1]
    assert strings(families, "source", 1).to_pylist() == ["msc-1", "msc-1", "msc-1", None]


def test_directions_are_told_by_their_words() -> None:
    """The two words have different lengths, which is what tells them apart."""
    (family,) = decoded_of(Service.SMS, row(direction="out"), row(direction="in")).families
    assert directions(family).tolist() == [Direction.OUT, Direction.IN]
    assert len({len(direction.label) for direction in Direction}) == len(Direction)


def test_times_and_nulls_are_integers() -> None:
    """Microseconds as they are; a null is what the caller says."""
    times = pa.array([3, None], pa.timestamp("us"))
    assert ints(times, -1).tolist() == [3, -1]
    assert ints(pa.array([1], pa.int32())).dtype == np.int64
