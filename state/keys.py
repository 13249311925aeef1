"""Attribution keys on the hot path: key -> code, code and second -> agreement.

Names are found in a dictionary per kind, number and IMSI ranges by longest prefix; both lead to
one dense space of key codes, and a code and a second to the agreement that the key stood for.
Between two owners of a range the next shorter range around it decides, just as if the longer one
had never been: its intervals are filled from those of the ranges around it when the tables are
built.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from schemas.agreements import OWN_NAME
from schemas.codes import KeyKind
from schemas.keys import RANGES
from schemas.moments import OPEN_FROM_S, OPEN_UPTO_S
from state.prefixes import Prefixes
from state.versions import AsOf

OWN = -2
"""The value of a key that stands for the operator itself."""

Interval = tuple[int, int, int]
KeyColumns = tuple[pa.Array, npt.NDArray[np.int32]]


@dataclass(frozen=True)
class KeyTables:
    """All keys. `names` is indexed by `KeyKind`; the ranges' own entries in it are empty.

    `columns` is the same as `names`, as a column of names and one of codes a kind.
    """

    names: tuple[Mapping[str, int], ...]
    columns: tuple[KeyColumns, ...]
    ranges: Prefixes
    assignment: AsOf
    key_names: tuple[str, ...]


def build_keys(attribution: pl.DataFrame, agreements: Sequence[str]) -> KeyTables:
    """The tables of all keys; `agreements` are the names by agreement code."""
    codes = {name: code for code, name in enumerate(agreements)} | {OWN_NAME: OWN}
    keys = attribution.select("kind", "key").unique(maintain_order=True)
    coded = attribution.join(
        keys.with_row_index("code"), on=["kind", "key"], how="left", maintain_order="left"
    ).with_columns(
        owner=pl.col("agreement").replace_strict(
            list(codes), list(codes.values()), return_dtype=pl.Int32
        )
    )
    names: list[dict[str, int]] = [{} for _ in KeyKind]
    key_names: list[str] = []
    for code, (kind, key) in enumerate(keys.iter_rows()):
        names[kind][key] = code
        key_names.append(f"{KeyKind(kind).label}:{key}")
    rows = [coded.select("code", "valid_from_s", "valid_upto_s", "owner")]
    rows.extend(_fillings(coded, kind, names[kind]) for kind in RANGES)
    table = pl.concat(row.cast(pl.Int64) for row in rows)
    ranges = Prefixes.build([(list(names[kind]), list(names[kind].values())) for kind in RANGES])
    for kind in RANGES:
        names[kind] = {}
    return KeyTables(
        names=tuple(MappingProxyType(of_kind) for of_kind in names),
        columns=tuple(
            (pa.array(of_kind, pa.string()), np.array([*of_kind.values()], np.int32))
            for of_kind in names
        ),
        ranges=ranges,
        assignment=AsOf.build(
            table["code"].to_numpy(),
            table["valid_from_s"].to_numpy(),
            table["valid_upto_s"].to_numpy(),
            table["owner"].to_numpy(),
            len(key_names),
        ),
        key_names=tuple(key_names),
    )


def _fillings(coded: pl.DataFrame, kind: KeyKind, names: Mapping[str, int]) -> pl.DataFrame:
    """The rows that fill the gaps of this kind's ranges from the ranges around them."""
    schema = dict.fromkeys(("code", "valid_from_s", "valid_upto_s", "owner"), pl.Int64)
    of_kind = coded.filter(pl.col("kind") == int(kind))
    always = (pl.col("valid_from_s") == OPEN_FROM_S) & (pl.col("valid_upto_s") == OPEN_UPTO_S)
    if of_kind.select(always.all()).item():
        return pl.DataFrame(schema=schema)
    intervals: dict[str, list[Interval]] = {}
    for key, *interval in of_kind.select("key", *list(schema)[1:]).iter_rows():
        start, end, owner = interval
        intervals.setdefault(key, []).append((start, end, owner))
    filled: list[tuple[int, int, int, int]] = []
    for key in sorted(intervals, key=len):
        around = (key[:digits] for digits in range(len(key) - 1, 0, -1))
        parent = next((prefix for prefix in around if prefix in intervals), None)
        if parent is not None:
            added = _gaps(intervals[key], intervals[parent])
            # The parent, being shorter, has been filled before.
            intervals[key] = sorted([*intervals[key], *added])
            filled.extend((names[key], *interval) for interval in added)
    return pl.DataFrame(filled, schema=schema, orient="row")


def _gaps(own: Sequence[Interval], around: Sequence[Interval]) -> list[Interval]:
    """What of `around` lies in the gaps of `own`; both are sorted and free of overlaps."""
    edges = [OPEN_FROM_S, *(edge for start, end, _ in own for edge in (start, end)), OPEN_UPTO_S]
    gaps = list(zip(edges[0::2], edges[1::2], strict=True))
    return [
        (max(start, gap_start), min(end, gap_end), owner)
        for gap_start, gap_end in gaps
        for start, end, owner in around
        if max(start, gap_start) < min(end, gap_end)
    ]
