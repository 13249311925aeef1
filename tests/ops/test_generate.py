"""Tests of generated directories, and of traffic put on a log."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from ops.generate import FORMATS, generate, messages, send
from ops.generate_traffic import Traffic
from schemas.codes import Service
from schemas.columns import Decoded, decode
from schemas.reference import load
from schemas.topics import partition_of
from streams.log import Message
from tests.usage_makers import read


def digests(directory: Path) -> dict[str, str]:
    """The digest of every file in a directory."""
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def tables(parts: list[Decoded]) -> dict[Service, pl.DataFrame]:
    """All events by family, in an order that follows from what they say."""
    found: dict[Service, list[pl.DataFrame]] = defaultdict(list)
    for decoded in parts:
        assert decoded.refused == ()
        assert decoded.unreadable == ()
        for family in decoded.families:
            frame = pl.from_arrow(pa.table(dict(family.columns)))
            assert isinstance(frame, pl.DataFrame)
            found[family.service].append(frame)
    joined = {service: pl.concat(frames) for service, frames in found.items()}
    return {service: frame.sort(frame.columns) for service, frame in joined.items()}


def test_a_directory_has_reference_and_usage(tmp_path: Path) -> None:
    """What `weir settle` needs is there, and every event is in the files."""
    made = generate(7, 3_000, tmp_path)
    assert sorted(p.name for p in made.files) == [
        f"usage_{label}.avro"
        for label in ("bandwidth", "circuit", "data", "sms", "transaction", "voice")
    ]
    assert sum(read(path)[1].events for path in made.files) == made.events == 3_000
    load(made.reference)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    """Every file of every format, the second time and at another place."""
    for name in ("a", "b"):
        generate(7, 2_000, tmp_path / name, formats=FORMATS)
    generate(8, 2_000, tmp_path / "c", formats=FORMATS)
    one, again, other = (digests(tmp_path / name) for name in ("a", "b", "c"))
    assert one == again
    assert {n for n in one if n.startswith("usage") and one[n] == other[n]} == set()


def test_all_formats_hold_the_same_events(tmp_path: Path) -> None:
    """Whether read from Avro, CSV or JSON Lines, whole or by partition: the same columns."""
    made = generate(7, 12_000, tmp_path, formats=FORMATS)
    by_format = defaultdict(list)
    for path in made.files:
        by_format[path.suffix].append(path)
    expected = tables([read(path)[0] for path in by_format[".avro"]])
    assert sum(map(len, expected.values())) == 12_000
    for suffix, partitions in ((".avro", 3), (".csv", 1), (".csv", 3), (".jsonl", 1)):
        found = tables([read(path, partitions)[0] for path in by_format[suffix]])
        assert found.keys() == expected.keys()
        assert all(found[service].equals(expected[service]) for service in expected)


def test_progress_is_told(tmp_path: Path) -> None:
    """A bar on the terminal ends at the number of events."""
    told: list[int] = []
    generate(7, 50_000, tmp_path, progress=told.append)
    assert told == [20_000, 20_000, 10_000]


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    """Nothing is written when a part of it could not be."""
    with pytest.raises(ValueError, match="unknown format 'xml'; there are avro, csv, jsonl"):
        generate(7, 10, tmp_path / "out", formats=["avro", "xml"])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("envelope_events", [1, 7, 200])
def test_messages_hold_a_block_by_source(envelope_events: int) -> None:
    """Each message is keyed by its only source, in that source's partition, and none is too big."""
    (block,) = Traffic(7).blocks(2_000, 2_000)
    count = 0
    for partition, batch in messages(block, 3, envelope_events).items():
        keys = [key.decode() for key, _ in batch if key is not None]
        assert {partition_of(key, 3) for key in keys} == {partition}
        decoded = decode([value for _, value in batch])
        held: Counter[int] = Counter()
        for family in decoded.families:
            held.update(family.message.tolist())
            sources = family.columns["source"].to_pylist()
            assert sources == [keys[m] for m in family.message.tolist()]
        assert len(held) == len(batch)
        assert max(held.values()) <= envelope_events
        count += held.total()
    assert count == 2_000


def test_single_messages_come_in_sending_order() -> None:
    """Each source's own numbers rise as they did in the network, but for the repeats."""
    (block,) = Traffic(7).blocks(2_000, 2_000)
    decoded = decode([value for _, value in messages(block, 1, 1)[0]])
    order = [
        (message, source, sequence)
        for family in decoded.families
        for message, source, sequence in zip(
            family.message.tolist(),
            family.columns["source"].to_pylist(),
            family.columns["sequence"].to_pylist(),
            strict=True,
        )
        if sequence is not None
    ]
    numbers: dict[str, list[int]] = defaultdict(list)
    for _, source, sequence in sorted(order):
        if sequence not in numbers[source]:
            numbers[source].append(sequence)
    assert len(numbers) == 15
    assert all(n == sorted(n) for n in numbers.values())


@pytest.mark.parametrize("envelope_events", [1, 200])
def test_traffic_is_sent_to_a_log(tmp_path: Path, envelope_events: int) -> None:
    """What is appended is what the files hold."""
    log: list[bytes | None] = []
    told: list[int] = []

    def append(topic: str, partition: int, batch: list[Message]) -> None:
        assert topic == "usage.v1"
        assert partition in range(4)
        log.extend(value for _, value in batch)

    send(Traffic(7), 3_000, append, 4, envelope_events=envelope_events, progress=told.append)  # type: ignore[arg-type]
    made = generate(7, 3_000, tmp_path)
    expected = tables([read(path)[0] for path in made.files])
    found = tables([decode(log)])
    assert all(found[service].equals(expected[service]) for service in expected)
    assert told == [3_000]
