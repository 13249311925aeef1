"""Following: the reference that the operator's files and the messages of masters make together.

All changes of masters are on `reference.v1`. Whoever rates, accrues or shows figures reads them
from the beginning, keeps the entities that they make, and derives partners, agreements and keys
from all of them. These are written into the folder `followed/` beside a copy of the operator's
files, and the whole is loaded and checked as any reference is.

One wrong contract must not hold up the others. When the whole cannot be used, what is at fault is
held back: the entry that is in force stays, or, when there is none, it is left out, and the rest is
tried again. A change of terms that usage was settled by is held back in the same way.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from ops.logs import logger
from ops.told import Name, Told
from schemas.codes import KeyKind
from schemas.decks import Parsed
from schemas.documents import Problem
from schemas.reference import (
    AGREEMENTS_FILE,
    FOLLOWED,
    REQUIRED_FILES,
    InvalidReferenceError,
    Reference,
    load,
)
from state.entities import Entities
from streams.control.changes import Change
from streams.control.deriving import Known, derive
from streams.log import LogError, Segment

LOG = logger("weir.follow")

READ_MESSAGES = 20_000
READ_SECONDS = 0.05
CATCH_UP_SECONDS = 60.0

Forbidden = Callable[[Reference], Iterable[Problem]]


class Held(NamedTuple):
    """Something that masters told and that is not in force: where it belongs, and why not."""

    file: str
    name: str
    reason: str


class Tail(Protocol):
    """A reader of `reference.v1`: the embedded log's or Kafka's."""

    @property
    def caught_up(self) -> bool:
        """Whether everything was read that is there."""

    def read(self, messages_max: int, linger_seconds: float) -> list[Segment]:
        """New messages."""

    def close(self) -> None:
        """Let go."""


class Follower:
    """What masters told, and what of it is in force."""

    def __init__(
        self,
        tail: Tail,
        base: Path,
        in_force: Path | None = None,
        parsed: Parsed | None = None,
    ) -> None:
        """Follow from the beginning of the log.

        Args:
            tail: reads `reference.v1`.
            base: the operator's files; nobody alters them.
            in_force: the reference directory that was settled by last, as Weir kept it.
            parsed: decks that were loaded before.
        """
        self.base = base
        self._parsed = parsed or Parsed()
        self.entities = Entities()
        self._tail = tail
        self._in_force = Told() if in_force is None else Told.read(in_force)
        self._held: tuple[Held, ...] = ()
        self._names: tuple[bytes, Known] | None = None

    def hear(self, linger_seconds: float = 0.0) -> bool:
        """Read what is new on the log; whether it says anything that was not known."""
        is_news = False
        while segments := self._tail.read(READ_MESSAGES, linger_seconds):
            for segment in segments:
                for value in segment.values:
                    if value is not None:
                        is_news |= self.entities.add(Change.from_bytes(value))
        return is_news

    def catch_up(self) -> None:
        """Read up to where the log ended when following began.

        Raises:
            LogError: the log does not answer in time.
        """
        deadline = time.monotonic() + CATCH_UP_SECONDS
        while not self._tail.caught_up:
            self.hear(READ_SECONDS)
            if time.monotonic() > deadline:
                raise LogError(f"changes cannot be read to their end in {CATCH_UP_SECONDS:g} s")

    def held(self) -> Sequence[Held]:
        """What is held back now, each with the reason."""
        return self._held

    @property
    def caught_up(self) -> bool:
        """Whether nothing more is on the log."""
        return self._tail.caught_up

    def join(self, directory: Path, forbidden: Forbidden) -> Reference:
        """Write what follows into a copy of the operator's files, and load the whole.

        Args:
            directory: the copy; its folder `followed/` is written.
            forbidden: what a reference may not change of the one that is in force.

        Raises:
            InvalidReferenceError: the operator's files are wrong by themselves, or change what
                they may not.
        """
        known = self._known(directory)
        wanted = Told.of(derive(self.entities, known))
        choice = _Choice(wanted, self._in_force, known.agreements)
        while True:
            told = choice.told()
            told.write(directory)
            reference, problems = self._tried(directory, forbidden)
            if reference is not None:
                break
            if not choice.hold(told, problems):
                raise InvalidReferenceError(problems)
        self._in_force = told
        held = tuple(choice.held(told))
        for one in held:
            if one not in self._held:
                LOG.warning("held back", file=one.file, name=one.name, reason=one.reason)
        self._held = held
        return reference

    def _tried(
        self, directory: Path, forbidden: Forbidden
    ) -> tuple[Reference | None, Sequence[Problem]]:
        """The reference in a directory, or what stands in its way."""
        try:
            reference = load(directory, self._parsed)
        except InvalidReferenceError as error:
            return None, error.problems
        problems = list(forbidden(reference))
        return (None, problems) if problems else (reference, [])

    def _known(self, directory: Path) -> Known:
        """The names that the operator's files give; they are loaded alone when they are others."""
        content = hashlib.sha256()
        for file in REQUIRED_FILES:
            with suppress(OSError):  # a file that is missing is found so when it is loaded
                content.update(b"%b\n" % (directory / file).read_bytes())
        if self._names is None or self._names[0] != content.digest():
            Told().write(directory)
            self._names = content.digest(), _names(load(directory, self._parsed))
        return self._names[1]

    def of_told(self, problems: Iterable[Problem]) -> Iterator[Problem]:
        """Those of some problems with versions in force that are about what masters told."""
        told = {name for file, name in self._in_force.names if file == AGREEMENTS_FILE}
        return (p for p in problems if p.field.partition(" ")[0] in told)

    def rebase(self, directory: Path) -> None:
        """Join with a copy of these files from now on."""
        place = Path(tempfile.mkdtemp(prefix="weir-base-"))
        weakref.finalize(self, shutil.rmtree, place, ignore_errors=True)
        self.base = place / "reference"
        copy_files(directory, self.base)

    def close(self) -> None:
        """Stop reading."""
        self._tail.close()


def copy_files(source: Path, target: Path) -> None:
    """Copy the operator's files of a reference, without what masters told."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(".*", FOLLOWED))


def _names(alone: Reference) -> Known:
    """The names that the operator's files give."""
    pairs = alone.attribution.select("kind", "key").unique().iter_rows()
    return Known(
        frozenset(partner.partner for partner in alone.partners),
        frozenset(agreement.agreement for agreement in alone.agreements),
        frozenset((KeyKind(kind).label, key) for kind, key in pairs),
    )


class _Choice:
    """Which of what masters told is taken: as it is now, as it is in force, or not at all."""

    def __init__(self, wanted: Told, in_force: Told, agreements: Collection[str]) -> None:
        self._wanted = wanted
        self._in_force = in_force
        self._agreements = agreements
        self._reasons: dict[Name, str] = {}
        self._kept: set[Name] = set()
        self._out: set[Name] = set()

    def told(self) -> Told:
        """What is taken as of now."""
        names = set(self._wanted.names) - self._kept - self._out
        return (
            self._wanted.only(names)
            .with_more(self._in_force.only(self._kept))
            .whole(self._agreements)
        )

    def hold(self, told: Told, problems: Sequence[Problem]) -> bool:
        """Hold back what problems are about; whether there is anything left to hold back."""
        moved = False
        for problem in problems:
            name, settled = told.name_at(problem), self._settled_by(problem)
            if name is not None:
                moved |= self._keep(name, problem.message) or self._leave_out(name, problem.message)
            elif settled is not None:
                moved |= self._keep(settled, problem.message)
        return moved or self._hold_all(str(problems[0]))

    def held(self, told: Told) -> list[Held]:
        """What is not taken as masters told it, with the reason."""
        lost = {n for n, rows in self._wanted.keys.items() if told.keys.get(n) != rows}
        reasons = {**dict.fromkeys(lost, "its agreement is not in force"), **self._reasons}
        return [Held(*name, reason) for name, reason in sorted(reasons.items())]

    def _keep(self, name: Name, reason: str) -> bool:
        """Keep what is in force of a name; whether that is something else."""
        is_same = self._in_force.only({name}) == self._wanted.only({name})
        if is_same or name in self._kept | self._out or name not in self._in_force.names:
            return False
        self._reasons.setdefault(name, reason)
        self._kept.add(name)
        return True

    def _leave_out(self, name: Name, reason: str) -> bool:
        """Leave a name out; whether it was in."""
        if name in self._out:
            return False
        self._reasons.setdefault(name, reason)
        self._kept.discard(name)
        self._out.add(name)
        return True

    def _hold_all(self, reason: str) -> bool:
        """Leave everything as it is in force, where no single entry is to blame."""
        moved = False
        for name in sorted({*self._wanted.names, *self._in_force.names} - self._kept - self._out):
            moved |= self._keep(name, reason)
            if name not in self._in_force.names:
                moved |= self._leave_out(name, reason)
        return moved

    def _settled_by(self, problem: Problem) -> Name | None:
        """The agreement that a problem with terms in force is about, if masters told of it."""
        name = (AGREEMENTS_FILE, problem.field.partition(" ")[0])
        of_file = problem.file == AGREEMENTS_FILE and problem.line == 0
        return name if of_file and name in {*self._wanted.names, *self._in_force.names} else None
