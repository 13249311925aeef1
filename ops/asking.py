"""Asking for something: closes, recycling and replays are messages, logged as any other input.

A command never changes a figure itself. It puts its request on the topic that a hop reads, so that
the request has a place among the usage, is carried out once whatever crashes, and can be verified.
In a data directory the command settles what it asked for; on Kafka the workers do.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from ops.reading import Topics
from schemas.codes import Reason
from schemas.records import codec
from schemas.topics import (
    ACCRUE_CHANGELOG,
    COMMANDS,
    EXCEPTIONS,
    QUARANTINE,
    RECYCLE,
    SUSPENSE,
    USAGE,
    partition_of,
)
from streams.control.changes import Place as LogPlace
from streams.control.changes import Refusal
from streams.control.reading import read
from streams.facts import Which
from streams.log import Message

REFUSED_KEY = b"refused/"


class Desk(Topics):
    """A settlement that something can be asked of.

    `unanswered` is empty, or says what was asked last and not carried out in time. `resettled` is
    how many suspended events were settled without being asked for, since reference says more now.
    """

    unanswered: str = ""
    resettled: int = 0

    @abstractmethod
    def put(self, topic: str, messages: Mapping[int, Sequence[Message]]) -> None:
        """Log messages by partition as input, and have them settled."""

    @abstractmethod
    def tell(self, topic: str, messages: Sequence[Message]) -> Mapping[str, int] | None:
        """Log what a master tells on a topic of the control axis.

        Returns:
            How much of it was taken, repeated, refused and ignored; None where workers take it.
        """

    def notify(self, topic: str, notifications: Sequence[bytes]) -> Mapping[str, int] | None:
        """Log notifications as a master would, keyed by what they are about; see `tell`."""
        return self.tell(topic, [(_about(topic, value), value) for value in notifications])

    def exceptions(self) -> list[Refusal]:
        """Notifications that were not taken, in the order in which they were refused."""
        return [Refusal.from_bytes(value) for _, _, value in self.latest(EXCEPTIONS.name)]

    def replay_exceptions(self, position: str | None = None) -> int:
        """Send refused notifications again as they came, those of a position or all of them.

        Returns:
            How many were sent: each once, however many of its parts were refused.
        """
        sent = {
            (refusal.position.partition("/")[0], refusal.message): None
            for refusal in self.exceptions()
            if position in (None, refusal.position)
        }
        for topic in sorted({topic for topic, _ in sent}):
            self.notify(topic, [message for name, message in sent if name == topic])
        return len(sent)

    def close_periods(self, agreements: Sequence[str], period: str) -> list[dict[str, Any]]:
        """Close a period of some agreements; returns the statements that this made."""
        before = {d["number"] for d in self.statements()}
        pools = {a.name: a.pool for a in self.tables.agreements}
        messages: dict[int, list[Message]] = {}
        for agreement in agreements:
            pool = pools[agreement]
            partition = partition_of(pool, self.partitions(COMMANDS.name))
            messages.setdefault(partition, []).append((pool.encode(), _close(agreement, period)))
        self.put(COMMANDS.name, messages)
        return [d for d in self.statements() if d["number"] not in before]

    def declare(self, which: Which, value: str, version: int | None = None) -> str | None:
        """Log a partner's figure; returns why it was refused, None when it was not.

        Args:
            which: what is declared.
            value: the figure as decimal text.
            version: of several the highest counts; by default the one after the highest known.
        """
        if version is None:
            known = self.facts().known(which)
            version = 1 if known is None else known.version + 1
        said = {**which._asdict(), "version": version, which.figure: value}
        del said["figure"]
        command = json.dumps({"declare": said}).encode()
        pools = {a.name: a.pool for a in self.tables.agreements}
        pool = pools.get(which.agreement, which.agreement)
        partition = partition_of(pool, self.partitions(COMMANDS.name))
        self.put(COMMANDS.name, {partition: [(pool.encode(), command)]})
        return self._refused(command)

    def refusal(self, agreement: str, period: str) -> str | None:
        """Why a close was refused; None when it was not."""
        return self._refused(_close(agreement, period))

    def _refused(self, command: bytes) -> str | None:
        """Why a command was refused; None when it was not."""
        asked = command.decode()
        for _, key, value in self.latest(ACCRUE_CHANGELOG.name):
            if key.startswith(REFUSED_KEY):
                record = json.loads(value)
                if record["command"] == asked:
                    return str(record["reason"])
        return None

    def recycle(self) -> int:
        """Try all suspended usage again; returns how many events were tried.

        Conflicting bodies are left out: which of two bodies is right is for an operator to say.
        """
        messages: dict[int, list[Message]] = {}
        records = codec("suspense.avsc")
        for partition, key, value in self.latest(SUSPENSE.name):
            if records.decode(value)["reason"] != Reason.CONFLICTING_BODY.label:
                messages.setdefault(partition, []).append((key, value))
        self.put(RECYCLE.name, messages)
        return sum(map(len, messages.values()))

    def replay(self) -> int:
        """Send all quarantined records again, as they came; returns how many."""
        messages: dict[int, list[Message]] = {}
        records = codec("quarantine.avsc")
        for partition, _, value in self.latest(QUARANTINE.name):
            record = records.decode(value)
            messages.setdefault(partition, []).append((record["key"], record["message"]))
        self.put(USAGE.name, messages)
        return sum(map(len, messages.values()))


def _about(topic: str, notification: bytes) -> bytes | None:
    """The id of what a notification is about; None when it cannot be read."""
    for change in read(notification, LogPlace(topic, 0, 0, 0, 0)).changes:
        return change.id.encode(errors="replace")
    return None


def _close(agreement: str, period: str) -> bytes:
    """The command that closes a period of an agreement."""
    return json.dumps({"close": {"agreement": agreement, "period": period}}).encode()
