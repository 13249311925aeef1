"""Every topic of Weir: its name, its key, how it is partitioned and what it keeps.

Three partition counts exist. `usage` topics are partitioned by source, because that is where
duplicates can be seen; `settlement` topics by pool (an agreement, unless several share one),
because that is where money is owed; `control` topics have one, for there is one order in which
changes of masters came to be known. Topics with the same axis are co-partitioned: one owner of a
partition number reads and writes that number in all of them.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Literal

Axis = Literal["usage", "settlement", "control"]
Keeps = Literal["all", "latest"]


@dataclass(frozen=True)
class Topic:
    """A topic as it must exist on the broker.

    `keeps` says what is kept: everything, until an operator sets a retention, or the latest value
    of each key.
    """

    name: str
    axis: Axis
    keeps: Keeps
    key: str
    about: str

    @property
    def compacted(self) -> bool:
        """Whether only the latest value of each key is kept."""
        return self.keeps == "latest"


USAGE = Topic(
    "usage.v1", "usage", "all", "source", "usage events and envelopes, as mediation sends them"
)
RECYCLE = Topic("recycle.v1", "usage", "all", "suspense id", "suspended usage to be tried again")
RATED = Topic("rated.v1", "usage", "all", "-", "rated usage in blocks of columns")
SUSPENSE = Topic(
    "suspense.v1", "usage", "latest", "suspense id", "usage that could not be rated yet"
)
QUARANTINE = Topic("quarantine.v1", "usage", "latest", "position", "what is not usage at all")
RATE_CHANGELOG = Topic("rate.changelog.v1", "usage", "latest", "state key", "state of the rate hop")
MARKS = Topic("marks.v1", "usage", "all", "-", "identity and body digest of every usage taken in")
CONTRIBUTIONS = Topic("contributions.v1", "settlement", "all", "-", "what a batch adds to accruals")
COMMANDS = Topic("commands.v1", "settlement", "all", "pool", "closes, as logged inputs")
ACCRUALS = Topic(
    "accruals.v1",
    "settlement",
    "latest",
    "accrual key",
    "running accruals: stream and changelog in one",
)
ACCRUE_CHANGELOG = Topic(
    "accrue.changelog.v1", "settlement", "latest", "state key", "the rest of the accrue hop's state"
)
STATEMENTS = Topic(
    "statements.v1", "settlement", "latest", "statement number", "closed periods, immutable"
)
REFERENCE = Topic(
    "reference.v1",
    "control",
    "latest",
    "change",
    "what masters told, in changes",
)

TOPICS = (
    USAGE,
    RECYCLE,
    RATED,
    SUSPENSE,
    QUARANTINE,
    RATE_CHANGELOG,
    MARKS,
    CONTRIBUTIONS,
    COMMANDS,
    ACCRUALS,
    ACCRUE_CHANGELOG,
    STATEMENTS,
    REFERENCE,
)


def partition_of(key: str, partitions: int) -> int:
    """The partition of a source or pool name: CRC-32 of its UTF-8 bytes, modulo the count.

    This is librdkafka's `consistent` partitioner, so a plain producer that keys its messages by
    source reaches the same partition by setting `partitioner=consistent`.
    """
    return zlib.crc32(key.encode()) % partitions
