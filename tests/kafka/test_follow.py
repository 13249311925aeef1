"""A worker on genuine Kafka follows what masters tell, and settles what waited for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ops.deployed import Deployed, KafkaCluster
from ops.reading import current_reference
from schemas.topics import REFERENCE, USAGE, partition_of
from streams.control.changes import Change
from streams.kafka_admin import KafkaAdmin, KafkaAppender
from streams.kafka_settings import KafkaSettings
from streams.log import Message
from tests.kafka.plugin import JarBroker
from tests.kafka.test_commands import PARTITIONS, PATIENCE_SECONDS, weir
from tests.kafka.test_reload import wait_for, worker
from tests.ops import books
from tests.ops.masters import agreement, product, unknown_deck
from tests.ops.test_follow import CASA, SPAIN, gigabytes

pytestmark = pytest.mark.kafka


class Log:
    """What the test puts on the log, and what it finds there."""

    def __init__(self, brokers: str, reference: Path) -> None:
        """The topics exist."""
        settings = KafkaSettings(brokers=brokers)
        KafkaAdmin(settings).create_topics(PARTITIONS, PARTITIONS)
        self._settings = settings
        self._deployed = Deployed(KafkaCluster(settings), [reference])

    def tell(self, *changes: Change) -> None:
        """Put changes where the control hop does."""
        with KafkaAppender(self._settings) as appender:
            appender.append(REFERENCE.name, 0, [(c.key, c.to_bytes()) for c in changes])

    def send(self, *usage: Message) -> None:
        """Put usage of one source on its partition."""
        with KafkaAppender(self._settings) as appender:
            appender.append(USAGE.name, partition_of("msc-1", PARTITIONS), usage)

    def comes_to(self, **outcomes: int) -> Callable[[], bool]:
        """Whether so many events have each outcome."""
        return lambda: {o: n for (o, _), n in self._deployed.outcomes().items()} == outcomes


def until(happens: Callable[[], bool]) -> None:
    """Wait for something."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_what_waited_is_settled_by_itself(own_broker: JarBroker, tmp_path: Path) -> None:
    """Usage of two products comes before anybody told of them; one contract of two is wrong.

    The good one is in force without a command and without a new start, and the wrong one once it is
    mended. A worker that starts anew knows all of it. Everything verifies by the references kept.
    """
    brokers, data = own_broker.address, tmp_path / "data"
    reference = books.reference(tmp_path / "reference")
    log = Log(brokers, reference)
    bad = agreement("S-9", "SPAIN", [unknown_deck()])
    with worker(brokers, reference, data) as lines:
        wait_for(lines, "started")
        log.send(gigabytes(1, "P-1"), gigabytes(2, "P-9"))
        until(log.comes_to(suspended=2))
        log.tell(*CASA, SPAIN[0], bad, SPAIN[2])
        assert "S-9" in wait_for(lines, "held back")
        wait_for(lines, "reference in force")
        until(log.comes_to(rated=1, suspended=1))
        log.tell(agreement("S-9", "SPAIN", at=1))
        until(log.comes_to(rated=2))
    with worker(brokers, reference, data) as lines:
        wait_for(lines, "started")
        log.send(gigabytes(3, "P-1"))
        until(log.comes_to(rated=3))
        log.tell(product("P-2", "C-1"))
        log.send(gigabytes(4, "P-2"))
        until(log.comes_to(rated=4))
    newest = current_reference(data)
    kept = [path for path in (data / "reference").iterdir() if path.is_dir() and path != newest]
    references = [part for path in [*kept, newest] for part in ("--reference", path)]
    assert "0 differences" in weir("verify", "--brokers", brokers, *references).stdout
