"""An application on a view that a test fills, with a clock that stands still."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from api.page import PageOptions
from api.stream import StreamLimits
from schemas.topics import RATE_CHANGELOG, STATEMENTS
from state.tables import Tables
from state.view import View
from streams.accrual import Book
from tests.state.view_makers import (
    Usage,
    outcomes_message,
    publish,
    segment,
    series,
    statement_message,
    view_tables,
)

# 2026-11-22T20:14:05.120Z, and a second later
AS_OF_US = 1_795_378_445_120_000
NOW_US = AS_OF_US + 1_000_000
HOUR = AS_OF_US // 3_600_000_000

USAGE: Usage = {
    (series("PLAIN", "calls"), HOUR): (2, 90, 90_000, 0),
    (series("PLAIN", "texts"), HOUR): (3, 3, 30_000, 0),
    (series("WHOLE", "texts"), HOUR): (20, 20, 0, 0),
}


@dataclass
class Counted:
    """A meter that remembers what it was told."""

    requests: list[tuple[str, str, int]] = field(default_factory=list)
    streams: list[tuple[int, int]] = field(default_factory=list)

    def observe_request(self, route: str, method: str, code: int) -> None:
        """Remember a request."""
        self.requests.append((route, method, code))

    def observe_streams(self, open_now: int, dropped: int = 0) -> None:
        """Remember how many streams there are."""
        self.streams.append((open_now, dropped))

    def exposition(self) -> tuple[bytes, str]:
        """Something to be shown."""
        return b"weir_up 1\n", "text/plain"


class World:
    """A view, an application on it, and a client."""

    def __init__(
        self,
        directory: Path,
        options: PageOptions = PageOptions(),  # noqa: B008 - immutable
        limits: StreamLimits = StreamLimits(),  # noqa: B008 - immutable
    ) -> None:
        self.tables: Tables = view_tables(directory)
        self.book = Book(self.tables)
        self.view = View(self.tables)
        self.meter = Counted()
        self.now_us = NOW_US
        self.app: FastAPI = create_app(self.view, self.meter, lambda: self.now_us, options, limits)
        self.client = TestClient(self.app, raise_server_exceptions=False)
        self._next = self._next_statement = 0

    def fill(self, usage: Usage = USAGE, as_of_us: int = AS_OF_US) -> World:
        """Let accruals of this usage be committed, and the view be up to date."""
        messages = publish(usage, self.book, as_of_us)
        self.view.apply([segment(messages, self._next, timestamp_us=as_of_us + 500_000)])
        self._next += len(messages)
        self.view.mark_caught_up()
        return self

    def close_period(self, agreement: str) -> World:
        """Let the period of an agreement be closed."""
        message = statement_message(USAGE, self.book, agreement, "2026-11")
        start, self._next_statement = self._next_statement, self._next_statement + 1
        self.view.apply([segment([message], start, topic=STATEMENTS.name, timestamp_us=AS_OF_US)])
        return self

    def count(self, *outcomes: tuple[str, str, int]) -> World:
        """Let outcomes be these."""
        message = outcomes_message(*outcomes)
        self.view.apply([segment([message], self._next, topic=RATE_CHANGELOG.name)])
        self._next += 1
        return self
