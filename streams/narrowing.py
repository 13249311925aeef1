"""Integer columns in as few bytes as their values need: what is written, sent and kept is half.

A column of one batch rarely uses the width of its type: offsets and sequence numbers lie close to
each other, quantities and charges are small, codes are smaller still. A narrowed column holds the
distance of each value from the smallest one (a code's from 0), in the smallest unsigned type that
has room for all; the field's metadata says which type it was and what to add. Nothing is lost:
`widened` gives back the column exactly. A column without any value takes no bytes at all, and
neither does one whose values are all the same.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

TYPE, BASE, CONSTANT = b"weir.type", b"weir.base", b"weir.constant"
WIDTHS = (np.uint8, np.uint16, np.uint32)

Metadata = dict[bytes, bytes]


def narrowed(column: pa.Array) -> tuple[pa.Array, Metadata | None]:
    """The column as narrow as it goes, and what its field must say of it; None if nothing."""
    if column.null_count == len(column):
        return _missing(column)
    is_named = pa.types.is_dictionary(column.type)
    numbers = column.indices if is_named else column
    if not pa.types.is_integer(numbers.type) or numbers.null_count:
        return column, None
    values: npt.NDArray[np.signedinteger] = numbers.to_numpy()
    base = 0 if is_named else int(values.min())
    span = int(values.max()) - base
    if span == 0 and not is_named:
        kind, value = str(numbers.type).encode(), str(base).encode()
        return pa.nulls(len(column)), {TYPE: kind, CONSTANT: value}
    width = next((width for width in WIDTHS if span <= np.iinfo(width).max), None)
    if width is None or width().itemsize >= values.dtype.itemsize:
        return column, None
    distance = np.empty(len(values), width)
    np.subtract(values, base, out=distance, casting="unsafe")
    narrow = pa.array(distance)
    if is_named:
        narrow = pa.DictionaryArray.from_arrays(narrow, column.dictionary, safe=False)
    return narrow, {TYPE: str(numbers.type).encode(), BASE: str(base).encode()}


def _missing(column: pa.Array) -> tuple[pa.Array, Metadata | None]:
    """A column without values; of those, only the plain types can be named in a word."""
    if not (pa.types.is_string(column.type) or pa.types.is_integer(column.type)):
        return column, None
    return pa.nulls(len(column)), {TYPE: str(column.type).encode(), BASE: b"0"}


def widened(column: pa.Array, said: Metadata | None) -> pa.Array:
    """The column as it was before it was narrowed."""
    if not said or TYPE not in said:
        return column
    kind = pa.type_for_alias(said[TYPE].decode())
    if CONSTANT in said:
        return pa.array(np.full(len(column), int(said[CONSTANT]), kind.to_pandas_dtype()))
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), kind)
    if pa.types.is_dictionary(column.type):
        return pa.DictionaryArray.from_arrays(column.indices.cast(kind), column.dictionary)
    values = column.to_numpy().astype(kind.to_pandas_dtype())
    return pa.array(values + values.dtype.type(int(said[BASE])))
