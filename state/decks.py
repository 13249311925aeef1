"""Rate decks on the hot path: number -> zone by longest prefix, zone and second -> rate line.

All decks lie in one structure each for prefixes, zones and rates, so that a batch whose rows
belong to many decks is looked up at once. Zone codes are dense over all decks: a zone of one deck
is not the zone of the same name in another. In a deck with time bands a zone has a code for each
band, one after the other by the name of the band; prefixes lead to the first of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.decks import BAND_COLUMN, Deck
from state.prefixes import Prefixes
from state.rates import Rates
from state.versions import AsOf

Int32 = npt.NDArray[np.int32]

# The columns of a deck that make a rate line, in the order of `Rates`.
RATE_LINE = ("price_nanos", "connect_fee_nanos", "initial_seconds", "next_seconds")


@dataclass(frozen=True)
class DeckTables:
    """Every deck. A deck's code is its table in `prefixes`, whose values are zone codes."""

    prefixes: Prefixes
    line_of: AsOf
    zone_names: tuple[str, ...]
    deck_names: tuple[str, ...]
    deck_of_zone: Int32


def build_decks(decks: Sequence[Deck], first_line: int = 0) -> tuple[DeckTables, Rates]:
    """The tables of these decks, and their rate lines, which are numbered from `first_line` on.

    A deck's code is its place in the sequence.
    """
    zones = _joined([_zones(deck) for deck in decks])
    zones = zones.with_row_index("code").with_columns(pl.col("code").cast(pl.Int32))
    rates = _joined([_by_band(deck) for deck in decks]).join(
        zones, on=["deck", "zone", BAND_COLUMN], how="left", maintain_order="left"
    )
    first_codes = zones.unique(["deck", "zone"], keep="first", maintain_order=True)
    prefixes = _joined([deck.prefixes for deck in decks]).join(
        first_codes, on=["deck", "zone"], how="left", maintain_order="left"
    )
    tables = {
        int(key[0]): table for key, table in prefixes.partition_by("deck", as_dict=True).items()
    }
    empty = prefixes.clear()
    of_deck = [tables.get(code, empty) for code in range(len(decks))]
    lines = Rates(*(rates[name].to_numpy() for name in RATE_LINE))
    found = DeckTables(
        prefixes=Prefixes.build(
            [(table["prefix"].to_arrow(), table["code"].to_numpy()) for table in of_deck]
        ),
        line_of=AsOf.build(
            rates["code"].to_numpy(),
            rates["valid_from_s"].to_numpy(),
            rates["valid_upto_s"].to_numpy(),
            first_line + np.arange(rates.height, dtype=np.int32),
            zones.height,
        ),
        zone_names=tuple(zones["zone"].to_list()),
        deck_names=tuple(deck.name for deck in decks),
        deck_of_zone=zones["deck"].to_numpy(),
    )
    return found, lines


def _zones(deck: Deck) -> pl.DataFrame:
    """The zones of a deck, each once for every band; without bands, for the band of no name."""
    zones = deck.rates.select("zone").unique(maintain_order=True)
    bands = pl.DataFrame({BAND_COLUMN: deck.bands or ("",)}, schema={BAND_COLUMN: pl.String})
    return zones.join(bands, how="cross", maintain_order="left_right")


def _by_band(deck: Deck) -> pl.DataFrame:
    """The rates of a deck, with a band in any case, in columns of one order."""
    rates = deck.rates if deck.bands else deck.rates.with_columns(pl.lit("").alias(BAND_COLUMN))
    return rates.select("zone", BAND_COLUMN, *RATE_LINE, "valid_from_s", "valid_upto_s")


_COLUMNS = {
    "deck": pl.Int32,
    "prefix": pl.String,
    "zone": pl.String,
    BAND_COLUMN: pl.String,
    "price_nanos": pl.Int64,
    "initial_seconds": pl.Int64,
    "next_seconds": pl.Int64,
    "connect_fee_nanos": pl.Int64,
    "valid_from_s": pl.Int64,
    "valid_upto_s": pl.Int64,
}


def _joined(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Frames of one shape below each other, with the code of the deck that each is of."""
    if not frames:
        return pl.DataFrame(schema=_COLUMNS)
    return pl.concat(
        frame.with_columns(deck=pl.lit(code, pl.Int32)) for code, frame in enumerate(frames)
    )
