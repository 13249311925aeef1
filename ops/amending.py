"""Booking an amendment: what its preview shows, as a command that only adds differences.

What can be said by sums is booked, and nothing else: the reasons why a difference of sums would not
come to what the preview shows are looked for first, and each is a sentence. Then the rows go out by
settlement partition in one transaction, together with who agreed and why, and the candidate is in
force. Taking an amendment back is one more, to the reference before.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.amended import amendments
from ops.amendment import Compared, Preview, compare
from ops.embedded import Embedded
from ops.reading import Topics
from ops.replay import Settled
from ops.verify_log import read_found
from schemas.codes import Flow, Whole
from schemas.reference import Reference
from schemas.topics import COMMANDS, USAGE, partition_of
from streams.amending import AmendedRow, inexpressible
from streams.contribution import Series
from streams.log import Message
from streams.terms import Terms


class AmendmentRefusedError(Exception):
    """An amendment cannot be booked; the sentences say why, one a line."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = tuple(reasons)


ItemName = tuple[str, int, str]  # agreement, version, item or deal


@dataclass(frozen=True)
class Approved:
    """An amendment that was booked, under which id, and what it changed."""

    id: str
    preview: Preview


def approve(weir: Embedded, candidate: Path, by: str, why: str) -> Approved:
    """Book what a candidate changes, and settle by it from now on.

    Args:
        weir: the data directory, everything on its log settled.
        candidate: the directory of the other terms.
        by: who agreed.
        why: in their words.

    Raises:
        AmendmentRefusedError: it changes nothing, or something that cannot be booked as sums.
        InvalidReferenceError: the candidate cannot be used.
    """
    current, count = weir.newest_reference(), weir.partitions(USAGE.name)
    compared = compare(weir.snapshot, weir.reference_of, current, candidate, count)
    reasons = list(refusals(compared))
    if not (by.strip() and why.strip()):
        reasons.append("say who agreed (--by) and why (--why)")
    if reasons:
        raise AmendmentRefusedError(reasons)
    name, messages = commands(weir, compared, by, why, rows_of(compared))
    weir.amend(compared.given, candidate, messages)
    return Approved(name, compared.preview())


def commands(
    weir: Topics, compared: Compared, by: str, why: str, rows: Sequence[AmendedRow]
) -> tuple[str, dict[int, list[Message]]]:
    """The id of an amendment, and its command for each settlement partition, with its rows."""
    name = f"A-{len(amendments(weir.snapshot)) + 1:06d}"
    read_upto = read_found(weir.snapshot).read_upto
    said = {
        "id": name,
        "by": by,
        "why": why,
        "from": compared.known.reference_id,
        "to": compared.given.reference_id,
        "cut": {f"{topic}/{p}": upto for (topic, p), upto in sorted(read_upto.items())},
    }
    listed = by_partition(rows, _pools(compared.given), weir.partitions(COMMANDS.name))
    return name, {
        partition: [(None, json.dumps({"amend": {**said, "rows": own}}).encode())]
        for partition, own in listed.items()
    }


def rows_of(compared: Compared) -> list[AmendedRow]:
    """By how much the sums of each series and hour differ, where they do."""
    sides = compared.before.hours, compared.after.hours
    nothing = (0, 0, 0, 0)
    found = []
    for key in sorted(sides[0].keys() | sides[1].keys()):
        was, now = (side.get(key, nothing) for side in sides)
        if was != now:
            series, hour = key
            more = [n - w for n, w in zip(now, was, strict=True)]
            found.append(AmendedRow(series._replace(booked=""), hour, *more))
    return found


def by_partition(
    rows: Sequence[AmendedRow], pools: Mapping[str, str], partitions: int
) -> dict[int, list[Any]]:
    """Rows as commands have them, by settlement partition: each one, since each hears of it."""
    found: dict[int, list[Any]] = {partition: [] for partition in range(partitions)}
    for row in rows:
        pool = pools[row.series.agreement]
        found[partition_of(pool, partitions)].append(row.written())
    return found


def _pools(reference: Reference) -> dict[str, str]:
    """The pool of each agreement, which is its own name unless it says another."""
    return {a.agreement: a.pool or a.agreement for a in reference.agreements}


def refusals(compared: Compared) -> Iterator[str]:
    """Why what a candidate changes cannot be booked; nothing where it can."""
    found = compared.preview()
    if compared.known.reference_id == compared.given.reference_id:
        yield "these are the terms in force: there is nothing to amend"
        return
    for outcome in found.outcomes:
        yield (
            f"{outcome.outcome} ({outcome.reason}) would be {outcome.after} events, not"
            f" {outcome.before}: an amendment leaves every event its outcome; change less, and"
            " recycle suspended usage once the new terms are in force"
        )
    if any(found.waiting) and not found.outcomes:
        yield "other events would be suspended than are: change less"
    pools = _pools(compared.given)
    for name, pool in _pools(compared.known).items():
        if pools.get(name, pool) != pool:
            yield f"{name}: its accruals are in the partition of pool {pool}; put it back"
    changed = {(e.line.agreement, e.line.version, e.line.item) for e in found.effects}
    changed |= rewritten(compared.known, compared.given)
    before, after = compared.before, compared.after
    reasons: Counter[str] = Counter()
    for series in sorted({*before.rows, *after.rows}):
        is_changed = (series.agreement, series.version, series.item) in changed
        reasons.update(_series(series, before, after, is_changed=is_changed))
    yield from reasons


def rewritten(before: Reference, after: Reference) -> set[ItemName]:
    """The items and deals of versions that are written another way, whether that has an effect.

    A closed period under tiers states each of them; written another way, it would be other ones.
    """
    sides = [dict(_items(reference)) for reference in (before, after)]
    return {name for name, item in sides[0].items() if sides[1].get(name, item) != item}


def _items(reference: Reference) -> Iterator[tuple[ItemName, object]]:
    for agreement in reference.agreements:
        for version in agreement.versions:
            for item in version.items:
                yield (agreement.agreement, version.version, item.item), item
            for deal in version.deals:
                for name in (deal.deal, *(f"{deal.deal}:{flow.label}" for flow in Flow)):
                    yield (agreement.agreement, version.version, name), deal


def _series(series: Series, before: Settled, after: Settled, *, is_changed: bool) -> Iterator[str]:
    """Why a row cannot be amended by sums."""
    name = f"{series.agreement} version {series.version} {series.item}"
    try:
        now = after.book.terms(series)
        now.version.periods.parse(series.original)
    except KeyError:
        yield f"{name}: is gone, and has settled usage; keep it, with the terms that shall hold"
        return
    except ValueError:
        yield f"{name}: has no period {series.original} any more; keep month or day"
        return
    known = before.book.terms(series) if series in before.rows else None
    if known is not None and (differs := _differs(known, now)):
        yield f"{name}: {differs} of settled usage cannot be amended; give new terms a new version"
    if not is_changed:
        return
    for book in (before.book, after.book) if known is not None else (after.book,):
        if reason := inexpressible(series, book):
            yield f"{name}: {reason}, so a difference of sums cannot be booked for it"
            return
    if now.item.count_whole is not Whole.RECORD:
        yield f"{name}: parts of its sessions may still come, so it cannot be amended"


def _differs(known: Terms, now: Terms) -> str:
    """What two terms differ in that sums do not tell; empty where it is nothing."""
    pairs = {
        "partner": (known.partner, now.partner),
        "flow": (known.item.flow, now.item.flow),
        "unit": ((known.item.unit, known.item.quantity), (now.item.unit, now.item.quantity)),
        "rounding": (_rounding(known), _rounding(now)),
        "kind of price": (known.tiered, now.tiered),
    }
    return ", ".join(name for name, (was, is_now) in pairs.items() if was != is_now)


def _rounding(terms: Terms) -> tuple[object, ...]:
    version = terms.version
    return version.rounding_place, version.rounding_mode, version.decimals
