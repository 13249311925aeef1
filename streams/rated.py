"""Rated usage in blocks of columns: what every figure can be opened to.

One row a leg: which event (source, epoch, sequence or event id; position on the log), whose (key,
agreement, version, item), how it was priced (zone, price, connect fee, quantities) and the charge.
Blocks go to `rated.v1` and from there into the archive by period and agreement; they are what
`weir explain` shows, and what later re-rating and reconciliation start from. No number of a
subscriber or caller is in them, only the subscriber's token.

What few agreements have is a column only of blocks that need it: `band`, the time band in which a
leg begins, and `parts`, what a leg consists of that went on into other bands.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from state.bands import NO_BANDS
from state.distinct import distinct
from state.tables import NONE, Tables
from streams.banding import Parts
from streams.families import Ints
from streams.log import Message
from streams.packing import Packer
from streams.privacy import Tokens
from streams.rating import Rated, period_names
from streams.usage import NO_SEQUENCE, UsageBatch

PART = pa.struct(
    [
        pa.field("band", pa.string()),
        pa.field("seconds", pa.int64()),
        pa.field("quantity", pa.int64()),
        pa.field("price_nanos", pa.int64()),
    ]
)
"""One part of a leg: its band, its own seconds, those charged for, and at which price."""

BLOCK_ROWS_MAX = 65_536  # rows in one message, which must fit the broker's limit


class Blocks:
    """Makes blocks under one reference; the names behind its codes are columns made once."""

    def __init__(self, tables: Tables, tokens: Tokens) -> None:
        text = pa.string()
        self._tables, self._tokens, self._packer = tables, tokens, Packer()
        self._keys = pa.array(tables.key_names, text)
        self._agreements = pa.array([a.name for a in tables.agreements], text)
        self._items = pa.array([i.name for i in tables.items], text)
        self._zones = pa.array(tables.decks.zone_names, text)
        self._versions = np.array([v.version for v in tables.versions], np.int32)
        # The names of all bands, one plan after the other, and where those of each plan begin.
        self._bands = pa.array([name for bands in tables.bands for name in bands.names], text)
        self._first_band = np.cumsum([0, *(len(bands.names) for bands in tables.bands)])

    def messages(
        self, usage: UsageBatch, rated: Rated, head: Mapping[str, object]
    ) -> list[Message]:
        """Rated legs as blocks, see `streams.packing`."""
        starts = range(0, len(rated), BLOCK_ROWS_MAX)
        parts = (rated.take(slice(start, start + BLOCK_ROWS_MAX)) for start in starts)
        return [(None, self.to_bytes(usage, part, head)) for part in parts]

    def to_bytes(self, usage: UsageBatch, rated: Rated, head: Mapping[str, object]) -> bytes:
        """Rated legs as one block."""
        return self._packer.pack(self._columns(usage, rated), head)

    def _columns(self, usage: UsageBatch, rated: Rated) -> dict[str, pa.Array]:
        """One row a leg."""
        legs = rated.legs
        event = legs.event
        sequence = usage.sequence[event]
        at = pa.array(event)
        return self._bands_of(rated) | {
            "partition": pa.array(usage.partition[event]),
            "offset": pa.array(usage.offset[event]),
            "row": pa.array(usage.row[event].astype(np.int32)),
            "source": _named(usage.source.codes[event], list(usage.source.values)),
            "epoch": pa.array(usage.epoch[event].astype(np.int32)),
            "sequence": pa.array(sequence, mask=sequence == NO_SEQUENCE),
            "event_id": _taken(usage.event_id, at),
            "started_us": pa.array(usage.started_us[event]),
            "service": pa.array(usage.service[event]),
            "direction": pa.array(usage.direction[event]),
            "role": pa.array(legs.role),
            "key": _used(legs.key, self._keys),
            "agreement": _used(legs.agreement, self._agreements),
            "version": pa.array(self._versions[legs.version]),
            "item": _used(legs.item, self._items),
            "period": period_names(legs.version, rated.period, self._tables),
            "zone": _used(rated.zone, self._zones),
            "raw_quantity": pa.array(rated.raw_quantity),
            "quantity": pa.array(rated.quantity),
            "price_nanos": pa.array(rated.price_nanos),
            "connect_nanos": pa.array(rated.connect_nanos),
            "charge_micros": pa.array(rated.charge_micros),
            "residue": pa.array(rated.residue),
            "subscriber_token": self._tokens.column(
                _taken(usage.subscriber, at),
                usage.subscriber_rank[event],
                _taken(usage.subscriber_token, at),
            ),
        }

    def _bands_of(self, rated: Rated) -> dict[str, pa.Array]:
        """The columns that only legs priced by time band have; without such legs there are none."""
        item = rated.legs.item
        code = self._tables.item_bands[item]
        if not np.any(code != NO_BANDS):
            return {}
        band = np.where(
            code == NO_BANDS,
            NONE,
            self._first_band[code] + rated.band,
        )
        columns: dict[str, pa.Array] = {"band": _used(band.astype(np.int32), self._bands)}
        if rated.parts is not None:
            columns["parts"] = self._parts(rated.parts, self._first_band[code], len(item))
        return columns

    def _parts(self, parts: Parts, first_band: Ints, legs: int) -> pa.Array:
        """The parts of each leg as a list; null for one that has none."""
        counts = np.bincount(parts.leg, minlength=legs)
        values = pa.StructArray.from_arrays(
            [
                self._bands.take(pa.array(first_band[parts.leg] + parts.band)),
                pa.array(parts.seconds),
                pa.array(parts.quantity),
                pa.array(self._tables.rates.price_nanos[parts.line]),
            ],
            fields=list(PART),
        )
        offsets = pa.array(np.append([0], np.cumsum(counts)).astype(np.int32))
        return pa.ListArray.from_arrays(offsets, values, mask=pa.array(counts == 0))


def _taken(column: pa.Array, at: pa.Array) -> pa.Array:
    """Some rows of a column; nothing is looked up in one that has no values."""
    if column.null_count == len(column):
        return pa.nulls(len(at), column.type)
    return column.take(at)


def _used(codes: npt.NDArray[np.int32], names: pa.Array) -> pa.DictionaryArray:
    """Codes of a large code space as a dictionary of only the names that occur."""
    used, code = distinct(codes)
    values = names.take(pa.array(used, mask=used == NONE))
    return pa.DictionaryArray.from_arrays(pa.array(code.astype(np.int32)), values)


def _named(
    codes: npt.NDArray[np.int32], values: list[str | None] | list[str]
) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(values, pa.string()))
