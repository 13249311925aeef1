"""Serving: a view that follows the log, and page and API on it.

Whatever the log is, one thread tails its committed accruals and statements into the view; requests
read the view and nothing else.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Protocol

import uvicorn
from fastapi import FastAPI

from ops.metrics import Metrics
from state.view import View
from streams.log import Segment

FOLLOW_MESSAGES_MAX = 20_000
FOLLOW_LINGER_SECONDS = 0.1


class Tail(Protocol):
    """A reader of committed messages: the embedded log's or Kafka's."""

    @property
    def caught_up(self) -> bool:
        """Whether everything was read that was there when following began."""

    def read(self, messages_max: int, linger_seconds: float) -> list[Segment]:
        """New messages."""

    def close(self) -> None:
        """Let go."""


def follow(view: View, tail: Tail, metrics: Metrics, stop: threading.Event) -> None:
    """Feed a view until told to stop."""
    try:
        while not stop.is_set():
            segments = tail.read(FOLLOW_MESSAGES_MAX, FOLLOW_LINGER_SECONDS)
            if segments and view.apply(segments):
                metrics.observe_served(min(s.timestamp_us for s in segments))
            if tail.caught_up:
                view.mark_caught_up()
    finally:
        tail.close()


class Server(uvicorn.Server):
    """A server that ends its open streams when it is told to stop, rather than wait for them."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        config = uvicorn.Config(app, host=host, port=port, log_level="warning", access_log=False)
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End streams, then stop."""
        self._app.state.streams.close()
        super().handle_exit(sig, frame)

    @property
    def port(self) -> int:
        """The port that is really listened on."""
        return int(self.servers[0].sockets[0].getsockname()[1])


def on_signals(
    stop: Callable[[], None], signals: Sequence[int] = (signal.SIGINT, signal.SIGTERM)
) -> None:
    """Call `stop` at the first of some signals; the second one ends the process at once."""

    def handle(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop()

    for number in signals:
        signal.signal(number, handle)
