"""The control worker counts what it takes and ends as the brokers and the operator say."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.config import Settings
from ops.control import ControlWorker
from ops.metrics import Metrics
from schemas.topics import PARTY
from streams.control.changes import Place
from streams.control.intake import Intake
from streams.log import Message, Segment
from tests.notices import broken, told


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Signals are handled as before afterwards."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def nothing(_: str, offset: int) -> tuple[list[Segment], int]:
    """A topic without messages."""
    return [], offset


def test_a_batch_is_counted() -> None:
    """One is taken, one refused, and that one is open."""
    metrics = Metrics(lambda: 0)
    worker = ControlWorker(Settings.model_validate({"brokers": "127.0.0.1:1"}), metrics)
    intake = Intake(nothing, lambda *_: None)
    place = Place(PARTY.name, 0, 0, 0, 1)
    worker.observe(intake.take([(told("1"), place), (broken(1), place)]), intake)
    value = metrics.registry.get_sample_value
    for result in ("taken", "refused"):
        labels = {"topic": "party.v1", "result": result}
        assert value("weir_control_read_total", labels) == 1
    assert value("weir_control_exceptions_open", {"reason": "malformed"}) == 1


def test_brokers_that_do_not_answer_end_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Exit 3, as for every command that Kafka does not answer; no reference is asked for."""
    monkeypatch.chdir(tmp_path)
    command = ["worker", "control", "--brokers", "127.0.0.1:1", "--metrics-port", "0"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 3, result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["control", "--hop", "rate"], "worker control and --hop rate are two things"),
        (["rate"], "--reference DIR"),
        ([], "--reference DIR"),
    ],
)
def test_what_to_run_is_said_once(arguments: list[str], said: str) -> None:
    """Both ways to say it must agree; hops that rate need a reference."""
    result = CliRunner().invoke(app, ["worker", "--brokers", "127.0.0.1:1", *arguments])
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_message_is_a_pair() -> None:
    """What an intake writes is what a log takes: key and value."""
    written: list[Message] = []
    intake = Intake(nothing, lambda _, messages: written.extend(messages))
    intake.take([(told("1"), Place(PARTY.name, 0, 0, 0, 1))])
    ((key, value),) = written
    assert key is not None
    assert value is not None
    assert key.startswith(b"organization/1/")
