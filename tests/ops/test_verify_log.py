"""What the log says is read as of one commit: figures, positions, and the reference in force."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from ops.reading import Opened
from ops.verify_log import InForce, read_found
from schemas.topics import CONTRIBUTIONS, RECYCLE, USAGE
from streams.contribution import Block, Cover, Sums, to_bytes
from streams.log import Segment
from tests.ops.books import close, settle

EMPTY = np.zeros(0, np.int64)
NO_SUMS = Sums(
    pa.array([], pa.string()),
    EMPTY.astype(np.int32),
    EMPTY.astype(np.int32),
    EMPTY,
    EMPTY,
    EMPTY,
    EMPTY,
    EMPTY,
)


def in_force(*covers: tuple[str, int, int, int, str]) -> InForce:
    """Blocks of nothing that each cover (topic, partition, from, upto) under a reference."""
    values = [to_bytes(Block(NO_SUMS, (Cover(*c[:4]),), {}, c[4], 0)) for c in covers]
    offsets = np.arange(len(values), dtype=np.int64)
    keys = [None] * len(values)

    def read(topics: Sequence[str]) -> Iterator[Segment]:
        assert list(topics) == [CONTRIBUTIONS.name]
        # Every settlement partition has the same heads: the second one must not count again.
        for partition in (0, 1):
            yield Segment(CONTRIBUTIONS.name, partition, offsets, keys, values, len(values), 0)

    return InForce(read)


def test_figures_and_positions_are_read(tmp_path: Path) -> None:
    """Outcomes, how far each hop has come, rows, closes, what waits and what was refused."""
    settle(tmp_path / "data")
    close(tmp_path / "data", "2024-11", "W-1")
    with Opened(tmp_path / "data") as opened:
        found = read_found(opened.snapshot)
    assert found.counts["rated", "none"] == 6
    upto = found.read_upto["usage.v1", 0]
    assert upto > 0
    assert found.accrued_upto[0]["usage.v1/0"] == upto
    assert len(found.rows) == 12
    assert found.closed == {("W-1", "2024-11"): "W-1-000001"}
    assert [d["number"] for d in found.documents] == ["W-1-000001"]
    assert found.waiting == {
        ("msc-1/0/7", "unknown_route"): 1,
        ("msc-1/0/1", "conflicting_body"): 1,
    }
    assert list(found.quarantined.values()) == ["negative_quantity"]
    assert found.unreadable == []


def test_the_block_that_covers_a_position_tells_its_reference() -> None:
    """Each partition and topic for itself; beyond the blocks nothing is known."""
    known = in_force(
        ("usage.v1", 0, 0, 5, "first"),
        ("usage.v1", 0, 5, 9, "second"),
        ("usage.v1", 1, 0, 7, "third"),
        ("recycle.v1", 0, 0, 1, "fourth"),
    )
    assert known.reference_id("usage.v1", 0, 0) == "first"
    assert known.reference_id("usage.v1", 0, 4) == "first"
    assert known.reference_id("usage.v1", 0, 5) == "second"
    assert known.reference_id("usage.v1", 0, 9) is None
    assert known.reference_id("usage.v1", 1, 6) == "third"
    assert known.reference_id("recycle.v1", 0, 0) == "fourth"
    assert known.reference_id("recycle.v1", 1, 0) is None


def test_only_references_of_what_was_read_are_needed() -> None:
    """A block that came after the figures were read does not count."""
    known = in_force(("usage.v1", 0, 0, 5, "first"), ("usage.v1", 0, 5, 9, "second"))
    assert known.reference_ids({("usage.v1", 0): 5}) == {"first"}
    assert known.reference_ids({("usage.v1", 0): 6}) == {"first", "second"}


def test_a_stretch_without_contributions_is_found() -> None:
    """At the beginning, between blocks, and at the end of what was read."""
    known = in_force(("usage.v1", 0, 2, 5, "first"), ("usage.v1", 0, 7, 9, "first"))
    assert list(known.gaps({("usage.v1", 0): 10})) == [
        "usage.v1/0: no contributions from 0 to 2",
        "usage.v1/0: no contributions from 5 to 7",
        "usage.v1/0: no contributions from 9 to 10",
    ]
    assert list(in_force(("usage.v1", 0, 0, 9, "first")).gaps({("usage.v1", 0): 9})) == []


def test_stretches_are_what_was_read_of_a_partition_in_order() -> None:
    """What goes on under the same reference is one stretch; a request in between parts two."""
    force = in_force(
        (USAGE.name, 0, 0, 3, "a"),
        (USAGE.name, 1, 0, 9, "a"),
        (USAGE.name, 0, 3, 5, "a"),
        (RECYCLE.name, 0, 0, 2, "a"),
        (USAGE.name, 0, 5, 6, "a"),
        (USAGE.name, 0, 6, 8, "b"),
    )
    assert force.stretches(0) == [
        (USAGE.name, 0, 5, "a"),
        (RECYCLE.name, 0, 2, "a"),
        (USAGE.name, 5, 6, "a"),
        (USAGE.name, 6, 8, "b"),
    ]
    assert force.stretches(1) == [(USAGE.name, 0, 9, "a")]
    assert force.stretches(2) == ()


def test_of_one_batch_usage_comes_before_what_is_tried_again() -> None:
    """So the rate hop settles it, in whatever order the head of its block names them."""
    covers = (Cover(RECYCLE.name, 0, 0, 1), Cover(USAGE.name, 0, 0, 4))
    value = to_bytes(Block(NO_SUMS, covers, {}, "a", 0))
    segment = Segment(CONTRIBUTIONS.name, 0, EMPTY, [None], [value], 1, 0)
    force = InForce(lambda _: iter([segment]))
    assert [stretch.topic for stretch in force.stretches(0)] == [USAGE.name, RECYCLE.name]
