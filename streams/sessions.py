"""Sessions: partial records become parts of one call, and move the parts that they come before.

The last station of rating, for the few legs whose item counts sessions. A leg so far is priced as a
call of its own; here it joins the parts of its session that are known, and all of them are worked
out anew (`state/sessions.py`). The leg takes the figures of its part. Parts of earlier batches may
have other figures now: they get a correction, which adds the difference where they were counted.

A record that is too late for its session has a reason instead: more than seven days behind what its
source has reported before it on the log, or after its session began. That is judged record by
record in the order of the log, so batches make no difference.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from schemas.codes import CountRound, PriceKind, Reason, RoundingMode, RoundingPlace, Whole
from schemas.money import CHARGE_MICROS_MAX
from state.bands import NO_BANDS
from state.sessions import (
    Correction,
    Figures,
    Order,
    Part,
    Parts,
    PartTerms,
    key_of,
    takes,
    work_out,
)
from state.special import SESSION
from state.tables import Tables
from streams.contribution import Series
from streams.families import Ints, Marks
from streams.lines import find_lines
from streams.partials import part_numbers, unfinished
from streams.rating import Rated
from streams.usage import NO_SEQUENCE, UsageBatch

NO_POSITION = -1
Found = Callable[[int, str], Parts]
"""The parts of a session by usage partition and key; none of one that nobody knows."""
RowsOf = Callable[[Rated], Sequence[Mapping[str, Any]]]
"""Legs as rows of `rated.v1`, without what their parts come to."""


@dataclass(frozen=True)
class Joined:
    """Legs with the figures of their sessions, and sessions as they are now.

    `reason` has, by event, why a record is no part of its session; its legs are not in `rated`.
    """

    rated: Rated
    changed: Mapping[int, Mapping[str, Parts]]
    reason: Mapping[int, Reason]


def join(
    usage: UsageBatch,
    rated: Rated,
    newest_of: Callable[[Ints], Ints],
    found: Found,
    rows_of: RowsOf,
    tables: Tables,
) -> Joined:
    """Let partial records join their sessions.

    Args:
        usage: the batch.
        rated: its legs that have a price.
        newest_of: says by event the newest record of its source before it on the log, of some.
        found: the sessions as they are before.
        rows_of: makes rows of legs.
        tables: reference.
    """
    legs = _partial(usage, rated, tables)
    if not len(legs):
        return Joined(rated, {}, {})
    parts = _parts(usage, rated.take(legs), rows_of, tables)
    by_event: dict[int, list[int]] = {}
    for at, event in enumerate(rated.legs.event[legs].tolist()):
        by_event.setdefault(event, []).append(at)
    book = _Book(found)
    reason: dict[int, Reason] = {}
    events = np.array(list(by_event), np.int64)
    newest_us = newest_of(events)
    in_log_order = np.lexsort((usage.row[events], usage.message[events]))
    for event in events[in_log_order].tolist():
        partition = int(usage.partition[event])
        mine = [(int(legs[at]), (partition, parts[at][0]), parts[at][1]) for at in by_event[event]]
        why = book.add(mine, int(newest_us[event]))
        if why is not Reason.NONE:
            reason[event] = why
    settled = _with_figures(rated, book.figures())
    if reason:
        settled = settled.take(~np.isin(settled.legs.event, list(reason)))
    changed: dict[int, dict[str, Parts]] = {}
    for (partition, key), now in book.now.items():
        changed.setdefault(partition, {})[key] = now
    settled = replace(settled, corrections=book.corrections())
    return Joined(settled, changed, reason)


Place = tuple[int, str]  # usage partition and key


class _Book:
    """Sessions while the records of a batch join them, one after another."""

    def __init__(self, found: Found) -> None:
        self.now: dict[Place, Parts] = {}
        self._found = found
        self._before: dict[tuple[Place, Order], Part] = {}
        self._legs: dict[tuple[Place, Order], int] = {}
        self._last: dict[tuple[Place, Order], Part] = {}

    def add(self, mine: Sequence[tuple[int, Place, Part]], newest_us: int) -> Reason:
        """One record joins its sessions, all of them or none; or why it does not."""
        after: dict[Place, Parts] = {}
        for _, place, part in mine:
            known = self.now[place] if place in self.now else self._known(place)
            joined = takes(known, part.started_us, newest_us)
            if joined is None:
                return Reason.SESSION_EXPIRED
            together = list(joined)
            insort(together, part, key=lambda one: one.order)
            after[place] = work_out(together)
            if any(abs(one.figures.charge_micros) > CHARGE_MICROS_MAX for one in after[place]):
                return Reason.CHARGE_OVERFLOW
        self.now.update(after)
        for leg, place, part in mine:
            self._legs[place, part.order] = leg
        for place, parts in after.items():
            self._last.update({(place, part.order): part for part in parts})
        return Reason.NONE

    def _known(self, place: Place) -> Parts:
        """A session as it was before this batch."""
        known = self._found(*place)
        self._before.update({(place, part.order): part for part in known})
        return known

    def figures(self) -> Mapping[int, Figures]:
        """The figures of the batch's own legs."""
        return {leg: self._last[at].figures for at, leg in self._legs.items()}

    def corrections(self) -> list[Correction]:
        """What became of parts that were there before."""
        found = []
        for at, before in self._before.items():
            now = self._last.get(at)
            if now is None or now.figures == before.figures:
                continue
            pairs = zip(now.figures, before.figures, strict=True)
            more = Figures(*(new - old for new, old in pairs))
            goes_on = now.terms.whole is Whole.SESSION and more.position
            if any(more[:4]) or goes_on:
                found.append(Correction(now, more))
        return found


def _partial(usage: UsageBatch, rated: Rated, tables: Tables) -> Ints:
    """The legs of a session: their item counts sessions, and the record names one."""
    legs = tables.special.legs(SESSION, rated.legs.item)
    if not len(legs):
        return legs
    text = usage.text("session_id")
    is_named = np.array([name != "" for name in text.values] + [False])
    named: Ints = legs[is_named[text.codes[rated.legs.event[legs]]]]
    return named


def _with_figures(rated: Rated, figures: Mapping[int, Figures]) -> Rated:
    """Legs with the figures of their parts."""
    legs = np.fromiter(figures, np.int64, len(figures))
    position = np.full(len(rated), NO_POSITION, np.int64)
    columns = {
        name: getattr(rated, name).copy()
        for name in ("quantity", "charge_micros", "residue", "connect_nanos")
    }
    for name, column in (*columns.items(), ("position", position)):
        column[legs] = [getattr(of, name) for of in figures.values()]
    return replace(rated, **columns, position=position)


def _parts(
    usage: UsageBatch, rated: Rated, rows_of: RowsOf, tables: Tables
) -> list[tuple[str, Part]]:
    """Legs as parts with no figures yet, each with the key of its session."""
    legs = rated.legs
    events = legs.event.tolist()
    line, _, _ = find_lines(usage, legs, np.zeros(len(legs), np.int8), tables)
    text, number = usage.text("session_id"), part_numbers(usage)
    open_ended = unfinished(usage, legs, tables)
    found = []
    for at, row in enumerate(rows_of(rated)):
        event, item = events[at], tables.items[int(legs.item[at])]
        started_us, sequence = int(usage.started_us[event]), int(usage.sequence[event])
        order = (
            int(number[event]) if number[event] >= 0 else started_us,
            started_us,
            int(usage.epoch[event]),
            sequence,
            str(row["event_id"] or "") if sequence == NO_SEQUENCE else "",
        )
        terms = _terms(rated, at, int(line[at]), tables, open_ended)
        session = text.values[text.codes[event]]
        more = row["agreement"], item.name, row["role"], row["service"], item.quantity.label
        series = _series(rated, at, row, tables)
        leg, raw = {"band": None, **row, "session_id": session}, int(rated.raw_quantity[at])
        key = key_of(row["source"], session, *more)
        found.append((key, Part(order, raw, terms, leg, series)))
    return found


def _series(rated: Rated, at: int, row: Mapping[str, Any], tables: Tables) -> str:
    """The text of the series that a leg is summed in."""
    item, version = rated.legs.item[at], rated.legs.version[at]
    by_line = tables.item_place[item] == RoundingPlace.LINE
    line = (row["zone"] or "") if by_line else ""
    currency = tables.currencies[int(tables.version_currency[version])]
    named = row["agreement"], row["version"], row["item"], line, currency, row["period"], ""
    return Series(*named).text()


def _terms(rated: Rated, at: int, line: int, tables: Tables, open_ended: Marks | None) -> PartTerms:
    """How a leg is counted and priced."""
    special, rates = tables.special, tables.rates
    row = int(rated.legs.item[at])
    item = tables.items[row]
    over = int(tables.item_unit[row])
    limits = int(special.first_limits[row])
    limits += int(rated.band[at]) if special.limits_by_band[row] else 0
    owes = open_ended is None or not (special.attempt_last[limits] and open_ended[at])
    terms = PartTerms(
        version=tables.versions[int(rated.legs.version[at])].version,
        whole=Whole(int(special.whole[row])),
        price_nanos=int(rated.price_nanos[at]),
        connect_nanos=int(rates.connect_nanos[line]),
        unit=over // int(special.factor_denominator[row]),
        over=over,
        factor=int(special.factor_numerator[row]),
        initial=int(rates.initial_seconds[line]),
        following=int(rates.next_seconds[line]),
        least=int(special.count_minimum[row]),
        begun=CountRound(int(special.count_round[row])),
        minimum_nanos=int(special.minimum_nanos[limits]),
        maximum_nanos=item.limits[limits - int(special.first_limits[row])].maximum_nanos,
        attempt_nanos=int(special.attempt_nanos[limits]) if owes else 0,
        at_record=int(tables.item_place[row]) == RoundingPlace.RECORD,
        mode=RoundingMode(int(tables.item_mode[row])),
        decimals=int(tables.item_decimals[row]),
        own_quantity=int(rated.quantity[at]),
        own_value=0,
        curve=item.curve if item.price_kind is PriceKind.STEPS else None,
    )
    return terms._replace(own_value=_own_value(terms, rated, at, tables))


def _own_value(terms: PartTerms, rated: Rated, at: int, tables: Tables) -> int:
    """What a leg costs by itself without fees: in its time bands, else by its one line."""
    parts = rated.parts
    if tables.item_bands[rated.legs.item[at]] != NO_BANDS and parts is not None:
        mine = np.flatnonzero(parts.leg == at).tolist()
        if mine:
            price = tables.rates.price_nanos
            return sum(int(price[parts.line[p]]) * int(parts.quantity[p]) for p in mine)
    return terms.value(terms.own_quantity)


def newest_before(
    usage: UsageBatch, accepted: Marks, known: Callable[[int, str], int], events: Ints
) -> Ints:
    """By event, the newest record of its source before it on the log; only of those asked for.

    Args:
        usage: the batch.
        accepted: which of its events say how far their source has come.
        known: the newest record of a source before the batch, by partition and source.
        events: those asked for; all others are 0.
    """
    newest = np.zeros(len(usage), np.int64)
    sources, first = np.unique(usage.source.codes[events], return_index=True)
    for code, one in zip(sources.tolist(), events[first].tolist(), strict=True):
        at = np.flatnonzero(usage.source.codes == code)
        at = at[np.lexsort((usage.row[at], usage.message[at]))]
        # Of what is asked for: others may stand at a wrong partition, and count nothing.
        before = known(int(usage.partition[one]), str(usage.source.values[code]))
        times = np.where(accepted[at], usage.started_us[at], before)
        reached = np.maximum.accumulate(np.maximum(times, before))
        newest[at] = np.concatenate([[before], reached[:-1]])
    return newest
