"""Small makers of usage for tests: rows as people write them, and the bytes they become."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa

from schemas.codes import Service
from schemas.columns import Decoded, arrow_schema, decode
from schemas.registry import current_id, current_schema, frame
from streams.files import FileBlock, FileReport, read_file

Row = dict[str, Any]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOVEMBER_US = 1_793_491_200_000_000  # 2026-11-01T00:00:00Z

# Columns of a small CSV, and a message in it with its sequence left open.
NAMES = ["service", "source", "sequence", "direction", "started_at", "called_number"]
GOOD = "sms,msc-1,{},in,1793491200000000,4930"

# For each family, a row with the fields that have no default.
REQUIRED: dict[Service, Row] = {
    Service.VOICE: {"called_number": "4930123456", "duration_ms": 61_000},
    Service.SMS: {"called_number": "4930123456"},
    Service.DATA: {"volume_up_bytes": 10, "volume_down_bytes": 20},
    Service.BANDWIDTH: {
        "product_instance": "CIR-1",
        "ended_at": NOVEMBER_US + 300_000_000,
        "volume_up_bytes": 10,
        "volume_down_bytes": 20,
    },
    Service.CIRCUIT: {"product_instance": "CIR-1", "ended_at": NOVEMBER_US + 86_400_000_000},
    Service.TRANSACTION: {"retail_amount_micros": 9_990_000, "retail_currency": "EUR"},
}


def row(service: Service = Service.SMS, **fields: Any) -> Row:  # noqa: ANN401
    """An event as a dictionary; times are microseconds."""
    common = {"source": "msc-1", "sequence": 1, "direction": "in", "started_at": NOVEMBER_US}
    return common | REQUIRED[service] | fields


def datum(service: Service, fields: Row) -> bytes:
    """An event as an Avro datum, by another encoder than the product's."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(current_schema(service)), fields)
    return out.getvalue()


def message(service: Service, fields: Row) -> bytes:
    """An event as a framed message of its own."""
    return frame(current_id(service)) + datum(service, fields)


def decoded_of(service: Service, *rows: Row) -> Decoded:
    """Events of one family, sent and decoded."""
    return decode([message(service, fields) for fields in rows])


def container(
    path: Path,
    rows: Iterable[Row],
    service: Service = Service.SMS,
    *,
    schema: Row | None = None,
    codec: str = "null",
    block_bytes: int = 16_000,
) -> Path:
    """An Avro container written by fastavro."""
    with path.open("wb") as file:
        fastavro.writer(
            file,
            schema or current_schema(service),
            list(rows),
            codec=codec,
            sync_interval=block_bytes,
        )
    return path


def read(path: Path, partitions: int = 1, **more: int) -> tuple[Decoded, FileReport]:
    """A whole file, decoded, and its report."""
    blocks = list(read_file(path, partitions, **more))
    return decode(values_of(blocks)), report_of(path, blocks)


def report_of(path: Path, blocks: Iterable[FileBlock]) -> FileReport:
    """The report of some blocks."""
    report = FileReport(path)
    for block in blocks:
        report = report.plus(block)
    return report


def values_of(blocks: Iterable[FileBlock]) -> list[bytes]:
    """The bytes of all messages, partition by partition within each block."""
    return [
        value
        for block in blocks
        for _, batch in sorted(block.messages.items())
        for _, value in batch
        if value is not None
    ]


def rows_of(decoded: Decoded) -> list[Row]:
    """All events as dictionaries with `service`, in an order of their own; times are integers."""
    found = []
    for family in decoded.families:
        table = pa.table(dict(family.columns))
        for name in ("started_at", "ended_at", "original_started_at"):
            if name in table.column_names:
                at = table.column_names.index(name)
                table = table.set_column(at, name, table[name].cast(pa.int64()))
        found += [{"service": family.service.label, **r} for r in table.to_pylist()]
    return ordered(found)


def ordered(rows: Iterable[Row]) -> list[Row]:
    """Rows in an order that follows from what they say alone."""
    return sorted(rows, key=lambda r: str(sorted(r.items())))


def identities(decoded: Decoded) -> list[tuple[str, int | None]]:
    """Source and sequence of all events, sorted."""
    return [(r["source"], r["sequence"]) for r in rows_of(decoded)]


def csv_text(names: Sequence[str], *lines: str) -> str:
    """A CSV text of a header and lines."""
    return "".join(f"{line}\n" for line in [",".join(names), *lines])


def write_csv(path: Path, rows: list[Row]) -> Path:
    """Rows of any families as CSV; times as RFC 3339."""
    names = ["service", *dict.fromkeys(n for s in Service for n in arrow_schema(s).names)]
    lines = [",".join(_csv_value(name, r.get(name)) for name in names) for r in rows]
    path.write_text(csv_text(names, *lines), encoding="utf-8")
    return path


def _csv_value(name: str, value: object) -> str:
    """A value as CSV has it."""
    if value is None:
        return ""
    if name.endswith("_at") and isinstance(value, int):
        return (EPOCH + timedelta(microseconds=value)).isoformat()
    return '"' + str(value).replace('"', '""') + '"'


def write_json(path: Path, rows: list[Row]) -> Path:
    """Rows of any families as JSON Lines; times as microseconds, absent values left out."""
    texts = [json.dumps({k: v for k, v in r.items() if v is not None}) for r in rows]
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


def nameless(count: int) -> list[Row]:
    """Messages without ids."""
    return [
        {k: v for k, v in row(called_number=f"4930{n}").items() if k != "sequence"}
        for n in range(count)
    ]


def foreign_schema() -> Row:
    """A schema of messages with a field that usage does not have."""
    ours = current_schema(Service.SMS)
    extra = {"name": "imei", "type": ["null", "string"], "default": None}
    return {**ours, "fields": [*ours["fields"], extra]}
