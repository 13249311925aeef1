"""Cells of a batch: what contributions carry beside sums, for items whose measure needs it.

A percentile needs the bytes of every window, a peak the largest event, a count of subscribers who
they were. So legs of such items are folded a second time, into cells (see `state/cells.py`): by
series, member and window. They travel as a second stream behind the sums of their block, and a
block without any has none. Members are names of ports, or the tokens of subscribers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.codes import Reason
from state.distinct import distinct
from state.measures import BYTES
from state.special import CELLS
from state.tables import Tables
from streams.attribution import Legs
from streams.families import Codes, Ints, Marks
from streams.packing import Packer, unpack
from streams.usage import UsageBatch

FIGURES = ("window", "up", "down")
SPAN_MAX_US = 86_400 * 1_000_000  # what samples cover is shorter, or it is no sample


@dataclass(frozen=True)
class Cells:
    """Rows of cells: codes into `series` (texts of `Series`) and `members`, window and figures."""

    series: pa.Array
    members: pa.Array
    code: Codes
    member: Codes
    window: Ints
    up: Ints
    down: Ints

    def __len__(self) -> int:
        return len(self.code)

    def take(self, at: Marks | Ints) -> Cells:
        """Some of the rows."""
        columns = (getattr(self, name)[at] for name in ("code", "member", *FIGURES))
        return Cells(self.series, self.members, *columns)

    def trimmed(self) -> Cells:
        """The same rows, of members that have any."""
        used, code = distinct(self.member)
        members = self.members.take(pa.array(used))
        return replace(self, members=members, member=code.astype(np.int32))

    def to_bytes(self) -> bytes:
        """The rows as an Arrow stream; nothing where there are none."""
        if len(self) == 0:
            return b""
        columns = {
            "series": _named(self.code, self.series),
            "member": _named(self.member, self.members),
            **{name: pa.array(getattr(self, name), pa.int64()) for name in FIGURES},
        }
        return Packer().pack(columns, {})

    @staticmethod
    def from_bytes(data: bytes) -> Cells:
        """The rows of a stream; none of no bytes."""
        if not data:
            return NO_CELLS
        batch = unpack(data)
        series, member = batch.column("series"), batch.column("member")
        return Cells(
            series.dictionary,
            member.dictionary,
            series.indices.to_numpy(),
            member.indices.to_numpy(),
            *(batch.column(name).to_numpy() for name in FIGURES),
        )


def too_long(usage: UsageBatch, legs: Legs, reason: npt.NDArray[np.int8], tables: Tables) -> None:
    """Give legs a reason whose sample lasts longer than a day."""
    at = tables.special.legs(CELLS, legs.item)
    at = at[(tables.special.cells.keeps[legs.item[at]] == BYTES) & (reason[at] == 0)]
    if len(at):
        event = legs.event[at]
        spans = usage.ended_us[event] - usage.started_us[event]
        reason[at[spans > SPAN_MAX_US]] = Reason.TOO_LONG


def _named(codes: Codes, names: pa.Array) -> pa.DictionaryArray:
    """Codes as a dictionary of only the names that occur."""
    used, code = distinct(codes)
    return pa.DictionaryArray.from_arrays(code.astype(np.int32), names.take(pa.array(used)))


NO_CELLS = Cells(
    series=pa.array([], pa.string()),
    members=pa.array([], pa.string()),
    code=np.zeros(0, np.int32),
    member=np.zeros(0, np.int32),
    window=np.zeros(0, np.int64),
    up=np.zeros(0, np.int64),
    down=np.zeros(0, np.int64),
)
