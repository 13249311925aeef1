"""Verify: settle the raw usage again, independently, and compare to the last digit.

The log holds what mediation sent, what was accrued from it and which statements were issued. The
oracle (`ops/oracle.py`) shares no code with the rest of Weir; it settles the same raw usage one
event at a time in exact fractions, by the reference that was in force for it, tries again what was
asked to be tried again, and every outcome count, accrual row, amount, statement line and total must
be what it says. So must the lists of what waits in suspense and quarantine. Whatever differs is
named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from ops.amended import Amended
from ops.oracle import Close, Recycle, ReferenceOf, Settlement, settle
from ops.oracle_amounts import Accrual, AccrualKey, AmountKey
from ops.oracle_reference import DecksRead, Reference, read_reference
from ops.verify_amended import Accruals, SumsUpto, amended_accruals, carried_out
from ops.verify_log import AccrualFigures, Found, InForce, ReadTopics, read_found
from ops.verify_payment import declarations, payment_differences
from ops.verify_statement import statement_differences
from schemas.money import format_micros
from schemas.records import codec
from schemas.topics import COMMANDS, RECYCLE, USAGE, partition_of
from streams.log import Segment

NANOS = 10**9

FindReference = Callable[[str], Path]


@dataclass(frozen=True)
class Verdict:
    """What was compared and what differed; nothing did when `differences` is empty."""

    events: int
    outcomes: Mapping[str, int]
    accrual_rows: int
    statements: int
    references: Sequence[str]
    differences: Sequence[str]


def verify(
    read: ReadTopics,
    reference_of: FindReference,
    current: str,
    usage_partitions: int,
    settlement_partitions: int,
) -> Verdict:
    """Recompute everything on a log and compare.

    Args:
        read: reads topics of the log, as of one commit a call.
        reference_of: finds the files of a reference that was settled by, by its id.
        current: the id of the newest one.
        usage_partitions: how many partitions `usage.v1` has.
        settlement_partitions: how many partitions `accruals.v1` has.

    Raises:
        Exception: what `reference_of` raises when the files are not there.
    """
    found = read_found(read)
    in_force = InForce(read)
    used = in_force.reference_ids(found.read_upto)
    asked = carried_out(read([COMMANDS.name]), found)
    wanted = used | {current} | _paid_by(found) | {one.amended.to_id for one in asked}
    decks: DecksRead = {}
    known = {name: read_reference(reference_of(name), decks) for name in sorted(wanted)}
    newest = known[current]

    def in_force_at(topic: str, partition: int, offset: int) -> Reference:
        return known[in_force.reference_id(topic, partition, offset) or current]

    pools = [(a.name, a.pool) for a in newest.agreements.values()]
    partition_by = {name: partition_of(pool, settlement_partitions) for name, pool in pools}
    sums_upto = _sums_upto(read, found, in_force, usage_partitions)
    expected = settle(
        newest,
        _usage(read([USAGE.name]), found),
        [Close(d["agreement"], d["period"], d["cut"]) for d in found.documents],
        usage_partitions=usage_partitions,
        reference_of=in_force_at,
        recycles=_recycles(read([RECYCLE.name]), found, in_force),
        accrued={name: found.accrued_upto.get(at, {}) for name, at in partition_by.items()},
        explained=(),
        figures=declarations(read([COMMANDS.name]), found, newest).figures,
        amended=amended_accruals(asked, known, in_force_at, sums_upto, partition_by),
    )
    return Verdict(
        events=found.counts.total(),
        outcomes=_by_outcome(found),
        accrual_rows=len(found.rows),
        statements=len(found.documents),
        references=sorted(used),
        differences=[
            *found.unreadable,
            *in_force.gaps(found.read_upto),
            *_differences(found, expected, newest),
            *_in_test(found, known, newest),
            *payment_differences(found, expected, read([COMMANDS.name]), newest, known),
        ],
    )


def _sums_upto(
    read: ReadTopics, found: Found, in_force: InForce, usage_partitions: int
) -> SumsUpto:
    """Settles usage before the cut of an amendment, with nothing closed."""

    def sums_upto(upto: Amended, reference: Reference, reference_of: ReferenceOf) -> Accruals:
        messages = (m for m in _usage(read([USAGE.name]), found) if upto.holds(USAGE.name, *m[:2]))
        requests = _recycles(read([RECYCLE.name]), found, in_force)
        return settle(
            reference,
            messages,
            usage_partitions=usage_partitions,
            reference_of=reference_of,
            recycles=[r for r in requests if upto.holds(RECYCLE.name, r.partition, r.offset)],
            explained=(),
        ).accruals

    return sums_upto


def _by_outcome(found: Found) -> dict[str, int]:
    """How many events have each outcome, whatever the reason."""
    outcomes = Counter[str]()
    for (outcome, _), count in found.counts.items():
        outcomes[outcome] += count
    return dict(outcomes)


def _paid_by(found: Found) -> set[str]:
    """The references by which statements were made whose totals say more than both flows."""
    return {str(d["reference"]) for d in found.documents if any(len(t) > 4 for t in d["totals"])}  # noqa: PLR2004


def _differences(found: Found, expected: Settlement, reference: Reference) -> Iterator[str]:
    """Every figure on the log that is not what it was recomputed to be."""
    yield from _compare("outcome", _named(found.counts), _named(expected.counts))
    yield from _compare("suspense", _named(found.waiting), _named(expected.suspended))
    yield from _compare("quarantine", _placed(found.quarantined), _placed(expected.quarantined))
    yield from _compare("accrual", _rows(found, reference), _expected_rows(expected))
    yield from _closes(found)
    for document in found.documents:
        yield from statement_differences(document, expected)


def _in_test(found: Found, known: Mapping[str, Reference], newest: Reference) -> Iterator[str]:
    """Statements of agreements whose partner was in test when they were made."""
    for document in found.documents:
        made_by = known.get(str(document["reference"]), newest)
        agreement = made_by.agreements.get(str(document["agreement"]))
        if agreement is not None and agreement.in_test:
            yield f"statement {document['number']}: {agreement.partner} is in test"


def _usage(segments: Iterator[Segment], found: Found) -> Iterator[tuple[int, int, int, bytes]]:
    """All usage messages that have been settled."""
    for segment in segments:
        upto = found.read_upto.get((segment.topic, segment.partition), 0)
        for index, offset in enumerate(segment.offsets.tolist()):
            if offset < upto:
                value = segment.values[index] or b""
                yield segment.partition, offset, segment.log_time_us(index), value


def _recycles(segments: Iterator[Segment], found: Found, in_force: InForce) -> Iterator[Recycle]:
    """All requests to try suspended usage again that have been heard."""
    records = codec("suspense.avsc")
    for segment in segments:
        upto = found.read_upto.get((segment.topic, segment.partition), 0)
        for index, offset in enumerate(segment.offsets.tolist()):
            value = segment.values[index]
            if offset < upto and value is not None:
                waits_as = str(records.decode(value)["suspense_id"])
                after = in_force.usage_before(segment.partition, offset)
                at_us = segment.log_time_us(index)
                yield Recycle(waits_as, segment.partition, offset, at_us, after)


def _named(counts: Mapping[tuple[str, str], int]) -> dict[str, str]:
    return {f"{what} {reason}": f"{n} events" for (what, reason), n in counts.items() if n}


def _placed(reasons: Mapping[Any, str]) -> dict[str, str]:
    return {f"{USAGE.name}/{p}/{o} row {r}": reason for (p, o, r), reason in reasons.items()}


def _text(key: AccrualKey) -> str:
    """An accrual row as people name it."""
    hour = "period" if key.hour is None else f"hour {key.hour}"
    adjusts = f" for {key.original}" if key.original != key.booked else ""
    line = f" {key.line}" if key.line else ""
    item = f"{key.agreement} v{key.version} {key.item}{line} {key.currency}"
    return f"{item} {key.booked}{adjusts} {hour}"


def _figures(accrual: Accrual, amount: int | None, shortfall: int) -> str:
    worth = "of the period only" if amount is None else format_micros(amount)
    missed = f", shortfall {format_micros(shortfall)}" if shortfall else ""
    return (
        f"{accrual.events} events, quantity {accrual.quantity}, "
        f"charge {format_micros(accrual.charge_micros)}, "
        f"residue {accrual.residue}, amount {worth}{missed}"
    )


def _rows(found: Found, reference: Reference) -> dict[str, str]:
    """Rows on the log in words, their residue as a fraction of the currency, as the oracle has it.

    A row of nothing stands for usage of other rows that moved its price, by nothing in the end.
    """
    units = {
        (a.name, v.number, i.name): i.price.over
        for a in reference.agreements.values()
        for v in a.versions
        for i in v.items
    }
    nothing = (AccrualFigures(0, 0, 0, 0, 0), AccrualFigures(0, 0, 0, 0, None))
    return {
        _text(k): _figures(
            Accrual(
                r.events,
                r.quantity,
                r.charge_micros,
                Fraction(r.residue, units.get((k.agreement, k.version, k.item), 1) * NANOS),
            ),
            r.amount_micros,
            r.shortfall_micros,
        )
        for k, r in found.rows.items()
        if r not in nothing
    }


def _expected_rows(expected: Settlement) -> dict[str, str]:
    """The same of the oracle: what an hour is worth is known where every event has its charge."""
    wanted: dict[str, str] = {}
    for key, accrual in expected.accruals.items():
        line = expected.lines[_line(key)]
        amount: int | None = line.micros
        shortfall = line.missed_micros if key.hour is None else 0
        if key.hour is not None:
            is_direct = line.rounding.place == "record" and line.tiers is None
            amount = accrual.charge_micros if is_direct else None
        wanted[_text(key)] = _figures(accrual, amount, shortfall)
    for at, line in expected.lines.items():
        moved = AccrualKey(
            at.agreement, at.version, at.item, at.line, at.currency, at.booked, at.original, None
        )
        if moved not in expected.accruals and (line.micros or line.missed_micros):
            nothing = Accrual(0, 0, 0, Fraction(0))
            wanted[_text(moved)] = _figures(nothing, line.micros, line.missed_micros)
    return wanted


def _line(key: AccrualKey) -> AmountKey:
    return AmountKey(
        key.agreement, key.item, key.version, key.line, key.currency, key.booked, key.original
    )


def _closes(found: Found) -> Iterator[str]:
    """Every close has its statement and every statement its close, under one number."""
    stated = {f"{d['agreement']} {d['period']}": str(d["number"]) for d in found.documents}
    closed = {" ".join(key): number for key, number in found.closed.items()}
    for name in sorted(stated.keys() | closed.keys()):
        if stated.get(name) != closed.get(name):
            yield (
                f"close {name}: the statement has number {stated.get(name, 'none')}, "
                f"the state of closed periods says {closed.get(name, 'none')}"
            )


def _compare(what: str, found: Mapping[str, str], expected: Mapping[str, str]) -> Iterator[str]:
    for key in sorted(found.keys() | expected.keys()):
        have, want = found.get(key, "nothing"), expected.get(key, "nothing")
        if have != want:
            yield f"{what} {key}: the log says {have}; recomputed from usage: {want}"
