"""Taking in where no transaction is to be had: write, wait until it is there, only then go on.

The same memory as in the control hop stands between what masters told and the two topics that keep
it. What a batch leads to is written and confirmed before the memory takes it over and before
anybody acknowledges the batch. A process that is killed in between leaves messages that the next
one reads again, after it has learnt both topics to their end, so that what was written is a repeat.
So nothing is lost, and nothing is told twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from schemas.topics import EXCEPTIONS, REFERENCE
from streams.control.changes import Place
from streams.control.control_hop import kept
from streams.control.taking import Delta, Memory
from streams.log import Message, Segment

# The rest of a topic from a next offset on, and where it ends now.
Rest = Callable[[str, int], tuple[Iterable[Segment], int]]
Write = Callable[[str, Sequence[Message]], None]


class Intake:
    """Memory, and the two topics that it is written to and learnt from."""

    def __init__(self, rest: Rest, write: Write) -> None:
        """Know nothing yet; see `learn`.

        Args:
            rest: reads one of the two topics from a next offset to its end.
            write: writes to one of them, and returns when it is durable.
        """
        self.memory = Memory()
        self._rest = rest
        self._write = write
        self._next = {REFERENCE.name: 0, EXCEPTIONS.name: 0}

    def learn(self) -> None:
        """Take over what is on both topics by now, this process's own writes or another's."""
        (changes, changes_upto), (exceptions, exceptions_upto) = (
            self._rest(topic, offset) for topic, offset in self._next.items()
        )
        self.memory.recover(kept(changes), kept(exceptions))
        self._next = {REFERENCE.name: changes_upto, EXCEPTIONS.name: exceptions_upto}

    def take(self, messages: Iterable[tuple[bytes | None, Place]]) -> Delta:
        """Take messages in; when this returns, what they lead to is durable.

        Raises:
            LogError: it may or may not be; nothing of the batch may be acknowledged.
        """
        delta = self.memory.take(messages)
        if delta.reference:
            self._write(REFERENCE.name, list(delta.reference.items()))
        if delta.refused:
            self._write(EXCEPTIONS.name, list(delta.refused.items()))
        self.memory.apply(delta)
        return delta
