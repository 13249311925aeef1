"""Folding legs into cells: which windows and members usage touches, and with what.

An event belongs to the window in which it begins, but for bytes of a level: a sample that goes on
over the end of a window is spread over all windows that it touches, in proportion to its time. It
is cut by cumulative floors: up to an instant that lies x of D microseconds behind its start, B
bytes are floor(B x / D). So the parts are whole bytes and add up to the sample. All of a sample
belongs to the period in which it begins; windows are numbered on beyond that period's end.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.codes import Each
from state.calendar import Periods
from state.distinct import combine, distinct
from state.measures import BYTES, EVENT, LARGEST, PORT, PRESENT, SUBSCRIBER, WINDOW_SECONDS
from state.special import CELLS
from state.tables import NONE, Tables
from streams.allowance import may_be_free, names_of
from streams.cells import NO_CELLS, Cells
from streams.contribution import SeriesTexts, _sums
from streams.families import Codes, Ints
from streams.privacy import Tokens
from streams.rating import Rated
from streams.usage import UsageBatch

SECOND_US = 1_000_000
CHUNK_BITS = 20
BYTES_CHUNKS = 3  # of so many bits: bytes of an event are below 2^44


class Rows(NamedTuple):
    """Rows before they are folded: the leg that each is of, window, and figures."""

    leg: Ints
    window: Ints
    up: Ints
    down: Ints


def fold_cells(
    usage: UsageBatch, rated: Rated, tables: Tables, texts: SeriesTexts, tokens: Tokens
) -> tuple[Cells, npt.NDArray[np.int32]]:
    """Fold rated legs of items with a measure.

    Args:
        usage: the batch.
        rated: its legs.
        tables: what they were rated by.
        texts: texts of series under these tables.
        tokens: makes the names of subscribers.

    Returns:
        The cells, and for each series the code of its agreement.
    """
    at = tables.special.legs(CELLS, rated.legs.item)
    if len(at) == 0:
        return NO_CELLS, np.zeros(0, np.int32)
    members, member = _members(usage, rated, at, tables, tokens)
    at, member = at[member >= 0], member[member >= 0]
    if len(at) == 0:
        return NO_CELLS, np.zeros(0, np.int32)
    rows = _rows(usage, rated, at, tables)
    item, period = rated.legs.item[at], rated.period[at]
    pairs, of_leg = distinct(combine((item, period)))
    first = np.zeros(len(pairs), np.int64)
    first[of_leg] = np.arange(len(of_leg))  # any leg of a series names it
    line = np.full(len(pairs), NONE, np.int32)
    series = texts.of(item[first], line, period[first])
    keys, group = distinct(combine((of_leg[rows.leg], member[rows.leg], rows.window)))
    one = np.zeros(len(keys), np.int64)
    one[group] = np.arange(len(group))
    keeps = tables.special.cells.keeps[item[rows.leg[one]]]
    is_largest = (keeps == LARGEST) | (keeps == PRESENT)
    up, down = (_kept(column, group, is_largest) for column in (rows.up, rows.down))
    cells = Cells(
        series,
        members,
        of_leg[rows.leg[one]].astype(np.int32),
        member[rows.leg[one]].astype(np.int32),
        rows.window[one],
        up,
        down,
    )
    return cells, rated.legs.agreement[at][first]


def _kept(column: Ints, group: Ints, is_largest: npt.NDArray[np.bool_]) -> Ints:
    """The sum of each group, or its largest."""
    count = len(is_largest)
    sums = np.zeros(count, np.int64)
    if not is_largest.all():
        summed = ~is_largest[group]
        sums = _sums(column[summed], group[summed], count)
    if is_largest.any():
        most = np.full(count, np.iinfo(np.int64).min)
        np.maximum.at(most, group, column)
        sums[is_largest] = most[is_largest]
    return sums


def _members(
    usage: UsageBatch, rated: Rated, at: Ints, tables: Tables, tokens: Tokens
) -> tuple[pa.Array, Ints]:
    """Names of members and the code of each leg's; -1 where a leg has none that it should have."""
    legs = rated.legs
    whose = tables.special.cells.member[legs.item[at]]
    member = np.zeros(len(at), np.int64)
    names = [pa.array([""], pa.string())]
    ports = np.flatnonzero(whose == PORT)
    if len(ports):
        instances = usage.keys["product_instance"]
        codes = instances.codes[legs.event[at[ports]]].astype(np.int64)
        member[ports] = np.where(codes >= 0, codes + 1, -1)
        names.append(instances.names)
    people = np.flatnonzero(whose == SUBSCRIBER)
    if len(people):
        event = legs.event[at[people]]
        rows = pa.array(event)
        column = tokens.column(
            usage.subscriber.take(rows),
            usage.subscriber_rank[event],
            usage.subscriber_token.take(rows),
        ).dictionary_encode()
        codes = column.indices.fill_null(-1).to_numpy().astype(np.int64)
        member[people] = np.where(codes >= 0, codes + sum(map(len, names)), -1)
        names.append(column.dictionary)
    events = np.flatnonzero(whose == EVENT)
    if len(events):
        first = _first(usage, rated, at[events], tables)
        member[events] = -1
        member[events[first]] = np.arange(len(first)) + sum(map(len, names))
        names.append(names_of(usage, legs.event[at[events[first]]]))
    return pa.concat_arrays(names), member


def _first(usage: UsageBatch, rated: Rated, at: Ints, tables: Tables) -> Ints:
    """Which legs of items with an allowance may be among the first of their period."""
    item = rated.legs.item[at]
    group = distinct(combine((item, rated.period[at])))[1]
    rules = tables.special.cells
    limits = rules.events_max[item], rules.quantity_max[item]
    started = usage.started_us[rated.legs.event[at]]
    return np.flatnonzero(may_be_free(group, started, rated.quantity[at], *limits))


def _rows(usage: UsageBatch, rated: Rated, at: Ints, tables: Tables) -> Rows:
    """What each leg puts into which windows."""
    rules, item, event = tables.special.cells, rated.legs.item[at], rated.legs.event[at]
    started = usage.started_us[event]
    begin = _period_begin(rated.legs.version[at], rated.period[at], tables)
    leg, window = np.arange(len(at)), _window(started, begin, item, tables)
    keeps = rules.keeps[item]
    up = np.where(keeps == PRESENT, 1, rated.quantity[at])
    down = np.zeros(len(at), np.int64)
    levels = np.flatnonzero(keeps == BYTES)
    if len(levels) == 0:
        return Rows(leg, window, up, down)
    others = np.flatnonzero(keeps != BYTES)
    size = np.zeros(len(at), np.int64)
    for each, seconds in WINDOW_SECONDS.items():
        size[rules.window[item] == each] = seconds * SECOND_US
    ended = np.maximum(usage.ended_us[event], started)
    # A sample that ends on the edge of a window does not touch the next one.
    last = (np.maximum(ended - 1, started)[levels] - begin[levels]) // size[levels]
    count = last - window[levels] + 1
    spread = np.repeat(levels, count)
    number = np.arange(len(spread)) - np.repeat(np.cumsum(count) - count, count)
    touched = window[spread] + number
    edge = begin[spread] + touched * size[spread]
    span = (ended - started)[spread]
    since = np.clip(edge - started[spread], 0, span)
    upto = np.clip(edge + size[spread] - started[spread], 0, span)
    figures = []
    for name in ("volume_up_bytes", "volume_down_bytes"):
        volume = usage.quantities[name][event[spread]]
        figures.append(_share(volume, upto, span) - _share(volume, since, span, empty=False))
    return Rows(
        np.concatenate([leg[others], spread]),
        np.concatenate([window[others], touched]),
        np.concatenate([up[others], figures[0]]),
        np.concatenate([down[others], figures[1]]),
    )


def _share(volume: Ints, part: Ints, whole: Ints, *, empty: bool = True) -> Ints:
    """floor(volume x part / whole), exactly, in 64 bits; of no time at all, all or nothing.

    By long division: volumes are below 2^44 and times within a day, below 2^37 microseconds, so a
    remainder with one chunk of the volume behind it stays below 2^63.
    """
    share, rest = np.zeros_like(volume), np.zeros_like(volume)
    divisor = np.maximum(whole, 1)
    for chunk in reversed(range(BYTES_CHUNKS)):
        digit = volume >> (CHUNK_BITS * chunk) & (2**CHUNK_BITS - 1)
        rest = (rest << CHUNK_BITS) + digit * part
        share = (share << CHUNK_BITS) + rest // divisor
        rest %= divisor
    return np.where(whole > 0, share, volume if empty else 0)


def _period_begin(version: Codes, period: Codes, tables: Tables) -> Ints:
    """When the period of each leg begins, by the calendar of its version."""
    begin = np.zeros(len(version), np.int64)
    calendar = tables.version_calendar[version]
    for number in distinct(calendar)[0].tolist():
        at = np.flatnonzero(calendar == number)
        begin[at] = tables.calendars[number].starts_us[period[at].astype(np.int64) + 1]
    return begin


def _window(started: Ints, begin: Ints, item: Codes, tables: Tables) -> Ints:
    """The number of the window in which each leg begins."""
    each = tables.special.cells.window[item]
    window = np.zeros(len(started), np.int64)
    for length, seconds in WINDOW_SECONDS.items():
        at = np.flatnonzero(each == length)
        window[at] = (started[at] - begin[at]) // (seconds * SECOND_US)
    days = np.flatnonzero(each == Each.DAY)
    calendar = tables.version_calendar[tables.item_version[item[days]]]
    for number in distinct(calendar)[0].tolist():
        at = days[calendar == number]
        local = Periods.of(tables.calendars[number].zone, "day")
        window[at] = local.index_of(started[at]) - local.index_of(begin[at]).astype(np.int64)
    return window
