"""Tests of how the bytes of a usage file are read: compression, damage, bounds, digest."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pyarrow as pa
import pytest

from streams import files_bytes
from streams.files_bytes import ByteStream, Damaged, Origin, UsageFileError, pieces

TEXT = b"".join(b"row %d of some usage\n" % n for n in range(100_000))


def zstandard(data: bytes) -> bytes:
    """Data compressed with Zstandard."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    compressed: bytes = sink.getvalue().to_pybytes()
    return compressed


COMPRESSED = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "two gzip parts": lambda data: gzip.compress(data[:999]) + gzip.compress(data[999:]),
    "Zstandard": zstandard,
}


def everything(path: Path) -> tuple[bytes, str | None]:
    """All that can be read of a file, and what ended it."""
    taken = b""
    with ByteStream(path) as stream:
        try:
            for piece in pieces(stream):
                taken += piece
        except Damaged as damage:
            return taken, str(damage)
    return taken, None


@pytest.mark.parametrize("name", COMPRESSED)
def test_compression_is_found_by_its_first_bytes(tmp_path: Path, name: str) -> None:
    """A file's name need not say that it is compressed."""
    path = tmp_path / "usage.csv"
    path.write_bytes(COMPRESSED[name](TEXT))
    assert everything(path) == (TEXT, None)


@pytest.mark.parametrize("name", COMPRESSED)
def test_a_compressed_copy_is_the_same_file(tmp_path: Path, name: str) -> None:
    """The digest is that of the contents: SHA-256, its first sixteen hexadecimal digits."""
    path = tmp_path / "usage"
    path.write_bytes(COMPRESSED[name](TEXT))
    assert Origin(path).source == f"file:{hashlib.sha256(TEXT).hexdigest()[:16]}"


def test_looking_ahead_takes_nothing(tmp_path: Path) -> None:
    """What was peeked at is read again; the position counts what was taken."""
    path = tmp_path / "usage"
    path.write_bytes(b"abcdef")
    with ByteStream(path) as stream:
        assert stream.peek(4) == b"abcd"
        assert stream.position == 0
        assert stream.exactly(5) == b"abcde"
        assert stream.peek(9) == b"f"
        assert stream.read(9) == b"f"
        assert (stream.position, stream.read(1)) == (6, b"")


def test_looking_ahead_into_damage_spoils_nothing(tmp_path: Path) -> None:
    """What is there can be seen and read; the damage comes when reading reaches it."""
    path = tmp_path / "usage.gz"
    path.write_bytes(gzip.compress(b"abcdef")[:-9])
    with ByteStream(path) as stream:
        seen = stream.peek(100)
        assert b"abcdef".startswith(seen)
        assert stream.read(100) == seen
        with pytest.raises(Damaged, match="end early"):
            stream.read(1)


def test_reading_more_than_there_is_is_damage(tmp_path: Path) -> None:
    """A length that promises more than the file has means that the file ends early."""
    path = tmp_path / "usage"
    path.write_bytes(b"abc")
    with (
        ByteStream(path) as stream,
        pytest.raises(Damaged, match="the file ends early: 2 more bytes"),
    ):
        stream.exactly(5)


def test_a_gzip_file_that_ends_early_gives_what_it_has(tmp_path: Path) -> None:
    """Half an upload is read up to where it ends, and then says so."""
    path = tmp_path / "usage.gz"
    compressed = gzip.compress(TEXT)
    path.write_bytes(compressed[: len(compressed) // 2])
    taken, problem = everything(path)
    assert TEXT.startswith(taken)
    assert len(taken) > len(TEXT) // 4
    assert problem == "the compressed data end early: the file is half written"


def test_a_zstandard_file_that_ends_early_is_damaged(tmp_path: Path) -> None:
    """The other compression says it as well."""
    path = tmp_path / "usage.zst"
    compressed = zstandard(TEXT)
    path.write_bytes(compressed[: len(compressed) // 2])
    taken, problem = everything(path)
    assert TEXT.startswith(taken)
    assert problem is not None


def test_a_wrong_checksum_is_damage(tmp_path: Path) -> None:
    """A bit that turned over on the way does not go unnoticed."""
    path = tmp_path / "usage.gz"
    compressed = bytearray(gzip.compress(TEXT))
    compressed[-6] ^= 1  # in the CRC-32 at the end
    path.write_bytes(compressed)
    _, problem = everything(path)
    assert problem is not None
    assert "do not decompress" in problem


def test_a_decompression_bomb_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zeros compress a thousand times; usage does not, so the rest is not even looked at."""
    monkeypatch.setattr(files_bytes, "EXPANSION_FREE_BYTES", 1 << 20)
    path = tmp_path / "usage.gz"
    path.write_bytes(gzip.compress(bytes(50 << 20)))
    taken, problem = everything(path)
    assert problem is not None
    assert "expand more than 200 times" in problem
    assert len(taken) < 20 << 20


def test_repetitive_usage_is_no_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that hardly differ compress well, and are read to the end."""
    monkeypatch.setattr(files_bytes, "EXPANSION_FREE_BYTES", 0)
    path = tmp_path / "usage.gz"
    path.write_bytes(gzip.compress(TEXT))
    assert everything(path) == (TEXT, None)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"BZh91AY", "bzip2 compressed"),
        (b"\xfd7zXZ\x00\x00", "xz compressed"),
        (b"PK\x03\x04....", "a zip archive or a spreadsheet"),
        (b"PAR1....", "a Parquet file"),
        (b"\xff\xfea\x00", "UTF-16 text"),
    ],
)
def test_other_formats_are_named(tmp_path: Path, start: bytes, said: str) -> None:
    """Whoever sends a spreadsheet is told so, and what to send instead."""
    path = tmp_path / "usage.csv"
    path.write_bytes(start)
    with pytest.raises(UsageFileError, match=f"usage.csv: is {said}.*send Avro, CSV or JSON Lines"):
        ByteStream(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The message has the name that was given."""
    with pytest.raises(UsageFileError, match=r"nothing\.csv: cannot be opened \(No such file"):
        ByteStream(tmp_path / "nothing.csv")


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    """A directory's name is an easy slip."""
    with pytest.raises(UsageFileError, match="cannot be opened"):
        ByteStream(tmp_path)


@pytest.mark.parametrize("data", [TEXT[:-1], gzip.compress(TEXT)[:-20], gzip.compress(TEXT[:-1])])
def test_a_file_that_may_be_half_written_lends_no_identity(tmp_path: Path, data: bytes) -> None:
    """Its rows would count again when the whole file comes, under another digest."""
    path = tmp_path / "usage.csv"
    path.write_bytes(data)
    with pytest.raises(UsageFileError, match="send it again when it is complete"):
        Origin(path).require_whole_text()


def test_a_whole_file_lends_its_identity(tmp_path: Path) -> None:
    """A text that ends with a line end is taken to be complete."""
    path = tmp_path / "usage.csv"
    path.write_bytes(gzip.compress(TEXT))
    Origin(path).require_whole_text()
