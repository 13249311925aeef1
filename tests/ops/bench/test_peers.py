"""The peers are built, run and read by what their harness writes; what fails says where."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import pytest

from ops.bench import peers
from ops.bench.peers import PEERS, run_peers

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
        run_peers(directory, 10)
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
    assert run_peers(tmp_path / "peers", 10) == {
        "kafka_streams_two_phase": {"events_per_second": 1_000, **rest},
        "java_loop": {"events_per_second": 2_000, **rest},
    }
    assert ran == list(PEERS.values())
    (start, home, _), wipe = brokers
    assert (start, wipe) == ("start", ("wipe", home))
