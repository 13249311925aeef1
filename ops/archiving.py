"""The archive of a Kafka deployment: a projector that follows rated usage into Parquet files.

It takes no part in settlement. What it has written says where it goes on, so it may be stopped,
killed and started again at any time; a stretch that was not completed is swept away and read again.
One process writes a directory: two would archive the same stretches under different names.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.serve import Tail
from state.archive import Archive
from streams.local_database import DirectoryError

LOCK_NAME = "archive.lock"
READ_MESSAGES = 1_000
READ_SECONDS = 0.25
FLUSH_SECONDS = 60.0


@contextmanager
def writing(data: Path) -> Iterator[Archive]:
    """The archive of a directory, for one writer.

    Raises:
        DirectoryError: another process writes it, or it belongs to the log of the directory.
    """
    if (data / "log").exists():
        raise DirectoryError(
            f"{data} holds a log with an archive of its own: choose another --data"
        )
    directory = data / "archive"
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DirectoryError(f"{directory} is being written by another process") from error
        archive = Archive(directory)
        archive.sweep()
        yield archive
    finally:
        os.close(descriptor)


def project(
    archive: Archive,
    tail: Tail,
    stop: threading.Event,
    *,
    once: bool,
    flush_seconds: float = FLUSH_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Follow rated usage until told to stop; returns how many messages were archived.

    Args:
        archive: where to.
        tail: reads `rated.v1` from where the archive ends.
        stop: set to end it; what was read is written first.
        once: end where the log ended when it was opened.
        flush_seconds: how long rows are gathered at most before they are written: fewer and larger
            files, a little later.
        clock: seconds.
    """
    count, flushed = 0, clock()
    while not stop.is_set():
        for segment in tail.read(READ_MESSAGES, READ_SECONDS):
            archive.add(segment)
            count += len(segment)
        if once and tail.caught_up:
            break
        if clock() - flushed >= flush_seconds:
            archive.flush()
            flushed = clock()
    archive.flush()
    return count
