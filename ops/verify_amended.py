"""What amendments have to have added: the oracle's usage before each cut, by both terms.

A command of an amendment has rows, and they are not looked at here. The oracle settles the usage
before the cut by the terms that held for it until then, and once more by those that hold now; one
less the other, in the periods that were open when the command was carried out, is what accruals and
statements must have more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ops.amended import NOTHING, Amended, amended_by
from ops.oracle import ReferenceOf
from ops.oracle_amounts import Accrual, AccrualKey, summed
from ops.oracle_rating import period_after
from ops.oracle_reference import Reference
from ops.verify_log import Found
from streams.log import Segment

Accruals = Mapping[AccrualKey, Accrual]
# The accruals of usage before the cut of an amendment, by the references that are given.
SumsUpto = Callable[[Amended, Reference, ReferenceOf], Accruals]
Book = tuple[str, str]  # agreement, period


@dataclass(frozen=True)
class CarriedOut:
    """An amendment, and which periods were closed when each settlement partition carried it out."""

    amended: Amended
    closed: dict[int, frozenset[Book]] = field(default_factory=dict)


def carried_out(segments: Iterable[Segment], found: Found) -> list[CarriedOut]:
    """The amendments among the commands that have been carried out, in their order."""
    issued = {(str(d["agreement"]), str(d["period"])) for d in found.documents}
    closed: dict[int, set[Book]] = {}
    result: dict[str, CarriedOut] = {}
    for segment in segments:
        upto = found.commanded_upto.get(segment.partition, 0)
        now = closed.setdefault(segment.partition, set())
        for offset, value in zip(segment.offsets.tolist(), segment.values, strict=True):
            if offset >= upto:
                continue
            amended = amended_by(value)
            if amended is not None:
                one = result.setdefault(amended.id, CarriedOut(amended))
                one.closed.setdefault(segment.partition, frozenset(now))
            else:
                now |= issued & {_closes(value)}
    return list(result.values())


def _closes(command: bytes | None) -> Book:
    """What a command closes; nothing where it is another one."""
    try:
        said = json.loads(command or b"")["close"]
        return str(said["agreement"]), str(said["period"])
    except (KeyError, TypeError, ValueError):
        return "", ""


def amended_accruals(
    asked: Sequence[CarriedOut],
    known: Mapping[str, Reference],
    in_force_at: ReferenceOf,
    sums_upto: SumsUpto,
    partitions: Mapping[str, int],
) -> Accruals:
    """What all amendments together add to accruals, where it is booked.

    Args:
        asked: the amendments, in their order.
        known: references by their ids.
        in_force_at: the reference in force when a message was settled.
        sums_upto: settles usage before a cut, with nothing closed.
        partitions: the settlement partition of each agreement.
    """
    found: dict[AccrualKey, Accrual] = {}
    for before, one in zip([NOTHING, *(a.amended for a in asked)], asked, strict=False):
        given = known[one.amended.to_id]
        was = sums_upto(one.amended, given, _base(before, known, in_force_at))
        now = sums_upto(one.amended, given, _always(given))
        more = summed(now, was, -1)
        found = summed(found, _booked(more, one, partitions))
    return found


def _always(reference: Reference) -> ReferenceOf:
    """One reference for every message."""
    return lambda *_: reference


def _base(before: Amended, known: Mapping[str, Reference], in_force_at: ReferenceOf) -> ReferenceOf:
    """The terms that held until then: of the amendment before, else those in force."""

    def reference_of(topic: str, partition: int, offset: int) -> Reference:
        if before.holds(topic, partition, offset):
            return known[before.to_id]
        return in_force_at(topic, partition, offset)

    return reference_of


def _booked(more: Accruals, one: CarriedOut, partitions: Mapping[str, int]) -> Accruals:
    """What an amendment adds, in the first open periods; none where it was not carried out yet."""
    found: dict[AccrualKey, Accrual] = {}
    for key, sums in more.items():
        closed = one.closed.get(partitions.get(key.agreement, -1))
        if closed is None or not any(sums):
            continue
        booked = key.original
        while (key.agreement, booked) in closed:
            booked = period_after(booked)
        found = summed(found, {key._replace(booked=booked): sums})
    return found
