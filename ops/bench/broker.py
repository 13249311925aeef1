"""A broker to measure on: a given one, or a genuine Apache Kafka started for the run."""

from __future__ import annotations

import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from schemas.topics import USAGE
from streams.kafka_admin import KafkaAdmin, KafkaAppender
from streams.kafka_reader import Bounds
from streams.kafka_settings import KafkaSettings
from streams.log import Message

SCRIPT = Path(__file__).parents[2] / "scripts" / "kafka.sh"
USAGE_PARTITIONS = 4
SETTLEMENT_PARTITIONS = 4


@contextmanager
def broker(given: str | None) -> Iterator[str]:
    """The address of a broker; one that was started here is stopped and wiped at the end."""
    if given is not None:
        yield given
        return
    if not SCRIPT.exists():
        msg = "a broker can only be started from a checkout: give one with --brokers HOST:PORT"
        raise FileNotFoundError(msg)
    with tempfile.TemporaryDirectory() as directory:
        port = free_port()
        script("start", directory, str(port))
        try:
            yield f"127.0.0.1:{port}"
        finally:
            script("wipe", directory)


def script(*arguments: str) -> None:
    """A command of scripts/kafka.sh."""
    command = [str(SCRIPT), *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own script


def free_port() -> int:
    """A port with a free one above it, for broker and controller."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def create_topics(brokers: str, group: str) -> KafkaSettings:
    """Weir's topics on an empty broker; the settings to use them with.

    Raises:
        ValueError: there is usage on the broker already: a benchmark needs one of its own.
    """
    settings = KafkaSettings(brokers=brokers, group_prefix=group)
    KafkaAdmin(settings).create_topics(USAGE_PARTITIONS, SETTLEMENT_PARTITIONS)
    if any(ends(settings).values()):
        msg = f"{brokers} has usage on it: measure on an empty broker"
        raise ValueError(msg)
    return settings


def send(settings: KafkaSettings, batches: Sequence[Sequence[Message]]) -> dict[int, int]:
    """Put messages on `usage.v1`, a sequence for each partition; returns the next offsets."""
    with KafkaAppender(settings) as appender:
        for partition, messages in enumerate(batches):
            appender.send(USAGE.name, partition, messages)
        appender.flush()
    return ends(settings)


def ends(settings: KafkaSettings) -> dict[int, int]:
    """The next offset of each partition of usage."""
    places = [(USAGE.name, p) for p in range(USAGE_PARTITIONS)]
    return {p: end for (_, p), (_, end) in Bounds(settings, "bench").of(places).items()}
