"""Tests of usage files that are broken, empty, huge or something else altogether."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest

from schemas.columns import decode
from streams import files
from streams.files import UsageFileError, read_file
from tests.usage_makers import (
    GOOD,
    NAMES,
    container,
    csv_text,
    foreign_schema,
    identities,
    nameless,
    read,
    report_of,
    row,
    values_of,
    write_csv,
)


@pytest.mark.parametrize("kind", ["avro", "csv", "gzip"])
def test_half_a_file_without_ids_is_refused(tmp_path: Path, kind: str) -> None:
    """Taking its rows now would count them again when the whole file comes."""
    path = tmp_path / "usage"
    if kind == "avro":
        container(path, nameless(30), block_bytes=100)
    else:
        write_csv(path, [{"service": "sms", **r} for r in nameless(30)])
    data = path.read_bytes()
    if kind == "gzip":
        data = gzip.compress(data)
    path.write_bytes(data[:-10])
    with pytest.raises(UsageFileError, match="send it again when it is complete"):
        list(read_file(path, 1))


@pytest.mark.parametrize("partitions", [1, 3])
def test_half_an_avro_file_gives_its_good_blocks(tmp_path: Path, partitions: int) -> None:
    """What is whole is taken, and the problem names the place."""
    path = container(tmp_path / "u.avro", [row(sequence=n) for n in range(40)], block_bytes=100)
    path.write_bytes(path.read_bytes()[:-30])
    decoded, report = read(path, partitions)
    taken = [n for _, n in identities(decoded)]
    assert sorted(n for n in taken if n is not None) == list(range(report.events))
    assert 30 < report.events < 40
    (problem,) = report.problems
    assert problem.startswith(f"{path}: the Avro block at byte ")
    assert f"the {report.events} rows before it are taken" in problem


def test_half_a_gzip_file_gives_its_good_lines(tmp_path: Path) -> None:
    """Every whole line is taken; the one that broke off is not, even if it looks whole."""
    path = tmp_path / "usage.csv.gz"
    whole = csv_text(NAMES, *(GOOD.format(n) for n in range(50_000)))
    data = gzip.compress(whole.encode())
    path.write_bytes(data[: len(data) // 2])
    decoded, report = read(path)
    numbers = sorted(n for _, n in identities(decoded) if n is not None)
    assert numbers == list(range(report.events))
    assert 10_000 < report.events < 50_000
    assert report.problems == (f"{path}: the compressed data end early: the file is half written",)


@pytest.mark.parametrize("partitions", [1, 3])
def test_a_block_of_garbage_goes_to_quarantine_as_it_is(tmp_path: Path, partitions: int) -> None:
    """Framed rightly but full of nonsense: one message for the rate hop to refuse, no crash."""
    path = container(tmp_path / "u.avro", [row(sequence=n) for n in range(40)], block_bytes=100)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"msc-1")
    data[at - 1] = 0x01  # a text of negative length
    path.write_bytes(data)
    blocks = list(read_file(path, partitions))
    decoded = decode(values_of(blocks))
    assert len(decoded.refused) == 1
    assert report_of(path, blocks).events == 40


def test_a_foreign_block_of_garbage_is_refused_row_by_row(tmp_path: Path) -> None:
    """Without a known schema the bytes would mean nothing to the rate hop; the rows are named."""
    rows = [row(sequence=n) for n in range(10)]
    path = container(tmp_path / "u.avro", rows, block_bytes=100, schema=foreign_schema())
    data = bytearray(path.read_bytes())
    data[data.rindex(b"msc-1") - 1] = 0x01
    path.write_bytes(data)
    decoded, report = read(path)
    assert report.events + report.unreadable == 10
    assert report.unreadable > 0
    assert [u.sequence for u in decoded.unreadable] == list(range(report.events, 10))
    assert "its rows do not decode" in decoded.unreadable[0].text


def test_a_block_too_big_and_full_of_garbage_is_refused_row_by_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would not fit a message."""
    monkeypatch.setattr(files, "MESSAGE_BYTES_MAX", 100)
    path = container(tmp_path / "u.avro", [row(sequence=n) for n in range(10)])
    data = bytearray(path.read_bytes())
    data[data.rindex(b"msc-1") - 1] = 0x01
    path.write_bytes(data)
    decoded, report = read(path)
    assert (report.events, report.unreadable) == (0, 10)
    assert [u.sequence for u in decoded.unreadable] == list(range(10))


@pytest.mark.parametrize("data", [b"", gzip.compress(b"")])
def test_an_empty_file_is_refused(tmp_path: Path, data: bytes) -> None:
    """No traffic is said by a header; nothing at all is a failed transfer."""
    path = tmp_path / "usage.csv"
    path.write_bytes(data)
    with pytest.raises(UsageFileError, match=r"usage\.csv: is empty; send the file again"):
        list(read_file(path, 1))


@pytest.mark.parametrize(
    "data", [b"Dear colleague,\nplease find\n", bytes(range(256)), b"\x1f\x8bx"]
)
def test_something_else_is_refused(tmp_path: Path, data: bytes) -> None:
    """A letter, a program and a broken archive are no usage."""
    path = tmp_path / "letter"
    path.write_bytes(data)
    with pytest.raises(UsageFileError, match="letter"):
        list(read_file(path, 1))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "gzip", "avro"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, kind: str) -> None:
    """Ten times the rows take no more memory to read."""
    peaks = []
    for count in (40_000, 240_000):
        path = tmp_path / f"{kind}-{count}"
        text = "".join([csv_text(NAMES), *(GOOD.format(n) + "\n" for n in range(count))]).encode()
        if kind == "avro":
            container(path, (row(sequence=n) for n in range(count)))
        else:
            path.write_bytes(gzip.compress(text, 1) if kind == "gzip" else text)
        del text
        tracemalloc.start()
        assert sum(block.events for block in read_file(path, 1)) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]
