"""Recycling: suspended usage tried again.

When reference has been mended, suspended events are put on `recycle.v1` as they wait in
`suspense.v1`. That makes trying again a logged input like any other: it happens in the ordinary
transaction, in slices, and asking twice does no harm, because only what is still suspended is
taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from schemas.codes import Reason
from schemas.records import codec
from streams.log import Segment
from streams.usage import UsageBatch, read_usage


@dataclass(frozen=True)
class Recycled:
    """Suspended events as usage again: event i waits under `ids[i]` for `reasons[i]`.

    `missing` names what each lacked, and `log_times_us` says when it was asked to be tried again.
    """

    usage: UsageBatch
    ids: Sequence[str]
    reasons: Sequence[Reason]
    missing: Sequence[str]
    log_times_us: Sequence[int]


def read_recycled(
    segments: Sequence[Segment], partitions: int, suspended: Mapping[int, Mapping[str, Reason]]
) -> Recycled:
    """Read recycle requests, once each, and only of what is still suspended and can be recycled.

    A conflicting body stays suspended: which of two bodies is right is for an operator to say.
    """
    chosen: dict[str, tuple[int, dict[str, Any], Reason]] = {}
    asked_us: dict[str, int] = {}
    for segment in segments:
        for index, value in enumerate(segment.values):
            if value is None:
                continue
            record = codec("suspense.avsc").decode(value)
            reason = suspended.get(segment.partition, {}).get(record["suspense_id"])
            if reason is not None and reason is not Reason.CONFLICTING_BODY:
                chosen[record["suspense_id"]] = (segment.partition, record, reason)
                asked_us[record["suspense_id"]] = segment.log_time_us(index)
    ordered = sorted(chosen.items(), key=lambda pair: pair[1][0])
    usage, _ = read_usage(_as_segments(ordered), partitions)
    order = usage.message
    records = [record for _, (_, record, _) in ordered]
    stood = {
        name: np.array([records[m][name] for m in order], np.int64)
        for name in ("partition", "offset", "row", "body")
    }
    usage = replace(
        usage,
        partition=stood["partition"].astype(np.int32),
        offset=stood["offset"],
        row=stood["row"],
        body=stood["body"].astype(np.uint64),
    )
    ids = [ordered[m][0] for m in order]
    missing = [records[m]["missing"] for m in order]
    return Recycled(usage, ids, [chosen[i][2] for i in ids], missing, [asked_us[i] for i in ids])


def _as_segments(
    ordered: Sequence[tuple[str, tuple[int, dict[str, Any], Reason]]],
) -> list[Segment]:
    """The waiting events as if they came from the log again, a segment a partition."""
    # When nothing waits any more, usage is still read, of no message at all.
    by_partition: dict[int, list[bytes]] = {} if ordered else {0: []}
    for _, (partition, record, _) in ordered:
        by_partition.setdefault(partition, []).append(record["usage"])
    return [
        Segment("usage.v1", p, np.arange(len(v), dtype=np.int64), [None] * len(v), v, len(v), 0)
        for p, v in by_partition.items()
    ]
