"""What masters tell on genuine Kafka comes out, whatever is done to those who take it in."""

from __future__ import annotations

import asyncio
import json
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Self

import pytest
from confluent_kafka import Consumer, TopicPartition

from ops.deployed import Deployed, KafkaCluster
from schemas.topics import AGREEMENT, EXCEPTIONS, ORDER, PARTY, REFERENCE
from streams.control.changes import Change, Place, Refusal
from streams.control.faust_app import _run
from streams.control.intake import Intake
from streams.control.taking import Memory
from streams.kafka_admin import KafkaAdmin, KafkaAppender
from streams.kafka_settings import KafkaSettings
from streams.log import LogError, Message
from tests.kafka.plugin import JarBroker
from tests.kafka.test_commands import PATIENCE_SECONDS, ROOT, as_json, weir
from tests.notices import broken, of_topic, told

pytestmark = pytest.mark.kafka

Found = tuple[dict[bytes, str], dict[bytes, bytes]]  # places of changes, bytes of exceptions

NOTIFICATIONS = 2_000
KILLS = 5
SESSION_SECONDS = 2


def found(brokers: str) -> Found:
    """What is on the two topics: where each change was told first, and what was refused."""
    deployed = Deployed(KafkaCluster(KafkaSettings(brokers=brokers)), [])
    changes = {key: value for _, key, value in deployed.latest(REFERENCE.name)}
    exceptions = {key: value for _, key, value in deployed.latest(EXCEPTIONS.name)}
    return (
        {key: Change.from_bytes(value).position for key, value in changes.items()},
        {key: Refusal.from_bytes(value).message for key, value in exceptions.items()},
    )


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


class Masters:
    """Masters of parties, contracts and orders that repeat themselves and make mistakes."""

    def __init__(self, brokers: str) -> None:
        KafkaAdmin(KafkaSettings(brokers=brokers)).create_topics(1, 1)
        self.chance = random.Random(5)
        self.memory = Memory()
        self.sent: Counter[str] = Counter()
        self.changes: dict[bytes, str] = {}
        self.exceptions: dict[bytes, bytes] = {}
        self._appender = KafkaAppender(KafkaSettings(brokers=brokers))

    def tell(self, count: int) -> None:
        """Send so many notifications, and note what they must lead to."""
        for _ in range(count):
            topic = self.chance.choice([PARTY.name, AGREEMENT.name, ORDER.name])
            number = self.chance.randrange(600)
            is_bad = self.chance.random() < 1 / 20
            told_now = of_topic(topic, str(number), self.chance.randrange(3))
            value = broken(number % 20) if is_bad else told_now
            self._appender.send(topic, 0, [(b"%d" % number, value)])
            place = Place(topic, 0, self.sent[topic], 0, self.sent.total())
            self.sent[topic] += 1
            delta = self.memory.take([(value, place)])
            self.memory.apply(delta)
            for key, message in delta.reference.items():
                self.changes[key] = Change.from_bytes(message).position
            for key, refused in delta.refused.items():
                assert refused is not None  # one reader: what it has refused it refuses again
                self.exceptions[key] = Refusal.from_bytes(refused).message
        self._appender.flush()

    @property
    def expected(self) -> Found:
        """What the two topics must hold."""
        return self.changes, self.exceptions


class Worker:
    """A process that takes changes in; its name in the group is made anew each time."""

    def __init__(self, brokers: str) -> None:
        settings = KafkaSettings(brokers=brokers, session_timeout_seconds=SESSION_SECONDS)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.kafka.controller", json.dumps(asdict(settings))],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )

        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._follow)
        self._reader.start()

    def _follow(self) -> None:
        """Hand on every line that it prints."""
        for line in self.process.stdout or ():
            self._lines.put(line)

    def wait_for_batch(self) -> None:
        """Wait until it says that something is durable."""
        assert self._lines.get(timeout=PATIENCE_SECONDS).startswith("batch ")

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait; the exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.mark.slow
def test_killed_five_times_nothing_is_lost_or_told_twice(own_broker: JarBroker) -> None:
    """With kill -9 at any moment, and then beside a second one that joins and leaves.

    Every change is there under the place at which it was told first, and every refusal once.
    """
    brokers = own_broker.address
    masters = Masters(brokers)
    share = NOTIFICATIONS // (KILLS + 3)
    for _ in range(KILLS):
        masters.tell(share // 2)
        with Worker(brokers) as worker:
            worker.wait_for_batch()
            masters.tell(share // 2)
            time.sleep(masters.chance.uniform(0, 0.03))
            assert worker.end(signal.SIGKILL) == -signal.SIGKILL
    with ExitStack() as stack:
        first = stack.enter_context(Worker(brokers))
        masters.tell(share)
        first.wait_for_batch()
        second = stack.enter_context(Worker(brokers))
        for _ in range(20):
            masters.tell(share // 20)
            time.sleep(0.2)
        assert second.end(signal.SIGTERM) == 0
        masters.tell(share)
        wait_until(lambda: found(brokers) == masters.expected)
        assert first.end(signal.SIGTERM) == 0
    assert len(masters.changes) > 1_000
    assert masters.exceptions


@contextmanager
def worker_of_users(brokers: str, directory: Path) -> Iterator[None]:
    """`weir worker control`, as users start it."""
    program = "from ops.cli import main; main()"
    command = [sys.executable, "-c", program, "worker", "control", "--brokers", brokers]
    process = subprocess.Popen(
        [*command, "--metrics-port", "0"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0


def acknowledged(brokers: str, topic: str) -> int:
    """The next offset that the group of control workers has committed, 0 for none."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "weir-control"})
    try:
        (answer,) = consumer.committed([TopicPartition(topic, 0)], PATIENCE_SECONDS)
    finally:
        consumer.close()
    return max(0, answer.offset)


def refuse_to_write(topic: str, messages: Sequence[Message]) -> None:
    """A topic that cannot be written to."""
    msg = f"{len(messages)} messages of {topic} were not confirmed"
    raise LogError(msg)


def test_what_is_not_confirmed_is_not_acknowledged(own_broker: JarBroker, tmp_path: Path) -> None:
    """The process ends saying so, and the next one takes the same notification."""
    brokers = own_broker.address
    masters = Masters(brokers)
    masters.tell(10)
    intake = Intake(lambda _, offset: ([], offset), refuse_to_write)
    member = _run(
        KafkaSettings(brokers=brokers), intake, tmp_path, threading.Event(), lambda *_: None
    )
    with pytest.raises(LogError, match="were not confirmed"):
        asyncio.run(member)
    assert [acknowledged(brokers, topic) for topic in masters.sent] == [0, 0, 0]
    with Worker(brokers) as worker:
        wait_until(lambda: found(brokers) == masters.expected)
        assert worker.end(signal.SIGTERM) == 0
    assert {t: acknowledged(brokers, t) for t in masters.sent} == dict(masters.sent)


def test_commands_and_worker(own_broker: JarBroker, tmp_path: Path) -> None:
    """Sent by a command, taken by the worker; an exception that can be read now is closed."""
    brokers = own_broker.address
    KafkaAdmin(KafkaSettings(brokers=brokers)).create_topics(1, 1)
    on_kafka = ("--brokers", brokers)
    learnt = Refusal("unknown_event", "is not known", "party.v1/0/9/0", 5, told("9"))
    with KafkaAppender(KafkaSettings(brokers=brokers)) as appender:
        appender.append(EXCEPTIONS.name, 0, [(learnt.key, learnt.to_bytes())])
    file, empty = tmp_path / "parties.jsonl", tmp_path / "empty"
    file.write_bytes(told("1") + b"\n" + broken(1) + b"\n" + told("2"))
    empty.mkdir()
    with worker_of_users(brokers, empty):
        sent = as_json("change", "send", file, "--stream", "party", *on_kafka)
        assert sent == [{"topic": "party.v1", "sent": 3}]
        wait_until(lambda: len(found(brokers)[0]) == 2)
        listed = as_json("exceptions", "list", *on_kafka)
        assert [row["position"] for row in listed] == ["party.v1/0/9/0", "party.v1/0/1/0"]
        replayed = weir("exceptions", "replay", *on_kafka).stderr
        assert "weir worker control" in replayed
        wait_until(lambda: set(found(brokers)[1]) == {b"party.v1/0/1/0"})
        assert len(found(brokers)[0]) == 3
    assert list(empty.iterdir()) == []
