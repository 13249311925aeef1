"""A worker runs its loops until it is told to stop, and says how it ended."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from ops import reload, worker
from ops.config import Settings
from ops.follow import Follower
from ops.metrics import Metrics
from ops.reload import fingerprint
from ops.worker import HOPS, Worker
from schemas.reference import load
from state.tables import build
from streams.log import Fenced, Segment
from streams.settle import Loop, Step, Stopwatch
from tests.builders import tables
from tests.hop_makers import AccrueBench, RateBench
from tests.ops.books import MENDED, reference

PATIENCE_SECONDS = 60


class FakeHop:
    """A hop by name."""

    def __init__(self, name: str) -> None:
        self.name = name


class FakeLoop:
    """A loop whose turns are told by the test."""

    def __init__(self, name: str, turn: Callable[[], Step]) -> None:
        self.hop = FakeHop(name)
        self.watch = Stopwatch(lambda: 0)
        self.turns = 0
        self.closed = False
        self._turn = turn

    def step(self, linger_seconds: float | None = None) -> Step:
        """Turn once."""
        self.turns += 1
        return self._turn()

    def close(self) -> None:
        """Let go."""
        self.closed = True


class NothingTold:
    """The end of a log on which masters told nothing."""

    caught_up = True

    def read(self, messages_max: int, linger_seconds: float) -> list[Segment]:
        """Nothing new."""
        return []

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def metrics() -> Metrics:
    """Metrics whose clock stands still."""
    return Metrics(lambda: 0)


@pytest.fixture(autouse=True)
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A directory with a reference to work in; signals are handled as before afterwards."""
    monkeypatch.chdir(tmp_path)
    reference(Path("reference"))
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def made(
    monkeypatch: pytest.MonkeyPatch, metrics: Metrics, *loops: FakeLoop, **settings: object
) -> Worker:
    """A worker with these loops."""
    monkeypatch.setattr(Worker, "_loops", lambda *_: cast("list[Loop]", list(loops)))
    monkeypatch.setattr(Worker, "_tail", lambda _: NothingTold())
    given = Settings.model_validate({"brokers": "127.0.0.1:1", "metrics_port": 0, **settings})
    return Worker(given, Path("reference"), metrics, [loop.hop.name for loop in loops])


def count(metrics: Metrics, hop: str, result: str) -> float | None:
    """How many transactions of a hop ended like this."""
    labels = {"hop": hop, "result": result}
    return metrics.registry.get_sample_value("weir_txn_total", labels)


def test_a_signal_stops_all_loops(monkeypatch: pytest.MonkeyPatch, metrics: Metrics) -> None:
    """Loops turn until it comes, then they are closed and the worker ends without an error."""
    sent = threading.Event()
    main = threading.main_thread().ident
    assert main is not None

    def send() -> None:
        sent.set()
        signal.pthread_kill(main, signal.SIGTERM)

    both = threading.Barrier(2, send, PATIENCE_SECONDS)

    def turn() -> Step:
        if not sent.is_set():
            both.wait()
        return Step("idle")

    loops = FakeLoop("rate", turn), FakeLoop("accrue", turn)
    made(monkeypatch, metrics, *loops).run()
    assert all(loop.turns for loop in loops)
    assert all(loop.closed for loop in loops)


def test_a_fenced_worker_counts_and_raises(
    monkeypatch: pytest.MonkeyPatch, metrics: Metrics
) -> None:
    """A newer worker has the slot: both hops are fenced and both loops closed."""

    def fenced() -> Step:
        raise Fenced("a newer worker has this slot")

    loops = FakeLoop("rate", fenced), FakeLoop("accrue", lambda: Step("idle"))
    with pytest.raises(Fenced, match="newer worker"):
        made(monkeypatch, metrics, *loops).run()
    assert [count(metrics, hop, "fenced") for hop in HOPS] == [1, 1]
    assert all(loop.closed for loop in loops)


def test_another_failure_is_not_counted_as_fenced(
    monkeypatch: pytest.MonkeyPatch, metrics: Metrics
) -> None:
    """It is raised as it is."""

    def broken() -> Step:
        raise ArithmeticError("broken")

    with pytest.raises(ArithmeticError, match="broken"):
        made(monkeypatch, metrics, FakeLoop("rate", broken)).run()
    assert count(metrics, "rate", "fenced") is None


def test_what_did_not_commit_is_logged(monkeypatch: pytest.MonkeyPatch, metrics: Metrics) -> None:
    """An abort and an unknown outcome are warned of and counted; an idle turn is not."""
    warned: list[tuple[str, str]] = []

    class Log:
        def info(self, event: str, **_: object) -> None:
            """Started and stopped."""

        def warning(self, event: str, hop: str, result: str) -> None:
            """What is asserted."""
            warned.append((hop, result))

    monkeypatch.setattr(worker, "LOG", Log())
    stops: list[Callable[[], None]] = []
    monkeypatch.setattr(worker, "on_signals", stops.append)
    results = iter(["abort", "idle", "unknown"])

    def turn() -> Step:
        result = next(results)
        if result == "unknown":
            stops[0]()
        return Step(result)

    made(monkeypatch, metrics, FakeLoop("rate", turn)).run()
    assert warned == [("rate", "abort"), ("rate", "unknown")]
    assert count(metrics, "rate", "abort") == count(metrics, "rate", "unknown") == 1


def test_metrics_are_shown_where_settings_say(
    monkeypatch: pytest.MonkeyPatch, metrics: Metrics
) -> None:
    """At the address and port given; port 0 shows none."""
    shown: list[tuple[object, ...]] = []
    monkeypatch.setattr(worker, "start_http_server", lambda *given: shown.append(given))
    monkeypatch.setattr(worker, "on_signals", lambda stop: stop())
    loop = FakeLoop("rate", lambda: Step("idle"))
    made(monkeypatch, metrics, loop, metrics_port=0).run()
    assert shown == []
    made(monkeypatch, metrics, loop, metrics_port=9_999, metrics_host="127.0.0.2").run()
    assert shown == [(9_999, "127.0.0.2", metrics.registry)]


@pytest.mark.parametrize("hops", [("rate",), ("accrue",), HOPS])
def test_only_the_hops_asked_for_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metrics: Metrics, hops: tuple[str, ...]
) -> None:
    """Each on a log of its own group and inputs; only rating needs the key of tokens."""
    opened: list[str] = []

    class Log:
        def __init__(self, kafka: object, hop: str, inputs: object, *, overlap: bool) -> None:
            opened.append(hop)

        def partitions(self, topic: str) -> int:
            """Partitions of any topic."""
            return 1

    monkeypatch.setattr(worker, "KafkaLog", Log)
    settings = Settings(brokers="127.0.0.1:1", data=tmp_path / "data")
    made_worker = Worker(settings, Path("reference"), metrics, hops)
    loops = made_worker._loops(tables(Path("reference")))  # noqa: SLF001
    assert [loop.hop.name for loop in loops] == list(hops)
    assert opened == list(hops)
    assert (tmp_path / "data" / "token.key").exists() == ("rate" in hops)


def test_changed_reference_files_are_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metrics: Metrics
) -> None:
    """The hop that accrues has new terms before the one that rates; what is rated by is kept."""
    monkeypatch.setattr(worker, "RATE_PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(reload, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(reload, "STILL_SECONDS", 0.05)
    files, stop = Path("reference"), threading.Event()
    first = load(files)
    rates, accrues = RateBench(build(first), tmp_path / "state"), AccrueBench(build(first))
    settings = Settings(brokers="127.0.0.1:1", data=tmp_path / "data")
    running = Worker(settings, files, metrics)
    loops = [rates.loop, accrues.loop]
    follower = Follower(NothingTold(), files)
    reloading = running._reload(first, fingerprint(files), loops, follower)  # noqa: SLF001
    following = threading.Thread(target=reloading.run, args=(stop,))
    following.start()
    reference(files, MENDED)
    mended = load(files).reference_id
    until = time.monotonic() + PATIENCE_SECONDS
    while rates.hop.tables.reference_id != mended and time.monotonic() < until:
        rates.loop.step()
        if rates.hop.tables.reference_id == mended:
            assert accrues.hop.tables.reference_id == mended
        accrues.loop.step()
        time.sleep(0.01)
    stop.set()
    following.join(PATIENCE_SECONDS)
    assert rates.hop.tables.reference_id == mended
    assert (tmp_path / "data/reference" / mended).is_dir()
    rates.end()
