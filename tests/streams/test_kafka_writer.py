"""The error contract of transactions: what each failure of each call ends in.

The producer here is scripted: it fails as told and notes what it is asked to do. What the genuine
one does when the broker is silent is tried in `test_kafka.py`.
"""

# ruff: noqa: SLF001 - librdkafka's own error codes begin with an underscore

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams import kafka_writer
from streams.kafka_settings import KafkaSettings
from streams.kafka_writer import Writer
from streams.log import Aborted, Fenced, LogError, Unknown

SETTINGS = KafkaSettings(
    brokers="nowhere:1", request_timeout_seconds=2, transaction_timeout_seconds=4
)
POSITIONS = {("usage.v1", 0): 7}

TIMED_OUT = KafkaError(KafkaError._TIMED_OUT, retriable=True)
ABORTABLE = KafkaError(KafkaError.ILLEGAL_GENERATION, txn_requires_abort=True)
RETRIABLE = KafkaError(KafkaError.CONCURRENT_TRANSACTIONS, retriable=True)
FENCED = KafkaError(KafkaError._FENCED, fatal=True)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        """It is some time after the epoch."""
        self.now = 1_000.0

    def monotonic(self) -> float:
        """The time in seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds


class Script:
    """What the producers do: failures to raise, by call, and events between calls."""

    def __init__(self, clock: Clock) -> None:
        """Everything succeeds."""
        self.clock = clock
        self.calls: list[str] = []
        self.failures: dict[str, list[Exception]] = {}
        self.actions: dict[str, Callable[[], None]] = {}
        self.queued = 0
        self.left = 0
        self.error_cb: Callable[[KafkaError], None] = lambda _: None

    def fail(self, call: str, *errors: KafkaError) -> None:
        """Let the next calls of this name raise these errors."""
        self.failures[call] = [KafkaException(error) for error in errors]

    def did(self, call: str) -> None:
        """A call happens."""
        self.calls.append(call)
        if call in self.actions:
            self.actions[call]()
        if self.failures.get(call):
            raise self.failures[call].pop(0)


class ScriptedProducer:
    """A producer that follows a script."""

    def __init__(self, script: Script, configuration: dict[str, Any]) -> None:
        """Take the callback that a genuine producer would call."""
        self._script = script
        script.error_cb = configuration["error_cb"]
        assert configuration["transactional.id"] == "weir-rate-0"

    def init_transactions(self, timeout: float) -> None:
        """Fence the predecessor."""
        assert timeout > 0
        self._script.did("init")

    def begin_transaction(self) -> None:
        """Begin."""
        self._script.did("begin")

    def produce(self, topic: str, value: bytes, key: bytes | None, partition: int) -> None:
        """Queue a message."""
        assert (topic, partition, key) == ("rated.v1", 0, None)
        if self._script.failures.get("full"):
            self._script.failures["full"].pop()
            raise BufferError
        self._script.did(f"produce {value.decode()}")

    def poll(self, timeout: float = 0) -> int:
        """Serve callbacks."""
        self._script.clock.sleep(timeout)
        self._script.failures.setdefault("poll", [])
        if self._script.failures["poll"]:
            raise self._script.failures["poll"].pop(0)
        return 0

    def flush(self, timeout: float) -> int:
        """Wait for the broker."""
        self._script.did("flush")
        return self._script.left

    def send_offsets_to_transaction(self, offsets: list[Any], metadata: object) -> None:
        """Add positions."""
        assert [(o.topic, o.partition, o.offset) for o in offsets] == [("usage.v1", 0, 7)]
        assert metadata == "generation 3"
        self._script.did("offsets")

    def commit_transaction(self) -> None:
        """Commit."""
        self._script.did("commit")

    def abort_transaction(self) -> None:
        """Abort."""
        self._script.did("abort")

    def purge(self, *, blocking: bool) -> None:
        """Forget what is queued."""
        self._script.did("purge")

    def __len__(self) -> int:
        return self._script.queued


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock of the test's own."""
    clock = Clock()
    monkeypatch.setattr(kafka_writer, "time", clock)
    return clock


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Script:
    """A script for all producers of the test."""
    script = Script(clock)

    def producer(configuration: dict[str, Any], logger: object) -> ScriptedProducer:
        assert logger is not None
        return ScriptedProducer(script, configuration)

    monkeypatch.setattr(kafka_writer, "Producer", producer)
    return script


@pytest.fixture
def writer(script: Script) -> Writer:
    """A writer with an open transaction and one message sent."""
    writer = Writer(SETTINGS, "rate")
    writer.begin()
    writer.send("rated.v1", 0, [(None, b"a")])
    assert script.calls == ["init", "begin", "produce a"]
    script.calls.clear()
    return writer


def commit(writer: Writer) -> None:
    """Commit with the positions of all tests."""
    writer.commit(POSITIONS, "generation 3")


def test_commit(writer: Writer, script: Script) -> None:
    """Messages first, then positions, then the commit; the producer serves on."""
    commit(writer)
    assert script.calls == ["flush", "offsets", "commit"]
    writer.begin()
    assert script.calls[3:] == ["begin"]


@pytest.mark.parametrize("call", ["offsets", "commit"])
def test_no_answer_is_unknown(writer: Writer, script: Script, call: str) -> None:
    """A time-out is never repeated and nothing is aborted: the producer goes, a new one comes."""
    script.fail(call, TIMED_OUT)
    with pytest.raises(Unknown):
        commit(writer)
    assert script.calls.count(call) == 1
    assert script.calls[-1] == "purge"
    assert "abort" not in script.calls
    assert not writer.is_usable
    with pytest.raises(Unknown, match="rewind"):
        writer.begin()
    writer.rebuild()
    assert script.calls[-1] == "init"
    assert writer.is_usable


@pytest.mark.parametrize("call", ["offsets", "commit", "abort"])
def test_late_answer_is_unknown(writer: Writer, script: Script, clock: Clock, call: str) -> None:
    """A call that took longer than a request may was perhaps repeated unseen: do not go on."""

    def dawdle() -> None:
        clock.now += 2.5  # a request is given 2 seconds

    script.actions[call] = dawdle
    with pytest.raises(Unknown, match=r"after 2\.5 s"):
        writer.abort() if call == "abort" else commit(writer)
    assert not writer.is_usable


@pytest.mark.parametrize("call", ["offsets", "commit", "abort"])
def test_lost_connection_is_unknown(writer: Writer, script: Script, call: str) -> None:
    """A connection that failed during a call may have lost its request or answer."""
    lost = KafkaError(KafkaError._TRANSPORT)
    script.actions[call] = lambda: script.error_cb(lost)
    with pytest.raises(Unknown, match="connection"):
        writer.abort() if call == "abort" else commit(writer)
    assert not writer.is_usable


def test_connection_lost_between_transactions(writer: Writer, script: Script) -> None:
    """Trouble after a commit was answered leaves no doubt of it; the next one gets a new epoch."""
    commit(writer)
    script.error_cb(KafkaError(KafkaError._TRANSPORT))
    script.calls.clear()
    writer.begin()
    assert script.calls == ["purge", "init", "begin"]
    writer.send("rated.v1", 0, [(None, b"b")])
    commit(writer)


def test_refused_positions_are_aborted(writer: Writer, script: Script) -> None:
    """A member of an old generation is told that nothing happened; its producer serves on."""
    script.fail("offsets", ABORTABLE)
    with pytest.raises(Aborted):
        commit(writer)
    assert script.calls == ["flush", "offsets", "abort"]
    writer.begin()


def test_undelivered_messages_are_aborted(writer: Writer, script: Script) -> None:
    """What the broker has not taken in the transaction's time is given up before any commit."""
    script.left = 1
    with pytest.raises(Aborted):
        commit(writer)
    assert script.calls == ["flush", "abort"]


@pytest.mark.parametrize("error", [TIMED_OUT, ABORTABLE, KafkaError(KafkaError.UNKNOWN)])
def test_failed_abort_is_unknown(writer: Writer, script: Script, error: KafkaError) -> None:
    """Any failure of the abort itself leaves the outcome open."""
    script.fail("offsets", ABORTABLE)
    script.fail("abort", error)
    with pytest.raises(Unknown):
        commit(writer)
    assert not writer.is_usable


def test_commit_that_asks_for_an_abort_is_unknown(writer: Writer, script: Script) -> None:
    """Librdkafka asks for it also when its own time is up and the broker has committed."""
    script.fail("commit", ABORTABLE)
    with pytest.raises(Unknown):
        commit(writer)
    assert "abort" not in script.calls


@pytest.mark.parametrize("call", ["offsets", "commit", "abort"])
def test_broker_that_asks_to_wait(writer: Writer, script: Script, call: str) -> None:
    """A definite and retriable answer means the same call again."""
    script.fail(call, RETRIABLE, RETRIABLE)
    writer.abort() if call == "abort" else commit(writer)
    assert script.calls.count(call) == 3


def test_waiting_ends_with_the_transaction(writer: Writer, script: Script) -> None:
    """A broker that asks to wait for longer than the transaction has leaves the outcome open."""
    script.fail("commit", *[RETRIABLE] * 1000)
    with pytest.raises(Unknown):
        commit(writer)


@pytest.mark.parametrize("call", ["flush", "offsets", "commit", "begin", "produce b", "init"])
def test_fenced(writer: Writer, script: Script, call: str) -> None:
    """Whatever call learns of a successor stops the process."""
    script.fail(call, FENCED)

    def go_on() -> None:
        writer.send("rated.v1", 0, [(None, b"b")])
        commit(writer)
        writer.begin()
        writer.rebuild()

    with pytest.raises(Fenced):
        go_on()
    assert "abort" not in script.calls
    assert not writer.is_usable


def test_fenced_while_serving_callbacks(writer: Writer, script: Script) -> None:
    """A fatal error that surfaces between calls is no less fatal."""
    commit(writer)
    script.failures["poll"] = [KafkaException(FENCED)]
    with pytest.raises(Fenced):
        writer.begin()


def test_full_queue_is_waited_for(writer: Writer, script: Script) -> None:
    """A full queue drains and no message is left out or out of order."""
    script.failures["full"] = [BufferError(), BufferError()]
    writer.send("rated.v1", 0, [(None, b"b"), (None, b"c")])
    assert script.calls == ["produce b", "produce c"]


def test_queue_that_stays_full(writer: Writer, script: Script) -> None:
    """Waiting for room ends with the transaction's time: it is aborted."""
    script.failures["full"] = [BufferError()] * 1000
    with pytest.raises(Aborted, match="timeout"):
        writer.send("rated.v1", 0, [(None, b"b")])
    assert script.calls == ["abort"]


def test_message_that_cannot_be_sent(writer: Writer, script: Script) -> None:
    """A message that would fail again aborts the transaction and stops the loop."""
    script.fail("produce b", KafkaError(KafkaError.MSG_SIZE_TOO_LARGE))
    with pytest.raises(LogError, match=r"rated\.v1\[0\]") as stopped:
        writer.send("rated.v1", 0, [(None, b"b")])
    assert type(stopped.value) is LogError
    assert script.calls == ["produce b", "abort"]
    writer.begin()


def test_transaction_that_failed_before_the_message(writer: Writer, script: Script) -> None:
    """A message that comes too late for its transaction aborts it."""
    script.fail("produce b", KafkaError(KafkaError._STATE))
    with pytest.raises(Aborted):
        writer.send("rated.v1", 0, [(None, b"b")])


def test_silent_broker_at_the_start(writer: Writer, script: Script) -> None:
    """A producer that cannot be initialised is not used; asking again later may succeed."""
    script.fail("init", TIMED_OUT)
    with pytest.raises(Unknown):
        writer.rebuild()
    assert not writer.is_usable
    writer.rebuild()
    assert writer.is_usable


def test_close_aborts_what_is_open(writer: Writer, script: Script) -> None:
    """Leaving aborts, and leaves even when that fails."""
    script.fail("abort", TIMED_OUT)
    writer.close()
    assert script.calls[0] == "abort"
    assert not writer.is_usable


def test_misuse(writer: Writer) -> None:
    """Transactions neither nest nor commit twice."""
    with pytest.raises(LogError, match="open already"):
        writer.begin()
    commit(writer)
    with pytest.raises(LogError, match="no transaction"):
        commit(writer)
    writer.abort()
