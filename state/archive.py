"""The archive: rated usage as Parquet files by period and agreement.

A projection of `rated.v1`, written outside the loop and idempotently by position: the name of a
file says which offsets of which partition it holds, so writing the same stretch again replaces the
file by itself, and what is in the archive tells where to go on. It is where a figure is opened to
its events, and what re-rating and reconciliation will read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from schemas.topics import RATED
from streams.log import Segment
from streams.packing import head, unpack
from streams.rated import PART

PARTITIONING = ("period", "agreement")
ROWS_MAX = 1_000_000

# Columns that only some blocks have.
OPTIONAL = pa.schema(
    [
        pa.field("band", pa.string()),
        pa.field("parts", pa.list_(PART)),
        pa.field("kind", pa.int8()),
        pa.field("leg", pa.int32()),
        pa.field("sender_leg", pa.int32()),
        pa.field("whole_micros", pa.int64()),
        pa.field("margin_micros", pa.int64()),
        pa.field("loss", pa.bool_()),
        pa.field("original_us", pa.int64()),
        pa.field("parts_taken", pa.int64()),
        pa.field("session_id", pa.string()),
        pa.field("session_from", pa.int64()),
        pa.field("from_us", pa.int64()),
        pa.field("upto_us", pa.int64()),
    ]
)
_PARTITIONING = ds.partitioning(pa.schema([(p, pa.string()) for p in PARTITIONING]), flavor="hive")
NAME = re.compile(r"rated-(\d+)-(\d+)-(\d+)$")


class Archive:
    """Parquet files in `directory/period=.../agreement=.../rated-PARTITION-FROM-UPTO-0.parquet`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._pending: dict[int, list[pa.Table]] = {}
        self._span: dict[int, tuple[int, int]] = {}
        self._rows = 0

    def positions(self) -> dict[tuple[str, int], int]:
        """The next offset of each partition of `rated.v1` that the archive does not hold yet."""
        found: dict[tuple[str, int], int] = {}
        for path in self.directory.glob("complete/rated-*"):
            match = NAME.search(path.name)
            if match:
                place = (RATED.name, int(match[1]))
                found[place] = max(found.get(place, 0), int(match[3]))
        return found

    def sweep(self) -> None:
        """Remove what a crash left of a stretch that was never completed."""
        whole = {path.stem for path in self.directory.glob("complete/rated-*")}
        for path in self.directory.glob("usage/**/rated-*.parquet"):
            if path.stem.rpartition("-")[0] not in whole:
                path.unlink()

    def add(self, segment: Segment) -> None:
        """Take in a segment of `rated.v1`; files are written when enough has come together."""
        if segment.topic != RATED.name or not len(segment):
            return
        for value in segment.values:
            if value is not None:
                table = read_block(value)
                self._pending.setdefault(segment.partition, []).append(table)
                self._rows += table.num_rows
        start = self._span.get(segment.partition, (int(segment.offsets[0]), 0))[0]
        self._span[segment.partition] = (start, segment.next_offset)
        if self._rows >= ROWS_MAX:
            self.flush()

    def flush(self) -> None:
        """Write what has come together.

        The mark in `complete/` is made last: without it the stretch counts as not archived; what is
        there of it is swept away and written again.
        """
        for partition, tables in self._pending.items():
            start, upto = self._span[partition]
            name = f"rated-{partition}-{start}-{upto}"
            table = pa.concat_tables(tables, promote_options="default")
            ds.write_dataset(
                table,
                self.directory / "usage",
                format="parquet",
                partitioning=_PARTITIONING,
                basename_template=name + "-{i}.parquet",
                existing_data_behavior="overwrite_or_ignore",
                max_partitions=max(1024, _groups(table)),
            )
            marks = self.directory / "complete"
            marks.mkdir(parents=True, exist_ok=True)
            (marks / name).write_text(f"{table.num_rows}\n")
        self._pending, self._span, self._rows = {}, {}, 0

    def find(
        self, source: str, epoch: int, sequence: int | None, event_id: str | None
    ) -> list[dict[str, Any]]:
        """The rated legs of one event, as rows."""
        where = of_event(source, epoch, sequence, event_id)
        return [row for table in self.read(where) for row in table.to_pylist()]

    def read(self, where: pc.Expression | None = None) -> Iterator[pa.Table]:
        """Archived legs, filtered; each stretch of positions once, and only complete ones.

        Another process may be writing the archive: what it has not finished is passed over.
        """
        root = self.directory / "usage"
        whole = {path.name for path in self.directory.glob("complete/rated-*")}
        paths = [
            str(path)
            for path in sorted(root.glob("**/rated-*.parquet"))
            if path.stem.rpartition("-")[0] in whole
        ]
        if paths:
            dataset = ds.dataset(
                paths, format="parquet", partitioning=_PARTITIONING, partition_base_dir=str(root)
            )
            yield dataset.to_table(filter=where)


def of_event(source: str, epoch: int, sequence: int | None, event_id: str | None) -> pc.Expression:
    """The filter that finds one event among rated legs."""
    where = (ds.field("source") == source) & (ds.field("epoch") == epoch)
    if sequence is not None:
        return where & (ds.field("sequence") == sequence)
    return where & (ds.field("event_id") == event_id)


def read_block(value: bytes) -> pa.Table:
    """One message of `rated.v1` as the archive gives it back: with the reference it was rated by.

    A column that only some blocks have is null in the others.
    """
    batch = unpack(value)
    described = head(batch)
    table = _plain(pa.Table.from_batches([batch]).replace_schema_metadata(None))
    reference = pa.array([described["reference"]], pa.string()).take(
        pa.array([0] * table.num_rows, pa.int32())
    )
    table = table.append_column("reference", reference)
    for field in OPTIONAL:
        if field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return table


def _plain(table: pa.Table) -> pa.Table:
    """Names as plain strings, so that tables of different batches go into one file."""
    fields = [
        pa.field(f.name, pa.string()) if pa.types.is_dictionary(f.type) else f for f in table.schema
    ]
    return table.cast(pa.schema(fields))


def _groups(table: pa.Table) -> int:
    return int(table.group_by(list(PARTITIONING)).aggregate([]).num_rows)
