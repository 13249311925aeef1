"""Usage files into messages for `usage.v1`: Avro containers, CSV and JSON Lines, of any size.

Mediation often hands over files. A file is read in blocks, each becoming messages by partition, so
that memory does not grow with the file. Every row of a file is accounted for once: it becomes an
event, or, where it cannot be read, an `unreadable` record that the rate hop quarantines under the
file's digest and the row's number. Rows that say neither `sequence` nor `event_id` are identified
the same way, so that taking in a file twice changes nothing.

What a file is, its content tells; its name only helps where the content does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.codes import Reason
from schemas.columns import Decoded, Unreadable, decode, encode_unreadable
from schemas.topics import partition_of
from streams.envelopes import Messages, messages
from streams.files_avro import (
    AVRO_MAGIC,
    Block,
    Container,
    RowReader,
    read_blocks,
    read_container,
)
from streams.files_bytes import ByteStream, Damaged, Origin, UsageFileError
from streams.files_fields import Fault, read_frame
from streams.files_text import BYTE_ORDER_MARK, csv_frame, json_frame, read_header, read_lines
from streams.log import Message

__all__ = ["FileBlock", "FileReport", "UsageFileError", "read_file"]

ROWS_PER_BLOCK = 20_000
MESSAGES_EVENTS = 2_000
MESSAGE_BYTES_MAX = 4 << 20
STRETCH_BYTES_MAX = 16 << 20
JSON_SUFFIXES = {".jsonl", ".ndjson", ".json"}
COMPRESSION_SUFFIXES = {".gz", ".zst"}

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FileBlock:
    """A bounded part of a file: its messages by partition, and what was counted.

    `events` counts rows that became events, `unreadable` rows that became unreadable records;
    `problems` are about the file as a whole, and come with the block where they were met.
    """

    messages: Mapping[int, list[Message]]
    events: int
    unreadable: int = 0
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class FileReport:
    """What was taken from a file so far."""

    path: Path
    events: int = 0
    unreadable: int = 0
    problems: tuple[str, ...] = field(default=())

    def plus(self, block: FileBlock) -> FileReport:
        """The report with one more block in it."""
        return FileReport(
            self.path,
            self.events + block.events,
            self.unreadable + block.unreadable,
            self.problems + block.problems,
        )


def read_file(
    path: Path, partitions: int, *, messages_events: int = MESSAGES_EVENTS
) -> Iterator[FileBlock]:
    """A usage file as blocks of messages.

    Args:
        path: an Avro container, CSV or JSON Lines file, plain or gzip or Zstandard compressed.
        partitions: how many partitions `usage.v1` has.
        messages_events: how many events a message holds at most; 1 gives messages of one event.

    Raises:
        UsageFileError: the file as a whole is of no use. Blocks that came before stand: reading
            the mended file later finds their rows to be duplicates.
    """
    origin = Origin(path)
    with ByteStream(path) as stream:
        try:
            start = stream.peek(len(AVRO_MAGIC)) or stream.read(1)
        except Damaged as damage:
            raise UsageFileError(f"{path}: {damage}; send the file again") from damage
        if not start:
            raise UsageFileError(f"{path}: is empty; send the file again, or leave it out")
        if start == AVRO_MAGIC:
            yield from _read_avro(stream, origin, partitions, messages_events)
        else:
            yield from _read_text(stream, origin, partitions, messages_events)


def _read_text(
    stream: ByteStream, origin: Origin, partitions: int, messages_events: int
) -> Iterator[FileBlock]:
    """The blocks of a CSV or JSON Lines file."""
    start = stream.peek(len(BYTE_ORDER_MARK))
    suffixes = [s for s in stream.path.suffixes if s not in COMPRESSION_SUFFIXES]
    if start == BYTE_ORDER_MARK:
        stream.exactly(len(BYTE_ORDER_MARK))
        start = stream.peek(1)
    is_json = start[:1] == b"{" or (bool(suffixes) and suffixes[-1] in JSON_SUFFIXES)
    header = None if is_json else read_header(stream)
    for block in read_lines(stream, ROWS_PER_BLOCK):
        if isinstance(block, Damaged):
            yield FileBlock({}, 0, problems=(f"{stream.path}: {block}",))
            return
        frame, faults = json_frame(block) if header is None else csv_frame(block, header)
        events, unread = read_frame(frame, origin)
        faults = sorted(faults + unread, key=lambda fault: fault.row)
        out: Messages = {}
        for family in filter(len, events):
            _add(out, messages(family.service, family.columns, partitions, messages_events))
        lines = [_line(fault, origin, block.shown(fault.row)) for fault in faults]
        _add(out, _unreadable(lines, partitions))
        yield FileBlock(out, sum(map(len, events)), len(lines))


def _line(fault: Fault, origin: Origin, shown: str) -> Unreadable:
    """An unreadable row as the record that is sent."""
    text = f"row {fault.row}: {fault.what}\n{shown}"
    return Unreadable(0, origin.source, fault.row, fault.reason.label, text)


def _unreadable(lines: list[Unreadable], partitions: int) -> Messages:
    """Unreadable rows as messages; they all have the file for a source."""
    if not lines:
        return {}
    source = lines[0].source
    values = encode_unreadable(lines).to_pylist()
    return {partition_of(source, partitions): [(source.encode(), value) for value in values]}


def _add(out: Messages, more: Mapping[int, list[Message]]) -> None:
    """Add messages behind those that are there."""
    for partition, batch in more.items():
        out.setdefault(partition, []).extend(batch)


def _read_avro(
    stream: ByteStream, origin: Origin, partitions: int, messages_events: int
) -> Iterator[FileBlock]:
    """The blocks of an Avro container, several small ones together."""
    taker = _Taker(read_container(stream), origin, partitions, messages_events)
    waiting: list[Block] = []
    rows = size = 0
    for block in read_blocks(stream, taker.container):
        if isinstance(block, Damaged):
            yield from taker.take(waiting)
            yield FileBlock({}, 0, problems=(f"{stream.path}: {block}",))
            return
        waiting.append(block)
        rows, size = rows + block.count, size + len(block.body)
        if rows >= ROWS_PER_BLOCK or size >= STRETCH_BYTES_MAX:
            yield from taker.take(waiting)
            waiting, rows, size = [], 0, 0
    yield from taker.take(waiting)


class _Taker:
    """Turns the blocks of one container into messages."""

    def __init__(
        self, container: Container, origin: Origin, partitions: int, messages_events: int
    ) -> None:
        self.container = container
        self._origin = origin
        self._partitions = partitions
        self._events_max = messages_events
        self._rows = RowReader(container, origin.path) if container.schema_id is None else None
        # Whether rows of our own schema bring ids, as the contract has it. Looking at each would
        # mean to decode each; so the file's first block decides for the file.
        self._ids_given: bool | None = None
        self._known_whole = False

    def take(self, blocks: Sequence[Block]) -> Iterator[FileBlock]:
        """A stretch of blocks; more than one part only where rows cannot be read."""
        if not blocks:
            return
        schema_id = self.container.schema_id
        if schema_id is None:
            yield from self._take_foreign(blocks)
            return
        if self._ids_given is None:
            self._ids_given = _ids_given(decode([blocks[0].envelope(schema_id)]))
        envelopes = [block.envelope(schema_id) for block in blocks]
        if all(map(self._stays_whole, blocks)):
            count = sum(block.count for block in blocks)
            yield FileBlock({0: [(None, envelope) for envelope in envelopes]}, count)
            return
        out: Messages = {}
        decoded = decode(envelopes)
        for family in decoded.families:
            rows = np.array([b.first_row for b in blocks])[family.message] + family.row
            _add(out, self._sent(family.columns, rows, lend=not self._ids_given))
        lost: list[Block] = []
        for refused in decoded.refused:
            if len(envelopes[refused.message]) <= MESSAGE_BYTES_MAX:
                # The rate hop quarantines it as a whole, with its bytes, as it would from the log.
                home = partition_of(self._origin.source, self._partitions)
                _add(out, {home: [(None, envelopes[refused.message])]})
            else:
                lost.append(blocks[refused.message])
        yield FileBlock(out, sum(b.count for b in blocks) - sum(b.count for b in lost))
        for block in lost:
            yield from self._refused(block, "its block does not decode")

    def _stays_whole(self, block: Block) -> bool:
        """Whether a block becomes a message as it is."""
        return (
            self._partitions == 1
            and self._ids_given is True
            and self._events_max > 1
            and block.count <= self._events_max
            and len(block.body) <= MESSAGE_BYTES_MAX
        )

    def _take_foreign(self, blocks: Sequence[Block]) -> Iterator[FileBlock]:
        """The rows of blocks written with another schema."""
        if self._rows is None:
            raise ValueError("Invariant: a container without schema id has a reader of rows")
        for block in blocks:
            try:
                columns = self._rows.read(block)
            except Damaged as damage:
                yield from self._refused(block, str(damage))
                continue
            rows = np.arange(block.first_row, block.first_row + block.count)
            yield FileBlock(self._sent(columns, rows, lend=True), block.count)

    def _sent(self, columns: Mapping[str, pa.Array], rows: Ints, *, lend: bool) -> Messages:
        """Decoded events as messages, those without ids identified by the file and their row."""
        nameless = pc.and_(columns["sequence"].is_null(), columns["event_id"].is_null())
        if lend and pc.any(nameless).as_py():
            self._require_whole()
            zero = pa.scalar(0, pa.int32())
            columns = {
                **columns,
                "source": pc.if_else(nameless, self._origin.source, columns["source"]),
                "epoch": pc.if_else(nameless, zero, columns["epoch"]),
                "sequence": pc.if_else(nameless, pa.array(rows), columns["sequence"]),
            }
        return messages(self.container.service, columns, self._partitions, self._events_max)

    def _require_whole(self) -> None:
        """Refuse to lend an identity if the file is damaged anywhere.

        Raises:
            UsageFileError: it is.
        """
        if self._known_whole:
            return
        with ByteStream(self._origin.path) as stream:
            for block in read_blocks(stream, read_container(stream)):
                if isinstance(block, Damaged):
                    raise self._origin.half_written(str(block))
        self._known_whole = True

    def _refused(self, block: Block, what: str) -> Iterator[FileBlock]:
        """Every row of a block that does not decode, as an unreadable record."""
        rows = range(block.first_row, block.first_row + block.count)
        for at in range(0, block.count, ROWS_PER_BLOCK):
            lines = [
                _line(Fault(row, Reason.UNREADABLE_LINE, what), self._origin, "")
                for row in rows[at : at + ROWS_PER_BLOCK]
            ]
            yield FileBlock(_unreadable(lines, self._partitions), 0, len(lines))


def _ids_given(decoded: Decoded) -> bool:
    """Whether at least one event says its sequence or event id; so if nothing can be told."""
    named = [
        family.columns[name].null_count < len(family)
        for family in decoded.families
        for name in ("sequence", "event_id")
    ]
    return any(named) or not named
