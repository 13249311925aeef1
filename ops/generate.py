"""Seeded usage and the reference data that settles it, to files or to Kafka.

`generate` writes a directory that `weir settle` can take: the reference files and one Avro
container a family, or CSV or JSON Lines. The same seed gives the same bytes. `messages` and `send`
put the same traffic on a log, in the order mediation would send it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from ops.generate_container import ContainerWriter
from ops.generate_traffic import Traffic, TrafficBlock, TrafficFamily
from schemas.codes import Service
from schemas.columns import arrow_schema, conform, encode, encode_envelopes
from schemas.topics import USAGE, partition_of
from streams.envelopes import Messages
from streams.log import Message

FORMATS = ("avro", "csv", "jsonl")
BLOCK_EVENTS = 20_000
ENVELOPE_EVENTS = 200
TIMES = ("started_at", "ended_at")

Progress = Callable[[int], None]
Append = Callable[[str, int, Sequence[Message]], object]


@dataclass(frozen=True)
class Generated:
    """What was written: how many events, and the usage files, each format's together."""

    events: int
    reference: Path
    files: tuple[Path, ...]


def ignore(_: int) -> None:
    """Progress that nobody watches."""


def generate(
    seed: int,
    events: int,
    out: Path,
    *,
    partners: int = 12,
    formats: Sequence[str] = ("avro",),
    progress: Progress = ignore,
) -> Generated:
    """Write reference data and usage files.

    Args:
        seed: the same seed gives the same bytes.
        events: how many, repeats included.
        out: the directory; gets `reference/` and `usage*`.
        partners: how many, at least four.
        formats: of `FORMATS`; each holds all events.
        progress: told how many more events are written, after each block.

    Raises:
        ValueError: an unknown format, or too few partners.
    """
    unknown = sorted(set(formats) - set(FORMATS))
    if unknown:
        raise ValueError(f"unknown format {unknown[0]!r}; there are {', '.join(FORMATS)}")
    traffic = Traffic(seed, partners)
    reference = out / "reference"
    write_reference(traffic, reference)
    paths: list[Path] = []
    with ExitStack() as open_files:
        writers = [_WRITERS[name](out, seed, open_files, paths) for name in formats]
        for block in traffic.blocks(events, BLOCK_EVENTS):
            for write in writers:
                write(block)
            progress(len(block))
    return Generated(events, reference, tuple(paths))


def write_reference(traffic: Traffic, directory: Path) -> None:
    """Write the reference files of some traffic."""
    for name, text in traffic.reference_files().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


_Write = Callable[[TrafficBlock], None]


def _avro(out: Path, seed: int, open_files: ExitStack, paths: list[Path]) -> _Write:
    """One container a family."""
    containers: dict[Service, ContainerWriter] = {}
    for service in Service:
        path = out / f"usage_{service.label}.avro"
        paths.append(path)
        file = open_files.enter_context(path.open("wb"))
        containers[service] = ContainerWriter(file, service, seed)

    def write(block: TrafficBlock) -> None:
        for family in block.families:
            containers[family.service].write(family.columns)

    return write


def _csv(out: Path, _: int, open_files: ExitStack, paths: list[Path]) -> _Write:
    """One CSV file with a column for each field of any family; times are RFC 3339."""
    paths.append(out / "usage.csv")
    file = open_files.enter_context(paths[-1].open("wb"))
    names = ["service", *_all_names()]
    file.write((",".join(names) + "\n").encode())

    def write(block: TrafficBlock) -> None:
        table = pl.concat(_frames(block), how="diagonal").sort("place")
        missing = [pl.lit(None).alias(name) for name in names if name not in table.columns]
        text = pl.col(_times_in(table)).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
        table = table.with_columns(text, *missing).select(names)
        table.write_csv(file, include_header=False)

    return write


def _jsonl(out: Path, _: int, open_files: ExitStack, paths: list[Path]) -> _Write:
    """One JSON Lines file; times are microseconds."""
    paths.append(out / "usage.jsonl")
    file = open_files.enter_context(paths[-1].open("wb"))

    def write(block: TrafficBlock) -> None:
        lines: list[bytes] = []
        for frame in _frames(block):
            text = frame.drop("place").with_columns(pl.col(_times_in(frame)).cast(pl.Int64))
            lines += text.write_ndjson().encode().splitlines(keepends=True)
        places = np.concatenate([family.places for family in block.families])
        file.writelines([lines[i] for i in np.argsort(places, kind="stable").tolist()])

    return write


_WRITERS = {"avro": _avro, "csv": _csv, "jsonl": _jsonl}


def _all_names() -> list[str]:
    """Every field of any family, once, in the order of the families."""
    return list(dict.fromkeys(n for service in Service for n in arrow_schema(service).names))


def _frames(block: TrafficBlock) -> list[pl.DataFrame]:
    """A table a family: a column a field, `service`, and the `place` in sending order."""
    return [
        pl.DataFrame(
            [
                pl.Series("place", family.places),
                pl.repeat(family.service.label, len(family.places), eager=True).alias("service"),
                *(pl.Series(name, array) for name, array in _fields(family).items()),
            ]
        )
        for family in block.families
    ]


def _times_in(frame: pl.DataFrame) -> list[str]:
    """The columns of a table that are times."""
    return [name for name in TIMES if name in frame.columns]


def _fields(family: TrafficFamily) -> Mapping[str, pa.Array]:
    """A family's columns with defaults filled in, as an encoder would."""
    batch = conform(family.service, family.columns)
    return dict(zip(batch.schema.names, batch.columns, strict=True))


def messages(
    block: TrafficBlock, partitions: int, envelope_events: int = ENVELOPE_EVENTS
) -> Messages:
    """A block of traffic as messages by partition, keyed by source.

    Args:
        block: some traffic.
        partitions: how many partitions `usage.v1` has.
        envelope_events: how many events of one source and family an envelope holds at most; with 1
            every event is a message of its own, in sending order.
    """
    if envelope_events == 1:
        return _singles(block, partitions)
    out: Messages = {}
    for family in block.families:
        starts: list[int] = []
        sources: list[str] = []
        for i, source in enumerate(family.sources):
            parts = range(family.edges[i], family.edges[i + 1], envelope_events)
            starts += parts
            sources += [source] * len(parts)
        offsets = np.array([*starts, len(family.places)], np.int32)
        values = encode_envelopes(family.service, family.columns, offsets).to_pylist()
        for source, value in zip(sources, values, strict=True):
            partition = partition_of(source, partitions)
            out.setdefault(partition, []).append((source.encode(), value))
    return out


def _singles(block: TrafficBlock, partitions: int) -> Messages:
    """A message an event, in sending order."""
    values: list[bytes] = []
    keys: list[bytes] = []
    places: list[int] = []
    for family in block.families:
        values += encode(family.service, family.columns).to_pylist()
        keys += family.columns["source"].cast(pa.binary()).to_pylist()
        places += family.places.tolist()
    home = {key: partition_of(key.decode(), partitions) for key in set(keys)}
    out: Messages = {}
    for i in np.argsort(np.array(places), kind="stable").tolist():
        out.setdefault(home[keys[i]], []).append((keys[i], values[i]))
    return out


def send(
    traffic: Traffic,
    events: int,
    append: Append,
    partitions: int,
    *,
    envelope_events: int = ENVELOPE_EVENTS,
    progress: Progress = ignore,
) -> None:
    """Put traffic on `usage.v1`, block by block.

    Args:
        traffic: what to send.
        events: how many, repeats included.
        append: writes messages to a topic's partition, as every log's plain producer does.
        partitions: how many partitions `usage.v1` has.
        envelope_events: see `messages`.
        progress: told how many more events are sent, after each block.
    """
    for block in traffic.blocks(events, BLOCK_EVENTS):
        for partition, batch in sorted(messages(block, partitions, envelope_events).items()):
            append(USAGE.name, partition, batch)
        progress(len(block))


def send_to_kafka(
    seed: int,
    events: int,
    brokers: str,
    *,
    partners: int = 12,
    envelope_events: int = 1,
    progress: Progress = ignore,
) -> None:
    """Send traffic to a Kafka broker whose topics exist; returns when all of it is durable."""
    from streams.kafka_admin import KafkaAppender
    from streams.kafka_reader import Bounds
    from streams.kafka_settings import KafkaSettings

    settings = KafkaSettings(brokers=brokers)
    partitions = Bounds(settings, "generate").partitions(USAGE.name)
    with KafkaAppender(settings) as appender:
        traffic = Traffic(seed, partners)
        send(
            traffic,
            events,
            appender.send,
            partitions,
            envelope_events=envelope_events,
            progress=progress,
        )
