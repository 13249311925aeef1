"""The peers are built, run and read by what their harness writes; what fails says where."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import pytest

from ops.bench import peers
from ops.bench.peers import PEERS, compare, peers_ready

Calls = list[tuple[str, ...]]


@pytest.fixture
def brokers(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What is asked of the broker script, which does nothing."""
    calls: Calls = []
    monkeypatch.setattr(peers, "script", lambda *arguments: calls.append(arguments))
    return calls


def test_a_directory_without_a_pom_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, brokers: Calls
) -> None:
    """The error names the file that Maven wanted; no broker is started, the directory stays.

    In Maven's place stands a program that, like it, fails where its file is missing.
    """
    programs, directory = tmp_path / "bin", tmp_path / "peers"
    programs.mkdir()
    directory.mkdir()
    maven = programs / "mvn"
    maven.write_text('#!/bin/sh\n[ -f "$4" ]\n')
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(subprocess.CalledProcessError, match=r"mvn.*kafka_streams/pom\.xml"):
        peers_ready(directory, 10).__enter__()
    assert brokers == []
    assert list(directory.iterdir()) == []


def test_every_peer_is_run_and_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, brokers: Calls
) -> None:
    """Both peers, each by the last result in the file, on one broker that is wiped afterwards."""
    (tmp_path / "peers").mkdir()
    ran: list[tuple[str, dict[str, str]]] = []

    def do(_: Path, *command: str, **environment: str) -> None:
        if "run.py" not in command:
            return
        ran.append((command[-1], environment))
        home = Path(command[command.index("--dir") + 1])
        home.mkdir(exist_ok=True)
        result = {"rate": 1_000 * len(ran), "cpu_per_million": 2.5, "check": "exact"}
        with (home / "results.jsonl").open("a") as file:
            file.write(json.dumps(result) + "\n")

    monkeypatch.setattr(peers, "_do", do)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rest = {"cpu_seconds_per_million": 2.5, "checked": "exact"}
    with peers_ready(tmp_path / "peers", 10) as run:
        for first in (1_000, 3_000):
            assert run() == {
                "kafka_streams_two_phase": {"events_per_second": first, **rest},
                "java_loop": {"events_per_second": first + 1_000, **rest},
            }
    assert ran == [*PEERS.values()] * 2
    (start, home, _), wipe = brokers
    assert (start, wipe) == ("start", ("wipe", home))


def test_turns_are_compared_one_by_one() -> None:
    """A quick moment of both counts no more than a slow one: 2.0, 1.5 and 3.0 make 2.0."""

    def turn(rate: int, cpu: float, check: str = "exact") -> dict[str, dict[str, object]]:
        said = {"events_per_second": rate, "cpu_seconds_per_million": cpu, "checked": check}
        return dict.fromkeys(PEERS, said)

    weir = [
        {"events_per_second": rate, "cpu_seconds_per_million": cpu}
        for rate, cpu in ((200, 2.0), (300, 3.0), (900, 1.0))
    ]
    document = compare(weir, [turn(100, 8.0), turn(200, 6.0, "1 row differs"), turn(300, 8.0)])
    assert document["events_per_second_to_kafka_streams"] == 2.0
    assert document["cpu_seconds_per_million_to_kafka_streams"] == 0.25
    assert document["cpu_seconds_per_million_to_kafka_streams_runs"] == [0.25, 0.5, 0.125]
    assert document["peers"]["java_loop"]["events_per_second"] == 200
    assert document["peers"]["java_loop"]["checked"] == "1 row differs"
