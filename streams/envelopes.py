"""Columns of usage into messages for `usage.v1`, each for the partition its sources belong to.

An envelope holds events of one family. Its events may come from several sources, but all of one
partition: the rate hop looks for duplicates partition by partition, so a source must never be seen
in two of them. Order within a source and family is kept.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.codes import Service
from schemas.columns import encode, encode_envelopes
from schemas.topics import partition_of
from streams.log import Message

Messages = dict[int, list[Message]]


def partitions_of(source: pa.Array, partitions: int) -> npt.NDArray[np.int32]:
    """The partition of each event, from its source."""
    encoded = source.dictionary_encode()
    homes = [partition_of(s, partitions) for s in encoded.dictionary.to_pylist()]
    codes: npt.NDArray[np.int32] = encoded.indices.to_numpy()
    return np.array(homes, np.int32)[codes]


def messages(
    service: Service, columns: Mapping[str, pa.Array], partitions: int, messages_events: int
) -> Messages:
    """Events of one family as messages by partition.

    Args:
        service: the family.
        columns: its columns, see `schemas.columns.conform`; `source` has no nulls.
        partitions: how many partitions `usage.v1` has.
        messages_events: how many events an envelope holds at most; with 1 every event is a
            message of its own, keyed by its source.
    """
    rows = len(columns["source"])
    if rows == 0:
        return {}
    if messages_events == 1:
        return _singles(service, columns, partitions)
    if partitions == 1:
        edges = np.arange(0, rows, messages_events)
        homes = np.zeros(len(edges), np.int32)
    else:
        home = partitions_of(columns["source"], partitions)
        order = np.argsort(home, kind="stable")
        columns = {name: column.take(pa.array(order)) for name, column in columns.items()}
        homes, edges = _edges(home[order], messages_events)
    offsets = np.append(edges, rows).astype(np.int32)
    values = encode_envelopes(service, columns, offsets).to_pylist()
    by_partition: Messages = {}
    for partition, value in zip(homes.tolist(), values, strict=True):
        by_partition.setdefault(partition, []).append((None, value))
    return by_partition


def _edges(
    home: npt.NDArray[np.int32], messages_events: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Partition and first row of each envelope, over rows sorted by partition."""
    starts = np.flatnonzero(np.diff(home, prepend=-1))
    uptos = np.append(starts[1:], len(home))
    edges = np.concatenate(
        [np.arange(a, b, messages_events) for a, b in zip(starts, uptos, strict=True)]
    )
    return home[edges], edges


def _singles(service: Service, columns: Mapping[str, pa.Array], partitions: int) -> Messages:
    """A message an event, keyed by its source."""
    source = columns["source"]
    keys = source.cast(pa.binary()).to_pylist()
    values = encode(service, columns).to_pylist()
    pairs = list(zip(keys, values, strict=True))
    if partitions == 1:
        return {0: pairs}
    home = partitions_of(source, partitions)
    return {int(p): [pairs[i] for i in np.flatnonzero(home == p).tolist()] for p in np.unique(home)}
