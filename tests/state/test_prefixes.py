"""Longest prefix: what trying every prefix of the number would find, for any tables and numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import state.prefixes
from state.invariants import InvariantViolation
from state.prefixes import NO_PREFIX, NUMBER_DIGITS, RANK_BITS, Prefixes, justify

DIGITS = st.text("0123456789", min_size=1, max_size=NUMBER_DIGITS)
# Few digits make prefixes nest and numbers meet them.
FEW = st.text("019", min_size=1, max_size=NUMBER_DIGITS)
TABLE = st.dictionaries(FEW | DIGITS, st.integers(0, 2**31 - 1), max_size=30)


def build(*tables: dict[str, int]) -> Prefixes:
    """The structure for tables of prefix and value."""
    return Prefixes.build([(list(table), list(table.values())) for table in tables])


def longest(table: dict[str, int], number: str) -> int:
    """The definition: the value of the longest beginning of the number that is a prefix."""
    for digits in range(len(number), 0, -1):
        if number[:digits] in table:
            return table[number[:digits]]
    return NO_PREFIX


def find(prefixes: Prefixes, table: int, *numbers: str) -> list[int]:
    """What numbers find in one table."""
    found = prefixes.lookup(table, justify(pa.array(numbers, pa.string())))
    assert found.dtype == np.int32
    return [int(value) for value in found]


@given(st.lists(TABLE, min_size=1, max_size=4), st.lists(FEW | DIGITS))
def test_a_lookup_tries_every_prefix(tables: list[dict[str, int]], numbers: list[str]) -> None:
    """Each number finds its longest prefix in each table, and no shorter or other one."""
    prefixes = build(*tables)
    for code, table in enumerate(tables):
        assert find(prefixes, code, *numbers) == [longest(table, number) for number in numbers]


@given(st.lists(TABLE, min_size=1, max_size=4), st.data())
def test_rows_may_belong_to_different_tables(
    tables: list[dict[str, int]], data: st.DataObject
) -> None:
    """One call looks each number up in its own table; table -1 finds nothing."""
    row = st.tuples(st.integers(-1, len(tables) - 1), FEW)
    rows = data.draw(st.lists(row))
    found = build(*tables).lookup(
        np.array([code for code, _ in rows], np.int32),
        justify(pa.array([number for _, number in rows], pa.string())),
    )
    wanted = [NO_PREFIX if code < 0 else longest(tables[code], number) for code, number in rows]
    assert found.tolist() == wanted


@given(TABLE, st.lists(FEW))
def test_large_tables_find_the_same(table: dict[str, int], numbers: list[str]) -> None:
    """From some size on probes are sorted first, which changes the order of work and no answer."""
    prefixes = build(table)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state.prefixes, "_SORTED_PROBES_FROM", 0)
        assert find(prefixes, 0, *numbers) == [longest(table, number) for number in numbers]


def test_nested_prefixes_give_way_to_longer_ones() -> None:
    """Germany around its mobile range around one number."""
    prefixes = build({"49": 1, "4917": 2, "491701234567": 3})
    assert find(prefixes, 0, "4930123", "491711234567", "491701234567", "48123") == [1, 2, 3, -1]


def test_a_number_shorter_than_a_prefix_does_not_have_it() -> None:
    """Padding with zeros would let 49 match the prefix 490; a rank knows its length."""
    prefixes = build({"490": 1})
    assert find(prefixes, 0, "49", "490", "4900", "4") == [-1, 1, 1, -1]


def test_the_first_and_the_last_number_have_prefixes_too() -> None:
    """The ends of the space of numbers, in the middle of several tables."""
    prefixes = build({"9": 1}, {"0": 2, "9" * 15: 3}, {})
    assert find(prefixes, 0, "9" * 15, "0") == [1, -1]
    assert find(prefixes, 1, "0", "0" * 15, "9" * 15, "9" * 14) == [2, 2, 3, -1]
    assert find(prefixes, 2, "0", "9" * 15) == [-1, -1]


def test_no_number_finds_nothing() -> None:
    """Missing and impossible numbers have no prefix, not even in the last table."""
    prefixes = build({"9": 1})
    numbers = justify(pa.array([None, "x"], pa.string()))
    assert prefixes.lookup(0, numbers).tolist() == [-1, -1]
    assert Prefixes.build([]).lookup(0, numbers).tolist() == [-1, -1]


@given(st.lists(DIGITS, unique=True))
def test_ranks_are_in_dictionary_order(numbers: list[str]) -> None:
    """The order of ranks is the order of texts, and every rank fits its bits."""
    ranks = justify(pa.array(sorted(numbers), pa.string()))
    assert np.all(ranks[1:] > ranks[:-1])
    assert np.all((ranks > 0) & (ranks < 2**RANK_BITS))


@pytest.mark.parametrize(
    ("number", "rank"),
    [
        # Rank 0 is the empty text, 1 is "0", and then come 14 texts "00" to "000000000000000".
        ("0", 1),
        ("00", 2),
        ("0" * 15, 15),
        ("0" * 14 + "1", 16),
        # "0" has 111,111,111,111,111 texts below and with it; "1" comes after them.
        ("1", 111_111_111_111_112),
        # The last of all 1,111,111,111,111,111 texts, counted from 0.
        ("9" * 15, 1_111_111_111_111_110),
    ],
)
def test_a_rank_counts_the_texts_before(number: str, rank: int) -> None:
    """Ranks worked out by hand."""
    assert justify(pa.array([number])).tolist() == [rank]


def is_number(text: str | None) -> bool:
    """The definition of what has a rank."""
    return (
        text is not None
        and 1 <= len(text) <= NUMBER_DIGITS
        and all(character in "0123456789" for character in text)
    )


@given(st.lists(st.none() | st.text(max_size=18) | st.text("0123456789", max_size=18)))
def test_what_is_no_number_is_told_from_no_text(texts: list[str | None]) -> None:
    """Null is -1, and -2 whatever is not 1 to 15 ASCII digits."""
    for text, rank in zip(texts, justify(pa.array(texts, pa.string())).tolist(), strict=True):
        assert (rank == -1) == (text is None)
        assert (rank >= 0) == is_number(text)


@pytest.mark.parametrize("text", ["/", ":", "1:", "\x80", "é", "٣", "+49", " 49", "4 9", "1" * 16])
def test_neighbours_of_digits_are_no_digits(text: str) -> None:
    """The bytes around 0 to 9, digits of other scripts, signs, spaces, and a digit too many."""
    assert justify(pa.array([text])).tolist() == [-2]


def test_text_comes_in_many_shapes() -> None:
    """Slices, chunks, large, dictionary-encoded and view arrays give the same ranks."""
    plain = pa.array(["1", "22", None, "x", "333"])
    wanted = [111_111_111_111_112, 244_444_444_444_446, -1, -2]
    shapes = [
        plain,
        plain.cast(pa.large_string()),
        plain.cast(pa.string_view()),
        plain.dictionary_encode(),
        pa.chunked_array([plain.slice(0, 1), plain.slice(1)]),
    ]
    for shape in shapes:
        assert justify(shape).tolist()[:4] == wanted
    assert justify(plain.slice(1, 2)).tolist() == wanted[1:3]
    assert justify(pa.chunked_array([], pa.string())).tolist() == []
    assert justify(pa.nulls(2, pa.string())).tolist() == [-1, -1]


def test_more_texts_than_a_slice_are_all_read() -> None:
    """Texts are parsed in slices; the seams between them do not show."""
    numbers = [str(number) for number in range(20_000)]
    ranks = justify(pa.array(numbers))
    table = {"1": 1, "15": 15, "19999": 19_999}
    found = build(table).lookup(0, ranks)
    assert found.tolist() == [longest(table, number) for number in numbers]


@pytest.mark.parametrize(
    ("prefixes", "values", "sentence"),
    [
        (["4", "4"], [1, 2], "are distinct"),
        (["4x"], [1], "1 to 15 digits"),
        ([""], [1], "1 to 15 digits"),
        (["4"], [-1], "not negative"),
    ],
)
def test_impossible_tables_are_not_built(
    prefixes: list[str], values: list[int], sentence: str
) -> None:
    """Reference is checked when it is loaded; what is wrong here is our mistake."""
    with pytest.raises(InvariantViolation, match=sentence):
        Prefixes.build([(prefixes, values)])
