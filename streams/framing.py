"""Decoded events as framed messages again, to be kept in suspense or quarantine.

What is kept must be readable by the same code that read it first. In suspense the subscriber and
the caller are masked; in quarantine the record stays as it came.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from schemas.columns import encode, encode_unreadable
from streams.families import Ints
from streams.privacy import Tokens, mask
from streams.usage import UsageBatch


def framed(usage: UsageBatch, rows: Ints, tokens: Tokens | None) -> dict[int, bytes]:
    """Some events of a batch as framed messages, by row; with `tokens`, masked.

    Args:
        usage: the batch.
        rows: which events, rising.
        tokens: makes the tokens that stand for subscribers.
    """
    found: dict[int, bytes] = {}
    start = 0
    for family in usage.families:
        upto = start + len(family)
        own = rows[(rows >= start) & (rows < upto)]
        if len(own):
            at = pa.array(own - start)
            columns = {name: column.take(at) for name, column in family.columns.items()}
            if tokens is not None:
                columns = _masked(columns, usage.subscriber_rank[own], tokens)
            messages = encode(family.service, columns).to_pylist()
            found.update(zip(own.tolist(), messages, strict=True))
        start = upto
    lines = rows[rows >= start]
    if len(lines):
        chosen = [usage.unreadable[i] for i in (lines - start).tolist()]
        found.update(zip(lines.tolist(), encode_unreadable(chosen).to_pylist(), strict=True))
    return found


def _masked(columns: Mapping[str, pa.Array], ranks: Ints, tokens: Tokens) -> dict[str, pa.Array]:
    """Subscribers as leading digits and token, calling numbers as leading digits."""
    out = dict(columns)
    if "subscriber" in out:
        numbers, given = out["subscriber"], out["subscriber_token"]
        out["subscriber_token"] = tokens.column(numbers, ranks, given)
        out["subscriber"] = _leading(numbers)
    if "calling_number" in out:
        out["calling_number"] = _leading(out["calling_number"])
    return out


def _leading(numbers: pa.Array) -> pa.Array:
    return pa.array([None if n is None else mask(n) for n in numbers.to_pylist()], pa.string())
