"""A data directory is read as of one commit, beside whoever writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.embedded import Embedded
from ops.reading import NoReferenceError, Opened, current_reference
from schemas.topics import ACCRUALS, STATEMENTS, SUSPENSE, USAGE
from streams.contribution import Series
from tests.ops.books import MENDED, call, close, recycle, reference, settle


def test_a_snapshot_is_of_one_moment(tmp_path: Path) -> None:
    """What is written after the snapshot was taken is not in it, in whatever topic."""
    data = tmp_path / "data"
    settle(data, [call(1)])
    with Embedded(data) as weir, Opened(data) as opened:
        taken = opened.snapshot([USAGE.name, ACCRUALS.name])
        (usage,) = [v for s in weir.read(USAGE.name) for v in s.values]
        weir.append(0, [(b"msc-1", usage)])
        weir.drain()
        sizes = [(s.topic, len(s)) for s in taken]
        assert sizes[0] == (USAGE.name, 1)
        assert sum(len(s) for s in opened.snapshot([USAGE.name])) == 2


def test_a_snapshot_has_every_partition_whole(tmp_path: Path) -> None:
    """Topic by topic and partition by partition, offsets rising."""
    with Embedded(tmp_path / "data", reference(tmp_path / "r"), usage_partitions=3) as weir:
        for partition in (2, 0):
            weir.append(partition, [(b"x", b"1"), (b"x", b"2")])
        found = [(s.partition, s.offsets.tolist()) for s in weir.snapshot([USAGE.name])]
    assert found == [(0, [0, 1]), (2, [0, 1])]


def test_the_latest_value_of_each_key_counts(tmp_path: Path) -> None:
    """A tombstone takes its key away: the event no longer waits."""
    data = tmp_path / "data"
    settle(data, [call(7, "TX-1"), call(8, "TX-2")])
    with Opened(data) as opened:
        assert [key for _, key, _ in opened.latest(SUSPENSE.name)] == [b"msc-1/0/7", b"msc-1/0/8"]
    recycle(data, reference(tmp_path / "mended", MENDED))
    with Opened(data) as opened:
        assert [key for _, key, _ in opened.latest(SUSPENSE.name)] == [b"msc-1/0/8"]


def test_statements_come_by_number(tmp_path: Path) -> None:
    """All of them, whatever partition they lie in."""
    settle(tmp_path / "data")
    close(tmp_path / "data", "2024-11", "W-1", "M-1")
    with Opened(tmp_path / "data") as opened:
        assert [d["number"] for d in opened.statements()] == ["M-1-000001", "W-1-000001"]
        assert len(opened.latest(STATEMENTS.name)) == 2


def test_terms_are_those_settled_by_last(tmp_path: Path) -> None:
    """They are read when they are asked for."""
    settle(tmp_path / "data", [call(1)])
    with Opened(tmp_path / "data") as opened:
        assert opened.tables.reference_id == current_reference(tmp_path / "data").name
        series = Series("W-1", 1, "voice-in", "", "EUR", "2024-11", "2024-11")
        assert opened.book.terms(series).partner == "ALFA"


def test_where_nothing_was_settled_there_is_nothing_to_read(tmp_path: Path) -> None:
    """The message says how to begin."""
    with pytest.raises(NoReferenceError, match="weir settle --reference DIR"):
        Opened(tmp_path)
    with pytest.raises(NoReferenceError, match="nothing was settled in"):
        current_reference(tmp_path)
