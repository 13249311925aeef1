"""One commit at a time in a thread of its own, so that the next batch can be read meanwhile.

Whoever asks for a commit gets its outcome to call: that waits for the end and raises what the
commit raised. Until then nothing else may be asked of the writer that the commit works with.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from streams.log import Outcome

# With a commit under way there is better to do than to wait for messages.
BUSY_WAIT_SECONDS = 0.01


class Background:
    """The thread that commits what one hop computed."""

    def __init__(self, hop: str) -> None:
        self._thread = ThreadPoolExecutor(1, f"{hop}-commit")
        self._under_way: Future[None] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether the outcome of a commit has not been asked for yet."""
        return self._under_way is not None

    def start(self, commit: Callable[[], None]) -> Outcome:
        """Begin a commit; what it comes to is for the caller to ask."""
        self._under_way = self._thread.submit(commit)
        return self._outcome

    def _outcome(self) -> None:
        commit, self._under_way = self._under_way, None
        if commit is not None:
            commit.result()

    def settle(self) -> None:
        """Let the commit under way end, however it does: its outcome tells."""
        if self._under_way is not None:
            wait([self._under_way])

    def close(self) -> None:
        """Let the commit under way end, and the thread with it."""
        self._thread.shutdown()


def patience(background: Background | None, linger_seconds: float) -> float | None:
    """How long to wait for the first message of a read; None where nothing is waiting for that."""
    if background is None or not background.is_busy:
        return None
    return min(linger_seconds, BUSY_WAIT_SECONDS)
