"""Logs: one event a line, for machines or for people."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog

from ops.logs import logger, set_up


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """As a terminal answers."""
        return True


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Logging is the process's own: give it back as it was."""
    root = logging.getLogger()
    handlers, level, before = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:], root.level = handlers, level
    structlog.configure(**before)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    """The objects in a stream of JSON lines."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_machines_get_json() -> None:
    """Elsewhere than on a terminal an event is one JSON object with its facts."""
    stream = io.StringIO()
    set_up("info", stream)
    logger("weir.worker").info("batch committed", hop="rate", events=5)
    (line,) = lines(stream)
    moment = str(line.pop("timestamp"))
    assert moment.endswith("Z")
    assert line == {
        "event": "batch committed",
        "hop": "rate",
        "events": 5,
        "level": "info",
        "logger": "weir.worker",
    }


def test_libraries_take_the_same_way() -> None:
    """What is logged through the standard library looks the same, exceptions included."""
    stream = io.StringIO()
    set_up("info", stream)
    try:
        int("x")
    except ValueError:
        logging.getLogger("weir.kafka").exception("reading %s", "usage.v1[0]")
    (line,) = lines(stream)
    assert (line["event"], line["logger"], line["level"]) == (
        "reading usage.v1[0]",
        "weir.kafka",
        "error",
    )
    assert "ValueError" in json.dumps(line["exception"])


def test_people_get_a_line() -> None:
    """On a terminal the event stands in words, not in JSON."""
    stream = Terminal()
    set_up("info", stream)
    logger("weir").warning("source is silent", source="MSC-1")
    assert "source is silent" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_a_traceback_shows_no_values(kind: type[io.StringIO]) -> None:
    """What went wrong and where is logged; what a variable held may be somebody's number."""
    stream = kind()
    set_up("info", stream)
    subscriber = "4917012" + "34567"
    try:
        int(f"x{subscriber[:0]}")
    except ValueError:
        logger("weir").exception("failed")
    assert "ValueError" in stream.getvalue()
    assert subscriber not in stream.getvalue()


def test_less_important_is_left_out() -> None:
    """Below the level nothing is written; requests are in the metrics, not here."""
    stream = io.StringIO()
    set_up("warning", stream)
    logger("weir").info("started")
    logging.getLogger("uvicorn.access").info("GET /")
    assert stream.getvalue() == ""


def test_standard_output_stays_free(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By default logs go to standard error; setting up twice does not double them."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    set_up()
    set_up()
    logger("weir").info("started")
    assert len(lines(stream)) == 1
    assert capsys.readouterr().out == ""


def test_commands_that_set_nothing_up_warn_on_standard_error() -> None:
    """Standard output is for results, and what goes well is not said at all.

    In a process of its own, for another test may have set logging up in this one.
    """
    program = """
from ops.logs import logger
logger("weir.test").info("tried again", events=1)
logger("weir.test").warning("held back", name="A")
"""
    command = [sys.executable, "-c", program]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    assert said.stdout == ""
    assert "held back" in said.stderr
    assert "tried again" not in said.stderr
