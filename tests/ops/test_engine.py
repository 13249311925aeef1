"""The engine turns both loops: by turns until nothing is left, or in threads until told to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from ops.engine import Engine, Pace, run
from schemas.topics import EXCEPTIONS, PARTY, REFERENCE, USAGE
from streams.files import read_file
from streams.local import LocalStore
from streams.log import Message
from streams.privacy import Tokens
from streams.settle import Step
from tests.builders import tables
from tests.notices import broken, told
from tests.ops.books import ALL, reference, usage_file

QUICK = Pace(rate_linger_seconds=0.01, accrue_linger_seconds=0.01, accrue_cadence_seconds=0.01)
PATIENCE_SECONDS = 60


class Watcher:
    """Counts the steps that an engine shows."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, str]] = []

    def __call__(self, hop: str, step: Step, seconds: float) -> None:
        """Note a step."""
        assert seconds >= 0
        self.steps.append((hop, step.result))


@pytest.fixture(params=[False, True], ids=["at once", "in the background"])
def overlap(request: pytest.FixtureRequest) -> bool:
    """How the hops commit."""
    return bool(request.param)


@contextmanager
def engine(
    directory: Path, watcher: Watcher, *, overlap: bool = False, controls: bool = False
) -> Iterator[tuple[Engine, LocalStore]]:
    """An engine on an embedded log with the events of the books on it."""
    known = tables(reference(directory / "reference"))
    with LocalStore(directory / "log") as store:
        for messages in usage_messages(directory):
            store.append(USAGE.name, 0, messages)
        open_hop = partial(store.hop, overlap=overlap)
        made = Engine(
            known, Tokens(b"key"), directory / "state", open_hop, QUICK, watcher, controls=controls
        )
        try:
            yield made, store
        finally:
            made.close()


def usage_messages(directory: Path) -> list[list[Message]]:
    """The events of the books as messages for partition 0."""
    file = usage_file(directory / "usage.jsonl", ALL)
    return [list(block.messages[0]) for block in read_file(file, 1)]


def settled(made: Engine) -> int:
    """How many events have an outcome."""
    return sum(made.rate_hop.outcomes().values())


def test_draining_settles_all_there_is(tmp_path: Path, *, overlap: bool) -> None:
    """Both loops commit, both end idle, and every event has an outcome."""
    watcher = Watcher()
    with engine(tmp_path, watcher, overlap=overlap) as (made, _):
        made.drain()
        assert settled(made) == 12
        assert sum(len(m.balances.rows()[0]) for m in made.accrue_hop.partitions.values()) == 12
    assert {hop for hop, result in watcher.steps if result == "commit"} == {"rate", "accrue"}
    assert watcher.steps[-2:] == [("rate", "idle"), ("accrue", "idle")]


def test_draining_again_does_nothing(tmp_path: Path, *, overlap: bool) -> None:
    """There is nothing left to commit."""
    watcher = Watcher()
    with engine(tmp_path, watcher, overlap=overlap) as (made, _):
        made.drain()
        watcher.steps.clear()
        made.drain()
    assert watcher.steps == [("rate", "idle"), ("accrue", "idle")]


def test_running_settles_what_comes_until_it_is_stopped(tmp_path: Path, *, overlap: bool) -> None:
    """Usage that comes while both loops run is settled by them."""
    with engine(tmp_path, Watcher(), overlap=overlap) as (made, store):
        stop = threading.Event()
        runner = threading.Thread(target=made.run, args=(stop,))
        runner.start()
        try:
            for messages in usage_messages(tmp_path):
                store.append(USAGE.name, 0, messages)
            deadline = time.monotonic() + 60
            ends = 0
            while ends < 2 and time.monotonic() < deadline:
                ends = store.end("rate.changelog.v1", 0) and store.end("accruals.v1", 0)
                time.sleep(0.01)
        finally:
            stop.set()
            runner.join()
        assert ends >= 2


def test_what_masters_told_is_taken_first(tmp_path: Path, *, overlap: bool) -> None:
    """All of it, before any usage is rated, though it came later on the log."""
    watcher = Watcher()
    with engine(tmp_path, watcher, overlap=overlap, controls=True) as (made, store):
        for number in range(20):
            store.append(PARTY.name, 0, [(None, told(str(number)))])
        made.drain()
        assert store.end(REFERENCE.name, 0) == 20
        assert settled(made) == 12
        assert not made.take_changes()
    commits = [hop for hop, result in watcher.steps if result == "commit"]
    controls = commits.count("control")
    assert controls > 0
    assert set(commits[:controls]) == {"control"}


def test_changes_are_taken_in_a_thread_of_their_own(tmp_path: Path, *, overlap: bool) -> None:
    """While usage is settled in two others."""
    stop = threading.Event()
    with engine(tmp_path, Watcher(), overlap=overlap, controls=True) as (made, store):
        running = threading.Thread(target=made.run, args=(stop,))
        running.start()
        store.append(PARTY.name, 0, [(None, told("1")), (None, broken(1))])
        deadline = time.monotonic() + PATIENCE_SECONDS
        while store.end(EXCEPTIONS.name, 0) < 1:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert store.end(REFERENCE.name, 0) == 1
        stop.set()
        running.join()


def test_an_engine_without_a_control_loop_takes_no_changes(tmp_path: Path) -> None:
    """On Kafka another process does."""
    with engine(tmp_path, Watcher()) as (made, store):
        store.append(PARTY.name, 0, [(None, told("1"))])
        assert not made.take_changes()
        assert [loop.hop.name for loop in made.loops] == ["rate", "accrue"]
        assert store.end(REFERENCE.name, 0) == 0


def test_a_loop_that_fails_stops_the_other(tmp_path: Path) -> None:
    """What ended one loop is raised to whoever runs both."""

    class Failing(Watcher):
        def __call__(self, hop: str, step: Step, seconds: float) -> None:
            super().__call__(hop, step, seconds)
            if hop == "accrue":
                raise ArithmeticError("the accrue loop is broken")

    failing = Failing()
    with engine(tmp_path, Watcher()) as (made, _):
        stop = threading.Event()
        with pytest.raises(ArithmeticError, match="is broken"):
            run([made.rate, made.accrue], stop, failing)
        assert stop.is_set()
    assert [hop for hop, _ in failing.steps].count("accrue") == 1
