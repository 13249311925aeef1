"""Commits in a thread of their own: what their outcome tells, and what waits for them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from streams.background import BUSY_WAIT_SECONDS, Background, patience
from streams.log import Aborted


@pytest.fixture
def background() -> Iterator[Background]:
    """A thread to commit in."""
    made = Background("hop")
    yield made
    made.close()


def test_the_outcome_waits_and_tells(background: Background) -> None:
    """A commit runs elsewhere; its outcome raises what it raised, once."""
    gate = threading.Event()
    threads: list[int] = []

    def commit() -> None:
        gate.wait(30)
        threads.append(threading.get_ident())
        raise Aborted("disk full")

    outcome = background.start(commit)
    assert (background.is_busy, threads) == (True, [])
    gate.set()
    with pytest.raises(Aborted, match="disk full"):
        outcome()
    assert not background.is_busy
    assert threads != [threading.get_ident()]
    outcome()


def test_settling_leaves_the_outcome(background: Background) -> None:
    """Waiting for the end says nothing of how it ended."""
    done: list[str] = []

    def commit() -> None:
        done.append("tried")
        raise Aborted("no")

    background.settle()
    outcome = background.start(commit)
    background.settle()
    assert (done, background.is_busy) == (["tried"], True)
    with pytest.raises(Aborted):
        outcome()


def test_closing_lets_a_commit_end() -> None:
    """What is under way is not cut off."""
    done: list[str] = []
    background = Background("hop")
    background.start(lambda: done.append("committed"))
    background.close()
    assert done == ["committed"]


def test_a_commit_under_way_makes_reading_impatient(background: Background) -> None:
    """A first message is waited for as ever, or shortly where there is something to finish."""
    assert patience(None, 0.1) is None
    assert patience(background, 0.1) is None
    outcome = background.start(lambda: None)
    assert patience(background, 0.1) == BUSY_WAIT_SECONDS
    assert patience(background, 0) == 0
    outcome()
    assert patience(background, 0.1) is None
