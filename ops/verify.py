"""Verify: settle the raw usage again, independently, and compare to the last digit.

The log holds what mediation sent, what was accrued from it and which statements were issued. The
oracle (`ops/oracle.py`) shares no code with the rest of Weir; it settles the same raw usage one event at
a time in exact fractions, and every outcome count, accrual row, period amount and statement must be
what it says. Whatever differs is named.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from ops.oracle import Close, Recycle, Settlement, settle
from ops.oracle_reference import Reference, read_reference
from ops.oracle_statement import AccrualKey
from schemas.money import format_micros
from schemas.records import codec
from schemas.topics import ACCRUALS, RATE_CHANGELOG, RECYCLE, STATEMENTS, USAGE
from streams.log import Segment

# Segments of all partitions of a topic, from its beginning to its end as of now.
ReadTopic = Callable[[str], Iterator[Segment]]


@dataclass(frozen=True)
class Verdict:
    """What was compared and what differed; nothing did when `differences` is empty."""

    events: int
    outcomes: Mapping[str, int]
    accrual_rows: int
    statements: int
    differences: Sequence[str]


def verify(read: ReadTopic, reference_directory: Path, usage_partitions: int) -> Verdict:
    """Recompute everything on a log and compare.

    Args:
        read: reads topics of the log.
        reference_directory: the reference files that the usage was settled by.
        usage_partitions: how many partitions `usage.v1` has.
    """
    reference = read_reference(reference_directory)
    documents = _documents(read(STATEMENTS.name))
    recycled_at = _recycled_at(read(RECYCLE.name))
    expected = settle(
        reference,
        _messages(read(USAGE.name)),
        [_close(d) for d in documents],
        usage_partitions=usage_partitions,
        recycle=None if recycled_at is None else Recycle(reference, recycled_at),
        explained=(),
    )
    rows, amounts = _accruals(read(ACCRUALS.name))
    counts = _counts(read(RATE_CHANGELOG.name))
    differences = [
        *_compare("outcome", _named(counts), _named(expected.counts)),
        *_compare(
            "accrual",
            _residues(rows, reference),
            {_text(k): tuple(v) for k, v in expected.accruals.items()},
        ),
        *_compare("amount", amounts, _amounts(expected)),
        *(line for d in documents for line in _statement(d, expected)),
    ]
    outcomes: dict[str, int] = {}
    for (outcome, _), count in counts.items():
        outcomes[outcome] = outcomes.get(outcome, 0) + count
    return Verdict(sum(counts.values()), outcomes, len(rows), len(documents), differences)


def _messages(segments: Iterator[Segment]) -> Iterator[tuple[int, int, int, bytes]]:
    for segment in segments:
        for index, offset in enumerate(segment.offsets.tolist()):
            value = segment.values[index] or b""
            yield segment.partition, offset, segment.log_time_us(index), value


def _documents(segments: Iterator[Segment]) -> list[dict[str, Any]]:
    return [json.loads(v) for s in segments for v in s.values if v is not None]


def _recycled_at(segments: Iterator[Segment]) -> int | None:
    """The log time of the last request to try suspended usage again."""
    return max((s.timestamp_us for s in segments if len(s)), default=None)


def _close(document: Mapping[str, Any]) -> Close:
    cut = {
        int(name.rpartition("/")[2]): upto
        for name, upto in document["cut"].items()
        if name.startswith(f"{USAGE.name}/")
    }
    recycled = any(name.startswith(f"{RECYCLE.name}/") for name in document["cut"])
    return Close(document["agreement"], document["period"], cut, recycled)


def _counts(segments: Iterator[Segment]) -> dict[tuple[str, str], int]:
    """Outcome counts as the rate hop's changelog holds them, over all partitions."""
    latest: dict[int, bytes] = {}
    for segment in segments:
        for key, value in zip(segment.keys, segment.values, strict=True):
            if key == b"position" and value is not None:
                latest[segment.partition] = value
    counts: dict[tuple[str, str], int] = {}
    for value in latest.values():
        for outcome, reason, count in json.loads(value)["outcomes"]:
            counts[(outcome, reason)] = counts.get((outcome, reason), 0) + count
    return counts


def _named(counts: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    return {f"{outcome}/{reason}": n for (outcome, reason), n in counts.items() if n}


Rows = dict[AccrualKey, tuple[int, int, int, int]]


def _accruals(segments: Iterator[Segment]) -> tuple[Rows, dict[str, Any]]:
    """Accrual rows, and what period rows are said to be worth."""
    latest: dict[tuple[int, bytes], bytes] = {}
    for segment in segments:
        for message_key, value in zip(segment.keys, segment.values, strict=True):
            if message_key is not None and value is not None:
                latest[(segment.partition, message_key)] = value
    rows: Rows = {}
    amounts: dict[str, Any] = {}
    records = codec("accruals.avsc")
    for value in latest.values():
        message = records.decode(value)
        for r in message["rows"]:
            key = AccrualKey(
                message["agreement"],
                r["version"],
                r["item"],
                r["line"],
                r["currency"],
                message["booked"],
                r["original"],
                message["hour"],
            )
            rows[key] = (r["events"], r["quantity"], r["charge_micros"], r["residue"])
            if key.hour is None:
                amounts[_text(key)] = format_micros(r["amount_micros"])
    return rows, amounts


def _text(key: AccrualKey) -> str:
    hour = "period" if key.hour is None else f"hour {key.hour}"
    adjusts = f" for {key.original}" if key.original != key.booked else ""
    line = f" {key.line}" if key.line else ""
    return f"{key.agreement} v{key.version} {key.item}{line} {key.currency} {key.booked}{adjusts} {hour}"


def _residues(rows: Rows, reference: Reference) -> dict[str, Any]:
    """Rows with their residue as a fraction of the currency, as the oracle has it."""
    units = {
        (a.name, v.number, i.name): i.price.unit
        for a in reference.agreements.values()
        for v in a.versions
        for i in v.items
    }
    return {
        _text(k): (e, q, c, Fraction(r, units[(k.agreement, k.version, k.item)] * 10**9))
        for k, (e, q, c, r) in rows.items()
    }


def _amounts(expected: Settlement) -> dict[str, Any]:
    return {
        _text(
            AccrualKey(
                k.agreement, k.version, k.item, k.line, k.currency, k.booked, k.original, None
            )
        ): f"{v:.6f}"
        for k, v in expected.amounts.items()
    }


def _compare(what: str, found: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(found.keys() | expected.keys()):
        have, want = found.get(key), expected.get(key)
        if have != want:
            yield f"{what} {key}: the log says {_say(have)}, recomputed from usage {_say(want)}"


def _say(value: object) -> str:
    if value is None:
        return "nothing"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _statement(document: Mapping[str, Any], expected: Settlement) -> Iterator[str]:
    """A statement's totals against the oracle's."""
    stated = {t["currency"]: (t["receivable"], t["payable"]) for t in document["totals"]}
    wanted = {
        k.currency: (f"{v.receivable:.6f}", f"{v.payable:.6f}")
        for k, v in expected.totals.items()
        if (k.agreement, k.booked) == (document["agreement"], document["period"])
    }
    yield from _compare(f"statement {document['number']}", stated, wanted)
