"""Tests of containers written from columns."""

from __future__ import annotations

import io
from pathlib import Path

import fastavro
import pyarrow as pa
import pytest

from ops.generate_container import BLOCK_EVENTS, ContainerWriter
from schemas.codes import Service
from tests.usage_makers import NOVEMBER_US, identities, read


def columns(count: int) -> dict[str, pa.Array]:
    """Messages numbered from 0."""
    return {
        "source": pa.array(["msc-1"] * count),
        "sequence": pa.array(range(count), pa.int64()),
        "direction": pa.array(["in"] * count),
        "started_at": pa.array([NOVEMBER_US] * count, pa.timestamp("us")),
        "called_number": pa.array(["4930"] * count),
    }


def written(*counts: int, seed: int = 7) -> bytes:
    """A container of so many messages, written in so many parts."""
    out = io.BytesIO()
    writer = ContainerWriter(out, Service.SMS, seed)
    for count in counts:
        writer.write(columns(count))
    return out.getvalue()


@pytest.mark.parametrize("count", [0, 1, 63, 64, BLOCK_EVENTS, BLOCK_EVENTS + 1])
def test_another_library_reads_what_is_written(count: int) -> None:
    """The files are ordinary Avro, with the schema inside."""
    reader = fastavro.reader(io.BytesIO(written(count)))
    rows = [record for record in reader if isinstance(record, dict)]
    assert [r["sequence"] for r in rows] == list(range(count))
    assert reader.metadata["avro.codec"] == "null"


def test_blocks_are_bounded_and_stay_whole(tmp_path: Path) -> None:
    """Four thousand and one events are three blocks, so three messages; a fourth for more."""
    path = tmp_path / "usage.avro"
    path.write_bytes(written(2 * BLOCK_EVENTS + 1, 5))
    decoded, report = read(path)
    assert report.events == 2 * BLOCK_EVENTS + 6
    assert len({int(m) for f in decoded.families for m in f.message}) == 4
    assert identities(decoded)[:2] == [("msc-1", 0), ("msc-1", 0)]


def test_the_same_seed_gives_the_same_bytes() -> None:
    """Not even the marker between blocks is left to chance."""
    assert written(10) == written(10)
    assert written(10) != written(10, seed=8)
