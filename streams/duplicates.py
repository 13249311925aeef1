"""Duplicates: every event once, however often it is sent.

An event is known by its source, epoch and sequence number, or, where a source does not number, by
an event id. The first one under a key is taken in; a later one is a duplicate when it says the
same, and a conflict when it says something else: then both are kept and the second is suspended for
an operator to judge. Events that are refused as unusable have marks of their own, so that sending a
file again counts them as duplicates, and yet a corrected event under the same number is welcome.

The marks and the effects commit together: this station only computes what will have been seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from schemas.codes import Reason
from state.distinct import combine, distinct
from state.rocks import PAGE_BITS, Identity, Strip
from state.seen import SEQUENCE_BITS, Counter, Counters, Seen
from streams.families import Ints, Marks
from streams.hashing import Digests
from streams.usage import NO_SEQUENCE, UsageBatch

# Digests of sequence numbers of one source and epoch, and which of them are known; of an event id.
BodiesOf = Callable[[str, int, Ints], tuple[Digests, Marks]]
IdentityOf = Callable[[str, str], int | None]

UNIDENTIFIED = frozenset({Reason.NO_SOURCE, Reason.WRONG_PARTITION, Reason.NO_IDENTITY})
COUNTERS_SORTED_MAX = 2**15 - 1
REFUSED_ID = "\x00refused\x00"  # in front of ids of refused events; a control character no id has


@dataclass(frozen=True)
class Checked:
    """What a batch's keys turned out to be.

    `duplicate` and `conflict` are marks per event; `seen` is everything seen including this batch;
    `strips` and `identities` are the body digests to keep, each with its usage partition.
    """

    duplicate: Marks
    conflict: Marks
    seen: Seen
    touched: npt.NDArray[np.int64]
    strips: Sequence[tuple[int, Strip]]
    identities: Sequence[tuple[int, Identity]]


def check(
    usage: UsageBatch, counters: Counters, seen: Seen, bodies: BodiesOf, identity: IdentityOf
) -> Checked:
    """Find what was seen before, in earlier batches or earlier in this one.

    Args:
        usage: the batch; rows with a reason count as refused.
        counters: numbers of sources and epochs.
        seen: what was seen before this batch.
        bodies: the stored body digests of sequence numbers.
        identity: the stored body digest of an event id.
    """
    duplicate = np.zeros(len(usage), bool)
    conflict = np.zeros(len(usage), bool)
    identified = ~np.isin(usage.reason, np.array(sorted(UNIDENTIFIED), np.int8))
    numbered = np.flatnonzero(identified & (usage.sequence != NO_SEQUENCE))
    named = np.flatnonzero(identified & (usage.sequence == NO_SEQUENCE))
    # A line of a file that could not be read may come without either.
    named = named[usage.event_id.take(named).is_valid().to_numpy(zero_copy_only=False)]
    keys = _keys(usage, numbered, counters)
    order = _log_order(keys, usage.message[numbered], usage.row[numbered])
    rows, keys = numbered[order], keys[order]
    first = np.concatenate([[True], keys[1:] != keys[:-1]]) if len(keys) else np.zeros(0, bool)
    known = seen.contains(keys)
    again = np.flatnonzero(known | ~first)
    leader = np.maximum.accumulate(np.where(first, np.arange(len(keys)), 0))
    original, certain = usage.body[rows[leader[again]]], np.ones(len(again), bool)
    stored = np.flatnonzero(known[again])
    original[stored], certain[stored] = _stored(keys[again][stored], counters, bodies)
    usable = usage.reason[rows[again]] == Reason.NONE
    differs = certain & usable & (usage.body[rows[again]] != original)
    duplicate[rows[again[~differs]]] = True
    conflict[rows[again[differs]]] = True
    new = first & ~known
    strips = _strips(usage, rows[new], keys[new], counters)
    identities = _named(usage, named, identity, duplicate, conflict)
    touched = distinct(keys[new] >> SEQUENCE_BITS)[0]
    return Checked(duplicate, conflict, seen.add(keys[new]), touched, strips, identities)


def _keys(usage: UsageBatch, rows: Ints, counters: Counters) -> Ints:
    """Counter and sequence in one integer."""
    refused = usage.reason[rows] != Reason.NONE
    source, epoch = usage.source.codes[rows], usage.epoch[rows]
    _, index = distinct(combine((source, epoch, refused)))
    first = np.zeros(int(index.max(initial=-1)) + 1, np.int64)
    first[index] = np.arange(len(index))  # any row of a counter names it
    numbers = np.array(
        [
            counters.number(Counter(usage.source.values[s], e, r))
            for s, e, r in zip(
                source[first].tolist(), epoch[first].tolist(), refused[first].tolist(), strict=True
            )
        ],
        np.int64,
    )
    if len(numbers) == 0:
        return np.zeros(0, np.int64)
    return (numbers[index] << SEQUENCE_BITS) | usage.sequence[rows]


def _log_order(keys: Ints, message: Ints, row: Ints) -> npt.NDArray[np.intp]:
    """Order by key, and among equal keys as they stand on the log."""
    order = _sorted(keys)
    ordered = keys[order]
    tie = np.zeros(len(keys), bool)
    same = ordered[1:] == ordered[:-1]
    tie[1:] |= same
    tie[:-1] |= same
    at = np.flatnonzero(tie)
    if len(at):
        tied = order[at]
        order[at] = tied[np.lexsort((row[tied], message[tied], keys[tied]))]
    return order


def _sorted(keys: Ints) -> npt.NDArray[np.intp]:
    """The order of keys: by counter, and then within counters, whose numbers nearly rise."""
    counter = keys >> SEQUENCE_BITS
    if int(counter.max(initial=0)) > COUNTERS_SORTED_MAX:
        return np.argsort(keys)
    # Numpy sorts 16 bits by their digits, and by merging what is nearly in order.
    by_counter = np.argsort(counter.astype(np.int16), kind="stable")
    return by_counter[np.argsort(keys[by_counter], kind="stable")]


def _stored(keys: Ints, counters: Counters, bodies: BodiesOf) -> tuple[Digests, Marks]:
    """The bodies first seen under some keys, and which of them are known at all.

    A refused event leaves no body, and past the horizon of digests there is none either: then the
    key alone decides.
    """
    found = np.zeros(len(keys), np.uint64)
    known = np.zeros(len(keys), bool)
    counter = keys >> SEQUENCE_BITS
    for number in distinct(counter)[0].tolist():
        name = counters.name(number)
        if name.refused:
            continue
        at = np.flatnonzero(counter == number)
        sequences = keys[at] & ((1 << SEQUENCE_BITS) - 1)
        found[at], known[at] = bodies(name.source, name.epoch, sequences)
    return found, known


def _strips(
    usage: UsageBatch, rows: Ints, keys: Ints, counters: Counters
) -> list[tuple[int, Strip]]:
    """Body digests of new keys, which rise, by source, epoch and page."""
    starts = np.flatnonzero(np.diff(keys >> PAGE_BITS, prepend=-1))
    strips = []
    for start, upto in pairwise([*starts.tolist(), len(keys)]):
        name = counters.name(int(keys[start] >> SEQUENCE_BITS))
        if name.refused:
            continue
        at = rows[start:upto]
        sequences = keys[start:upto] & ((1 << SEQUENCE_BITS) - 1)
        strip = Strip(name.source, name.epoch, sequences, usage.body[at])
        strips.append((int(usage.partition[at[0]]), strip))
    return strips


def _named(
    usage: UsageBatch, rows: Ints, identity: IdentityOf, duplicate: Marks, conflict: Marks
) -> list[tuple[int, Identity]]:
    """Events known by an id: one look-up each, in log order."""
    if len(rows) == 0:
        return []
    rows = rows[np.lexsort((usage.row[rows], usage.message[rows]))]
    ids = usage.event_id.take(rows).to_pylist()
    fresh: dict[tuple[str, str], int] = {}
    marks = []
    for row, event_id in zip(rows.tolist(), ids, strict=True):
        source = usage.source.values[usage.source.codes[row]]
        refused = usage.reason[row] != Reason.NONE
        key = (source, REFUSED_ID + event_id if refused else event_id)
        body = int(usage.body[row])
        before = fresh[key] if key in fresh else identity(*key)
        if before is None:
            fresh[key] = body
            marks.append((int(usage.partition[row]), Identity(*key, body)))
        elif before == body or refused:
            duplicate[row] = True
        else:
            conflict[row] = True
    return marks
