"""The whole of Weir on genuine Kafka under faults: exact at the end, and never wrong on the way."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ops.bench import recipe, workload
from schemas.records import codec
from schemas.topics import ACCRUALS, SUSPENSE, USAGE
from streams.kafka_admin import KafkaAdmin, KafkaAppender
from streams.kafka_reader import tail
from streams.kafka_settings import KafkaSettings
from streams.log import Message
from tests.kafka.ledger import Ledger
from tests.kafka.plugin import enter, jar_broker

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).parents[2]
EVENTS = 300_000
KILLS = 12
PARTITIONS = 4
SEED = 20261123
SESSION_SECONDS = 3
DEADLINE_SECONDS = 240


@dataclass
class Reader:
    """A reader of committed accruals during the faults: compares every figure with the ledger."""

    settings: KafkaSettings
    ledger: Ledger
    checked: int = 0
    wrong: list[str] = field(default_factory=list)
    figures: dict[str, tuple[int, ...]] = field(default_factory=dict)
    suspended: set[bytes] = field(default_factory=set)
    _covered: dict[str, dict[str, int]] = field(default_factory=dict)

    def run(self, stop: threading.Event) -> None:
        """Read until told to stop."""
        reader = tail(self.settings, [ACCRUALS.name, SUSPENSE.name])
        while not stop.is_set():
            for segment in reader.read(10_000, 0.1):
                for key, value in zip(segment.keys, segment.values, strict=True):
                    if key is None or value is None:
                        self.wrong.append(f"{segment.topic}: {key!r} has no value")
                    elif segment.topic == SUSPENSE.name:
                        self.suspended.add(key)
                    elif key.endswith(b"|total"):
                        self._check(codec("accruals.avsc").decode(value))
        reader.close()

    def _check(self, message: dict[str, Any]) -> None:
        """A period's total must be that of exactly the usage that it says it covers."""
        agreement, rows = message["agreement"], message["rows"]
        if not agreement:
            return  # it only says how far the partition has come
        pairs = (part.rsplit("=", 1) for part in message["covers"].split(","))
        covers = {name: int(upto) for name, upto in pairs}
        before = self._covered.get(agreement, {})
        if any(covers.get(name, 0) < upto for name, upto in before.items()):
            self.wrong.append(f"{agreement}: coverage went back from {before} to {covers}")
        sums = ("events", "quantity", "charge_micros")
        figures = tuple(sum(row[name] for row in rows) for name in sums)
        expected = self.ledger.expected(agreement, covers)
        if figures != expected:
            self.wrong.append(f"{agreement} at {covers}: {figures} instead of {expected}")
        self.checked += 1
        self._covered[agreement], self.figures[agreement] = covers, figures

    def is_done(self, ends: dict[str, int]) -> bool:
        """Whether everything that was sent has arrived, or something is wrong already."""
        agreements = self.ledger.agreements
        return bool(self.wrong) or (
            len(self.suspended) == self.ledger.suspended
            and all(self.figures.get(a) == self.ledger.expected(a, ends) for a in agreements)
        )


class Workers:
    """Worker processes by slot."""

    def __init__(self, brokers: str, reference: Path, state: Path) -> None:
        self._brokers, self._reference, self._state = brokers, reference, state
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self.starts = 0

    def start(self, slot: str) -> None:
        """Start a worker, or its successor."""
        settings = KafkaSettings(
            brokers=self._brokers, slot=slot, session_timeout_seconds=SESSION_SECONDS
        )
        configuration = {
            "settings": asdict(settings),
            "reference": str(self._reference),
            "state": str(self._state / slot),
        }
        self.starts += 1
        self.processes[slot] = subprocess.Popen(
            [sys.executable, "-m", "tests.kafka.settler", json.dumps(configuration)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            text=True,
        )

    def kill(self, slot: str) -> None:
        """SIGKILL: no time for anything."""
        self.processes[slot].kill()
        self.processes[slot].wait()

    def stop(self) -> None:
        """End all of them."""
        for process in self.processes.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self.processes.values():
            process.wait(60)


@dataclass(frozen=True)
class Stage:
    """A broker with topics, the reference on disk, and what must come out."""

    settings: KafkaSettings
    ledger: Ledger
    reader: Reader
    workers: Workers

    def feed(self, seconds: float) -> None:
        """Send all usage, evenly over some time."""
        slices = 200
        values = self.ledger.messages.values
        with KafkaAppender(self.settings) as appender:
            for step in range(slices):
                for partition, rows in enumerate(self.ledger.rows):
                    chosen = rows[len(rows) * step // slices : len(rows) * (step + 1) // slices]
                    sources = self.ledger.messages.source[chosen].tolist()
                    keys = [recipe.source_name(s).encode() for s in sources]
                    batch: list[Message] = list(
                        zip(keys, values.take(pa.array(chosen)).to_pylist(), strict=True)
                    )
                    appender.send(USAGE.name, partition, batch)
                appender.flush()
                time.sleep(seconds / slices)

    def finish(self) -> None:
        """Wait until everything has arrived exactly."""
        ends = {f"{USAGE.name}/{p}": len(rows) for p, rows in enumerate(self.ledger.rows)}
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not self.reader.is_done(ends) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert self.reader.wrong == []
        assert self.reader.is_done(ends), "not everything has arrived"


@contextmanager
def stage(directory: Path, events: int, feed_seconds: float) -> Iterator[Stage]:
    """A broker of its own with usage coming in and a reader watching."""
    with ExitStack() as stack:
        broker = enter(stack, jar_broker(directory / "broker"))
        settings = KafkaSettings(brokers=broker.address)
        KafkaAdmin(settings).create_topics(PARTITIONS, PARTITIONS)
        reference = directory / "reference"
        workload.write_reference(reference)
        ledger = Ledger(events, PARTITIONS)
        reader = Reader(settings, ledger)
        workers = Workers(broker.address, reference, directory / "state")
        stop = threading.Event()
        made = Stage(settings, ledger, reader, workers)
        stack.callback(workers.stop)
        watching = threading.Thread(target=reader.run, args=(stop,))
        feeding = threading.Thread(target=made.feed, args=(feed_seconds,))
        stack.callback(watching.join)
        stack.callback(stop.set)
        stack.callback(feeding.join)
        watching.start()
        feeding.start()
        yield made


def test_killed_workers_settle_exactly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two workers, killed with kill -9 at random moments, settle 300,000 events to the last micro.

    Meanwhile a reader of committed accruals compares each total it sees with the sum of just the
    usage that the total says it covers.
    """
    chance = random.Random(SEED)
    with stage(tmp_path, EVENTS, feed_seconds=KILLS * 4.0) as made:
        for slot in ("a", "b"):
            made.workers.start(slot)
        for kill in range(KILLS):
            time.sleep(chance.uniform(2.0, 6.0))
            slot = "ab"[kill % 2]
            made.workers.kill(slot)
            made.workers.start(slot)
        made.finish()
        with capsys.disabled():
            sys.stdout.write(
                f"\nkill -9: {KILLS} kills over {EVENTS:,} events, {made.reader.checked:,} totals"
                f" checked on the way, {len(made.reader.wrong)} wrong, 0 differences at the end\n"
            )


def test_a_worker_asleep_past_its_session_changes_nothing(tmp_path: Path) -> None:
    """A worker stopped past its session is a zombie: the other takes over, and it is refused."""
    with stage(tmp_path, 60_000, feed_seconds=15) as made:
        made.workers.start("a")
        made.workers.start("b")
        time.sleep(7)
        made.workers.processes["a"].send_signal(signal.SIGSTOP)
        time.sleep(SESSION_SECONDS * 3)
        made.workers.processes["a"].send_signal(signal.SIGCONT)
        made.finish()
