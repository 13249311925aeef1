"""Commands that run something, as a user calls them; what needs a broker gets a fake one."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ops import cli_run, worker
from ops.cli import app
from schemas.reference import load
from state.invariants import InvariantViolation
from streams.log import Fenced, LogError, Segment
from tests.ops.books import reference

EVENTS = 5_000
NOBODY = "127.0.0.1:1"


def weir(*arguments: str | Path, exits: int = 0) -> Result:
    """Run a command in this process; it must exit as said."""
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == exits, result.output
    return result


def said(result: Result) -> str:
    """What a command says on standard error, on one line."""
    return " ".join(result.stderr.split())


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No command changes how this process logs or handles signals, or reads its environment."""
    monkeypatch.setattr(cli_run, "set_up", lambda _: None)
    monkeypatch.setattr(worker, "on_signals", lambda _: None)
    for name in ("WEIR_BROKERS", "WEIR_REFERENCE", "WEIR_DATA"):
        monkeypatch.delenv(name, raising=False)


class Quiet:
    """A reader of a log on which nothing is."""

    caught_up = True

    def __init__(self, closed: list[bool]) -> None:
        self._closed = closed

    def read(self, messages_max: int, linger_seconds: float) -> list[Segment]:
        """Nothing new, after a moment."""
        time.sleep(0.01)
        return []

    def close(self) -> None:
        """Let go."""
        self._closed.append(True)


def test_the_demo_depends_on_its_seed_alone() -> None:
    """The same document twice, another one for another seed; every event has one outcome."""
    ask = ("demo", "--once", "--events", str(EVENTS), "-o", "json", "--seed")
    first, again, other = (weir(*ask, seed).stdout for seed in ("7", "7", "8"))
    assert first == again
    assert json.loads(first)["accruals"] != json.loads(other)["accruals"]
    for document in (first, other):
        assert sum(row["events"] for row in json.loads(document)["outcomes"]) == EVENTS


def test_the_demo_keeps_what_it_is_told_to_keep(tmp_path: Path) -> None:
    """The data directory can be asked afterwards, and says the same."""
    kept = tmp_path / "kept"
    made = weir("demo", "--once", "--events", "500", "--data", kept, "-o", "json").stdout
    shown = json.loads(weir("accruals", "--data", kept, "-o", "json").stdout)
    agreements = {row["agreement"] for row in json.loads(made)["accruals"]}
    assert agreements
    assert {row["agreement"] for row in shown} == agreements


def test_the_demo_says_what_to_do_about_a_taken_port(tmp_path: Path) -> None:
    """A mistake of the user: exit code 2 and the option to use."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        given = ("demo", "--events", "100", "--data", tmp_path / "data", "--port", port)
        assert "choose another with --port" in said(weir(*given, exits=2))


def test_generated_files_are_named(tmp_path: Path) -> None:
    """Reference and usage are there, and the usage files are what is printed."""
    result = weir("generate", "--events", "200", "--out", tmp_path, "--format", "jsonl")
    files = [Path(line) for line in result.stdout.splitlines()]
    assert files
    assert sorted(files) == sorted(tmp_path.glob("usage*"))
    assert sum(len(file.read_text().splitlines()) for file in files) == 200
    assert len(load(tmp_path / "reference").partners) == 12


def test_generating_needs_one_target(tmp_path: Path) -> None:
    """Neither and both are mistakes, as is a format that there is not."""
    for target in ((), ("--out", tmp_path, "--brokers", NOBODY)):
        assert "say where to" in said(weir("generate", "--events", "1", *target, exits=2))
    given = ("generate", "--events", "1", "--out", tmp_path, "--format", "xml")
    assert "'xml'" in said(weir(*given, exits=2))


def test_the_doctor_exits_by_what_it_finds(tmp_path: Path) -> None:
    """0 when all is well, 1 on a finding; a note alone is none."""
    given = reference(tmp_path / "reference")
    well = json.loads(weir("doctor", "--reference", given, "-o", "json").stdout)
    assert [row["result"] for row in well] == ["ok", "ok", "ok"]
    assert "note" in weir("doctor", "--data", tmp_path / "new", "-o", "csv").stdout
    weir("doctor", "--reference", tmp_path / "nowhere", exits=1)


def test_a_worker_needs_brokers_and_a_reference(tmp_path: Path) -> None:
    """What is missing or cannot be used is named before anything is started."""
    given = reference(tmp_path / "reference")
    data = ("--data", tmp_path / "data", "--metrics-port", "0")
    assert "--brokers" in said(weir("worker", "--reference", given, *data, exits=2))
    refused = weir("worker", "--brokers", "kafka", "--reference", given, *data, exits=2)
    assert "is not host:port" in said(refused)
    nowhere = weir("worker", "--brokers", NOBODY, "--reference", tmp_path / "no", *data, exits=2)
    assert "is not a directory" in said(nowhere)


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (LogError("nobody answers"), 3),
        (Fenced("a newer worker has the slot"), 4),
        (InvariantViolation("figures differ"), 4),
    ],
)
def test_a_worker_exits_by_what_ended_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception, code: int
) -> None:
    """An absent broker can be waited for; being fenced or wrong about oneself cannot."""

    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(worker, "KafkaLog", fail)
    monkeypatch.setattr(worker, "tail", lambda *_: Quiet([]))
    given = ("--reference", reference(tmp_path / "reference"), "--data", tmp_path / "data")
    result = weir("worker", "--brokers", NOBODY, *given, "--metrics-port", "0", exits=code)
    assert str(failure) in said(result)


def test_the_api_says_what_to_do_about_a_taken_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the demo does; the view's reader is let go."""
    closed: list[bool] = []
    monkeypatch.setattr(cli_run, "tail", lambda *_: Quiet(closed))
    given = ("--brokers", NOBODY, "--reference", reference(tmp_path / "reference"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert "choose another with --port" in said(weir("api", *given, "--port", port, exits=2))
    assert closed == [True, True]  # of what masters told, too


def test_topics_cannot_be_made_on_absent_brokers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3, and the reason."""

    class Absent:
        def __init__(self, settings: object) -> None:
            raise LogError("nobody answers")

    monkeypatch.setattr(cli_run, "KafkaAdmin", Absent)
    assert "nobody answers" in said(weir("topics", "create", "--brokers", NOBODY, exits=3))
