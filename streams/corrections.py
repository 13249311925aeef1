"""Corrections: what figures that were booked before have become more, or less.

When a part of a session comes, those behind it may count and cost something else. The difference is
booked where they were: in the sums of their series and hour, with no event, and as a row of
`rated.v1` of the same leg, so that the rows of a leg add up to what it comes to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from schemas.codes import LegKind
from state.balances import split_residue
from state.invariants import invariant
from state.sessions import Correction
from streams.contribution import FIGURES, HOUR_US, Series, Sums
from streams.families import Codes
from streams.log import Message
from streams.packing import Packer

TYPES = {
    "band": pa.string(),
    "session_id": pa.string(),
    "session_from": pa.int64(),
    "kind": pa.int8(),
    "partition": pa.int32(),
    "offset": pa.int64(),
    "row": pa.int32(),
    "source": pa.string(),
    "epoch": pa.int32(),
    "sequence": pa.int64(),
    "event_id": pa.string(),
    "started_us": pa.int64(),
    "service": pa.int8(),
    "direction": pa.int8(),
    "role": pa.int8(),
    "key": pa.string(),
    "agreement": pa.string(),
    "version": pa.int32(),
    "item": pa.string(),
    "period": pa.string(),
    "zone": pa.string(),
    "raw_quantity": pa.int64(),
    "quantity": pa.int64(),
    "price_nanos": pa.int64(),
    "connect_nanos": pa.int64(),
    "charge_micros": pa.int64(),
    "residue": pa.int64(),
    "subscriber_token": pa.string(),
}
"""The columns of a row, as those of other rated rows; names are plain strings here."""


def messages(corrections: Sequence[Correction], head: Mapping[str, object]) -> list[Message]:
    """Corrections as blocks of rated rows; what was measured is not counted again."""
    if not corrections:
        return []
    rows = [_row(one) for one in corrections]
    columns = {n: pa.array([row.get(n) for row in rows], kind) for n, kind in TYPES.items()}
    return [(None, Packer().pack(columns, head))]


def _row(one: Correction) -> dict[str, object]:
    """One correction as a row: whose it is, and by how much."""
    return {
        **one.part.row,
        "kind": int(LegKind.CORRECTION),
        "session_from": one.part.figures.position,
        "raw_quantity": 0,
        "quantity": one.more.quantity,
        "connect_nanos": one.more.connect_nanos,
        "charge_micros": one.more.charge_micros,
        "residue": one.more.residue,
    }


def with_corrections(
    sums: Sums, agreements: Codes, corrections: Sequence[Correction], code_of: Mapping[str, int]
) -> tuple[Sums, Codes]:
    """Sums of a batch, and the agreement of each series, with corrections of earlier ones.

    Args:
        sums: those of the batch.
        agreements: the code of each series' agreement.
        corrections: of parts of earlier batches.
        code_of: the codes of agreements by name.
    """
    booked = [one for one in corrections if any(one.more[:3])]
    if not booked:
        return sums, agreements
    places = [(one.part.series, one.part.started_us // HOUR_US) for one in booked]
    rows = {place: row for row, place in enumerate(dict.fromkeys(places))}
    at = np.array([rows[place] for place in places], np.int64)
    residue = np.array([one.more.residue for one in booked], np.int64)
    said = {
        "quantity": np.array([one.more.quantity for one in booked], np.int64),
        "charge_micros": np.array([one.more.charge_micros for one in booked], np.int64),
    }
    said["residue_high"], said["residue_low"] = split_residue(residue)
    columns = {"hour": np.array([hour for _, hour in rows], np.int32)}
    for name in FIGURES[1:]:
        columns[name] = np.zeros(len(rows), np.int64)
        if name in said:
            np.add.at(columns[name], at, said[name])
    code = len(sums.series) + np.arange(len(rows), dtype=np.int32)
    series = pa.concat_arrays([sums.series, pa.array([s for s, _ in rows], pa.string())])
    joined = {n: np.concatenate([getattr(sums, n), columns[n]]) for n in FIGURES}
    codes = np.concatenate([sums.code, code]).astype(np.int32)
    names = [Series.parse(series).agreement for series, _ in rows]
    gone = [name for name in names if name not in code_of]
    invariant(not gone, "agreements that usage was settled by stay", agreements=gone)
    owners = np.array([code_of[name] for name in names], agreements.dtype)
    whose = np.concatenate([agreements, owners])
    return Sums(series, codes, *(joined[n] for n in FIGURES)), whose
