"""Serving: a view that follows the log, and page and API on it.

Whatever the log is, one thread tails its committed accruals and statements into the view; requests
read the view and nothing else.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any, Protocol

import uvicorn

from ops.metrics import Metrics
from schemas.topics import ACCRUALS
from state.view import View
from streams.log import Segment

FOLLOW_MESSAGES_MAX = 20_000
FOLLOW_LINGER_SECONDS = 0.1
STARTED_POLL_SECONDS = 0.02


class App(Protocol):
    """The application, which keeps its open streams in its state."""

    state: Any

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        """Answer a request."""


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
    """Feed a view until told to stop; what is read while catching up is old and not timed."""
    caught_up = False
    try:
        while not stop.is_set():
            segments = tail.read(FOLLOW_MESSAGES_MAX, FOLLOW_LINGER_SECONDS)
            view.apply(segments)
            accrued = [s.timestamp_us for s in segments if s.topic == ACCRUALS.name]
            if accrued and caught_up:
                metrics.observe_served(min(accrued))
            if not caught_up and tail.caught_up:
                caught_up = True
                view.mark_caught_up()
    finally:
        tail.close()


class Server(uvicorn.Server):
    """A server that ends its open streams when it is told to stop, rather than wait for them."""

    def __init__(self, app: App, host: str, port: int) -> None:
        super().__init__(
            uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False)
        )
        self._close_streams = app.state.streams.close

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen.

        Raises:
            OSError: the address cannot be had; uvicorn itself would log it and end the process.
        """
        try:
            await super().startup(sockets)
        except SystemExit as ended:
            if isinstance(ended.__context__, OSError):
                raise ended.__context__ from None
            raise

    def stop(self) -> None:
        """End streams, then stop; from any thread."""
        self._close_streams()
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End streams, then stop."""
        self._close_streams()
        super().handle_exit(sig, frame)

    def run_beside(
        self,
        jobs: Mapping[str, Callable[[], None]],
        stop: threading.Event,
        ready: Callable[[str], None],
    ) -> None:
        """Serve until interrupted while jobs run in threads; one that fails ends everything.

        Args:
            jobs: what runs beside, by name; each ends soon after `stop` is set.
            stop: set when the server ends.
            ready: told the address once requests are answered.

        Raises:
            BaseException: what a job failed with.
            OSError: the address cannot be had.
        """
        failures: list[BaseException] = []

        def guarded(job: Callable[[], None]) -> None:
            try:
                job()
            except BaseException as failure:  # noqa: BLE001 - raised again by the caller's thread
                failures.append(failure)
                self.stop()

        def announce() -> None:
            while not self.started and not stop.is_set():
                stop.wait(STARTED_POLL_SECONDS)
            if self.started:
                host, port = self.servers[0].sockets[0].getsockname()[:2]
                ready(f"http://{host}:{port}/")

        named = {**jobs, "announce": announce}
        threads = [threading.Thread(target=guarded, args=(j,), name=n) for n, j in named.items()]
        for thread in threads:
            thread.start()
        try:
            self.run()
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        if failures:
            raise failures[0]


def on_signals(
    stop: Callable[[], None], signals: Sequence[int] = (signal.SIGINT, signal.SIGTERM)
) -> None:
    """Call `stop` at the first of some signals; the second one ends the process at once."""

    def handle(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop()

    for number in signals:
        signal.signal(number, handle)
