"""Feeding the view from a log: no figures before all is read, and all of them after."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from schemas.topics import ACCRUALS
from state.tables import Tables
from state.view import Readiness, View
from state.view_feed import feed
from streams.accrual import Book
from streams.local import LocalStore
from streams.log import Segment
from tests.state.view_makers import Usage, publish, segment, series, view_tables

USAGE: Usage = {(series("PLAIN", "calls"), 1): (1, 60, 60_000, 0)}
MORE: Usage = {(series("PLAIN", "calls"), 1): (2, 90, 90_000, 0)}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """Tables with the plain agreement."""
    return view_tables(tmp_path_factory.mktemp("reference"))


class Script:
    """A tail that hands out one batch after another and tells what the view says before each."""

    def __init__(self, view: View, stop: threading.Event, batches: list[list[Segment]]) -> None:
        self.said: list[Readiness] = []
        self._view = view
        self._stop = stop
        self._batches = batches

    @property
    def caught_up(self) -> bool:
        """Only the last batch is news."""
        return len(self._batches) <= 1

    def read(self, messages_max: int, linger_seconds: float) -> Sequence[Segment]:
        """The next batch; after the last one the loop is told to stop."""
        self.said.append(self._view.stamp.readiness)
        batch = self._batches.pop(0)
        if not self._batches:
            self._stop.set()
        return batch


def test_there_are_no_figures_before_all_is_read(reference: Tables) -> None:
    """Two batches were on the log, the third is news: figures are there after the second."""
    messages = publish(USAGE, Book(reference))
    batches = [
        [segment(messages[:1], timestamp_us=1)],
        [segment(messages[1:], 1, timestamp_us=2)],
        [segment(messages, 2, timestamp_us=3)],
    ]
    view, stop = View(reference), threading.Event()
    tail = Script(view, stop, batches)
    served: list[int] = []
    feed(view, tail, stop, served.append)
    assert tail.said == [Readiness.LOADING, Readiness.LOADING, Readiness.READY]
    # What was on the log already is old, however soon it is served.
    assert served == [3]


def test_an_empty_log_has_no_figures(reference: Tables) -> None:
    """When nothing is on the log the view is empty rather than loading for ever."""
    view, stop = View(reference), threading.Event()
    tail = Script(view, stop, [[], []])
    feed(view, tail, stop)
    assert tail.said == [Readiness.LOADING, Readiness.EMPTY]


def test_the_embedded_log_feeds_the_view(reference: Tables, tmp_path: Path) -> None:
    """What is on the log at the start and what is committed later are both in the answers."""
    with LocalStore(tmp_path / "log") as store:
        book = Book(reference)
        store.append(ACCRUALS.name, 0, publish(USAGE, book))
        view, stop, served = View(reference), threading.Event(), threading.Event()
        reader = store.tail(list(View.topics))
        thread = threading.Thread(target=feed, args=(view, reader, stop, lambda _: served.set()))
        thread.start()
        while view.stamp.readiness is not Readiness.READY:
            threading.Event().wait(0.001)
        assert [t.net_micros for t in view.partners().items] == [60_000]
        store.append(ACCRUALS.name, 0, publish(MORE, book))
        assert served.wait(30)
        assert [t.net_micros for t in view.partners().items] == [90_000]
        stop.set()
        thread.join()
        reader.close()
