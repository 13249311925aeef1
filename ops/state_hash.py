"""A digest of the settled state: over what is owed, never over where it stood on a log."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from state.balances import decompose
from streams.accrue_hop import AccrueHop


def rows(hop: AccrueHop) -> Iterator[str]:
    """Every accrual row of the partitions owned, as text; unordered."""
    names = hop.names.series.names
    for memory in hop.partitions.values():
        keys, values = memory.balances.rows()
        _, slots, series = decompose(keys)
        for slot, number, row in zip(slots.tolist(), series.tolist(), values.tolist(), strict=True):
            yield "\x1f".join([*map(str, names[number]), str(slot), *map(str, row)])


def digest(lines: Iterable[str]) -> str:
    """SHA-256 of sorted lines, in hexadecimal."""
    whole = hashlib.sha256()
    for line in sorted(lines):
        whole.update(line.encode() + b"\n")
    return whole.hexdigest()


def state_hash(hop: AccrueHop) -> str:
    """The digest of everything a hop has accrued."""
    return digest(rows(hop))
