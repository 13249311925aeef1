"""A digest of the settled state: over what is owed, never over where it stood on a log."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from schemas.records import codec
from state.balances import COLUMNS, PERIOD_SLOT, decompose
from streams.accrue_hop import AccrueHop
from streams.contribution import Series


def rows(hop: AccrueHop) -> Iterator[str]:
    """Every accrual row of the partitions owned, as text; unordered."""
    names = hop.names.series.names
    for memory in hop.partitions.values():
        keys, values = memory.balances.rows()
        _, slots, series = decompose(keys)
        for slot, number, row in zip(slots.tolist(), series.tolist(), values.tolist(), strict=True):
            yield _text(names[number], slot, row)


def logged_rows(messages: Iterable[bytes]) -> Iterator[str]:
    """The same rows from what `accruals.v1` holds: the latest message of every key."""
    records = codec("accruals.avsc")
    for value in messages:
        message = records.decode(value)
        slot = PERIOD_SLOT if message["hour"] is None else message["hour"] + 1
        for row in message["rows"]:
            names = {name: row[name] for name in Series._fields[1:-1]}
            series = Series(message["agreement"], **names, booked=message["booked"])
            yield _text(series, slot, [row[name] for name in COLUMNS])


def _text(series: Series, slot: int, figures: Iterable[int]) -> str:
    return "\x1f".join(map(str, [*series, slot, *figures]))


def digest(lines: Iterable[str]) -> str:
    """SHA-256 of sorted lines, in hexadecimal."""
    whole = hashlib.sha256()
    for line in sorted(lines):
        whole.update(line.encode() + b"\n")
    return whole.hexdigest()


def state_hash(hop: AccrueHop) -> str:
    """The digest of everything a hop has accrued."""
    return digest(rows(hop))


def logged_state_hash(messages: Iterable[bytes]) -> str:
    """The digest of everything accrued, from what `accruals.v1` holds."""
    return digest(logged_rows(messages))
