"""What is asked for is logged as input and settled; here by the directory that is asked."""

from __future__ import annotations

from pathlib import Path

from ops.embedded import Embedded
from schemas.topics import RECYCLE, SUSPENSE
from tests.ops.books import MENDED, close, reference, settle


def test_a_close_returns_the_statements_it_made(tmp_path: Path) -> None:
    """A second close of the period makes none; numbers count within an agreement."""
    data = tmp_path / "data"
    settle(data)
    assert [d["number"] for d in close(data)] == ["M-1-000001", "S-1-000001", "W-1-000001"]
    assert close(data) == []
    assert [d["number"] for d in close(data, "2024-12", "W-1")] == ["W-1-000002"]


def test_recycling_asks_for_what_can_be_tried(tmp_path: Path) -> None:
    """A conflicting body is an operator's question and is not asked for; the rest is, each time.

    What a mended reference settles is settled when it comes, before anybody asks.
    """
    data = tmp_path / "data"
    settle(data)
    with Embedded(data) as weir:
        assert (weir.recycle(), weir.recycle()) == (1, 1)
        assert sum(len(s) for s in weir.read(RECYCLE.name)) == 2
    with Embedded(data, reference(tmp_path / "mended", MENDED)) as weir:
        assert (weir.resettled, weir.recycle()) == (1, 0)
        assert [key for _, key, _ in weir.latest(SUSPENSE.name) if b"#" not in key] == []
        assert weir.recycle() == 0


def test_a_replayed_record_is_a_repeat_or_counts_if_it_can(tmp_path: Path) -> None:
    """Refused as before it is a duplicate of itself; what was never refused is not sent."""
    data = tmp_path / "data"
    settle(data)
    with Embedded(data) as weir:
        before = weir.outcomes()
        assert weir.replay() == 1
        after = weir.outcomes()
    assert after == {**before, ("duplicate", "none"): before["duplicate", "none"] + 1}
