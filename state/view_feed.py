"""Feeding the view: a loop that reads a tail of the log and hands over what it reads.

The view has figures only once everything was read that was on the log when following began: until
then, sums of what happens to be read already would look like amounts. So the loop tells the view
when the tail has caught up, and not before what was read has been taken in.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from schemas.topics import ACCRUALS
from state.view import View
from streams.log import Segment

MESSAGES_MAX = 50_000
LINGER_SECONDS = 0.1


class Tail(Protocol):
    """What follows topics from their beginning: a tail of Kafka or a reader of the embedded log."""

    @property
    def caught_up(self) -> bool:
        """Whether everything was read that was there at the start."""

    def read(self, messages_max: int, linger_seconds: float) -> Sequence[Segment]:
        """New committed messages."""


def ignore(timestamp_us: int) -> None:
    """An observer that looks away."""


def feed(
    view: View, tail: Tail, stop: threading.Event, observe: Callable[[int], None] = ignore
) -> None:
    """Keep a view up to date until told to stop.

    Args:
        view: what is fed.
        tail: follows `View.topics` from their beginning; whoever opened it closes it.
        stop: ends the loop, within the time that a read takes.
        observe: told the log time of accruals that can be queried from now on, in microseconds, for
            `Metrics.observe_served`; not while catching up, when everything is old.
    """
    caught_up = False
    while not stop.is_set():
        segments = tail.read(MESSAGES_MAX, LINGER_SECONDS)
        view.apply(segments)
        if caught_up:
            for segment in segments:
                if segment.topic == ACCRUALS.name and len(segment):
                    observe(segment.timestamp_us)
        elif tail.caught_up:
            caught_up = True
            view.mark_caught_up()
