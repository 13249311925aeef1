"""How old a figure is: from the moment usage is sent to the moment its accrual can be queried.

Events are sent at a steady rate, one a message, whatever the settlement does (an open loop, so that
a slow moment is not hidden by sending less). A view in this process follows the accruals as page
and API do; each accrual names the usage it covers, which tells when every single event arrived.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ops.bench import workload
from ops.bench.broker import SETTLEMENT_PARTITIONS, USAGE_PARTITIONS, create_topics
from ops.bench.recipe import source_name
from schemas.records import codec
from schemas.reference import load
from schemas.topics import ACCRUALS, USAGE
from state.tables import build
from state.view import View
from streams.kafka_admin import KafkaAppender
from streams.kafka_reader import tail
from streams.kafka_settings import KafkaSettings

SLICE_SECONDS = 0.02
SETTLE_SECONDS = 20
WARM_SECONDS = 3


class Sender:
    """Sends the workload at a steady rate and remembers when each message went."""

    def __init__(self, settings: KafkaSettings, rate: int, seconds: int) -> None:
        data, order = workload.columns(rate * seconds)
        self._messages = workload.encode(data, order)
        self._rows = self._messages.partition_rows(USAGE_PARTITIONS)
        self._settings, self._rate = settings, rate
        self.sent_at: list[npt.NDArray[np.float64]] = [np.zeros(len(r)) for r in self._rows]

    def run(self) -> None:
        """Send slice after slice, each when it is due."""
        values, sources = self._messages.values, self._messages.source
        total, step = len(values), max(1, int(self._rate * SLICE_SECONDS))
        began = time.perf_counter()
        done = [0] * len(self._rows)
        with KafkaAppender(self._settings) as appender:
            for first in range(0, total, step):
                time.sleep(max(0.0, began + first / self._rate - time.perf_counter()))
                for partition, rows in enumerate(self._rows):
                    upto = int(np.searchsorted(rows, first + step))
                    chosen = rows[done[partition] : upto]
                    keys = [source_name(s).encode() for s in sources[chosen].tolist()]
                    batch = values.take(pa.array(chosen)).to_pylist()
                    self.sent_at[partition][done[partition] : upto] = time.perf_counter()
                    appender.send(USAGE.name, partition, list(zip(keys, batch, strict=True)))
                    done[partition] = upto


class Watch:
    """Follows accruals into a view; notes when which usage was covered everywhere."""

    def __init__(self, settings: KafkaSettings, view: View) -> None:
        self._reader = tail(settings, View.topics)
        self._view = view
        self._covers: dict[int, dict[str, int]] = {}
        self.arrivals: list[tuple[float, dict[str, int]]] = []

    def run(self, stop: threading.Event) -> None:
        """Follow until told to stop."""
        while not stop.is_set():
            segments = self._reader.read(20_000, 0.05)
            if not segments or not self._view.apply(segments):
                continue
            now = time.perf_counter()
            for segment in segments:
                if segment.topic == ACCRUALS.name and segment.values[-1] is not None:
                    covers = codec("accruals.avsc").decode(segment.values[-1])["covers"]
                    pairs = (part.rsplit("=", 1) for part in covers.split(","))
                    self._covers[segment.partition] = {name: int(upto) for name, upto in pairs}
            if len(self._covers) == SETTLEMENT_PARTITIONS:
                everywhere = {
                    name: min(c.get(name, 0) for c in self._covers.values())
                    for name in next(iter(self._covers.values()))
                }
                self.arrivals.append((now, everywhere))
        self._reader.close()


def ages(
    sent_at: Sequence[npt.NDArray[np.float64]], arrivals: Sequence[tuple[float, dict[str, int]]]
) -> npt.NDArray[np.float64]:
    """For each event that arrived, how long it took; in order of arrival."""
    found: list[npt.NDArray[np.float64]] = []
    done = [0] * len(sent_at)
    for now, covers in arrivals:
        for partition, sent in enumerate(sent_at):
            upto = covers.get(f"{USAGE.name}/{partition}", 0)
            if upto > done[partition]:
                found.append(now - sent[done[partition] : upto])
                done[partition] = upto
    return np.concatenate(found) if found else np.zeros(0)


@dataclass(frozen=True)
class Observed:
    """What a steady stream of events came to: when each was sent and covered, and the worker's own
    report.
    """

    sender: Sender
    watch: Watch
    report: dict[str, Any]

    def ages(self) -> dict[str, Any]:
        """How old figures were; the first moments measure how a worker starts, not how it runs."""
        age = ages(self.sender.sent_at, self.watch.arrivals)
        steady = age[len(age) // 5 :]
        return {
            "events": sum(map(len, self.sender.sent_at)),
            "arrived": len(age),
            "age_p50_seconds": round(float(np.percentile(steady, 50)), 3),
            "age_p99_seconds": round(float(np.percentile(steady, 99)), 3),
            "age_max_seconds": round(float(steady.max()), 3),
            "share_within_one_second": round(float((steady <= 1.0).mean()), 5),
        }


def observe(
    brokers: str,
    reference: Path,
    rate: int,
    seconds: int,
    meanwhile: Callable[[], None] | None = None,
) -> Observed:
    """Send for some seconds to a worker of its own process.

    Args:
        brokers: an empty broker.
        reference: the reference; where something is done meanwhile, the worker follows it.
        rate: events a second.
        seconds: for how long.
        meanwhile: done in a thread of its own while events are sent.
    """
    settings = create_topics(brokers, f"bench-{time.time_ns()}")
    watch = Watch(settings, View(build(load(reference))))
    sender = Sender(settings, rate, seconds)
    command = [sys.executable, "-m", "ops.bench.settle_process", "--brokers", brokers]
    command += ["--group", settings.group_prefix, "--reference", str(reference)]
    command += ["--follow"] if meanwhile else []
    ends = {str(p): len(sent) for p, sent in enumerate(sender.sent_at)}
    command += ["--ends", json.dumps(ends)]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - this Python
    stop = threading.Event()
    beside = [threading.Thread(target=watch.run, args=(stop,))]
    beside += [threading.Thread(target=meanwhile)] if meanwhile else []
    beside[0].start()
    time.sleep(WARM_SECONDS)  # let the worker join its groups
    for thread in beside[1:]:
        thread.start()
    sender.run()
    said, _ = worker.communicate(timeout=SETTLE_SECONDS + seconds)
    time.sleep(1)
    stop.set()
    for thread in beside:
        thread.join()
    return Observed(sender, watch, json.loads(said.splitlines()[-1]))


def freshness(brokers: str, rate: int, seconds: int) -> dict[str, Any]:
    """Send for some seconds and report the ages of figures."""
    with tempfile.TemporaryDirectory() as directory:
        reference = Path(directory) / "reference"
        workload.write_reference(reference)
        observed = observe(brokers, reference, rate, seconds)
    return {"events_sent_per_second": rate, **observed.ages()}
