"""Items that compete for usage, and those that are added, as columns.

Most usage is covered by exactly one item, which a table gives at once. Where items have conditions
a *group* of candidates stands instead, and which of them prices a leg is decided for all legs of a
batch together: each condition is one lookup over (leg, candidate) pairs. For that the conditions of
every item are compiled to sets: of names or numbers, one of which has to be what usage says, and of
prefixes, whose longest match also counts for precedence. The rank of an item is one integer, higher
first; what its prefixes add stands in the lowest bits and is known only when there is a number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from schemas.selectors import PRECEDENCE, PREFIXES, Where
from state.band_conditions import BandConditions
from state.items import NONE, ItemInfo
from state.prefixes import TABLES_MAX, Prefixes
from state.versions import AsOf

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]

# Lengths of prefixes, of 15 digits at most, below the fields that an item has conditions on.
LENGTH_BITS = 4
LENGTH_SHIFT = {field: LENGTH_BITS * place for place, field in enumerate(reversed(PREFIXES))}
OF_THEIR_OWN = ("listed", "characteristic", "band")  # conditions that are no sets of values
FIELDS_SHIFT = LENGTH_BITS * len(PREFIXES)


@dataclass(frozen=True)
class ValueSets:
    """For each item row a set of values, or `NONE` where the item has no condition on the field.

    Values are named by their place in `texts` or, where they are numbers, in `numbers` (rising).
    `members` has, rising, set x `width` + place for each value of each set.
    """

    set_of: Int64
    texts: pa.Array
    numbers: Int64
    width: int
    members: Int64

    def place(self, numbers: Int64) -> Int64:
        """The places of numbers among those that any condition lists; `NONE` for others."""
        at = np.minimum(np.searchsorted(self.numbers, numbers), len(self.numbers) - 1)
        return np.where(self.numbers[at] == numbers, at, NONE)

    def met(self, item: Int32, value: Int64) -> Marks:
        """Whether the conditions of items that have one hold for values, named by their places."""
        asked = self.set_of[item] * self.width + value
        at = np.minimum(np.searchsorted(self.members, asked), len(self.members) - 1)
        met: Marks = (self.members[at] == asked) & (value >= 0)
        return met


@dataclass(frozen=True)
class PrefixSets:
    """For each item row a set of prefixes, or `NONE` where it has no condition on the number."""

    set_of: Int64
    tables: tuple[Prefixes, ...]

    def lengths(self, item: Int32, ranks: Int64) -> Int64:
        """The length of the longest prefix that matches, -1 for none, of items with a condition.

        `ranks` are the numbers as `state.prefixes.justify` makes them.
        """
        sets = self.set_of[item]
        found = np.full(len(item), NONE, np.int64)
        for number, table in enumerate(self.tables):
            at = (
                np.flatnonzero(sets // TABLES_MAX == number)
                if len(self.tables) > 1
                else slice(None)
            )
            found[at] = table.lookup(sets[at] % TABLES_MAX, ranks[at])
        return found


@dataclass(frozen=True)
class Characteristic:
    """The sets of one characteristic, and the place of the value that a key has at a second."""

    sets: ValueSets
    value_of: AsOf


@dataclass(frozen=True)
class Choices:
    """Groups of candidates and what decides among them; all other columns are by item row.

    Group g has the candidates `candidates[first[g]:first[g + 1]]`, item rows in the order of the
    version. `rank` is an item's precedence but for the lengths of its prefixes. `values` and
    `prefixes` hold the fields that any item has a condition on, `characteristics` the names.
    """

    first: Int64
    candidates: Int32
    rank: Int64
    is_surcharge: Marks
    is_listed: Marks
    values: Mapping[str, ValueSets]
    prefixes: Mapping[str, PrefixSets]
    characteristics: Mapping[str, Characteristic]
    bands: BandConditions

    def group(self, number: int) -> Int32:
        """The item rows of one group."""
        return self.candidates[self.first[number] : self.first[number + 1]]


def build_choices(
    items: Sequence[ItemInfo],
    groups: Sequence[Sequence[int]],
    key_codes: Mapping[str, int],
    characteristics: pl.DataFrame,
    bands: BandConditions,
) -> Choices:
    """The groups of candidates, given by item row, and the conditions of all items.

    `key_codes` gives the code of an attribution key, named as in `route:TG-001`; `characteristics`
    are those of the reference, `bands` the conditions on time bands.
    """
    selecting = [(row, item.where) for row, item in enumerate(items) if item.where is not None]
    sizes = np.array([0, *map(len, groups)], np.int64)
    return Choices(
        first=np.cumsum(sizes),
        candidates=np.array([row for group in groups for row in group], np.int32),
        rank=np.array([_rank(item) for item in items], np.int64),
        is_surcharge=np.array([item.surcharge for item in items], bool),
        is_listed=np.array([_is_listed(item) for item in items], bool),
        values={
            field: _value_sets(field, selecting, len(items), key_codes)
            for field in PRECEDENCE
            if field not in (*PREFIXES, *OF_THEIR_OWN) and _asked(field, selecting)
        },
        prefixes={
            field: _prefix_sets(field, selecting, len(items))
            for field in PREFIXES
            if _asked(field, selecting)
        },
        characteristics=_characteristics(selecting, len(items), key_codes, characteristics),
        bands=bands,
    )


Selecting = Sequence[tuple[int, Where]]


def _asked(field: str, selecting: Selecting) -> bool:
    """Whether any item has a condition on this field."""
    return any(field in where.conditions for _, where in selecting)


def _rank(item: ItemInfo) -> int:
    """An item's precedence without the lengths of its prefixes; always more than nothing."""
    conditions = () if item.where is None else item.where.conditions
    bits = int(not item.book)  # the partner's own goes before any of a master price list
    for field in PRECEDENCE:
        bits = bits * 2 + (field in conditions)
    return bits << FIELDS_SHIFT


def _is_listed(item: ItemInfo) -> bool:
    """Whether an item counts only for numbers of its deck: a surcharge by deck always does."""
    is_asked = item.where is not None and item.where.listed is True
    return is_asked or (item.surcharge and item.deck != NONE)


def _value_sets(
    field: str, selecting: Selecting, size: int, key_codes: Mapping[str, int]
) -> ValueSets:
    """The sets of one field; the values of keys are their codes."""
    listed: dict[int, tuple[str | int, ...]] = {}
    for row, where in selecting:
        if field in where.conditions:
            values = where.values(field)
            if field == "key":
                values = tuple(key_codes[str(key)] for key in values if key in key_codes)
            listed[row] = values
    return value_sets(listed, size)


def _characteristics(
    selecting: Selecting, size: int, key_codes: Mapping[str, int], given: pl.DataFrame
) -> Mapping[str, Characteristic]:
    """The sets of every characteristic that items ask for, with what keys have of it."""
    asked: dict[str, dict[int, tuple[str | int, ...]]] = {}
    for row, where in selecting:
        for name, values in (where.characteristic or {}).items():
            asked.setdefault(name, {})[row] = values
    found = {}
    for name, listed in asked.items():
        sets = value_sets(listed, size)
        places = {text: place for place, text in enumerate(sets.texts.to_pylist())}
        rows = given.filter((pl.col("name") == name) & pl.col("value").is_in(list(places)))
        found[name] = Characteristic(
            sets,
            AsOf.build(
                [key_codes[key] for key in rows["key"]],
                rows["valid_from_s"].to_numpy(),
                rows["valid_upto_s"].to_numpy(),
                [places[value] for value in rows["value"]],
                len(key_codes),
            ),
        )
    return found


def value_sets(listed: Mapping[int, Sequence[str | int]], size: int) -> ValueSets:
    """The sets of values that some of the rows list, of so many rows."""
    set_of = np.full(size, NONE, np.int64)
    sets: dict[tuple[str | int, ...], int] = {}
    for row, values in listed.items():
        set_of[row] = sets.setdefault(tuple(values), len(sets))
    numbers = sorted({v for values in sets for v in values if isinstance(v, int)})
    texts = sorted({v for values in sets for v in values if isinstance(v, str)})
    place = {value: at for values in (numbers, texts) for at, value in enumerate(values)}
    width = max(1, len(place))
    members = sorted(number * width + place[v] for vs, number in sets.items() for v in vs)
    return ValueSets(
        set_of,
        pa.array(texts, pa.string()),
        np.array(numbers or [NONE], np.int64),
        width,
        np.array(members or [NONE], np.int64),
    )


def _prefix_sets(field: str, selecting: Selecting, size: int) -> PrefixSets:
    """The sets of prefixes that items have a condition on one number by."""
    named = [(row, where) for row, where in selecting if field in where.conditions]
    return prefix_sets({row: [*map(str, where.values(field))] for row, where in named}, size)


def prefix_sets(listed: Mapping[int, Sequence[str]], size: int) -> PrefixSets:
    """The sets of prefixes that some of the rows list, each a table whose values are lengths."""
    set_of = np.full(size, NONE, np.int64)
    sets: dict[tuple[str, ...], int] = {}
    for row, prefixes in listed.items():
        set_of[row] = sets.setdefault(tuple(sorted(prefixes)), len(sets))
    tables = [(list(prefixes), [*map(len, prefixes)]) for prefixes in sets]
    starts = range(0, len(tables), TABLES_MAX)
    return PrefixSets(
        set_of, tuple(Prefixes.build(tables[start : start + TABLES_MAX]) for start in starts)
    )
