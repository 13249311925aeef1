"""A worker on genuine Kafka takes mended reference files over without being started again."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops.generate import generate, send_to_kafka
from streams.kafka_admin import KafkaAdmin
from streams.kafka_settings import KafkaSettings
from tests.kafka.plugin import JarBroker
from tests.kafka.test_commands import (
    EVENTS,
    PARTITIONS,
    PATIENCE_SECONDS,
    ROOT,
    SEED,
    as_json,
    mended,
    settled,
    weir,
)

pytestmark = pytest.mark.kafka


@contextmanager
def worker(brokers: str, reference: Path, data: Path) -> Iterator[queue.Queue[str]]:
    """A worker as users start one; the lines that it logs."""
    program = "from ops.cli import main; main()"
    command = [sys.executable, "-c", program, "worker", "--brokers", brokers, "--metrics-port", "0"]
    command += ["--reference", str(reference), "--data", str(data)]
    process = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"}
    )
    lines: queue.Queue[str] = queue.Queue()

    def follow() -> None:
        """Hand every line on."""
        for line in process.stderr or ():
            lines.put(line)

    reader = threading.Thread(target=follow)
    reader.start()
    try:
        yield lines
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
        reader.join(PATIENCE_SECONDS)
        if process.stderr is not None:
            process.stderr.close()


def wait_for(lines: queue.Queue[str], words: str) -> str:
    """The next line with these words."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while words not in (line := lines.get(timeout=deadline - time.monotonic())):
        pass
    return line


def test_a_worker_takes_mended_files_over(own_broker: JarBroker, tmp_path: Path) -> None:
    """Broken files change nothing; mended ones settle what was suspended; all of it verifies."""
    brokers, data = own_broker.address, tmp_path / "data"
    KafkaAdmin(KafkaSettings(brokers=brokers)).create_topics(PARTITIONS, PARTITIONS)
    reference = generate(SEED, 1, tmp_path / "made").reference
    send_to_kafka(SEED, EVENTS, brokers)
    here = ("--brokers", brokers, "--reference", reference)
    with worker(brokers, reference, data) as lines:
        settled(brokers, reference)
        before = weir("state", "hash", *here).stdout
        waiting = as_json("suspense", "list", *here)
        routes = mended(reference, tmp_path / "mended", waiting) / "attribution.csv"
        content = (reference / "attribution.csv").read_bytes()
        (reference / "attribution.csv").write_text("kind\n")
        assert "attribution.csv:1: key: has no column" in wait_for(lines, "reference refused")
        (reference / "attribution.csv").write_bytes(content)
        assert weir("state", "hash", *here).stdout == before
        shutil.copy(routes, reference / "attribution.csv")
        wait_for(lines, "reference in force")
        weir("suspense", "recycle", *here)
        left = as_json("suspense", "list", *here)
        assert {"unknown_route"} & {r["reason"] for r in waiting}
        assert not {"unknown_route"} & {r["reason"] for r in left}
    newest = (data / "reference/current").read_text().strip()
    kept = [path for path in (data / "reference").iterdir() if path.is_dir()]
    assert len(kept) == 2
    ordered = sorted(kept, key=lambda path: path.name == newest)
    references = [part for path in ordered for part in ("--reference", path)]
    assert "0 differences" in weir("verify", "--brokers", brokers, *references).stdout
