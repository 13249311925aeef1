"""Territory: whether usage lies where its agreement holds.

Once the version in force is known, the number that prices go by is held against the prefixes of its
territory, and the network that the usage was in against the networks. All legs of a batch are
looked up together; where no version has a territory nothing is looked at.
"""

from __future__ import annotations

import numpy as np

from state.tables import NONE, Tables
from streams.families import Codes, Ints, Marks
from streams.usage import UsageBatch

VISITED, HOME = "visited_network", "home_network"


def outside(usage: UsageBatch, event: Ints, version: Codes, tables: Tables) -> Marks:
    """Which legs lie outside of the territory of their version.

    Args:
        usage: the batch.
        event: the row of each leg's event in it.
        version: the row of the version in force, NONE where there is none.
        tables: reference.
    """
    found = wrong_number(usage, event, version, tables)
    sets = tables.territories.networks
    if sets is None:
        return found
    at = np.flatnonzero((version != NONE) & (sets.set_of[version] != NONE))
    places = np.arange(len(sets.texts), dtype=np.int32)
    is_given, place = np.zeros(len(at), bool), np.full(len(at), NONE, np.int32)
    for column in (HOME, VISITED):  # the network that was visited counts before the home network
        text = usage.text(column)
        has = text.codes[event[at]] >= 0
        place = np.where(has, text.find(sets.texts, places)[event[at]], place)
        is_given |= has
    met = sets.met(version[at], place.astype(np.int64))
    found[at[is_given & ~met]] = True
    return found


def wrong_number(usage: UsageBatch, event: Ints, version: Codes, tables: Tables) -> Marks:
    """Which legs have a number that begins with none of their version's prefixes; see `outside`."""
    found = np.zeros(len(event), bool)
    sets = tables.territories.called
    if sets is not None:
        at = np.flatnonzero((version != NONE) & (sets.set_of[version] != NONE))
        number = usage.rated_number[event[at]]
        found[at] = (number >= 0) & (sets.lengths(version[at], number) < 0)
    return found


def network(usage: UsageBatch, index: int) -> str:
    """The network that an event was in, as it names it; empty where it names none."""
    for column in (VISITED, HOME):
        text = usage.text(column)
        if text.codes[index] >= 0:
            return text.values[int(text.codes[index])]
    return ""
