"""The same job on Kafka Streams and on a hand-written Java loop, on a broker of the same machine.

`--peers DIR` names a checkout of the settle-bench peers (its README says how they are built and
checked). They are copied, built with Maven, and run by their own harness on a broker of the same
kind; Weir's figures and theirs then come from one sitting.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ops.bench.broker import free_port, script

CLASSES = "kafka_streams/target/classes:kafka_streams/target/libs/*"
JAVA = ("java", "-Xmx2g", "-XX:+UseParallelGC", "-cp", CLASSES)
PEERS = {
    "kafka_streams_two_phase": (
        "settle.bench.StreamsPeer",
        {"TOPOLOGY": "twophase", "THREADS": "2"},
    ),
    "java_loop": ("settle.bench.LoopPeer", {}),
}


def run_peers(directory: Path, events: int) -> dict[str, Any]:
    """Events a second and CPU seconds a million of each peer, with what its own check says."""
    with tempfile.TemporaryDirectory() as place:
        copy, home = Path(place) / "peers", Path(place) / "broker"
        shutil.copytree(directory, copy)
        _do(copy, "mvn", "-q", "-B", "-f", "kafka_streams/pom.xml", "package")
        port = free_port()
        address = f"127.0.0.1:{port}"
        script("start", str(home), str(port))
        try:
            topic = f"bench.usage.{events}"
            reference = str(home / "reference.json")
            common = ["--bootstrap", address, "--events", str(events)]
            _do(
                copy,
                sys.executable,
                "generate.py",
                *common,
                "--topic",
                topic,
                "--reference",
                reference,
            )
            return {
                name: _measure(copy, [*common, "--input", topic, "--dir", str(home)], name, peer)
                for name, peer in PEERS.items()
            }
        finally:
            script("wipe", str(home))


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
