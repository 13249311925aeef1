"""Trying again by itself: suspended usage that a new reference may settle.

Usage waits because reference lacked something for it: a key, a version, a price. Once a reference
is in force that says more, what waits for just that is put on `recycle.v1`, as an operator would
with `weir suspense recycle`. What a change can bear on is decided by comparing two references, and
in doubt usage is tried: a try in vain changes nothing. By which reference each partition was tried
last is written to a file, so that what a crash interrupted is done after it; without the file
everything that waits is tried once.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ops.logs import logger
from schemas.codes import KeyKind, Reason
from schemas.records import codec
from schemas.reference import InvalidReferenceError, Reference, load
from streams.log import Message, Segment
from streams.rate_hop import RateHop
from streams.settle import Loop

LOG = logger("weir.retry")

SLICE_MESSAGES = 10_000
POLL_SECONDS = 0.05

Read = Callable[[int], Iterator[Segment]]
Append = Callable[[int, list[Message]], object]

# By these, in turn, the subscriber's agreement is found: a new one may decide before the others.
SUBSCRIBER = frozenset(
    {KeyKind.NUMBER_RANGE, KeyKind.IMSI_RANGE, KeyKind.ACCESS_POINT, KeyKind.NETWORK}
)
BY_KEY = frozenset({Reason.UNKNOWN_ROUTE, Reason.UNKNOWN_PRODUCT, Reason.UNKNOWN_CHANNEL})
BY_SUBSCRIBER = frozenset({Reason.UNKNOWN_ACCESS_POINT, Reason.UNKNOWN_NETWORK})
# No reference settles these: the record itself, the time, or an operator does.
NOT_BY_REFERENCE = frozenset(
    {Reason.NO_ATTRIBUTION_KEY, Reason.FUTURE_TIME, Reason.CONFLICTING_BODY}
)


@dataclass(frozen=True)
class Change:
    """What differs between two references, as far as waiting usage may depend on it.

    `keys` are those that appeared, ended or changed hands, as in `route:TG-001`. `subscribers` says
    whether one of them is of a subscriber, `owners` whether one belonged to somebody before, and
    `terms` whether anything but keys differs.
    """

    keys: Collection[str] = ()
    subscribers: bool = False
    owners: bool = False
    terms: bool = False
    all: bool = False

    def bears_on(self, reason: Reason, missing: str = "") -> bool:
        """Whether usage may be settled now that waits for a reason, for lack of something."""
        if reason is Reason.CONFLICTING_BODY:
            return False
        if self.all:
            return True
        if reason in NOT_BY_REFERENCE:
            return False
        if reason in BY_KEY:
            return missing in self.keys
        if reason in BY_SUBSCRIBER:
            return self.subscribers
        return self.terms or self.owners or self.subscribers

    def may_bear_on(self, reasons: Collection[Reason]) -> bool:
        """Whether it is worth to look at what waits for some reasons."""
        return any((r in BY_KEY and self.keys) or self.bears_on(r) for r in reasons)


EVERYTHING = Change(all=True)


def change_of(before: Reference, after: Reference) -> Change:
    """What differs between two references."""
    columns = before.attribution.columns
    rows = pl.concat(
        [
            before.attribution.join(after.attribution, on=columns, how="anti"),
            after.attribution.join(before.attribution, on=columns, how="anti"),
        ]
    )
    known = before.attribution.join(rows, on=["kind", "key"], how="semi")
    kinds = {KeyKind(kind) for kind in rows["kind"].unique().to_list()}
    pairs = rows.select("kind", "key").unique().iter_rows()
    return Change(
        frozenset(f"{KeyKind(kind).label}:{key}" for kind, key in pairs),
        subscribers=bool(kinds & SUBSCRIBER),
        owners=known.height > 0,
        terms=not _same_terms(before, after),
    )


def _same_terms(before: Reference, after: Reference) -> bool:
    """Whether all but partners and keys is the same."""
    return (
        before.agreements == after.agreements
        and before.bands == after.bands
        and before.holidays == after.holidays
        and before.caps == after.caps
        and before.characteristics.equals(after.characteristics)
        and len(before.decks) == len(after.decks)
        and all(
            one is other
            or (
                (one.name, one.bands) == (other.name, other.bands)
                and one.prefixes.equals(other.prefixes)
                and one.rates.equals(other.rates)
            )
            for one, other in zip(before.decks, after.decks, strict=True)
        )
    )


class Retry:
    """Asks for usage to be tried again, once for each reference that comes into force."""

    def __init__(self, file: Path, kept: Path, read: Read, append: Append) -> None:
        """Go on where a file says.

        Args:
            file: says by which reference each partition was tried last.
            kept: the directory of the references that were settled by, each under its id.
            read: reads a partition of `suspense.v1` to its end.
            append: writes messages to a partition of `recycle.v1`.
        """
        self._file = file
        self._kept = kept
        self._read = read
        self._append = append
        self._tried: dict[int, str] = {}
        if file.exists():
            self._tried = {int(number): name for number, name in json.loads(file.read_text())}
        self._newest: Reference | None = None
        self._changes: dict[str, Change] = {}

    def due(self, reference: Reference, owned: Collection[int]) -> list[int]:
        """The partitions, among those owned, that were not tried by a reference yet."""
        return sorted(p for p in owned if self._tried.get(p) != reference.reference_id)

    def ask(self, reference: Reference, waiting: Mapping[int, Collection[Reason]]) -> int:
        """Ask for everything to be tried again that a reference may settle.

        To be called once the reference is in force for all usage to come, and all usage that was
        suspended by an older one is on the log.

        Args:
            reference: what is in force.
            waiting: for each partition that is due, the reasons for which usage waits in it.

        Returns:
            How many events are to be tried.
        """
        if not waiting:
            return 0
        asked = 0
        for partition, reasons in sorted(waiting.items()):
            change = self._change(partition, reference)
            if change.may_bear_on(reasons):
                chosen = self._chosen(partition, change)
                for first in range(0, len(chosen), SLICE_MESSAGES):
                    self._append(partition, chosen[first : first + SLICE_MESSAGES])
                asked += len(chosen)
            self._tried[partition] = reference.reference_id
        self._newest, self._changes = reference, {}
        if asked:
            LOG.info("tried again", events=asked, reference=reference.reference_id)
        text = json.dumps(sorted(self._tried.items()))
        self._file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._file.with_name(self._file.name + ".unfinished")
        unfinished.write_text(text + "\n")
        unfinished.replace(self._file)
        return asked

    def _change(self, partition: int, after: Reference) -> Change:
        """What has changed since a partition was tried last."""
        before = self._tried.get(partition, "")
        if before not in self._changes:
            self._changes[before] = self._since(before, after)
        return self._changes[before]

    def _since(self, before: str, after: Reference) -> Change:
        """What has changed since a reference; everything when it is not here any more."""
        if self._newest is not None and self._newest.reference_id == before:
            return change_of(self._newest, after)
        if not before or not (self._kept / before).is_dir():
            return EVERYTHING
        try:
            return change_of(load(self._kept / before), after)
        except InvalidReferenceError:  # what is read as reference may have become stricter
            return EVERYTHING

    def _chosen(self, partition: int, change: Change) -> list[Message]:
        """What waits in a partition and may be settled now, as it waits."""
        latest: dict[bytes, bytes | None] = {}
        for segment in self._read(partition):
            pairs = zip(segment.keys, segment.values, strict=True)
            latest.update((key, value) for key, value in pairs if key is not None)
        records = codec("suspense.avsc")
        found: list[Message] = []
        for key, value in latest.items():
            if value is not None:
                record = records.decode(value)
                if change.bears_on(Reason[record["reason"].upper()], record["missing"]):
                    found.append((key, value))
        return found


class Again:
    """Has usage tried again that a running rate loop has suspended."""

    def __init__(self, retry: Retry, loop: Loop, hop: RateHop) -> None:
        self._retry = retry
        self._loop = loop
        self._hop = hop

    def __call__(self, reference: Reference, stop: threading.Event) -> None:
        """Ask for what is due; the loop uses the reference since its last batch at the latest.

        Partitions that this process gained count as due, whatever another one did about them.
        """
        due = self._retry.due(reference, self._loop.log.owned)
        if not due:
            return
        found: dict[int, Collection[Reason]] = {}
        done = self._loop.between(lambda: found.update(waiting(self._hop, due)))
        while not done.wait(POLL_SECONDS):
            if stop.is_set():
                return
        self._retry.ask(reference, found)


def waiting(hop: RateHop, partitions: Collection[int]) -> dict[int, Collection[Reason]]:
    """The reasons for which usage waits in some partitions, as far as the hop has them."""
    memories = hop.memory.partitions
    return {p: set(memories[p].suspended.values()) for p in partitions if p in memories}
