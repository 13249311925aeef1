"""A view follows its log, and a server ends together with what runs beside it."""

from __future__ import annotations

import signal
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from ops.metrics import Metrics
from ops.serve import Server, follow, on_signals
from schemas.topics import ACCRUALS, STATEMENTS
from state.tables import Tables
from state.view import View
from streams.log import Segment
from tests.api.makers import World
from tests.state.view_makers import segment, view_tables

NOW_US = 10_000_000
PATIENCE_SECONDS = 60


class Marked(View):
    """A view that counts how often it is told that it has caught up."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables)
        self.marks = 0

    def mark_caught_up(self) -> None:
        """Count it."""
        self.marks += 1
        super().mark_caught_up()


class Batches:
    """A tail with given batches, caught up after some; at the end it stops whoever reads."""

    def __init__(self, batches: Sequence[list[Segment]], old: int, stop: threading.Event) -> None:
        self._batches = batches
        self._old = old
        self._stop = stop
        self._read = 0
        self.closed = False

    @property
    def caught_up(self) -> bool:
        """Whether the old batches were read."""
        return self._read >= self._old

    def read(self, messages_max: int, linger_seconds: float) -> list[Segment]:
        """The next batch."""
        self._read += 1
        if self._read == len(self._batches):
            self._stop.set()
        return self._batches[self._read - 1]

    def close(self) -> None:
        """Let go."""
        self.closed = True


def accrued(offset: int, timestamp_us: int, topic: str = ACCRUALS.name) -> Segment:
    """A segment without messages that was logged at a time."""
    return segment([], offset, topic=topic, timestamp_us=timestamp_us)


def test_only_what_comes_after_catching_up_is_timed(tmp_path: Path) -> None:
    """The view is told once; a batch's age is that of its oldest accruals."""
    stop, metrics = threading.Event(), Metrics(lambda: NOW_US)
    view = Marked(view_tables(tmp_path))
    batches = [
        [accrued(0, 1_000_000)],  # old
        [accrued(0, 2_000_000)],  # old: the last one before the end
        [accrued(0, 9_750_000), accrued(0, 9_500_000)],  # 10 - 9.5 = 0.5 s
        [accrued(0, 3_000_000, STATEMENTS.name)],  # no accruals
        [],
        [accrued(0, 9_750_000)],  # 0.25 s
    ]
    tail = Batches(batches, 2, stop)
    follow(view, tail, metrics, stop)
    assert view.marks == 1
    assert tail.closed
    value = metrics.registry.get_sample_value
    assert value("weir_event_e2e_seconds_count", {"stage": "served"}) == 2
    assert value("weir_event_e2e_seconds_sum", {"stage": "served"}) == 0.75


def test_a_view_that_did_not_catch_up_is_not_marked(tmp_path: Path) -> None:
    """It is stopped while it still reads what is old."""
    stop, metrics = threading.Event(), Metrics(lambda: NOW_US)
    view = Marked(view_tables(tmp_path))
    follow(view, Batches([[accrued(0, 1)]], 2, stop), metrics, stop)
    assert view.marks == 0
    assert metrics.registry.get_sample_value(
        "weir_event_e2e_seconds_count", {"stage": "served"}
    ) in {None, 0}


def test_a_tail_is_closed_when_reading_fails(tmp_path: Path) -> None:
    """The failure goes on to whoever runs the job."""
    stop = threading.Event()
    tail = Batches([], 0, stop)
    with pytest.raises(IndexError):
        follow(Marked(view_tables(tmp_path)), tail, Metrics(lambda: NOW_US), stop)
    assert tail.closed


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """A server of page and API on a free port."""
    return Server(World(tmp_path).app, "127.0.0.1", 0)


def beside(stop: threading.Event, ended: list[str]) -> Callable[[], None]:
    """A job that runs until it is stopped."""

    def job() -> None:
        assert stop.wait(PATIENCE_SECONDS)
        ended.append("beside")

    return job


def test_a_job_that_fails_ends_everything(server: Server) -> None:
    """The others are stopped, no thread is left, and the failure is raised."""
    stop, ready, ended = threading.Event(), threading.Event(), list[str]()
    before = set(threading.enumerate())

    def failing() -> None:
        assert ready.wait(PATIENCE_SECONDS)
        raise ArithmeticError("the engine is broken")

    jobs = {"engine": failing, "beside": beside(stop, ended)}
    with pytest.raises(ArithmeticError, match="is broken"):
        server.run_beside(jobs, stop, lambda _: ready.set())
    assert ended == ["beside"]
    assert set(threading.enumerate()) == before


def test_a_server_that_is_stopped_ends_its_jobs(server: Server) -> None:
    """It answers at the address that it tells, and ends without a failure."""
    stop, ended, answers = threading.Event(), list[str](), list[int]()

    def ready(url: str) -> None:
        with urllib.request.urlopen(url + "v1/health/live", timeout=10) as answer:  # noqa: S310
            answers.append(answer.status)
        server.stop()

    server.run_beside({"beside": beside(stop, ended)}, stop, ready)
    assert answers == [200]
    assert ended == ["beside"]


def test_a_taken_port_ends_the_jobs(tmp_path: Path) -> None:
    """What cannot be listened on is raised as what it is, and nobody is told an address."""
    stop, ended, told = threading.Event(), list[str](), list[str]()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = Server(World(tmp_path).app, "127.0.0.1", taken.getsockname()[1])
        with pytest.raises(OSError, match="address already in use"):
            server.run_beside({"beside": beside(stop, ended)}, stop, told.append)
    assert ended == ["beside"]
    assert told == []


@pytest.fixture
def handlers() -> Iterator[None]:
    """What this process does at a user's signal is put back."""
    before = signal.getsignal(signal.SIGUSR1)
    yield
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.usefixtures("handlers")
def test_the_first_signal_stops_and_the_second_one_ends() -> None:
    """After the first one the signal does again what it does to any process."""
    stop = threading.Event()
    on_signals(stop.set, [signal.SIGUSR1])
    assert not stop.is_set()
    signal.raise_signal(signal.SIGUSR1)
    assert stop.is_set()
    assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL
