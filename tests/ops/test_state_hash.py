"""The digest of what is owed: the same for the same figures, however and wherever they came."""

from __future__ import annotations

from pathlib import Path

from ops.embedded import Embedded
from ops.reading import Opened
from ops.state_hash import digest, logged_state_hash, state_hash
from schemas.topics import ACCRUALS
from tests.ops.books import RATED, call, close, reference, settle, usage_file


def logged(data: Path) -> str:
    """The digest from the log."""
    with Opened(data) as opened:
        return logged_state_hash(value for _, _, value in opened.latest(ACCRUALS.name))


def test_log_and_memory_have_one_digest(tmp_path: Path) -> None:
    """Before and after an adjustment, which adds rows."""
    data = tmp_path / "data"
    settle(data)
    close(data)
    settle(data, [call(20)])
    with Embedded(data) as weir:
        assert state_hash(weir.engine.accrue_hop) == logged(data)


def test_partitions_and_order_do_not_count(tmp_path: Path) -> None:
    """The same events backwards, in two runs, over three partitions."""
    given = reference(tmp_path / "reference")
    settle(tmp_path / "one", RATED, given)
    with Embedded(tmp_path / "two", given, usage_partitions=3, settlement_partitions=2) as weir:
        for number, events in enumerate((RATED[:2:-1], RATED[2::-1])):
            list(weir.ingest(usage_file(tmp_path / f"{number}.jsonl", events)))
    assert logged(tmp_path / "one") == logged(tmp_path / "two")


def test_any_figure_counts(tmp_path: Path) -> None:
    """A second more is another state."""
    given = reference(tmp_path / "reference")
    settle(tmp_path / "one", [call(1, duration_ms=61_000)], given)
    settle(tmp_path / "two", [call(1, duration_ms=67_000)], given)
    assert logged(tmp_path / "one") != logged(tmp_path / "two")


def test_a_digest_is_of_sorted_lines() -> None:
    """The order does not count, how often a line stands there does."""
    assert digest(["b", "a"]) == digest(["a", "b"]) != digest(["a", "b", "b"])
    # SHA-256 of nothing.
    assert digest([]).startswith("e3b0c44298fc1c14")
