"""Rated usage in blocks of columns: what every figure can be opened to.

One row a leg: which event (source, epoch, sequence or event id; position on the log), whose (key,
agreement, version, item), how it was priced (zone, price, connect fee, quantities) and the charge.
Blocks go to `rated.v1` and from there into the archive by period and agreement; they are what
`weir explain` shows, and what later re-rating and reconciliation start from. No number of a
subscriber or caller is in them, only the subscriber's token.

What few agreements have is a column only of blocks that need it: `band`, the time band in which a
leg begins, and `parts`, what a leg consists of that went on into other bands. Where charges are
divided, `leg` numbers the legs of an event's batch and `kind` says what each is (`LegKind`), a
share has the number of the leg that it is part of in `sender_leg`, and `whole_micros` has what a
leg's charge was before parts of it were given away. Where an event is owed for on both sides,
`margin_micros` is what it earns, and `loss` whether that is less than nothing. Of
what is taken back `original_us` says when the original began, `parts_taken` how much of its charge.
Partial records have `session_id` and `session_from`, where in its session each goes on; a row of
`kind` correction has what the figures of a row before it became more, or less, when other parts of
its session came. `from_us` and `upto_us` are the stretch of an interval that a leg is of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.codes import LegKind
from state.bands import NO_BANDS
from state.distinct import distinct
from state.tables import NONE, Tables
from streams.banding import Parts
from streams.families import Ints
from streams.log import Message
from streams.margins import NO_MARGIN
from streams.packing import Packer
from streams.pieces import Pieces
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

# What a leg comes to, and what that is divided into: columns that say nothing of whose it is.
FIGURES = frozenset(
    {"quantity", "connect_nanos", "charge_micros", "residue", "parts", "margin_micros", "loss"}
    | {"kind", "leg", "sender_leg", "whole_micros"}
)

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

    def rows(self, usage: UsageBatch, rated: Rated) -> list[dict[str, Any]]:
        """What legs are known by: rows without what they come to."""
        columns = self._columns(usage, rated)
        named = {name: column for name, column in columns.items() if name not in FIGURES}
        rows: list[dict[str, Any]] = pa.table(named).to_pylist()
        return rows

    def _columns(self, usage: UsageBatch, rated: Rated) -> dict[str, pa.Array]:
        """One row a leg."""
        legs = rated.legs
        event = legs.event
        sequence = usage.sequence[event]
        at = pa.array(event)
        special = self._bands_of(rated) | self._shares_of(rated) | _margins_of(rated)
        return (
            special
            | _reversals(rated)
            | _session_of(usage, rated)
            | _stretches(rated.pieces)
            | {
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
        )

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

    def _shares_of(self, rated: Rated) -> dict[str, pa.Array]:
        """The columns of a batch in which charges are divided; without such legs there are none."""
        shares = rated.shares
        if shares is None:
            return {}
        added = self._tables.choices.is_surcharge[rated.legs.item]
        is_share = shares.sender != NONE
        kind = np.where(is_share, LegKind.SHARE, np.where(added, LegKind.SURCHARGE, LegKind.USAGE))
        return {
            "kind": pa.array(kind.astype(np.int8)),
            "leg": pa.array(shares.leg),
            "sender_leg": pa.array(shares.sender, mask=~is_share),
            "whole_micros": pa.array(shares.whole_micros, mask=~shares.divided),
        }

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


def _margins_of(rated: Rated) -> dict[str, pa.Array]:
    """The margin of each leg's event; null where it has none, no column where none has."""
    margin = rated.margin_micros
    if margin is None:
        return {}
    unknown = margin == NO_MARGIN
    return {
        "margin_micros": pa.array(margin, mask=unknown),
        "loss": pa.array(margin < 0, mask=unknown),
    }


def _reversals(rated: Rated) -> dict[str, pa.Array]:
    """The columns that only legs which take something back have."""
    back = rated.reversals
    if back is None:
        return {}
    others = np.ones(len(rated), bool)
    others[back.leg] = False
    columns = {}
    for name, values in (("original_us", back.original_us), ("parts_taken", back.parts)):
        column = np.zeros(len(rated), np.int64)
        column[back.leg] = values
        columns[name] = pa.array(column, mask=others)
    return columns


def _session_of(usage: UsageBatch, rated: Rated) -> dict[str, pa.Array]:
    """The columns that only partial records of a session have."""
    if rated.position is None:
        return {}
    text, is_none = usage.text("session_id"), rated.position < 0
    codes = np.where(is_none, NONE, text.codes[rated.legs.event]).astype(np.int32)
    return {
        "session_id": _used(codes, text.names),
        "session_from": pa.array(rated.position, mask=is_none),
    }


def _stretches(pieces: Pieces | None) -> dict[str, pa.Array]:
    """The columns that only legs have that count time; without such legs there are none."""
    if pieces is None or not np.any(pieces.is_time):
        return {}
    mask = ~pieces.is_time
    return {
        "from_us": pa.array(pieces.start_us, mask=mask),
        "upto_us": pa.array(pieces.upto_us, mask=mask),
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
