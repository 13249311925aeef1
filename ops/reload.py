"""Reload: new terms while usage is settled, without stopping.

Reference changes every week, the stream never rests. A thread looks at the reference directory;
once it has changed and kept still for a second, it is copied, read and checked as a whole, and its
tables are built beside those in force. Then they are handed over, first to who shows figures, then
to who accrues, last to who rates: whoever meets a new version knows it already. Each takes them
between two batches, so a batch has one reference, and each block says which.

A directory that cannot be used, or in which terms differ that usage may have been settled by,
changes nothing: all that is wrong with it is logged, it is counted, and what is in force stays.

What masters tell comes in the same way (`ops/follow.py`): it is joined with the operator's files as
they were taken last, once nothing more was told for a quarter of a second, or for a second at most.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from pathlib import Path
from typing import Protocol, TypeAlias

from ops.follow import Follower, copy_files
from ops.immutable import SettledBy, changed_versions
from ops.logs import logger
from ops.metrics import Metrics
from schemas.decks import Parsed
from schemas.documents import Problem
from schemas.reference import AGREEMENTS_FILE, InvalidReferenceError, Reference, load
from state.tables import Tables, build
from streams.log import LogError
from streams.settle import Loop

LOG = logger("weir.reload")

POLL_SECONDS = 0.25
STILL_SECONDS = 1.0

# What masters told is waited for so long after the last of it, and after the first of it at most.
TOLD_POLL_SECONDS = 0.05
TOLD_STILL_SECONDS = 0.25
TOLD_SECONDS_MAX = 1.0

# Files are copied to one machine after the other; what is told reaches all at the same time.
TOLD_PATIENCE_SECONDS = 0.25

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


class Again(Protocol):
    """What is done about usage that a reference in force may settle by now."""

    def __call__(self, reference: Reference, stop: threading.Event) -> None:
        """Have it tried again, unless told to stop."""


def try_nothing(reference: Reference, stop: threading.Event) -> None:
    """What is done about usage that waits by somebody who rates none."""


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


def begin(follower: Follower, directory: Path, last: Path | None, keep: Keep) -> Reference:
    """The reference that a process on Kafka begins with: the files, and what masters told so far.

    Args:
        follower: has not heard anything yet.
        directory: the operator's files.
        last: what this process settled by last, as it was kept; versions in it that masters told
            stay as they are.
        keep: see `Reload`.

    Raises:
        InvalidReferenceError: the files cannot be used.
        LogError: what was told cannot be read.
    """
    follower.rebase(directory)
    follower.catch_up()
    before: Reference | None = None
    if last is not None:
        with suppress(InvalidReferenceError):  # what is read as reference may be stricter now
            before = load(last)

    def changed(reference: Reference) -> Iterator[Problem]:
        """What differs of versions that masters told; files are the operator's at a start."""
        soon = int(time.time()) + SOON_SECONDS
        return follower.of_told(forbidden(before, reference, soon) if before else ())

    with tempfile.TemporaryDirectory(prefix="weir-begin-") as place:
        copy = Path(place) / "reference"
        copy_files(directory, copy)
        reference = follower.join(copy, changed)
        keep(reference, copy)
    return reference


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
        follower: Follower | None = None,
    ) -> None:
        """Follow a directory from now on, and what masters tell.

        Args:
            directory: the reference files.
            in_force: what was loaded from there last.
            known: the directory's fingerprint from before it was loaded.
            takers: who uses tables, in the order in which they get new ones.
            metrics: counts what is taken and what is refused.
            keep: given each reference before it comes into force, and a copy of its files.
            clock: seconds since the epoch.
            follower: hears masters; it has the operator's files as they were taken last.
        """
        self.again: Again = try_nothing
        self.told_pace_seconds = TOLD_STILL_SECONDS, TOLD_SECONDS_MAX
        self._directory = directory
        self._in_force = in_force
        self._parsed = Parsed()
        self._follower = follower
        self._told: tuple[float, float] | None = None
        self._takers = takers
        self._metrics = metrics
        self._keep = keep
        self._clock = clock
        self._seen = self._known = known
        self._since = clock()

    def run(self, stop: threading.Event) -> None:
        """Look again and again until told to stop."""
        pause_seconds = POLL_SECONDS if self._follower is None else TOLD_POLL_SECONDS
        while not stop.wait(pause_seconds):
            try:
                self.look(stop)
            except LogError as error:  # the next look may find the log again
                LOG.warning("changes cannot be read", error=str(error))
                stop.wait(STILL_SECONDS)

    def look(self, stop: threading.Event) -> None:
        """Look once: take over what has changed and then kept still."""
        now = fingerprint(self._directory)
        if now != self._seen:
            self._seen, self._since = now, self._clock()
        elif now != self._known and self._clock() - self._since >= STILL_SECONDS:
            self._known = now
            self._renew(stop)
        if self._is_told() and self._follower is not None:
            self._renew(stop, self._follower.base)
        if not stop.is_set():
            self.again(self._in_force, stop)

    def _is_told(self) -> bool:
        """Whether masters told something, and enough time has passed for what goes with it."""
        if self._follower is None:
            return False
        now, first = self._clock(), self._told
        if self._follower.hear():
            self._told = (now if first is None else first[0], now)
        if self._told is None:
            return False
        still_seconds, seconds_max = self.told_pace_seconds
        is_still = now - self._told[1] >= still_seconds
        if is_still or now - self._told[0] >= seconds_max:
            self._told = None
            return True
        return False

    def _renew(self, stop: threading.Event, base: Path | None = None) -> None:
        """Load what is there and hand it over, or say why not.

        `base` has the operator's files where they have not changed.
        """
        with tempfile.TemporaryDirectory(prefix="weir-reload-") as place:
            copy = Path(place) / "reference"
            try:
                if base is None:
                    shutil.copytree(self._directory, copy, ignore=shutil.ignore_patterns(".*"))
                    if fingerprint(self._directory) != self._seen:
                        return  # it moves again; a later look finds it still
                else:
                    copy_files(base, copy)
                reference = self._checked(copy)
                if reference is None:
                    return
                tables = build(reference)
                self._keep(reference, copy)
                if base is None and self._follower is not None:
                    self._follower.rebase(copy)
            except InvalidReferenceError as error:
                self._refuse([str(problem) for problem in error.problems])
                return
            except Exception as error:  # noqa: BLE001 - settling goes on by what is in force
                self._refuse([repr(error)])
                return
        self._in_force = reference
        self._hand_over(tables, stop, inf if base is None else TOLD_PATIENCE_SECONDS)

    def _checked(self, copy: Path) -> Reference | None:
        """The reference in a copy; None when it says what is in force already.

        Raises:
            InvalidReferenceError: it cannot be used, or not any more.
        """
        soon = int(self._clock()) + SOON_SECONDS
        changed = partial(forbidden, self._in_force, second=soon)
        if self._follower is not None:
            reference = self._follower.join(copy, changed)
        else:
            reference = load(copy, self._parsed)
        if reference.reference_id == self._in_force.reference_id:
            return None
        problems = list(changed(reference))
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

    def _hand_over(self, tables: Tables, stop: threading.Event, patience_max: float) -> None:
        """Give tables to everybody, each once the one before uses them."""
        for taker in self._takers:
            if stop.wait(min(taker.patience, patience_max)):
                return
            done = taker.take(tables)
            while not done.wait(POLL_SECONDS):
                if stop.is_set():
                    return
        LOG.info("reference in force", reference=tables.reference_id)
