"""Lines: which rate line each leg is charged by.

Most items have a line of their own, or one for each time band: the band in which the event begins
decides (what goes on into another band is split by `banding`). A deck has one for every zone and
time: the longest prefix of the number gives the zone, the zone and the event's time give the rate
in force. Which number that is, the item says: as a rule where the call goes, and for prices by
origin where it comes from.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from schemas.codes import Number, PriceKind, Reason
from schemas.money import MICROS
from state.bands import NO_BANDS, Bands
from state.distinct import distinct
from state.rates import NO_LINE
from state.tables import NONE, Tables
from streams.attribution import Legs
from streams.families import Codes, Ints
from streams.usage import UsageBatch


def find_lines(
    usage: UsageBatch, legs: Legs, reason: npt.NDArray[np.int8], tables: Tables
) -> tuple[Codes, Codes, npt.NDArray[np.int8]]:
    """The rate line of each leg, its zone (NONE without a deck) and the band in which it begins.

    A leg that no rate is in force for gets `NO_LINE` and, in place, its reason.
    """
    band = np.zeros(len(legs), np.int8)
    for at, bands in by_bands(legs, reason, tables):
        band[at] = bands.at(usage.started_us[legs.event[at]])
    line = tables.item_line[legs.item] + band
    zone = np.full(len(legs), NONE, np.int32)
    kind = tables.item_kind[legs.item]
    by_deck = np.flatnonzero((kind == PriceKind.DECK) & (reason == 0))
    if len(by_deck):
        decks = tables.decks
        event = legs.event[by_deck]
        deck = tables.item_deck[legs.item[by_deck]]
        number = looked_up(usage, event, tables.item_number[legs.item[by_deck]])
        zone[by_deck] = decks.prefixes.lookup(deck, number)
        code = zone[by_deck]
        if tables.bands:
            code = np.where(code == NONE, code, code + band[by_deck])
        found = decks.line_of.lookup(code, usage.started_us[event] // MICROS)
        reason[by_deck[found == NONE]] = Reason.NO_RATE
        line[by_deck] = np.where(found == NONE, NO_LINE, found)
    return line, zone, band


def by_bands(
    legs: Legs, reason: npt.NDArray[np.int8], tables: Tables
) -> Iterator[tuple[Ints, Bands]]:
    """The legs that are priced by time band and have no reason not to be, by their bands."""
    if not tables.bands:
        return  # what nobody has costs nothing
    code = np.where(reason == 0, tables.item_bands[legs.item], NO_BANDS)
    for number in distinct(code)[0].tolist():
        if number != NO_BANDS:
            yield np.flatnonzero(code == number), tables.bands[number]


COLUMNS = {
    Number.CALLED: "called_number",
    Number.ROUTING: "routing_number",
    Number.CALLING: "calling_number",
}


def looked_up(usage: UsageBatch, event: Ints, number: npt.NDArray[np.int8]) -> Ints:
    """The ranks of the numbers that some events' decks are looked up by."""
    found = usage.rated_number[event]
    if number.any():
        for which, column in COLUMNS.items():
            at = np.flatnonzero(number == which)
            if len(at):
                found[at] = usage.number(column)[event[at]]
    return found
