"""Narrowed columns come back exactly, and take what they need."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.narrowing import narrowed, widened

INTEGERS = {"int8": 7, "int16": 15, "int32": 31, "int64": 63}


@st.composite
def columns(draw: st.DrawFn) -> pa.Array:
    """Integers of any type, near each other or at its ends, some of them missing."""
    kind, bits = draw(st.sampled_from(sorted(INTEGERS.items())))
    low, high = -(2**bits), 2**bits - 1
    base = draw(st.integers(low, high))
    near = st.integers(max(low, base - 300), min(high, base + 70_000))
    far = st.sampled_from([low, high, 0])
    value = draw(st.sampled_from([near, near | far, near | far | st.none()]))
    values = draw(st.lists(value, max_size=30))
    return pa.array(values, pa.type_for_alias(kind))


@given(columns())
@example(pa.array([-(2**63), 2**63 - 1], pa.int64()))
@example(pa.array([2**63 - 1, 2**63 - 2**32], pa.int64()))
@example(pa.array([], pa.int64()))
@example(pa.array([7, 7, 7], pa.int16()))
@example(pa.array([-(2**63)] * 2, pa.int64()))
@example(pa.array([None, None], pa.int32()))
@example(pa.array([None, None], pa.string()))
@example(pa.array(["a", None], pa.string()))
@example(pa.array(["a", None, "b"]).dictionary_encode())
@example(pa.array([str(i) for i in range(300)]).dictionary_encode())
@example(pa.array([None, None], pa.string()).dictionary_encode())
def test_it_comes_back_as_it_was(column: pa.Array) -> None:
    """Type, values and what is missing."""
    back = widened(*narrowed(column))
    assert back.type == column.type
    assert back.to_pylist() == column.to_pylist()


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0, 255], "uint8"),
        ([0, 256], "uint16"),
        ([10**15, 10**15 + 65_535], "uint16"),  # the distance is 65,535
        ([10**15, 10**15 + 65_536], "uint32"),
        ([-30_000, 29_000], "uint16"),  # 59,000 apart
        ([0, 2**32], "int64"),
        ([1, None], "int64"),
        ([None, None], "null"),
        ([10**15] * 2, "null"),
    ],
)
def test_it_takes_what_its_values_need(values: list[int | None], kind: str) -> None:
    """The smallest type with room for the distance between the smallest and the largest."""
    column, _ = narrowed(pa.array(values, pa.int64()))
    assert str(column.type) == kind


def test_codes_of_names_are_narrowed_too() -> None:
    """300 names need two bytes a code instead of four."""
    names = pa.array([str(i) for i in range(300)]).dictionary_encode()
    assert str(narrowed(names)[0].indices.type) == "uint16"
