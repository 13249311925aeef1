"""Reload: new terms while usage is settled, without stopping.

Reference changes every week, the stream never rests. A thread looks at the reference directory;
once it has changed and kept still for a second, it is copied, read and checked as a whole, and its
tables are built beside those in force. Then they are handed over, first to who shows figures, then
to who accrues, last to who rates: whoever meets a new version knows it already. Each takes them
between two batches, so a batch has one reference, and each block says which.

A directory that cannot be used, or in which terms differ that usage may have been settled by,
changes nothing: all that is wrong with it is logged, it is counted, and what is in force stays.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from ops.immutable import SettledBy, changed_versions
from ops.logs import logger
from ops.metrics import Metrics
from schemas.documents import Problem
from schemas.reference import AGREEMENTS_FILE, InvalidReferenceError, Reference, load
from state.tables import Tables, build
from streams.settle import Loop

LOG = logger("weir.reload")

POLL_SECONDS = 0.25
STILL_SECONDS = 1.0

# A version that begins so soon may have begun when its tables come into force.
SOON_SECONDS = 3_600
ADVICE = (
    "usage may have been settled by it, so it stays as it was while Weir runs; put it back and"
    " write a new version with its own valid_from"
)

Take: TypeAlias = Callable[[Tables], threading.Event]
Keep: TypeAlias = Callable[[Reference, Path], None]
Fingerprint: TypeAlias = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True)
class Taker:
    """Somebody who settles or shows by tables.

    `take` is given new ones and answers an event that is set once they are in use; `patience` is
    how many seconds others elsewhere get to have theirs before.
    """

    take: Take
    patience: float = 0.0


def keep_nothing(reference: Reference, files: Path) -> None:
    """What is done about a reference by somebody who rates nothing by it."""


def at_once(use: Callable[[Tables], None]) -> Take:
    """How somebody takes tables who may do so in any thread at any time."""

    def take(tables: Tables) -> threading.Event:
        """Use them now."""
        use(tables)
        done = threading.Event()
        done.set()
        return done

    return take


def between_batches(loop: Loop, use: Callable[[Tables], None]) -> Take:
    """How a loop's hop takes tables: between two batches, in the loop's own thread."""
    return lambda tables: loop.between(partial(use, tables))


def fingerprint(directory: Path) -> Fingerprint:
    """Names, sizes and times of all files below a directory; hidden ones are nobody's business."""
    found: list[tuple[str, int, int, int]] = []
    for place, directories, files in os.walk(directory, followlinks=True):
        directories[:] = [name for name in directories if not name.startswith(".")]
        for name in files:
            path = Path(place, name)
            try:
                said = path.stat()
            except OSError:  # gone since it was listed: the next look sees the same or more
                continue
            if not name.startswith("."):
                found.append((str(path), said.st_size, said.st_mtime_ns, said.st_ino))
    return tuple(sorted(found))


def begun(reference: Reference, second: int) -> SettledBy:
    """The versions that usage up to a second may have been settled by."""
    return {
        (agreement.agreement, version.version)
        for agreement in reference.agreements
        for version in agreement.versions
        if version.valid_from_s <= second
    }


def forbidden(before: Reference, after: Reference, second: int) -> Iterator[Problem]:
    """What a new reference may not change while usage is settled."""
    settled = begun(before, second)
    for problem in changed_versions(before, after, settled):
        if problem.file != AGREEMENTS_FILE:
            yield problem
            continue
        what = problem.message.partition(";")[0]
        yield replace(problem, message=f"{what}; {ADVICE}")
    pools = {agreement.agreement: agreement.pool for agreement in after.agreements}
    for name, pool in ((a.agreement, a.pool) for a in before.agreements):
        if pools.get(name, pool) != pool and any(name == agreement for agreement, _ in settled):
            message = f"differs; its accruals are in the partition of {pool}; put it back"
            yield Problem(AGREEMENTS_FILE, 0, f"{name} pool", message)


class Reload:
    """A reference directory that is followed."""

    def __init__(
        self,
        directory: Path,
        in_force: Reference,
        known: Fingerprint,
        takers: Sequence[Taker],
        metrics: Metrics,
        keep: Keep = keep_nothing,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Follow a directory from now on.

        Args:
            directory: the reference files.
            in_force: what was loaded from there last.
            known: the directory's fingerprint from before it was loaded.
            takers: who uses tables, in the order in which they get new ones.
            metrics: counts what is taken and what is refused.
            keep: given each reference before it comes into force, and a copy of its files.
            clock: seconds since the epoch.
        """
        self._directory = directory
        # Of its decks nothing is compared, and they are large.
        self._in_force = replace(in_force, decks=())
        self._takers = takers
        self._metrics = metrics
        self._keep = keep
        self._clock = clock
        self._seen = self._known = known
        self._since = clock()

    def run(self, stop: threading.Event) -> None:
        """Look again and again until told to stop."""
        while not stop.wait(POLL_SECONDS):
            self.look(stop)

    def look(self, stop: threading.Event) -> None:
        """Look once: take over what has changed and then kept still."""
        now = fingerprint(self._directory)
        if now != self._seen:
            self._seen, self._since = now, self._clock()
        elif now != self._known and self._clock() - self._since >= STILL_SECONDS:
            self._known = now
            self._renew(stop)

    def _renew(self, stop: threading.Event) -> None:
        """Load what is there and hand it over, or say why not."""
        with tempfile.TemporaryDirectory(prefix="weir-reload-") as place:
            copy = Path(place) / "reference"
            try:
                shutil.copytree(self._directory, copy, ignore=shutil.ignore_patterns(".*"))
                if fingerprint(self._directory) != self._seen:
                    return  # it moves again; a later look finds it still
                reference = self._checked(copy)
                if reference is None:
                    return
                tables = build(reference)
                self._keep(reference, copy)
            except InvalidReferenceError as error:
                self._refuse([str(problem) for problem in error.problems])
                return
            except Exception as error:  # noqa: BLE001 - settling goes on by what is in force
                self._refuse([repr(error)])
                return
        self._in_force = replace(reference, decks=())
        del reference
        self._hand_over(tables, stop)

    def _checked(self, copy: Path) -> Reference | None:
        """The reference in a copy; None when it says what is in force already.

        Raises:
            InvalidReferenceError: it cannot be used, or not any more.
        """
        reference = load(copy)
        if reference.reference_id == self._in_force.reference_id:
            return None
        soon = int(self._clock()) + SOON_SECONDS
        problems = list(forbidden(self._in_force, reference, soon))
        if problems:
            raise InvalidReferenceError(problems)
        return reference

    def _refuse(self, problems: Sequence[str]) -> None:
        """Say what is wrong; settling goes on as before."""
        self._metrics.observe_reference_refused()
        LOG.error(
            "reference refused",
            directory=str(self._directory),
            in_force=self._in_force.reference_id,
            problems=list(problems),
        )

    def _hand_over(self, tables: Tables, stop: threading.Event) -> None:
        """Give tables to everybody, each once the one before uses them."""
        for taker in self._takers:
            if stop.wait(taker.patience):
                return
            done = taker.take(tables)
            while not done.wait(POLL_SECONDS):
                if stop.is_set():
                    return
        LOG.info("reference in force", reference=tables.reference_id)
