"""Columns of several usage families as one column of a batch.

A batch holds the events of each family (voice, data, ...) one family after the other, then the
lines that could not be read. A field that a family does not have is null there, or a number that
says so. Names that repeat (sources, routes, products) become codes into their distinct values, so
that whatever is looked up by name is looked up once a value and not once an event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.codes import Direction
from schemas.columns import Family

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Marks = npt.NDArray[np.bool_]
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True)
class Text:
    """A column of names: a code a row (-1 where there is none) into the distinct names."""

    codes: Codes
    names: pa.Array

    @staticmethod
    def join(parts: Sequence[pa.Array]) -> Text:
        """One column from the parts of several families."""
        codes = [np.full(len(part), -1, np.int32) for part in parts]
        given = [at for at, part in enumerate(parts) if part.null_count < len(part)]
        if not given:
            return Text(join(codes or [np.zeros(0, np.int32)]), pa.array([], pa.string()))
        encoded = pa.chunked_array([parts[at] for at in given]).dictionary_encode()
        chunks = encoded.unify_dictionaries().chunks
        for at, chunk in zip(given, chunks, strict=True):
            codes[at] = chunk.indices.fill_null(-1).to_numpy()
        return Text(join(codes), chunks[0].dictionary)

    @cached_property
    def values(self) -> tuple[str, ...]:
        """The distinct names as text, made when first asked for: there may be many."""
        return tuple(self.names.to_pylist())

    def map(self, codes: Mapping[str, int]) -> Codes:
        """The code of each row in another space, -1 for what is not in it; see `find`."""
        return self.find(pa.array(list(codes), pa.string()), np.array([*codes.values()], np.int32))

    def find(self, names: pa.Array, codes: Codes) -> Codes:
        """`map` where the other space is a column of names and one of their codes already."""
        place = pc.index_in(self.names, names).fill_null(-1).to_numpy()
        return np.append(np.append(codes, np.int32(-1))[place], np.int32(-1))[self.codes]


def directions(family: Family) -> npt.NDArray[np.int8]:
    """Direction codes of a family; the decoder lets no other words through, so lengths tell."""
    lengths: Ints = pc.binary_length(family.columns["direction"]).to_numpy()
    codes: npt.NDArray[np.int8] = (lengths == len(Direction.OUT.label)).astype(np.int8)
    return codes


def marks(family: Family, name: str) -> Marks:
    """A boolean column."""
    marks: Marks = family.columns[name].to_numpy(zero_copy_only=False)
    return marks


def ints(column: pa.Array, fill: int = 0) -> Ints:
    """An integer or timestamp column as int64; nulls become `fill`."""
    if pa.types.is_timestamp(column.type):
        column = column.view(pa.int64())
    if column.null_count:
        column = column.fill_null(fill)
    values: Ints = column.to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
    return values


def numbers(families: Sequence[Family], name: str, lines: int, fill: int = 0) -> Ints:
    """One integer column over all families; `fill` where a family or row has none."""
    parts = [
        ints(f.columns[name], fill) if name in f.columns else np.full(len(f), fill, np.int64)
        for f in families
    ]
    return join([*parts, np.full(lines, fill, np.int64)])


def texts(families: Sequence[Family], name: str) -> list[pa.Array]:
    """A text column of each family; all null where the family has none."""
    return [f.columns.get(name, pa.nulls(len(f), pa.string())) for f in families]


def strings(families: Sequence[Family], name: str, lines: int) -> pa.Array:
    """A text column over all families as Arrow strings."""
    return pa.concat_arrays([*texts(families, name), pa.nulls(lines, pa.string())])


def join(parts: Sequence[npt.NDArray[T]]) -> npt.NDArray[T]:
    """Concatenate, also when there is nothing."""
    return np.concatenate(parts)
