"""When a thing is in service, from what its master told of it: states and dates together.

A thing of an inventory has a state in each of its versions, and dates that say when service began
and when it ends. Charging follows the dates, because they say when something was so; a state says
only when the master wrote it down. So a thing that was told as active today with a start of last
week is in service since last week, and one whose end lies ahead stays in service until then. What
states alone can say is that service was interrupted, that it never came to be, and, where dates are
missing, when it began and ended.

A thing may come back: after its end it can be active again (the standard allows it for services).
Each such *life* has dates of its own. A date that a new life only carries on from the one before is
not a date of the new life.

    state      meaning                               in service
    waiting    not yet: created, designed, planned   from its start, if it comes to be in service
    running    active                                between start and end
    paused     suspended, locked                     no
    ended      over after it was in service          until its end, as it was before
    void       never came to be, or is deleted       no
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, NamedTuple, TypeVar

from state.entities import FOREVER_US
from streams.control.derived import Finding
from streams.control.times import parse_time

ALWAYS_US = -(2**63)
"""Before everything: the beginning of the time of which nothing was told."""


class InService(NamedTuple):
    """So many units of a product were in service under an agreement from one moment up to another.

    Moments are microseconds since the epoch, half-open; `FOREVER_US` is an open end.
    """

    product: str
    agreement: str
    from_us: int
    upto_us: int
    units: int


class Stage(Enum):
    """What the state of a version means for being in service; see the table above."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"
    VOID = "void"

    @property
    def is_closing(self) -> bool:
        """Whether a life comes to its end with it."""
        return self in {Stage.ENDED, Stage.VOID}


class Dates(NamedTuple):
    """When service begins and ends, as the master wrote it; empty where it says nothing.

    `accepted` is when an end user accepted the service, for what is charged from then on only.
    """

    start: str = ""
    end: str = ""
    accepted: str = ""

    def less(self, known: Dates) -> Dates:
        """The dates that were not there before."""
        pairs = zip(self, known, strict=True)
        return Dates(*("" if new == old else new for new, old in pairs))


Entry = TypeVar("Entry", bound=Hashable)


@dataclass(frozen=True)
class Step(Generic[Entry]):
    """A version of a thing, as far as being in service goes.

    Attributes:
        from_us: the first moment of the version.
        upto_us: the first moment after it.
        stage: what its state means.
        dates: its dates; None when the thing is deleted and says nothing.
        entries: under what it is in service (for instance agreement and units); None when the
            version is a part that does not say it.
        is_complete: whether a full image is known.
    """

    from_us: int
    upto_us: int
    stage: Stage
    dates: Dates | None
    entries: frozenset[Entry] | None
    is_complete: bool


def unknown_status(
    kind: str, name: str, status: str, before: Step[Entry] | None
) -> tuple[Stage, Finding]:
    """The stage that goes on when a status is not understood, and what is to be told of it."""
    detail = f"has the status {status!r}, which nobody knows; the one before stays"
    stage = Stage.WAITING if before is None or before.dates is None else before.stage
    return stage, Finding(kind, name, "unknown_status", detail)


class Span(NamedTuple):
    """Half-open, in microseconds since the epoch."""

    from_us: int
    upto_us: int


@dataclass
class Service(Generic[Entry]):
    """When a thing was in service under what, and whether something is lacking.

    Attributes:
        spans: for each entry its spans, apart from each other and rising.
        is_incomplete: whether a life was left out because only parts of the thing are known.
        wrong: a sentence for each life that was left out because a date of it is no moment.
    """

    spans: dict[Entry, list[Span]] = field(default_factory=dict)
    is_incomplete: bool = False
    wrong: list[str] = field(default_factory=list)


def service(steps: Sequence[Step[Entry]]) -> Service[Entry]:
    """When a thing is in service, from its versions in their order."""
    found = Service[Entry]()
    pieces: dict[Entry, list[Span]] = {}
    carried = Dates()
    open_from_us = ALWAYS_US
    for life in _lives(steps):
        said = next((step.dates for step in reversed(life) if step.dates is not None), None)
        if said is None:
            continue
        if not any(step.is_complete for step in life):
            found.is_incomplete = True
            continue
        dates, carried = said.less(carried), said
        over_us = next((s.from_us for s in life if s.stage.is_closing), FOREVER_US)
        last_us = ALWAYS_US
        try:
            moments = _moments(life, dates)
        except ValueError as error:
            found.wrong.append(str(error))
            continue
        for span, entries in _pieces(life, moments, open_from_us):
            last_us = span.upto_us
            for entry in entries:
                pieces.setdefault(entry, []).append(span)
        open_from_us = over_us if last_us == ALWAYS_US else last_us
    found.spans = {entry: joined(spans) for entry, spans in pieces.items()}
    return found


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same time in spans that neither overlap nor touch, rising."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.from_us <= found[-1].upto_us:
            found[-1] = Span(found[-1].from_us, max(found[-1].upto_us, span.upto_us))
        else:
            found.append(span)
    return found


def concerns(steps: Iterable[Step[Entry]]) -> bool:
    """Whether a thing is, or may be, in service under anything; else nobody need hear of it."""
    return any(step.entries is None or step.entries for step in steps)


def lacking(kind: str, name: str, found: Service[Entry]) -> Sequence[Finding]:
    """What is to be told of a thing that was left out for some time."""
    detail = "only parts of it were told; it is left out until its full image comes"
    parts = [Finding(kind, name, "incomplete", detail)] if found.is_incomplete else []
    wrong = [f"{sentence}; until then it is left out" for sentence in found.wrong]
    return [*parts, *(Finding(kind, name, "bad_time", detail) for detail in wrong)]


def cut(spans: Mapping[Entry, Sequence[Span]]) -> list[tuple[Span, Entry]]:
    """Every span with its entry, by time."""
    every = [(span, entry) for entry, of_entry in spans.items() for span in of_entry]
    return sorted(every, key=lambda one: one[0])


def _lives(steps: Sequence[Step[Entry]]) -> Iterator[Sequence[Step[Entry]]]:
    """Versions up to an end and those after it that are ends as well; then the next life."""
    life: list[Step[Entry]] = []
    for step in steps:
        if life and life[-1].stage.is_closing and not step.stage.is_closing:
            yield life
            life = []
        life.append(step)
    if life:
        yield life


class _Moments(NamedTuple):
    """From when and until when a life may be in service."""

    floor_us: int
    end_us: int
    has_start: bool


def _moments(life: Sequence[Step[Entry]], dates: Dates) -> _Moments:
    """The moments of a life, by its dates, else by the version that is its end.

    Raises:
        ValueError: a date is no moment; the sentence says so.
    """
    start_us = parse_time(dates.start) if dates.start else ALWAYS_US
    accepted_us = parse_time(dates.accepted) if dates.accepted else ALWAYS_US
    if dates.end:
        end_us = parse_time(dates.end)
    else:
        end_us = next((s.from_us for s in life if s.stage is Stage.ENDED), FOREVER_US)
    return _Moments(max(start_us, accepted_us), end_us, bool(dates.start))


def _pieces(
    life: Sequence[Step[Entry]], moments: _Moments, open_from_us: int
) -> Iterator[tuple[Span, frozenset[Entry]]]:
    """The pieces of a life that are in service, rising, each within one version.

    `open_from_us` is from when on the life before leaves the time to this one.
    """
    began = any(s.stage in {Stage.RUNNING, Stage.PAUSED, Stage.ENDED} for s in life)
    entries = _filled(life)
    rows = [(open_from_us, life[0].from_us, Stage.WAITING, entries[0])]
    rows += [(s.from_us, s.upto_us, s.stage, e) for s, e in zip(life, entries, strict=True)]
    stage = Stage.WAITING
    is_before = True
    for from_us, upto_us, told, of_step in rows:
        # What is over stays as it was until the end that its date says.
        stage = stage if told is Stage.ENDED else told
        is_before = is_before and stage is Stage.WAITING
        runs = stage is Stage.RUNNING or (is_before and began and moments.has_start)
        span = Span(max(from_us, moments.floor_us), min(upto_us, moments.end_us))
        if runs and span.from_us < span.upto_us:
            yield span, of_step


def _filled(life: Sequence[Step[Entry]]) -> Sequence[frozenset[Entry]]:
    """Under what each version is in service, where it does not say so itself from its neighbours.

    A part, and an image from before the service, take it from the next version that says it, an
    image of the end from the one before.
    """
    later: list[frozenset[Entry] | None] = []
    following: frozenset[Entry] | None = None
    for step in reversed(life):
        is_open = step.entries is None or (not step.entries and step.stage is Stage.WAITING)
        later.append((following or step.entries) if is_open else step.entries)
        following = step.entries or following
    found: list[frozenset[Entry]] = []
    for step, said in zip(life, reversed(later), strict=True):
        is_open = said is None or (not said and step.stage is Stage.ENDED)
        before = found[-1] if found else frozenset()
        found.append(before if is_open or said is None else said)
    return found
