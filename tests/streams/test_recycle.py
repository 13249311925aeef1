"""Requests to try again: once each, of what still waits, at the place it came from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from schemas.codes import Reason, Service
from state.tables import Tables
from streams.framing import framed
from streams.log import Message
from streams.privacy import Tokens
from streams.recycle import read_recycled
from streams.suspense import suspended, suspense_ids
from tests import builders
from tests.makers import LOG_TIME_US, segment, usage
from tests.usage_makers import message, row


@pytest.fixture(name="tables")
def _tables(tmp_path: Path) -> Tables:
    return builders.tables(builders.reference_dir(tmp_path))


def waiting(tables: Tables, reason: Reason, *sequences: int) -> list[Message]:
    """Suspense records of some events, each from an offset of its own."""
    batch = usage(*(message(Service.SMS, row(sequence=n, ingress_route="X")) for n in sequences))
    rows = np.arange(len(batch))
    reasons = np.full(len(rows), reason, np.int8)
    ids = suspense_ids(batch, rows, reasons)
    kept = framed(batch, rows, Tokens(b"key"))
    return suspended(batch, rows, ids, reasons, tables, kept)


def test_what_still_waits_comes_back_as_usage(tables: Tables) -> None:
    """Of two requests only that of a waiting event is taken, with its first position and digest."""
    records = waiting(tables, Reason.UNKNOWN_ROUTE, 5, 6)
    asked = segment([v for _, v in records], topic="recycle.v1", at_us=LOG_TIME_US + 1)
    recycled = read_recycled([asked], 1, {0: {"msc-1/0/6": Reason.UNKNOWN_ROUTE}})
    first = usage(*(message(Service.SMS, row(sequence=n, ingress_route="X")) for n in (5, 6)))
    assert (list(recycled.ids), list(recycled.reasons)) == (["msc-1/0/6"], [Reason.UNKNOWN_ROUTE])
    assert recycled.usage.sequence.tolist() == [6]
    assert recycled.usage.offset.tolist() == [1]
    assert recycled.usage.body.tolist() == first.body.tolist()[1:]
    assert list(recycled.log_times_us) == [LOG_TIME_US + 1]


def test_asking_twice_is_asking_once(tables: Tables) -> None:
    """The same request twice in one batch is tried a single time."""
    records = waiting(tables, Reason.NO_ITEM, 5) * 2
    asked = segment([v for _, v in records], topic="recycle.v1")
    recycled = read_recycled([asked], 1, {0: {"msc-1/0/5": Reason.NO_ITEM}})
    assert list(recycled.ids) == ["msc-1/0/5"]


def test_nothing_waits_nothing_is_tried(tables: Tables) -> None:
    """Settled since, tombstones and conflicting bodies are passed over, all of them at once too."""
    values = [*(v for _, v in waiting(tables, Reason.NO_ITEM, 5)), None]
    conflict = waiting(tables, Reason.CONFLICTING_BODY, 7)
    values += [v for _, v in conflict]
    key = (conflict[0][0] or b"").decode()
    asked = segment(values, topic="recycle.v1")
    recycled = read_recycled([asked], 1, {0: {key: Reason.CONFLICTING_BODY}})
    assert (len(recycled.usage), list(recycled.ids)) == (0, [])
