"""Tests of usage files as a whole: every format and size, and every row accounted for."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codes import Service
from schemas.columns import arrow_schema, decode
from schemas.topics import partition_of
from streams import files
from streams.files import FileReport, read_file
from tests.usage_makers import (
    GOOD,
    NAMES,
    NOVEMBER_US,
    Row,
    container,
    csv_text,
    foreign_schema,
    identities,
    message,
    nameless,
    ordered,
    read,
    row,
    rows_of,
    values_of,
    write_csv,
    write_json,
)

WORDS = st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1, max_size=5)
NUMBERS = st.integers(-(2**31), 2**31 - 1)
TIMES = st.integers(NOVEMBER_US - 10**15, NOVEMBER_US + 10**15)


def any_row(service: Service) -> st.SearchStrategy[Row]:
    """An event of a family with any values that all formats can carry."""
    fields: dict[str, st.SearchStrategy[Any]] = {"service": st.just(service.label)}
    for f in arrow_schema(service):
        kind = str(f.type)
        by_kind = {"string": WORDS, "bool": st.booleans(), "timestamp[us]": TIMES}
        values = by_kind.get(kind, NUMBERS)
        fields[f.name] = st.none() | values if f.nullable else values
    fields["direction"] = st.sampled_from(["in", "out"])
    fields["sequence"] = st.integers(0, 2**43)
    return st.fixed_dictionaries(fields)


@given(
    st.lists(st.sampled_from(Service).flatmap(any_row), min_size=1, max_size=8),
    st.sampled_from([1, 3]),
    st.sampled_from([1, 2, 1_000]),
)
def test_all_formats_say_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[Row],
    partitions: int,
    messages_events: int,
) -> None:
    """CSV, JSON Lines and Avro of the same events become the same columns, however sent."""
    directory = tmp_path_factory.mktemp("files")
    expected = ordered(rows)
    for path in (
        write_csv(directory / "usage.csv", rows),
        write_json(directory / "usage.jsonl", rows),
    ):
        decoded, report = read(path, partitions, messages_events=messages_events)
        assert rows_of(decoded) == expected
        assert report == FileReport(path, events=len(rows))
    found: list[Row] = []
    for service in Service:
        mine = [r for r in rows if r["service"] == service.label]
        bare = [{k: v for k, v in r.items() if k != "service"} for r in mine]
        path = container(directory / service.label, bare, service)
        decoded, report = read(path, partitions, messages_events=messages_events)
        found += rows_of(decoded)
        assert report == FileReport(path, events=len(mine))
    assert ordered(found) == expected


@given(st.lists(any_row(Service.VOICE), min_size=1, max_size=20), st.sampled_from([1, 3]))
def test_blocks_and_messages_of_any_size_hold_the_same(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], partitions: int
) -> None:
    """How a writer cuts its blocks and how a reader cuts its messages changes no event."""
    directory = tmp_path_factory.mktemp("files")
    bare = [{k: v for k, v in r.items() if k != "service"} for r in rows]
    for block_bytes in (1, 300, 100_000):
        path = container(directory / str(block_bytes), bare, Service.VOICE, block_bytes=block_bytes)
        for messages_events in (1, 3, 1_000):
            decoded, _ = read(path, partitions, messages_events=messages_events)
            assert rows_of(decoded) == ordered(rows)
            assert all(len(f) for f in decoded.families)


def test_every_message_lies_in_its_sources_partition(tmp_path: Path) -> None:
    """A source is only ever seen where its duplicates are looked for."""
    rows = [row(source=f"msc-{n % 9}", sequence=n) for n in range(100)]
    blocks = list(read_file(container(tmp_path / "usage.avro", rows), 4))
    for block in blocks:
        for partition, batch in block.messages.items():
            values = [value for _, value in batch if value is not None]
            for family in decode(values).families:
                homes = {partition_of(s, 4) for s in family.columns["source"].to_pylist()}
                assert homes == {partition}


def test_blocks_of_our_own_schema_stay_whole(tmp_path: Path) -> None:
    """With one partition the bytes of the file are the bytes of the message."""
    path = container(tmp_path / "usage.avro", [row(sequence=n) for n in range(5)])
    (value,) = values_of(read_file(path, 1))
    body = b"".join(message(Service.SMS, row(sequence=n))[5:] for n in range(5))
    # Frame of id 102, then five events: zigzag of 5 is 10.
    assert value == b"\x00\x00\x00\x00\x66" + b"\x0a" + body + b"\x00"


def test_large_blocks_are_cut(tmp_path: Path) -> None:
    """A message has a bound, whatever the writer's block has: 25 events are 10 + 10 + 5."""
    path = container(tmp_path / "usage.avro", [row(sequence=n) for n in range(25)])
    assert len(values_of(read_file(path, 1, messages_events=10))) == 3
    assert len(values_of(read_file(path, 1))) == 1


def test_rows_that_cannot_be_read_are_accounted_for(tmp_path: Path) -> None:
    """Seven rows: three events, four records that say which row and why."""
    text = csv_text(
        NAMES,
        GOOD.format(0),
        "sms,msc-1,NaN,in,1793491200000000,4930",
        "fax,msc-1,2,in,1793491200000000,4930",
        GOOD.format(3),
        "sms,msc-1,4",
        "sms,msc-1,5,in,soon,4930",
        GOOD.format(6),
    )
    path = tmp_path / "usage.csv"
    path.write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    decoded, report = read(path)
    assert report == FileReport(path, events=3, unreadable=4)
    assert identities(decoded) == [("msc-1", 0), ("msc-1", 3), ("msc-1", 6)]
    assert [(u.source, u.sequence, u.reason) for u in decoded.unreadable] == [
        (f"file:{digest}", 1, "unreadable_line"),
        (f"file:{digest}", 2, "unknown_service"),
        (f"file:{digest}", 4, "unreadable_line"),
        (f"file:{digest}", 5, "unreadable_line"),
    ]
    assert decoded.unreadable[0].text == (
        "row 1: `sequence` is not an integer: 'NaN'\nsms,msc-1,NaN,in,1793491200000000,4930"
    )


def test_unreadable_rows_lie_in_their_files_partition(tmp_path: Path) -> None:
    """Their source is the file, so that is what they are partitioned by."""
    path = tmp_path / "usage.jsonl"
    path.write_text('{"service": "fax"}\n')
    (block,) = read_file(path, 5)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    source = f"file:{digest}"
    assert list(block.messages) == [partition_of(source, 5)]
    ((key, _),) = block.messages[partition_of(source, 5)]
    assert key == source.encode()


def test_row_numbers_go_on_from_block_to_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks are how a file is read, not what it says."""
    path = tmp_path / "usage.csv"
    lines = ["bad" if n % 3 == 0 else GOOD.format(n) for n in range(10)]
    path.write_text(csv_text(NAMES, *lines))
    once, _ = read(path)
    monkeypatch.setattr(files, "ROWS_PER_BLOCK", 4)
    assert len(list(read_file(path, 1))) == 3
    again, report = read(path)
    assert report == FileReport(path, events=6, unreadable=4)
    assert rows_of(again) == rows_of(once)
    assert [u.sequence for u in again.unreadable] == [0, 3, 6, 9]
    assert [u.text for u in again.unreadable] == [u.text for u in once.unreadable]


@pytest.mark.parametrize("partitions", [1, 3])
@pytest.mark.parametrize("kind", ["avro", "foreign", "csv", "jsonl"])
def test_a_file_without_ids_is_identified_by_its_contents(
    tmp_path: Path, kind: str, partitions: int
) -> None:
    """Row n of a file is (file:<digest>, n) in every format; a second reading repeats it."""
    path = tmp_path / "usage"
    rows = nameless(30)
    if kind == "avro":
        container(path, rows, block_bytes=100)
    elif kind == "foreign":
        container(path, rows, block_bytes=100, schema=foreign_schema())
    elif kind == "csv":
        write_csv(path, [{"service": "sms", **r} for r in rows])
    else:
        write_json(path, [{"service": "sms", **r} for r in rows])
    source = f"file:{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    decoded, report = read(path, partitions)
    assert report == FileReport(path, events=30)
    found = [(r["source"], r["sequence"], r["called_number"]) for r in rows_of(decoded)]
    assert sorted(found) == sorted((source, n, f"4930{n}") for n in range(30))
    assert rows_of(read(path, partitions)[0]) == rows_of(decoded)


@pytest.mark.parametrize("partitions", [1, 3])
def test_own_schema_without_a_single_id_missing_is_not_touched(
    tmp_path: Path, partitions: int
) -> None:
    """Where a file gives ids, a row that lacks one stays as it is, to be quarantined later."""
    path = container(tmp_path / "usage", [row(sequence=1), *nameless(1)])
    decoded, _ = read(path, partitions)
    assert sorted(identities(decoded), key=str) == [("msc-1", 1), ("msc-1", None)]


def test_a_header_alone_is_no_traffic(tmp_path: Path) -> None:
    """A quiet hour has a file too."""
    path = tmp_path / "usage.csv"
    path.write_text(csv_text(NAMES))
    assert read(path)[1] == FileReport(path)
    path = container(tmp_path / "usage.avro", [])
    assert read(path)[1] == FileReport(path)


@pytest.mark.parametrize("name", ["usage", "usage.txt", "usage.csv", "usage.avro"])
def test_contents_count_more_than_names(tmp_path: Path, name: str) -> None:
    """JSON Lines, CSV and Avro are known by how they begin."""
    for kind in ("json", "csv", "avro", "bom"):
        path = tmp_path / kind / name
        path.parent.mkdir()
        if kind == "avro":
            container(path, [row()])
        elif kind == "json":
            write_json(path, [{"service": "sms", **row()}])
        else:
            write_csv(path, [{"service": "sms", **row()}])
        if kind == "bom":
            path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        assert identities(read(path)[0]) == [("msc-1", 1)]


def test_a_name_helps_where_the_contents_do_not(tmp_path: Path) -> None:
    """A broken first line of JSON Lines is one bad row, not another format."""
    path = tmp_path / "usage.jsonl.gz"
    lines = ["oops", json.dumps({"service": "sms", **row()})]
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))
    decoded, report = read(path)
    assert report == FileReport(path, events=1, unreadable=1)
    assert identities(decoded) == [("msc-1", 1)]


def test_a_report_adds_up(tmp_path: Path) -> None:
    """Counts are summed, problems listed in order."""
    report = FileReport(tmp_path)
    for n in (1, 2):
        report = report.plus(files.FileBlock({}, n, 10 * n, (f"p{n}",)))
    assert report == FileReport(tmp_path, 3, 30, ("p1", "p2"))
