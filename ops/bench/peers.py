"""The same job on Kafka Streams and on a hand-written Java loop, on a broker of the same machine.

`--peers DIR` names a checkout of the settle-bench peers (its README says how they are built and
checked). They are copied, built with Maven, and run by their own harness on a broker of the same
kind, by turns with Weir: a machine that changes its pace then changes it for all of them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median_low
from typing import Any

from ops.bench.broker import free_port, script
from ops.bench.report import middle

Figures = Mapping[str, Mapping[str, Any]]

CLASSES = "kafka_streams/target/classes:kafka_streams/target/libs/*"
JAVA = ("java", "-Xmx2g", "-XX:+UseParallelGC", "-cp", CLASSES)
PEERS = {
    "kafka_streams_two_phase": (
        "settle.bench.StreamsPeer",
        {"TOPOLOGY": "twophase", "THREADS": "2"},
    ),
    "java_loop": ("settle.bench.LoopPeer", {}),
}


@contextmanager
def peers_ready(directory: Path, events: int) -> Iterator[Callable[[], Figures]]:
    """Peers that are built, on a broker with their events; what to call to run each of them once.

    A run says events a second and CPU seconds a million of each peer, and what its own check says.
    """
    with tempfile.TemporaryDirectory() as place:
        copy, home = Path(place) / "peers", Path(place) / "broker"
        shutil.copytree(directory, copy)
        _do(copy, "mvn", "-q", "-B", "-f", "kafka_streams/pom.xml", "package")
        port = free_port()
        address = f"127.0.0.1:{port}"
        script("start", str(home), str(port))
        try:
            topic = f"bench.usage.{events}"
            load = ("--topic", topic, "--reference", str(home / "reference.json"))
            common = ["--bootstrap", address, "--events", str(events)]
            _do(copy, sys.executable, "generate.py", *common, *load)
            arguments = [*common, "--input", topic, "--dir", str(home)]
            yield lambda: {n: _measure(copy, arguments, n, peer) for n, peer in PEERS.items()}
        finally:
            script("wipe", str(home))


def compare(reports: Sequence[Mapping[str, Any]], turns: Sequence[Figures]) -> dict[str, Any]:
    """Weir's runs against the peers' runs of the same turns: the middle of the ratios."""
    document: dict[str, Any] = {
        "peers": {
            name: middle([turn[name] for turn in turns], "events_per_second") for name in PEERS
        }
    }
    for figure in ("events_per_second", "cpu_seconds_per_million"):
        ratios = [
            round(report[figure] / turn["kafka_streams_two_phase"][figure], 3)
            for report, turn in zip(reports, turns, strict=True)
        ]
        document[f"{figure}_to_kafka_streams"] = median_low(ratios)
        document[f"{figure}_to_kafka_streams_runs"] = ratios
    return document


def _measure(
    copy: Path, common: list[str], name: str, peer: tuple[str, dict[str, str]]
) -> dict[str, Any]:
    """One run of one peer by the harness, which checks its result."""
    main, environment = peer
    _do(
        copy,
        sys.executable,
        "run.py",
        *common,
        "--name",
        name,
        "--repeat",
        "1",
        "--",
        *JAVA,
        main,
        **environment,
    )
    home = Path(common[common.index("--dir") + 1])
    last = json.loads((home / "results.jsonl").read_text().splitlines()[-1])
    return {
        "events_per_second": last["rate"],
        "cpu_seconds_per_million": last["cpu_per_million"],
        "checked": last["check"],
    }


def _do(place: Path, *command: str, **environment: str) -> None:
    """Run a command of the peers in their directory."""
    subprocess.run(  # noqa: S603 - what the given directory is for
        command,
        cwd=place,
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.DEVNULL,
    )
