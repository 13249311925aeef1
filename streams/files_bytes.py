"""The bytes of a usage file, decompressed as they are read, and its digest.

A file may be gzip or Zstandard compressed, which its first bytes tell and its name need not. It is
read in pieces, so that its size does not matter. What goes wrong on the way is one of two things:
`UsageFileError` when the file as a whole is of no use, and `Damaged` when it was good up to a point
(it ends early, its checksum is wrong, it expands beyond reason) and what came before can be kept.

A file without ids is identified by its content: the digest is that of the decompressed bytes, so
that a file and its compressed copy are the same file.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

import pyarrow as pa

from streams.log import Closeable

GZIP_MAGIC = b"\x1f\x8b"
ZSTANDARD_MAGIC = b"\x28\xb5\x2f\xfd"
FOREIGN_MAGIC = {
    b"BZh": "bzip2 compressed",
    b"\xfd7zXZ\x00": "xz compressed",
    b"PK\x03\x04": "a zip archive or a spreadsheet",
    b"PAR1": "a Parquet file",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
PIECE_BYTES = 1 << 20
EXPANSION_MAX = 200  # text of usage compresses 5 to 30 times; a decompression bomb 1,000 times
EXPANSION_FREE_BYTES = 64 << 20  # small files may expand as they like
DIGEST_HEX = 16

_Read = Callable[[int], bytes]


class UsageFileError(Exception):
    """A usage file that cannot be taken at all: what is wrong, why it matters, what to do."""


class Damaged(Exception):
    """The bytes end or go wrong here; what was read before is good."""


class ByteStream(Closeable):
    """The decompressed bytes of a file, with one look ahead."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position = 0  # decompressed bytes handed out
        self._ahead = b""
        self._damage: Damaged | None = None  # met while looking ahead
        self._delivered = 0  # decompressed bytes taken from the decompressor
        try:
            self._stored: IO[bytes] = path.open("rb")
        except OSError as error:
            raise UsageFileError(
                f"{path}: cannot be opened ({error.strerror}); check the name and its permissions"
            ) from error
        first = self._stored.read(len(max(FOREIGN_MAGIC, key=len)))
        self._stored.seek(0)
        for magic, what in FOREIGN_MAGIC.items():
            if first.startswith(magic):
                self.close()
                raise UsageFileError(
                    f"{path}: is {what}, which is not read here; send Avro, CSV or JSON Lines in "
                    "UTF-8, plain or compressed with gzip or Zstandard"
                )
        self._compressed = True
        if first.startswith(GZIP_MAGIC):
            # read1, not read: it hands out what decompressed before an error comes up.
            self._next: _Read = gzip.GzipFile(fileobj=self._stored, mode="rb").read1
        elif first.startswith(ZSTANDARD_MAGIC):
            stored = pa.PythonFile(self._stored, mode="r")
            self._next = pa.CompressedInputStream(stored, "zstd").read
        else:
            self._next = self._stored.read
            self._compressed = False

    def close(self) -> None:
        """Give the file back."""
        self._stored.close()

    def read(self, count: int) -> bytes:
        """Up to `count` bytes; none at the end.

        Raises:
            Damaged: the stored bytes end early, do not decompress, or expand beyond reason.
        """
        if self._ahead:
            piece, self._ahead = self._ahead[:count], self._ahead[count:]
        elif self._damage is not None:
            raise self._damage
        else:
            piece = self._take(count)
        self.position += len(piece)
        return piece

    def exactly(self, count: int) -> bytes:
        """Exactly `count` bytes.

        Raises:
            Damaged: as in `read`, or there are not so many.
        """
        pieces = []
        missing = count
        while missing:
            piece = self.read(min(missing, PIECE_BYTES))
            if not piece:
                raise Damaged(f"the file ends early: {missing} more bytes were announced")
            pieces.append(piece)
            missing -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def peek(self, count: int) -> bytes:
        """The next bytes, `count` of them unless the file has fewer, without taking them.

        Damage met on the way is kept for whoever reads that far.
        """
        while len(self._ahead) < count and self._damage is None:
            try:
                piece = self._take(count)
            except Damaged as damage:
                self._damage = damage
                break
            if not piece:
                break
            self._ahead += piece
        return self._ahead[:count]

    def _take(self, count: int) -> bytes:
        """Bytes from the decompressor, with its errors in our words and its expansion watched."""
        try:
            piece = bytes(self._next(count))
        except EOFError as error:
            raise Damaged("the compressed data end early: the file is half written") from error
        except (OSError, zlib.error, pa.ArrowException) as error:
            raise Damaged(f"the compressed data do not decompress ({error})") from error
        self._delivered += len(piece)
        if self._compressed and self._delivered > EXPANSION_FREE_BYTES:
            stored = max(self._stored.tell(), 1)
            if self._delivered > EXPANSION_MAX * stored:
                raise Damaged(
                    f"the compressed data expand more than {EXPANSION_MAX} times, as usage never "
                    "does: the rest is left out"
                )
        return piece


def pieces(stream: ByteStream) -> Iterator[bytes]:
    """The rest of a stream, piece by piece."""
    while piece := stream.read(PIECE_BYTES):
        yield piece


@dataclass(frozen=True)
class _Content:
    """What one pass over a whole file tells."""

    digest: str
    problem: str | None
    last: bytes


@dataclass(frozen=True)
class Origin:
    """The identity that a file lends to its rows: worked out when first asked for."""

    path: Path

    @cached_property
    def _content(self) -> _Content:
        """Read the whole file once."""
        digest = hashlib.sha256()
        last = b""
        problem = None
        with ByteStream(self.path) as stream:
            try:
                for piece in pieces(stream):
                    digest.update(piece)
                    last = piece[-1:]
            except Damaged as damage:
                problem = str(damage)
        return _Content(digest.hexdigest()[:DIGEST_HEX], problem, last)

    @property
    def source(self) -> str:
        """The source of rows that have no identity of their own, and of unreadable rows."""
        return f"file:{self._content.digest}"

    def require_whole_text(self) -> None:
        """Refuse to lend an identity to rows of text while the file may be half written.

        Raises:
            UsageFileError: the file is damaged, or its last line has no line end.
        """
        content = self._content
        if content.problem is not None:
            raise self.half_written(content.problem)
        if content.last != b"\n":
            raise self.half_written("the last line has no line end: it may be half written")

    def half_written(self, problem: str) -> UsageFileError:
        """Why a damaged file lends no identity.

        The whole file would have another digest later, and its first rows would count twice.
        """
        return UsageFileError(
            f"{self.path}: {problem}; its rows have neither `sequence` nor `event_id`, so only "
            "the complete file identifies them: send it again when it is complete"
        )
