"""Pieces: an interval is cut where a settlement period or a version of the agreement ends.

A circuit is in service from one moment up to another, and the event that says so may reach over
months. What is counted of it is time: units by days or by seconds. So a leg whose item counts time
becomes one leg a *piece*: each lies in one period and one version, is priced by the item that its
version has for such usage, and counts in its own period. Days are those of the local calendar of
the piece's version, from and with the day on which it begins up to, and without, the day on which
it ends; seconds are those of the clock that have ended. Both are differences of two readings of a
calendar or clock, so pieces always add up to the whole, wherever they are cut.

The event itself counts once: in its first piece. A later one in which no day or second ends is
none. Whose an interval is, and which conditions it meets, is decided as for every event by when it
begins.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from schemas.codes import Quantity, Reason
from schemas.money import MICROS
from state.calendar import Periods
from state.distinct import distinct
from state.special import INTERVAL
from state.tables import NONE, Tables
from streams.attribution import Legs
from streams.families import Codes, Ints, Marks, numbers
from streams.selection import select
from streams.usage import QUANTITY_MAX, UsageBatch

PIECES_MAX = 120  # ten years by the month: more work than that is not for one event
LONGEST_US = 3_660 * 86_400 * MICROS
LATEST_US = 4_133_894_400_000_000  # 2100-12-31, as far as the calendar of every zone goes


@dataclass(frozen=True)
class Pieces:
    """The stretch of time that each leg is of, one entry a leg, in microseconds.

    `time` is what is counted of a leg whose item counts time (`is_time`): units by days or seconds.
    `is_first` says that the event is counted with this leg; it is false of all pieces but the first
    of an interval.
    """

    start_us: Ints
    upto_us: Ints
    time: Ints
    is_time: Marks
    is_first: Marks

    def take(self, at: Marks | Ints | slice) -> Pieces:
        """Those of some of the legs."""
        return Pieces(*(getattr(self, f)[at] for f in self.__dataclass_fields__))

    def and_whole(self, started_us: Ints) -> Pieces:
        """The same, and behind them legs of events that began then and count no time."""
        nothing = np.zeros(len(started_us), np.int64)
        more = Pieces(started_us, started_us, nothing, nothing > 0, nothing == 0)
        names = self.__dataclass_fields__
        return Pieces(*(np.concatenate([getattr(self, f), getattr(more, f)]) for f in names))


@dataclass(frozen=True)
class _Cut:
    """Stretches of legs, in order of the leg's row and then of time."""

    row: Ints
    version: Codes
    start_us: Ints
    upto_us: Ints

    def take(self, at: Marks | Ints) -> _Cut:
        """Some of them."""
        return _Cut(*(getattr(self, f)[at] for f in self.__dataclass_fields__))


def cut(usage: UsageBatch, legs: Legs, tables: Tables) -> tuple[Legs, Pieces | None]:
    """Cut the legs that count time; their first pieces stay in place, later ones come behind.

    Returns:
        The legs, and what each of them is a piece of; None where no leg counts time.
    """
    rows = tables.special.legs(INTERVAL, legs.item)
    rows = rows[legs.reason[rows] == 0]
    if len(rows) == 0:
        return legs, None
    event = legs.event[rows]
    ended = numbers(usage.families, "ended_at", len(usage.unreadable))[event]
    started, reason = usage.started_us[event], legs.reason.copy()
    long = (ended - started > LONGEST_US) | (ended >= LATEST_US)
    reason[rows[long]] = Reason.TOO_LONG
    legs = replace(legs, reason=reason)
    by_version = _by_version(legs, rows[~long], started[~long], ended[~long], tables)
    pieces = _by_period(by_version, tables)
    count = np.bincount(pieces.row, minlength=len(legs))
    reason[count > PIECES_MAX] = Reason.TOO_LONG
    pieces = pieces.take(count[pieces.row] <= PIECES_MAX)
    later = np.flatnonzero(_goes_on(pieces.row))
    return _joined(usage, legs, pieces, later, tables)


def _goes_on(row: Ints) -> Marks:
    """Which entries of a rising column are of the same row as the one before."""
    again = np.zeros(len(row), bool)
    again[1:] = row[1:] == row[:-1]
    return again


def _by_version(legs: Legs, rows: Ints, start_us: Ints, upto_us: Ints, tables: Tables) -> _Cut:
    """Cut at the edges of versions; behind the last one a stretch has none."""
    ends_us = tables.version_upto_s * MICROS
    found: list[_Cut] = []
    version = legs.version[rows]
    while len(rows) and len(found) <= PIECES_MAX:
        end_us = np.where(version == NONE, upto_us, np.minimum(upto_us, ends_us[version]))
        found.append(_Cut(rows, version, start_us, end_us))
        on = end_us < upto_us
        rows, start_us, upto_us = rows[on], end_us[on], upto_us[on]
        version = tables.version_of.lookup(legs.agreement[rows], start_us // MICROS)
    none = np.zeros(0, np.int64)
    found.append(_Cut(none, none.astype(np.int32), none, none))
    names = _Cut.__dataclass_fields__
    whole = _Cut(*(np.concatenate([getattr(one, f) for one in found]) for f in names))
    return whole.take(np.argsort(whole.row, kind="stable"))


def _by_period(of: _Cut, tables: Tables) -> _Cut:
    """Cut at the edges of the periods of each stretch's version."""
    first, more = np.zeros(len(of.row), np.int64), np.zeros(len(of.row), np.int64)
    calendar = np.where(of.version == NONE, NONE, tables.version_calendar[of.version])
    for number in distinct(calendar)[0].tolist():
        if number != NONE:
            at = np.flatnonzero(calendar == number)
            edges = tables.calendars[number].starts_us
            last_us = np.maximum(of.start_us[at], of.upto_us[at] - 1)
            first[at] = np.searchsorted(edges, of.start_us[at], side="right")
            more[at] = np.searchsorted(edges, last_us, side="right") - first[at]
    more = np.minimum(more, PIECES_MAX)  # as many as that are refused in any case
    stretch = np.repeat(np.arange(len(of.row)), more + 1)
    number = np.arange(len(stretch)) - np.repeat(np.cumsum(more + 1) - more - 1, more + 1)
    pieces = of.take(stretch)
    for code in distinct(calendar)[0].tolist():
        if code != NONE:
            edges = tables.calendars[code].starts_us
            own = calendar[stretch] == code
            place = first[stretch] + number
            goes_on, begins = own & (number < more[stretch]), own & (number > 0)
            pieces.upto_us[goes_on] = edges[place[goes_on]]
            pieces.start_us[begins] = edges[place[begins] - 1]
    return pieces


def _joined(
    usage: UsageBatch, legs: Legs, pieces: _Cut, later: Ints, tables: Tables
) -> tuple[Legs, Pieces]:
    """The legs, each of its first piece or as it was, and behind them a leg for each later one."""
    more = _later(usage, legs, pieces.take(later), tables)
    names = Legs.__dataclass_fields__
    joined = Legs(*(np.concatenate([getattr(legs, f), getattr(more, f)]) for f in names))
    is_later = np.zeros(len(pieces.row), bool)
    is_later[later] = True
    begun = usage.started_us[joined.event]
    is_time, is_first = np.zeros(len(joined), bool), np.ones(len(joined), bool)
    is_first[len(legs) :] = False
    place = pieces.row.copy()
    place[later] = len(legs) + np.arange(len(later))
    start_us, upto_us = begun.copy(), begun.copy()
    start_us[place], upto_us[place], is_time[place] = pieces.start_us, pieces.upto_us, True
    found = Pieces(start_us, upto_us, np.zeros(len(joined), np.int64), is_time, is_first)
    _count(usage, joined, found, tables)
    # A later piece in which nothing ends is none; one that has a reason suspends its event.
    kept = is_first | (found.time != 0) | (joined.reason != 0)
    return (joined, found) if kept.all() else (joined.take(kept), found.take(kept))


def _later(usage: UsageBatch, legs: Legs, pieces: _Cut, tables: Tables) -> Legs:
    """A leg for each later piece, by the item that its version has for such usage.

    Where there is no version the reason says so, and where its item does not count time, there is
    none that would.
    """
    of = legs.take(pieces.row)
    version, event = pieces.version, of.event
    item = tables.item_of[version, of.role, usage.service[event], usage.direction[event]]
    item = np.where(version == NONE, NONE, item).astype(np.int32)
    reason = np.zeros(len(event), np.int8)
    reason[item == NONE] = Reason.NO_ITEM
    reason[version == NONE] = Reason.NO_AGREEMENT
    asked = replace(of, version=version, item=item, reason=reason)
    # What is added to an event was added where it began: surcharges come behind all these legs.
    chosen = select(usage, asked, tables).take(slice(len(asked)))
    counts = np.zeros(len(chosen), bool)
    counts[tables.special.legs(INTERVAL, chosen.item)] = True
    reason = chosen.reason.copy()
    reason[(reason == 0) & ~counts] = Reason.NO_ITEM
    return replace(chosen, reason=reason)


def _count(usage: UsageBatch, legs: Legs, pieces: Pieces, tables: Tables) -> None:
    """Set the time of each piece, in place; refuse what no circuit comes to."""
    at = np.flatnonzero(pieces.is_time & (legs.reason == 0))
    start_us, upto_us = pieces.start_us[at], pieces.upto_us[at]
    length = upto_us // MICROS - start_us // MICROS
    by_days = tables.item_quantity[legs.item[at]] == Quantity.UNIT_DAYS
    zone_of = tables.version_calendar[legs.version[at]]
    for number in distinct(zone_of[by_days])[0].tolist():
        own = np.flatnonzero(by_days & (zone_of == number))
        days = Periods.of(tables.calendars[number].zone, "day").starts_us
        dates = [np.searchsorted(days, us[own], side="right") for us in (start_us, upto_us)]
        length[own] = dates[1] - dates[0]
    units = usage.quantities["units"][legs.event[at]]
    fits = units <= (QUANTITY_MAX - 1) // np.maximum(length, 1)
    pieces.time[at] = np.where(fits, units * np.where(fits, length, 0), 0)
    legs.reason[at[~fits]] = Reason.CHARGE_OVERFLOW


def started_us(usage: UsageBatch, legs: Legs, pieces: Pieces | None) -> Ints:
    """When each leg's own stretch of time begins: as its event does, but for later pieces."""
    return usage.started_us[legs.event] if pieces is None else pieces.start_us


def counted(raw: Ints, quantity: Ints, pieces: Pieces | None) -> tuple[Ints, Ints]:
    """What is measured of legs and what is charged for, where time is counted instead."""
    if pieces is None:
        return raw, quantity
    return np.where(pieces.is_time, pieces.time, raw), np.where(
        pieces.is_time, pieces.time, quantity
    )


def counted_events(group: Ints, pieces: Pieces | None) -> Ints:
    """Of the groups of legs those of legs that their event is counted with."""
    return group if pieces is None else group[pieces.is_first]
