"""Banding: the parts of a leg that goes on from one time band into another.

A call from 17:59 to 18:01 has a dear and a cheap minute, and the contract says what a begun
increment is at the edge between them. Seconds are numbered from the start of the leg, and a second
lies in the band in which it begins. Under `round_each_band` each part is counted like a call of its
own, by the increments of its band. Under `complete_increment` an increment that was opened is
completed at its own price, and the next one is opened where it ends, in the band that holds there:
a part that is paid for already costs nothing. The connect fee is that of the band in which the leg
begins, once. `start_band` prices the whole leg by that band, so that nothing is ever split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.codes import BandSplit, Reason
from state.bands import SECOND_US, Bands
from state.tables import NONE, Tables
from streams.attribution import Legs
from streams.counting import increments
from streams.families import Codes, Ints
from streams.lines import by_bands
from streams.usage import UsageBatch

LONGEST_S = 31 * 86_400  # of a leg that is split: a longer one is no call but a mistake


@dataclass(frozen=True)
class Parts:
    """What legs consist of, one entry a part, by leg and then in order of time.

    `leg` is the leg's row, `band` the number of the band in its plan, `line` the rate line that
    prices the part, `seconds` how many of the leg's seconds begin in it, and `quantity` how many
    are charged for.
    """

    leg: Ints
    band: npt.NDArray[np.int8]
    line: Codes
    seconds: Ints
    quantity: Ints

    def __len__(self) -> int:
        return len(self.leg)

    def take(self, at: npt.NDArray[np.bool_] | Ints | slice, legs: int) -> Parts | None:
        """The parts of some of so many legs, which are numbered anew; None if there are none."""
        taken = np.arange(legs)[at]
        row = np.full(legs, -1, np.int64)
        row[taken] = np.arange(len(taken))
        kept = np.flatnonzero(row[self.leg] >= 0)
        return _by_leg(row[self.leg[kept]], [getattr(self, f)[kept] for f in FIGURES])


FIGURES = tuple(field.name for field in fields(Parts) if field.name != "leg")


def cross(
    usage: UsageBatch,
    legs: Legs,
    seconds: Ints,
    zone: Codes,
    reason: npt.NDArray[np.int8],
    tables: Tables,
) -> Parts | None:
    """The parts of those legs that their item splits and that go on into another band, if any.

    Args:
        usage: the batch.
        legs: its legs.
        seconds: the measured quantity of each leg, which is seconds where bands split it.
        zone: its zone, where a deck prices it.
        reason: why a leg has no price; set, in place, of one too long to be split.
        tables: reference.
    """
    found: list[Parts] = []
    for all_at, bands in by_bands(legs, reason, tables):
        splits = tables.item_split[legs.item[all_at]] != BandSplit.START_BAND
        at = all_at[splits & (seconds[all_at] > 0)]
        reason[at[seconds[at] > LONGEST_S]] = Reason.TOO_LONG
        at = at[seconds[at] <= LONGEST_S]
        start_us = usage.started_us[legs.event[at]]
        first, last = bands.cross(start_us, start_us + (seconds[at] - 1) * SECOND_US + 1)
        at, start_us = at[first != last], start_us[first != last]
        item = legs.item[at]
        lines = tables.item_line[item][:, np.newaxis] + np.arange(len(bands.names), dtype=np.int32)
        by_deck = np.flatnonzero(zone[at] != NONE)
        if len(by_deck):
            lines[by_deck] = _deck_lines(zone[at[by_deck]], start_us[by_deck], bands, tables)
        parts = split(
            bands,
            tables.item_split[item],
            start_us,
            seconds[at],
            lines,
            tables.rates.initial_seconds,
            tables.rates.next_seconds,
        )
        if parts is not None:
            found.append(replace(parts, leg=at[parts.leg]))
    return _joined(found)


def _deck_lines(zone: Codes, start_us: Ints, bands: Bands, tables: Tables) -> Codes:
    """The lines of zones for each of the bands, in force when the leg begins."""
    width = len(bands.names)
    code: Codes = np.repeat(zone, width) + np.tile(np.arange(width, dtype=np.int32), len(zone))
    seconds = np.repeat(start_us // SECOND_US, width)
    return tables.decks.line_of.lookup(code, seconds).reshape(-1, width)


def split(
    bands: Bands,
    rule: npt.NDArray[np.int8],
    start_us: Ints,
    seconds: Ints,
    lines: Codes,
    initial: Ints,
    following: Ints,
) -> Parts | None:
    """The parts of legs at the edges of their bands; None without legs.

    Args:
        bands: the plan in the zone of the agreement, one for all these legs.
        rule: a `BandSplit` for each leg, complete_increment or round_each_band.
        start_us: when each leg begins.
        seconds: its begun seconds, at least one.
        lines: its rate lines, a column for each band.
        initial: the seconds of the first increment, by rate line.
        following: those of every later one, by rate line.
    """
    stretch, _ = bands.cross(start_us, start_us)
    counted, paid = np.zeros(len(start_us), np.int64), np.zeros(len(start_us), np.int64)
    found: list[Parts] = []
    at = np.arange(len(start_us))
    while len(at):  # once a band that the longest leg touches: all legs go through theirs together
        end_us, band = bands.stretch(stretch[at])
        upto = np.minimum(-((start_us[at] - end_us) // SECOND_US), seconds[at])
        line = lines[at, band]
        anew = rule[at] == BandSplit.ROUND_EACH_BAND
        paid_upto = np.where(anew, counted[at], paid[at])
        lead = np.where(anew | (counted[at] == 0), initial[line], 0)
        quantity = increments(upto - paid_upto, lead, following[line])
        found.append(Parts(at, band, line, upto - counted[at], quantity))
        paid[at] = paid_upto + quantity
        counted[at] = upto
        at = at[upto < seconds[at]]
        stretch[at] += 1
    return _joined(found)


def _joined(found: Sequence[Parts]) -> Parts | None:
    """Parts of several rounds, by leg; a later round is later in time. None if there are none."""
    if not found:
        return None
    columns = [np.concatenate([getattr(part, f) for part in found]) for f in FIGURES]
    return _by_leg(np.concatenate([part.leg for part in found]), columns)


def _by_leg(leg: Ints, figures: Sequence[npt.NDArray[Any]]) -> Parts | None:
    """Parts in order of their legs; those of one leg stay as they are. None if there are none."""
    if not len(leg):
        return None
    order = np.argsort(leg, kind="stable")
    return Parts(leg[order], *(column[order] for column in figures))
