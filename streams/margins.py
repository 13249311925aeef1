"""Margins: what an event earns, and which one loses money.

A call that comes in from one partner and goes out to another is owed for by the first and to the
second. What is owed to the operator less what the operator owes, over all legs of an event, is its
*margin*; one below zero is a loss. There is none where only one side is owed, where legs are in
several currencies, where a leg has no charge of its own because the period prices it, or where
one is part of a session, so that other records may still move its charge.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from schemas.codes import Flow, PriceKind
from state.distinct import distinct
from state.tables import Tables
from streams.families import Ints
from streams.rating import Rated

NO_MARGIN = -(2**63)
"""In a column of margins: the event has none."""

PRICED_BY_PERIOD = (PriceKind.TIERS,)


def with_margins(rated: Rated, tables: Tables) -> Rated:
    """The legs, each with the margin of its event; without the column where no event has one."""
    item = rated.legs.item
    payable = tables.item_flow[item] == Flow.PAYABLE
    if not payable.any() or payable.all():
        return rated
    events, event = distinct(rated.legs.event)
    pays, earns, unknown = np.zeros((3, len(events)), bool)
    pays[event[payable]] = True
    earns[event[~payable]] = True
    unknown[event[np.isin(tables.item_kind[item], PRICED_BY_PERIOD)]] = True
    if rated.position is not None:
        unknown[event[rated.position >= 0]] = True
    currency, one = tables.item_currency[item], np.zeros(len(events), np.int32)
    one[event] = currency
    unknown[event[currency != one[event]]] = True
    has = pays & earns & ~unknown
    if not has.any():
        return rated
    margin = np.zeros(len(events), np.int64)
    np.add.at(margin, event, np.where(payable, -rated.charge_micros, rated.charge_micros))
    return replace(rated, margin_micros=np.where(has, margin, NO_MARGIN)[event])


def losses(rated: Rated) -> int:
    """How many events have a margin below zero."""
    margin: Ints | None = rated.margin_micros
    if margin is None:
        return 0
    return len(distinct(rated.legs.event[(margin < 0) & (margin != NO_MARGIN)])[0])
