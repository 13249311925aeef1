"""How Weir talks to Kafka: what an operator may choose, and what follows from it.

A worker *slot* is a stable name ("0"): it is part of the client's name in the group, so that a
restarted worker sorts to the same partitions, and of the transactional id, so that a restarted
worker fences its predecessor at once. Of two running workers with one slot the newer wins.
Everything the exactly-once contract needs is fixed here and cannot be set otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

# One transaction may send blocks of columns; the broker's topics are created with the same bound.
MESSAGE_BYTES_MAX = 16 * 1024 * 1024

# A broker holds an unfilled fetch back for this long: fewer and fuller answers, a little later.
FETCH_WAIT_MS = 50

Configuration = dict[str, str | int | float | bool]
Compression = Literal["none", "lz4", "snappy", "zstd"]


@dataclass(frozen=True, kw_only=True)
class KafkaSettings:
    """The choices of one deployment; the same for every worker but for `slot`.

    The times stand in one order: a request is given up before its transaction, a transaction before
    the group takes a silent member's partitions away for good. `static_member` keeps a slot's
    partitions for it over a restart: the successor of a killed worker goes on at once, but after a
    stop others wait for the session to end. `compression` is of what a worker writes: its blocks
    are narrow columns, and a broker opens what is compressed once more to check it.
    """

    brokers: str
    slot: str = "0"
    group_prefix: str = "weir"
    session_timeout_seconds: int = 10
    max_poll_interval_seconds: int = 120
    transaction_timeout_seconds: int = 30
    request_timeout_seconds: int = 10
    compression: Compression = "none"
    static_member: bool = False

    def __post_init__(self) -> None:
        """Refuse times that do not nest; see the class."""
        if not self.brokers or not self.slot or not self.group_prefix:
            message = "brokers, slot and group_prefix must not be empty"
            raise ValueError(message)
        if not (
            0
            < self.request_timeout_seconds
            < self.transaction_timeout_seconds
            < self.max_poll_interval_seconds
        ):
            message = (
                "the request timeout must be shorter than the transaction timeout, and that shorter"
                f" than the longest poll interval; these are {self.request_timeout_seconds},"
                f" {self.transaction_timeout_seconds} and {self.max_poll_interval_seconds} seconds"
            )
            raise ValueError(message)
        if not 0 < self.session_timeout_seconds < self.max_poll_interval_seconds:
            message = "the session timeout must be shorter than the longest poll interval"
            raise ValueError(message)

    def group(self, hop: str) -> str:
        """The consumer group of a hop: its committed positions live under this name."""
        return f"{self.group_prefix}-{hop}"

    def transactional_id(self, hop: str) -> str:
        """The name under which this slot's transactions of a hop are fenced."""
        return f"{self.group_prefix}-{hop}-{self.slot}"

    def client(self, name: str) -> Configuration:
        """What every client has in common.

        `socket.timeout.ms` is the request timeout: past it librdkafka repeats a request inside a
        call and out of our sight, which is why the writer measures its calls against it.
        """
        return {
            "bootstrap.servers": self.brokers,
            "client.id": f"{self.group_prefix}-{name}-{self.slot}",
            "socket.timeout.ms": self.request_timeout_seconds * 1000,
            "socket.keepalive.enable": True,
            "reconnect.backoff.ms": 50,
            "reconnect.backoff.max.ms": 2000,
        }

    def consumer(self, hop: str) -> Configuration:
        """The member of a hop's group.

        The `range` assignor gives a member the same partition numbers of every input topic, which
        is what ownership by number needs; sticky assignors spread topics independently.
        """
        configuration: Configuration = {
            **self.reader(hop),
            "group.id": self.group(hop),
            "group.protocol": "classic",
            "partition.assignment.strategy": "range",
            "session.timeout.ms": self.session_timeout_seconds * 1000,
            "heartbeat.interval.ms": max(self.session_timeout_seconds * 1000 // 5, 200),
            "max.poll.interval.ms": self.max_poll_interval_seconds * 1000,
            "fetch.min.bytes": 64 * 1024,
        }
        if self.static_member:
            configuration["group.instance.id"] = self.transactional_id(hop)
        return configuration

    def reader(self, name: str) -> Configuration:
        """A reader outside any group, and the part of a member that reads.

        Committed messages only, positions kept by us alone, and an error rather than a jump when a
        position is outside the log. The group name is required by the client and never used.
        """
        return {
            **self.client(name),
            "group.id": f"{self.group_prefix}-reader",
            "isolation.level": "read_committed",
            "auto.offset.reset": "error",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "allow.auto.create.topics": False,
            "check.crcs": False,
            "fetch.min.bytes": 1,
            "fetch.wait.max.ms": FETCH_WAIT_MS,
            # What is fetched ahead of a batch is memory touched anew; a fetch put off because
            # enough was there must not leave the next batch waiting (the usual delay is a second).
            "fetch.message.max.bytes": 4_000_000,
            "fetch.queue.backoff.ms": 20,
            "queued.min.messages": 50_000,
            "queued.max.messages.kbytes": 65_536,
            "fetch.max.bytes": 64 * 1024 * 1024,
            "receive.message.max.bytes": 128 * 1024 * 1024,
        }

    def writer(self, name: str) -> Configuration:
        """A plain idempotent producer, and the part of a transactional one that writes."""
        return {
            **self.client(name),
            "enable.idempotence": True,
            "compression.type": "lz4",
            "linger.ms": 5,
            "batch.size": 1_000_000,
            "batch.num.messages": 10_000,
            "message.max.bytes": MESSAGE_BYTES_MAX,
            "queue.buffering.max.messages": 1_000_000,
            "queue.buffering.max.kbytes": 1024 * 1024,
            "delivery.report.only.error": True,
        }

    def transactional_writer(self, hop: str) -> Configuration:
        """The writer of a hop."""
        return {
            **self.writer(hop),
            "compression.type": self.compression,
            "transactional.id": self.transactional_id(hop),
            "transaction.timeout.ms": self.transaction_timeout_seconds * 1000,
        }


def topic_configuration(*, compacted: bool) -> Mapping[str, str]:
    """What a topic is created with.

    Nothing expires: usage is what everything can be computed from again, and an operator who trims
    it does so knowingly. Log time is the broker's, so that it is one clock for all producers.
    """
    configuration = {
        "max.message.bytes": str(MESSAGE_BYTES_MAX),
        "message.timestamp.type": "LogAppendTime",
    }
    if compacted:
        return {
            **configuration,
            "cleanup.policy": "compact",
            "segment.bytes": str(64 * 1024 * 1024),
            "min.cleanable.dirty.ratio": "0.1",
        }
    return {
        **configuration,
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "retention.bytes": "-1",
    }
