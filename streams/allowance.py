"""Allowance: the first events of a period are free, until so many or so much have been.

The first ones are those that began first (then by source, epoch and number), so that it makes no
difference when they came. The rating hop charges every event; what is free comes off the period.
For that the events at the front are kept as cells (`state/cells.py`), each a member of its own,
whose name says where it stands. An event behind the point where the allowance is used up can never
come before it again, since more events only push it back: it need not be kept at all.

The event that uses up the quantity costs what its rest costs, fee and limits included. What counts
nothing or less neither uses the allowance nor is freed by it. Each version has an allowance of its
own in every period.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from state.allowance import AllowanceTerms
from state.cells import CellSet, merged
from streams.families import Ints, Marks
from streams.usage import NO_SEQUENCE, UsageBatch

MARK = "\x1f"


class Freed(NamedTuple):
    """One event that an allowance frees: its quantity, and how much of that is free."""

    quantity: int
    free: int


def names_of(usage: UsageBatch, event: Ints) -> pa.Array:
    """The names of some events as members: their time, source and number."""
    at = pa.array(event)
    sequence = usage.sequence[event]
    source = usage.source.names.take(pa.array(usage.source.codes[event]))
    unnumbered = pa.array(sequence == NO_SEQUENCE)
    event_id = usage.event_id.take(at).fill_null("")
    numbers = (usage.started_us[event], usage.epoch[event], sequence)
    texts = [pc.cast(pa.array(column), pa.string()) for column in numbers]
    lengths = pc.cast(pc.utf8_length(source), pa.string())
    named = pc.binary_join_element_wise(source, pc.if_else(unnumbered, event_id, ""), "")
    return pc.binary_join_element_wise(*texts, lengths, named, MARK)


def place_of(name: str) -> tuple[int, str, int, int, str]:
    """Where an event stands among others, by its name: time, source, epoch, number, id."""
    started, epoch, sequence, length, named = name.split(MARK, 4)
    upto = int(length)
    return int(started), named[:upto], int(epoch), int(sequence), named[upto:]


def may_be_free(
    group: Ints, started_us: Ints, quantity: Ints, events_max: Ints, quantity_max: Ints
) -> Marks:
    """Which events of a batch may be among the first ones, judged by the batch alone.

    Args:
        group: a number for each series.
        started_us: when each event began; of one time none goes before another here.
        quantity: what is charged for.
        events_max: how many events of its series are free.
        quantity_max: how much is.
    """
    counts = quantity > 0
    used = np.where(counts, np.minimum(quantity, quantity_max), 0)
    order = np.lexsort((started_us, group))
    new_group = np.diff(group[order], prepend=-1) != 0
    new_moment = new_group | (np.diff(started_us[order], prepend=-1) != 0)
    firsts, moments = _since(new_group), _since(new_moment)
    events, sums = (_before(column[order].astype(np.int64)) for column in (counts, used))
    events_before = (events - events[firsts])[moments]
    quantity_before = (sums - sums[firsts])[moments]
    free = np.zeros(len(group), np.bool_)
    is_first = (events_before < events_max[order]) & (quantity_before < quantity_max[order])
    free[order] = is_first & counts[order]
    return free


def _before(column: Ints) -> Ints:
    """The sum of all rows before each."""
    sums: Ints = np.cumsum(column) - column
    return sums


def _since(begins: Marks) -> Ints:
    """For each row the place of the last one up to it that begins something."""
    places: Ints = np.maximum.accumulate(np.where(begins, np.arange(len(begins)), 0))
    return places


def freed(quantities: Sequence[int], terms: AllowanceTerms) -> Iterator[Freed]:
    """What is free of events in their order, up to the one that uses the allowance up."""
    left = terms.quantity
    for count, quantity in enumerate(quantities):
        if count == terms.events or left == 0:
            return
        free = quantity if left is None else min(quantity, left)
        left = None if left is None else left - free
        yield Freed(quantity, free)


def first_events(sets: Sequence[CellSet], terms: AllowanceTerms) -> list[Freed]:
    """What is free of the events that some cells are of."""
    sets = [cells for cells in sets if len(cells)]
    if not sets:
        return []
    cells = merged(sets)
    named = zip(cells.member.tolist(), cells.up.tolist(), strict=True)
    placed = sorted((place_of(cells.names[member]), quantity) for member, quantity in named)
    return list(freed([quantity for _, quantity in placed], terms))


def kept(
    names: Sequence[str], quantities: Sequence[int], beside: CellSet, terms: AllowanceTerms
) -> list[bool]:
    """Which of some new events may be among the first of their series, given those kept before."""
    known = zip(beside.member.tolist(), beside.up.tolist(), strict=True)
    placed = [(place_of(beside.names[member]), quantity, -1) for member, quantity in known]
    new = enumerate(zip(names, quantities, strict=True))
    placed += [(place_of(name), quantity, at) for at, (name, quantity) in new]
    placed.sort()
    found = [False] * len(names)
    for (_, _, at), _ in zip(placed, freed([q for _, q, _ in placed], terms), strict=False):
        if at >= 0:
            found[at] = True
    return found
