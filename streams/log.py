"""The log as the loop sees it: what was read, one transaction at a time, and whose partitions.

Everything Weir knows comes from a log and goes to a log. The loop needs little of it: read some
messages, begin, send, commit together with the positions they were computed from, or abort. Three
logs keep this contract: Kafka (`kafka.py`), an embedded one in a directory (`local.py`) and a
simulated one for tests. Readers see committed messages only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

TopicPartition = tuple[str, int]
Outcome = Callable[[], None]
Message = tuple[bytes | None, bytes | None]  # (key, value); a value of None deletes a compacted key
Maker = Callable[[], Sequence[Message]]
# Messages, or what makes them: those that are dear to make can be made beside other work.
Messages = Sequence[Message] | Maker


def made(messages: Messages) -> Sequence[Message]:
    """The messages themselves."""
    return messages() if callable(messages) else messages


@dataclass(frozen=True)
class Segment:
    """Messages of one topic partition, in offset order.

    `offsets` has one entry a message; they rise but need not be dense (aborted messages and commit
    markers leave holes). `next_offset` is where reading goes on after this segment.
    `timestamp_us` is the newest message's log time in microseconds since the epoch; `time_of` gives
    that of one message (None where all have the newest one's).
    """

    topic: str
    partition: int
    offsets: npt.NDArray[np.int64]
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]
    next_offset: int
    timestamp_us: int
    time_of: Callable[[int], int] | None = None

    def log_time_us(self, index: int) -> int:
        """The log time of one message; asked only where it decides something."""
        return self.timestamp_us if self.time_of is None else self.time_of(index)

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Assignment:
    """A change of ownership: partition numbers gained, with their committed positions, and lost.

    `gained[p]` maps each input topic to the committed next offset of partition p (0 when none was
    ever committed). All input topics of a hop are co-partitioned, so ownership is by number.
    """

    gained: Mapping[int, Mapping[str, int]]
    lost: frozenset[int]


class LogError(Exception):
    """Base of what a log can raise."""


class Aborted(LogError):
    """This transaction certainly did not happen: drop the delta, read the batch again."""


class Unknown(LogError):
    """It is not known whether the transaction happened: reopen and reload state before going on."""


class Fenced(LogError):
    """Another owner has taken over: stop this process, it must not write any more."""


class Overtaken(LogError):
    """Recovered state is ahead of what was assigned: a new owner has committed in the meantime.

    Recovery took longer than the session. Stop this process; a new one is assigned what is current.
    """


class Closeable(ABC):
    """What is closed at the end of its `with` block."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Log(Protocol):
    """One hop's view of the log: its input topics, one transactional writer, its partitions."""

    def read(self, messages_max: int, linger_seconds: float) -> list[Segment]:
        """New committed messages of owned partitions; waits up to `linger_seconds` to fill up.

        Ownership may change inside this call, never outside it: see `changes`.
        """

    def changes(self) -> Assignment | None:
        """The change of ownership since the last call, or None. Asked after each read.

        Segments of lost partitions never appear in a read that follows or causes the loss.
        """

    @property
    def owned(self) -> frozenset[int]:
        """The partition numbers that this member owns now."""

    def begin(self) -> None:
        """Open a transaction."""

    def send(self, topic: str, partition: int, messages: Messages) -> None:
        """Add messages to the open transaction, in order.

        What makes messages is asked in this call or, where commits run in the background, there:
        after all messages that were sent as such.
        """

    def commit(self, positions: Mapping[TopicPartition, int]) -> Outcome | None:
        """Commit the messages sent and the input positions (next offsets) as one.

        Returns:
            None when it is done; or what to call for its outcome, until when only `read` may be
            called, so that the next batch is read while this one is under way.

        Raises:
            Aborted, Unknown, Fenced: see there. After any of them no transaction is open. The
                outcome, where there is one, raises the same.
        """

    def abort(self) -> None:
        """Give up the open transaction; nothing of it becomes visible."""

    def rewind(self) -> None:
        """Read owned partitions from their committed positions again, after Aborted or Unknown.

        After Unknown the writer is built anew, so that a late answer to the old one cannot matter,
        and the next `changes` reports every owned partition as gained, at its committed positions.
        """

    def recover(self, topic: str, partition: int, from_offset: int = 0) -> Iterator[Segment]:
        """Everything committed in one partition from an offset to its end as of this call."""

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""

    def close(self) -> None:
        """Leave: abort what is open, give partitions back, free resources."""
