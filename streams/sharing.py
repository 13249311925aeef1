"""Sharing: parts of charges that go to other agreements.

The station after rating. Where the item of a leg has a split, its charge, rounded as the agreement
rounds records, is divided: the agreement's own part stays with the leg, every other part becomes a
leg of its own, of the receiver's agreement in its version in force at event time, on the item that
receives. That item may have a split as well, so shares are shared, generation by generation; that
this ends is checked when reference is loaded. What is owed to whom is said by the receiving item.

What was divided is always there again: the parts of a split add up to it, and the residue of the
whole stays with the first leg. A receiver that has no version in force suspends the event.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from schemas.codes import Reason
from schemas.money import MICROS, MICROS_DECIMALS
from schemas.terms_shares import GENERATIONS_MAX
from state.invariants import InvariantViolation, invariant
from state.special import SPLIT
from state.tables import NONE, Tables
from streams.attribution import Legs, attribute
from streams.families import Codes, Ints
from streams.rating import NOT_COLUMNS, Rated, periods_of
from streams.selection import select
from streams.shares import Shares, divide
from streams.usage import UsageBatch


def share(usage: UsageBatch, rated: Rated, tables: Tables) -> Rated:
    """The legs with their own parts, followed by those of all shares.

    Legs of an event that has no price are left as they are. Without splits nothing is looked at.
    """
    senders = tables.special.legs(SPLIT, rated.legs.item)
    if len(senders) == 0:
        return rated
    failed = np.zeros(len(usage), bool)
    failed[rated.legs.event[rated.reason != 0]] = True
    senders = senders[~failed[rated.legs.event[senders]]]
    rated = replace(rated, shares=Shares.none(len(rated)), reason=rated.reason.copy())
    for _ in range(GENERATIONS_MAX):
        if len(senders) == 0:
            return rated
        before = len(rated)
        rated = _generation(usage, rated, senders, tables)
        more = tables.special.legs(SPLIT, rated.legs.item[before:])
        senders = before + more
    invariant(len(senders) == 0, "shares of shares come to an end")
    return rated


def _generation(usage: UsageBatch, rated: Rated, senders: Ints, tables: Tables) -> Rated:
    """Divide the charges of some legs; the legs of the shares come behind all others."""
    legs, splits, charge = rated.legs, tables.splits, rated.charge_micros.copy()
    item = legs.item[senders]
    step = 10 ** (MICROS_DECIMALS - tables.item_decimals[item].astype(np.int64))
    whole = charge[senders]
    invariant(not np.any(whole % step), "what is divided is rounded to the decimals of its terms")
    pairs, parts = divide(whole // step, tables.item_mode[item], splits.split_of[item], splits)
    parts *= step[pairs.amount]
    if len(pairs.starts):
        sums = np.add.reduceat(parts, pairs.starts)
        invariant(bool(np.all(sums == whole)), "the parts of a split add up to the whole")
    code = splits.receiver[pairs.party]
    own = np.flatnonzero(code == NONE)
    charge[senders[pairs.amount[own]]] = parts[own]
    given = np.flatnonzero(code != NONE)
    sender, parts = senders[pairs.amount[given]], parts[given]
    event = legs.event[sender]
    received = splits.receivers.lookup(code[given], usage.priced_us[event] // MICROS)
    rated.reason[sender[received == NONE]] = Reason.NO_RECEIVER
    found = received != NONE
    if rated.shares is None:
        raise InvariantViolation("Invariant: shares are noted from the first generation on")
    shares = rated.shares.with_whole(senders, whole).and_of(sender[found])
    whole_of_part = whole[pairs.amount[given]][found]
    more = _received(usage, legs.take(sender[found]), received[found], tables)
    more = replace(more, raw_quantity=whole_of_part, quantity=whole_of_part.copy())
    rated = replace(rated, charge_micros=charge)
    more = replace(more, charge_micros=parts[found])
    return _joined(rated, more, shares, usage.started_us[more.legs.event])


def _received(usage: UsageBatch, legs: Legs, item: Codes, tables: Tables) -> Rated:
    """Legs of receiving items: events of no price of their own."""
    version = tables.item_version[item]
    agreement = tables.version_agreement[version]
    legs = replace(legs, agreement=agreement, version=version, item=item)
    nothing = np.zeros(len(item), np.int64)
    return Rated(
        legs=legs,
        period=periods_of(usage.started_us[legs.event], version, tables),
        raw_quantity=nothing,
        quantity=nothing,
        zone=np.full(len(item), NONE, np.int32),
        band=np.zeros(len(item), np.int8),
        price_nanos=nothing,
        connect_nanos=nothing,
        charge_micros=nothing,
        residue=nothing,
        reason=np.zeros(len(item), np.int8),
    )


def _joined(rated: Rated, more: Rated, shares: Shares, started_us: Ints) -> Rated:
    """Legs, and behind them the others, whose events began at these times."""
    fields = [f for f in Rated.__dataclass_fields__ if f not in NOT_COLUMNS]
    both: dict[str, Any] = {
        f: np.concatenate([getattr(rated, f), getattr(more, f)]) for f in fields
    }
    names = Legs.__dataclass_fields__
    pairs = ((getattr(rated.legs, f), getattr(more.legs, f)) for f in names)
    legs = Legs(*(np.concatenate(pair) for pair in pairs))
    pieces = None if rated.pieces is None else rated.pieces.and_whole(started_us)
    parts, back = rated.parts, rated.reversals
    made = Rated(legs, **both, corrections=())
    return replace(made, parts=parts, pieces=pieces, shares=shares, reversals=back)


def missing_receiver(usage: UsageBatch, event: int, tables: Tables) -> str:
    """The first agreement that is to receive a share of an event and has no version in force."""
    legs, _ = attribute(usage, np.array([event], np.int64), tables)
    second = usage.priced_us[[event]] // MICROS
    waiting = [int(row) for row in select(usage, legs, tables).item.tolist() if row >= 0]
    splits = tables.splits
    for row in waiting:  # grows by those who receive
        split, terms = int(splits.split_of[row]), tables.items[row].split
        if terms is None:
            continue
        for place, party in enumerate(terms.parties, int(splits.first[split])):
            if party.agreement is not None:
                received = splits.receivers.lookup(splits.receiver[[place]], second)
                if received[0] == NONE:
                    return party.agreement
                waiting.append(int(received[0]))
    return ""
