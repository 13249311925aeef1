"""Outcomes: every event of a batch is counted in exactly one, and what is not usage is kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from schemas.codes import Outcome, Reason
from schemas.frames import Refused
from schemas.topics import QUARANTINE, USAGE
from state.usage_memory import Delta
from streams import suspense
from streams.framing import framed
from streams.log import Segment
from streams.settle import Work
from streams.usage import UsageBatch

REPEATED = 255  # above every reason


def tally(
    usage: UsageBatch,
    reason: npt.NDArray[np.int8],
    duplicate: npt.NDArray[np.bool_],
    delta: Delta,
) -> None:
    """Count outcomes: a duplicate is one whatever else is wrong with it."""
    # A repeat is a duplicate whatever is wrong with it; the code leaves room for every reason.
    what = np.where(duplicate, np.int64(REPEATED), reason.astype(np.int64))
    code = usage.partition.astype(np.int64) * (REPEATED + 1) + what
    counts = np.bincount(code)
    for value in np.flatnonzero(counts).tolist():
        partition, rest = divmod(value, REPEATED + 1)
        repeated = rest == REPEATED
        why = Reason.NONE if repeated else Reason(rest)
        outcome = Outcome.DUPLICATE if repeated else why.outcome
        delta.count(partition, why, outcome, int(counts[value]))


def quarantine(
    usage: UsageBatch,
    reason: npt.NDArray[np.int8],
    duplicate: npt.NDArray[np.bool_],
    segments: Sequence[Segment],
    refused: Sequence[Refused],
    work: Work,
) -> None:
    """Keep what is not usage with its position and bytes."""
    unusable = np.flatnonzero((reason >= Reason.UNDECODABLE) & ~duplicate)
    messages = framed(usage, unusable, None)
    for index in unusable.tolist():
        message = suspense.quarantined_event(usage, index, USAGE.name, messages[index])
        work.send(QUARANTINE.name, int(usage.partition[index]), message)
    for partition, message in suspense.quarantined_messages(segments, refused):
        work.send(QUARANTINE.name, partition, message)
    starts = np.cumsum([0, *(len(s) for s in segments)])
    for one in refused:
        segment = segments[int(np.searchsorted(starts, one.message, "right")) - 1]
        work.delta.count(segment.partition, one.reason, Outcome.QUARANTINED)
