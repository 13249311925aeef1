"""Rated usage in blocks of columns: what every figure can be opened to.

One row a leg: which event (source, epoch, sequence or event id; position on the log), whose (key,
agreement, version, item), how it was priced (zone, price, connect fee, quantities) and the charge.
Blocks go to `rated.v1` and from there into the archive by period and agreement; they are what
`weir explain` shows, and what later re-rating and reconciliation start from. No number of a
subscriber or caller is in them, only the subscriber's token.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from state.distinct import distinct
from state.tables import NONE, Tables
from streams.log import Message
from streams.packing import Packer
from streams.privacy import Tokens
from streams.rating import Rated, period_names
from streams.usage import NO_SEQUENCE, UsageBatch

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
        return {
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
