"""Small readable makers for the stations: messages into batches, batches into rated legs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from schemas.codes import Reason
from state.tables import Tables
from streams.attribution import Legs, attribute
from streams.log import Segment
from streams.rating import Rated, rate
from streams.selection import select
from streams.usage import UsageBatch, read_usage
from tests import builders

Check = Callable[[UsageBatch], None]
LOG_TIME_US = 1_793_600_000_000_000  # 2026-11-02T06:13:20Z


def segment(
    values: Sequence[bytes | None],
    *,
    topic: str = "usage.v1",
    partition: int = 0,
    start: int = 0,
    keys: Sequence[bytes | None] | None = None,
    at_us: int = LOG_TIME_US,
) -> Segment:
    """Messages of one partition with dense offsets."""
    offsets = np.arange(start, start + len(values), dtype=np.int64)
    names = [None] * len(values) if keys is None else keys
    return Segment(topic, partition, offsets, names, values, start + len(values), at_us)


def usage(*values: bytes | None) -> UsageBatch:
    """Messages of a single partition as a batch."""
    return read_usage([segment(values)], 1)[0]


def reasons(batch: UsageBatch) -> list[str]:
    """Why each row is not usage, in words; `none` where it is."""
    return [Reason(code).label for code in batch.reason.tolist()]


def legs_of(batch: UsageBatch, tables: Tables) -> tuple[Legs, list[str]]:
    """The legs of a whole batch, and for each event why it has none."""
    legs, why = attribute(batch, np.arange(len(batch), dtype=np.int64), tables)
    return select(batch, legs, tables), [Reason(code).label for code in why.tolist()]


def rated_of(batch: UsageBatch, tables: Tables) -> Rated:
    """A whole batch, attributed and rated."""
    return rate(batch, legs_of(batch, tables)[0], tables)


def item_tables(directory: Path, items: str, keys: str, terms: str = "") -> Tables:
    """Tables of one agreement ALFA-1 with these items, and these attribution rows."""
    usual = "valid_from: 2026-01-01, zone: UTC, currency: EUR"
    agreement = builders.agreement_text(items, terms=f"{usual}{terms}")
    attribution = f"kind,key,agreement,valid_from,valid_upto\n{keys}\n"
    return builders.tables(
        builders.reference_dir(directory, agreements=agreement, attribution=attribution)
    )
