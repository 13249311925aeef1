"""What an event says besides its identity, as one digest.

A repeat under a known key is a duplicate when it says the same and a conflict when it says
something else. The digest is a sum over the fields that an event has; a field that is null adds
nothing, so that the digest of an event depends on nothing but the event, and zero and null are told
apart. An event says the same in every version of its schema that it can be written in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from schemas.columns import Family
from state.prefixes import NOT_A_NUMBER, justify
from streams.families import Ints, Text, directions, ints, join
from streams.hashing import Digests, mix, text_digests

QUANTITIES = (
    "duration_ms",
    "volume_up_bytes",
    "volume_down_bytes",
    "units",
    "retail_amount_micros",
)
KEYS = (
    "ingress_route",
    "egress_route",
    "access_point",
    "home_network",
    "product_instance",
    "sales_channel",
    "retail_currency",
)
# Fields that hold a number of digits, which is quicker to tell apart by its rank than by its text.
NUMBERS = ("called_number", "routing_number", "calling_number", "subscriber")
# Everything that an event says besides its identity. The place of a field here is part of its
# digest: new fields go to the end.
BODY = (
    "started_at",
    "ended_at",
    *QUANTITIES,
    *KEYS,
    "called_number",
    "routing_number",
    "calling_number",
    "direction",
    "test",
    "utc_offset_minutes",
    "visited_network",
    "subscriber",
    "subscriber_token",
    "session_id",
    "partial_sequence",
    "partial_final",
    "transaction_type",
    "rating_group",
    "release_cause",
    "event_id",
    "original_started_at",
    "cost_amount_micros",
)
# Fields of later versions that are never null: nothing is said by what older messages default to.
ZERO_SAYS_NOTHING = frozenset({"cost_amount_micros"})

# Two odd numbers a field, to multiply what it says and to tell a zero from nothing: fields that
# differ cancel out no more often than by chance.
WEIGHTS = mix(np.arange(2 * len(BODY), dtype=np.uint64)) | np.uint64(1)

Ranks = Mapping[str, Ints]


def ranks_of(family: Family) -> Ranks:
    """The rank of every number of a family, see `state.prefixes.justify`."""
    columns = {name: family.columns.get(name) for name in NUMBERS}
    return {n: justify(c) for n, c in columns.items() if c is not None and c.null_count < len(c)}


def bodies(
    families: Sequence[Family], ranks: Sequence[Ranks], keys: Mapping[str, Text], lines: int
) -> Digests:
    """The digest of each event of a batch; lines that could not be read say nothing."""
    said = [_fields(family, of) for family, of in zip(families, ranks, strict=True)]
    digest = join([*said, np.zeros(lines, np.uint64)])
    for name, text in keys.items():
        if len(text.names):
            table = _weighed(text_digests(text.names), name)
            digest += np.append(table, np.uint64(0))[text.codes]
    return mix(digest)


def _fields(family: Family, ranks: Ranks) -> Digests:
    """The part of the digest that a family's own fields add."""
    digest = np.full(len(family), np.uint64(family.service))
    for name in BODY:
        column = family.columns.get(name)
        if column is None or name in KEYS or column.null_count == len(column):
            continue
        said = _numbers(column, ranks[name]) if name in ranks else _said(family, name)
        part = _weighed(said, name)
        if column.null_count:
            part[column.is_null().to_numpy(zero_copy_only=False)] = 0
        if name in ZERO_SAYS_NOTHING:
            part[said == 0] = 0
        digest += part
    return digest


def _weighed(said: Digests, name: str) -> Digests:
    """What a field says times a number of its own, and never zero as a field that is null."""
    place = BODY.index(name)
    weighed: Digests = said * WEIGHTS[2 * place] + WEIGHTS[2 * place + 1]
    return weighed


def _numbers(column: pa.Array, ranks: Ints) -> Digests:
    """Numbers by rank; what is no number by its text."""
    said = ranks.astype(np.uint64)
    odd = np.flatnonzero(ranks == NOT_A_NUMBER)
    if len(odd):
        said[odd] = text_digests(column.take(pa.array(odd)))
    return said


def _said(family: Family, name: str) -> Digests:
    """What one field says, as a number or as a digest."""
    column = family.columns[name]
    if name == "direction":
        return directions(family).astype(np.uint64)
    if pa.types.is_string(column.type):
        return text_digests(column)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int64())
    return ints(column).astype(np.uint64)
