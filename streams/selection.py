"""Selection: which item prices a leg where several could, and what is added to it.

Attribution finds the one item that covers role, service and direction, or a group of candidates
with conditions. Here the groups are resolved, all legs of a batch together: every (leg, candidate)
pair is held against the candidate's conditions, and the candidate of the highest rank whose
conditions hold prices the leg. Ranks follow the stated precedence (`schemas.selectors`), so that
neither the order of a file nor that of a batch decides. Every *surcharge* whose conditions hold
adds a leg of its own, with its own item, series and statement line.

A batch without contested legs passes through untouched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from schemas.codes import Reason
from schemas.money import MICROS
from schemas.selectors import NO_GROUP, USAGE_COLUMNS
from state.choices import LENGTH_SHIFT, Choices, ValueSets
from state.invariants import invariant
from state.tables import NONE, Tables
from state.terms import CONTESTED
from streams.attribution import Legs
from streams.families import Codes, Ints, numbers
from streams.lines import looked_up
from streams.usage import UsageBatch


@dataclass(frozen=True)
class Judged:
    """Pairs of an event and a candidate: the rank of each, -1 where a condition does not hold.

    `failed` has the pairs that fail, by place, for each field that a candidate has a condition on.
    """

    failed: Mapping[str, Ints]
    rank: Ints


def select(usage: UsageBatch, legs: Legs, tables: Tables) -> Legs:
    """The legs with the item that prices each, followed by the legs of surcharges.

    A leg that no candidate matches comes back without an item, with the reason.
    """
    contested = np.flatnonzero(legs.item < NONE)
    if len(contested) == 0:
        return legs
    choices = tables.choices
    leg, item, starts = _pairs(CONTESTED - legs.item[contested], choices)
    event, key = legs.event[contested][leg], legs.key[contested][leg]
    rank = judge(usage, event, key, item, tables).rank
    is_surcharge = choices.is_surcharge[item]
    score = np.where(is_surcharge, NONE, rank)
    best = np.maximum.reduceat(score, starts)
    won = np.flatnonzero((score == best[leg]) & (score >= 0))
    invariant(len(won) == int((best >= 0).sum()), "no two candidates of a leg have equal rank")
    chosen, reason = legs.item.copy(), legs.reason.copy()
    chosen[contested] = NONE
    chosen[contested[leg[won]]] = item[won]
    reason[contested[best < 0]] = Reason.NO_ITEM
    legs = replace(legs, item=chosen, reason=reason)
    added = np.flatnonzero(is_surcharge & (rank >= 0) & (best[leg] >= 0))
    return legs.and_again(contested[leg[added]], item[added]) if len(added) else legs


def _pairs(group: Codes, choices: Choices) -> tuple[Ints, Codes, Ints]:
    """For the group of each leg its candidates: the leg's place, the item, and where legs start."""
    first = choices.first[group]
    count = choices.first[group + 1] - first
    leg = np.repeat(np.arange(len(group)), count)
    starts = np.cumsum(count) - count
    within = np.arange(len(leg)) - starts[leg]
    return leg, choices.candidates[first[leg] + within], starts


def judge(usage: UsageBatch, event: Ints, key: Codes, item: Codes, tables: Tables) -> Judged:
    """Hold pairs of an event and an item against the item's conditions.

    Args:
        usage: the batch.
        event: the row of each pair's event in it.
        key: the code of the attribution key that made the leg.
        item: the row of the candidate.
        tables: reference.
    """
    choices = tables.choices
    failed: dict[str, Ints] = {}
    rank = choices.rank[item]
    for field, sets in choices.values.items():
        at = np.flatnonzero(sets.set_of[item] != NONE)
        if len(at):
            value = _values(usage, field, event[at], key[at], sets)
            failed[field] = at[~sets.met(item[at], value)]
    for field, prefixes in choices.prefixes.items():
        at = np.flatnonzero(prefixes.set_of[item] != NONE)
        if len(at):
            number = usage.number(USAGE_COLUMNS[field])[event[at]]
            lengths = prefixes.lengths(item[at], number)
            failed[field] = at[lengths < 0]
            rank[at] += np.maximum(lengths, 0) << LENGTH_SHIFT[field]
    for name, one in choices.characteristics.items():
        at = np.flatnonzero(one.sets.set_of[item] != NONE)
        if len(at):
            had = one.value_of.lookup(key[at], usage.priced_us[event[at]] // MICROS)
            failed[f"characteristic {name}"] = at[~one.sets.met(item[at], had.astype(np.int64))]
    at = np.flatnonzero(choices.is_listed[item])
    if len(at):
        listed = item[at]
        number = looked_up(usage, event[at], tables.item_number[listed])
        zone = tables.decks.prefixes.lookup(tables.item_deck[listed], number)
        failed["listed"] = at[zone == NONE]
    at = choices.bands.asked(item)
    if len(at):
        met = choices.bands.met(item[at], usage.started_us[event[at]])
        failed["band"] = at[~met]
    for pairs in failed.values():
        rank[pairs] = NONE
    return Judged(failed, rank)


def _values(usage: UsageBatch, field: str, event: Ints, key: Codes, sets: ValueSets) -> Ints:
    """What each event says in a field, by its place among the values that conditions list."""
    if field == "key":
        return sets.place(key.astype(np.int64))
    if field == "rating_group":
        groups = numbers(usage.families, field, len(usage.unreadable), NO_GROUP)
        return sets.place(groups[event])
    places = np.arange(len(sets.texts), dtype=np.int32)
    found = usage.text(USAGE_COLUMNS[field]).find(sets.texts, places)
    return found[event].astype(np.int64)
