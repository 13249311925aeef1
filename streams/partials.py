"""Partials: what a record says of the session that it is a part of.

Long calls and data sessions are reported in pieces, each an event of its own. They share a session
id; each may have a number in the session and say whether it is the last. Few items ask for any of
that, so these fields are read when they do.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from state.special import ATTEMPT_LAST
from state.tables import Tables
from streams.attribution import Legs
from streams.families import Ints, Marks, ints
from streams.usage import UsageBatch

NO_NUMBER = -(2**40)  # below every number that a record can have


def unfinished(usage: UsageBatch, legs: Legs, tables: Tables) -> Marks | None:
    """Which legs are of records that say that others follow; None where no item asks."""
    if not tables.special.anywhere & ATTEMPT_LAST:
        return None
    return ~_final(usage)[legs.event]


def _final(usage: UsageBatch) -> Marks:
    """Which events do not say that others follow in their session."""
    parts = [_values(family.columns.get("partial_final"), len(family)) for family in usage.families]
    return np.concatenate([*parts, np.ones(len(usage.unreadable), bool)])


def _values(column: pa.Array | None, length: int) -> Marks:
    if column is None:
        return np.ones(length, bool)
    values: Marks = pc.fill_null(column, pa.scalar(value=True)).to_numpy(zero_copy_only=False)
    return values


def part_numbers(usage: UsageBatch) -> Ints:
    """The number of each event in its session, `NO_NUMBER` where it says none."""
    parts = []
    for family in usage.families:
        column = family.columns.get("partial_sequence")
        none = np.full(len(family), NO_NUMBER, np.int64)
        parts.append(none if column is None else ints(column.cast(pa.int64()), NO_NUMBER))
    return np.concatenate([*parts, np.full(len(usage.unreadable), NO_NUMBER, np.int64)])
