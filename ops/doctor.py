"""The doctor: what Weir needs, checked, with what to do about what is missing."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from schemas.reference import InvalidReferenceError, load
from schemas.topics import CONTROL_PARTITIONS, TOPICS
from streams.kafka_admin import KafkaAdmin
from streams.kafka_settings import KafkaSettings
from streams.local import LocalStore
from streams.local_database import DirectoryError
from streams.log import LogError

PYTHON_MIN = (3, 11)
DISK_BYTES_MIN = 1 << 30


@dataclass(frozen=True)
class Finding:
    """One check: `result` is ok, note or bad; `detail` what was found and what to do."""

    check: str
    result: str
    detail: str


def examine(brokers: str | None, data: Path | None, reference: Path | None) -> list[Finding]:
    """All checks that apply."""
    checks: list[Callable[[], Iterator[Finding]]] = [_python, _zones]
    if data is not None:
        checks.append(lambda: _data(data))
    if reference is not None:
        checks.append(lambda: _reference(reference))
    if brokers is not None:
        checks.append(lambda: _kafka(brokers))
    return [finding for check in checks for finding in check()]


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info[:2] >= PYTHON_MIN
    yield Finding("Python", "ok" if good else "bad", f"{version}; 3.11 or later is needed")


def _zones() -> Iterator[Finding]:
    count = len(available_timezones())
    ZoneInfo("Europe/Berlin")
    yield Finding("Zone data", "ok" if count else "bad", f"{count} zones; package tzdata has them")


def _data(data: Path) -> Iterator[Finding]:
    place = data if data.exists() else data.absolute().parent
    if not place.exists():
        yield Finding("Disk", "bad", f"{place} does not exist: create it")
        return
    free = shutil.disk_usage(place).free
    good = free >= DISK_BYTES_MIN
    yield Finding("Disk", "ok" if good else "bad", f"{free >> 20:,} MiB free at {place}")
    if not (data / "log").exists():
        yield Finding("Log", "note", f"{data} holds nothing yet; `weir settle` or `demo` fills it")
        return
    try:
        with LocalStore(data / "log", read_only=True) as store:
            usage = sum(store.end("usage.v1", p) for p in range(store.partitions("usage.v1")))
        yield Finding("Log", "ok", f"{usage:,} usage messages")
    except DirectoryError as error:
        yield Finding("Log", "bad", str(error))


def _reference(reference: Path) -> Iterator[Finding]:
    try:
        known = load(reference)
    except InvalidReferenceError as error:
        yield Finding("Reference", "bad", str(error))
        return
    counts = f"{len(known.partners)} partners, {len(known.agreements)} agreements"
    yield Finding("Reference", "ok", f"{known.reference_id}: {counts}, {len(known.decks)} decks")
    for breach in known.flagged:
        yield Finding("Cap", "note", str(breach))


def _kafka(brokers: str) -> Iterator[Finding]:
    try:
        counts = KafkaAdmin(KafkaSettings(brokers=brokers)).partition_counts()
    except (LogError, ValueError) as error:
        yield Finding("Kafka", "bad", f"{error}")
        return
    yield Finding("Kafka", "ok", f"{brokers} answers")
    missing = [t.name for t in TOPICS if t.name not in counts]
    axes = {
        axis: {counts[t.name] for t in TOPICS if t.axis == axis and t.name in counts}
        for axis in ("usage", "settlement", "control")
    }
    if missing:
        yield Finding("Topics", "bad", f"{', '.join(missing)} missing: run weir topics create")
    elif any(len(found) > 1 for found in axes.values()):
        yield Finding("Topics", "bad", f"partition counts differ within an axis: {axes}")
    elif axes["control"] != {CONTROL_PARTITIONS}:
        wrong = "topics of the control axis have one partition each: create them anew"
        yield Finding("Topics", "bad", f"{wrong}; found {axes['control']}")
    else:
        yield Finding("Topics", "ok", f"all {len(TOPICS)} are there")
    yield Finding(
        "Transactions",
        "ok",
        "the client does not speak KIP-890; an unknown outcome rebuilds the producer instead",
    )
