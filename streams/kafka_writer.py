"""The transactional producer of a hop, and what its errors mean.

A transaction ends in one of three ways. The broker's answer says that it happened or that it did
not: then the next one may begin. Or there is no such answer, or one so late that the client may
have repeated the request unseen: then the producer is destroyed, because a stray request of this
transaction could still end the next one. Its successor with the same transactional id raises the
epoch, which fences whatever is still under way. Or the broker refuses this producer for good,
because a successor has done just that: then this process must not write any more.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import TopicPartition as KafkaTopicPartition

from streams.kafka_errors import NOT_NOW, SERVE_ERRORS, Verdict, error_of, judge
from streams.kafka_settings import KafkaSettings
from streams.log import Aborted, Fenced, LogError, Message, TopicPartition, Unknown

LOGGER = logging.getLogger("weir.kafka")

# How long a full send queue is given to drain before it is looked at again.
QUEUE_FULL_SECONDS = 0.05
RETRY_SECONDS = 0.05


class _FailedError(Exception):
    """A transactional call failed; internal to the writer."""

    def __init__(self, call: str, verdict: Verdict, error: object) -> None:
        super().__init__(f"{call}: {error}")
        self.verdict = verdict


class Writer:
    """One transactional producer that is replaced by a new one whenever an outcome is unknown."""

    def __init__(self, settings: KafkaSettings, hop: str) -> None:
        self._settings = settings
        self._hop = hop
        self._producer: Producer | None = None
        self._is_open = False
        self._began = 0.0
        # A transport event means that librdkafka may have repeated a request out of our sight.
        self._doubt: str | None = None
        self.rebuild()

    @property
    def is_usable(self) -> bool:
        """False once an outcome was unknown, until `rebuild`."""
        return self._producer is not None

    def rebuild(self) -> None:
        """Replace the producer by one of the next epoch; everything of the old one is fenced.

        Raises:
            Unknown: the broker did not answer; ask again later.
            Fenced: the broker refuses this transactional id.
        """
        self.discard()
        configuration: dict[str, Any] = {
            **self._settings.transactional_writer(self._hop),
            "error_cb": self._on_error,
        }
        producer = Producer(configuration, logger=LOGGER)
        try:
            producer.init_transactions(self._settings.transaction_timeout_seconds * 2)
            producer.poll(0)
        except SERVE_ERRORS as exception:
            error = error_of(exception)
            message = f"init_transactions of {self._settings.transactional_id(self._hop)}: {error}"
            if judge(error) is Verdict.STOP:
                raise Fenced(message) from exception
            raise Unknown(message) from exception
        self._doubt = None
        self._producer = producer

    def begin(self) -> None:
        """Open a transaction, with a new producer when the old one is in doubt."""
        if self._is_open:
            message = "Invariant: a transaction is open already"
            raise LogError(message)
        producer = self._usable()
        try:
            self._serve(producer)
            if self._doubt is not None:
                self.rebuild()
                producer = self._usable()
            producer.begin_transaction()
        except SERVE_ERRORS as exception:
            self._raise(_failure("begin_transaction", exception))
        except _FailedError as failure:
            self._raise(failure)
        self._began = time.monotonic()
        self._is_open = True

    def send(self, topic: str, partition: int, messages: Sequence[Message]) -> None:
        """Queue messages for one partition, in order, waiting whenever the queue is full."""
        producer = self._open()
        produce = producer.produce
        for key, value in messages:
            while True:
                try:
                    produce(topic, value, key, partition)
                    break
                except BufferError:
                    self._wait_for_room(producer)
                except SERVE_ERRORS as exception:
                    self._refuse(f"produce to {topic}[{partition}]", error_of(exception))

    def commit(self, positions: Mapping[TopicPartition, int], group_metadata: object) -> None:
        """Commit messages and positions as one; see `Log.commit`."""
        producer = self._open()
        offsets = [
            KafkaTopicPartition(topic, partition, offset)
            for (topic, partition), offset in positions.items()
        ]
        try:
            self._flush(producer)
            self._call(
                "send_offsets_to_transaction",
                lambda: producer.send_offsets_to_transaction(offsets, group_metadata),
            )
        except _FailedError as failure:
            self._give_up(failure)
        try:
            self._call("commit_transaction", producer.commit_transaction)
        except _FailedError as failure:
            self._is_open = False
            # Here an error that asks for an abort proves nothing: librdkafka raises it also for a
            # transaction that failed locally while its commit was applied by the broker.
            if failure.verdict is Verdict.ABORT:
                failure.verdict = Verdict.REBUILD
            self._raise(failure)
        self._is_open = False
        if len(producer) != 0:
            message = "Invariant: a committed transaction has no message left to send"
            raise LogError(message)

    def abort(self) -> None:
        """Give up the open transaction, if there is one.

        Raises:
            Unknown, Fenced: the abort itself failed.
        """
        if not self._is_open:
            return
        producer = self._open()
        self._is_open = False
        try:
            self._call("abort_transaction", producer.abort_transaction)
        except _FailedError as failure:
            # Any failure of an abort is indefinite, unless it is fatal.
            if failure.verdict is not Verdict.STOP:
                failure.verdict = Verdict.REBUILD
            self._raise(failure)

    def discard(self) -> None:
        """Let the producer go; `rebuild` makes the next one."""
        self._is_open = False
        if self._producer is not None:
            # Neither flush nor close: both could still end a transaction whose outcome is open.
            self._producer.purge(blocking=False)
            self._producer = None

    def close(self) -> None:
        """Abort what is open as far as the broker answers, and free the producer."""
        try:
            self.abort()
        except LogError as error:
            LOGGER.warning("closing %s: %s", self._settings.transactional_id(self._hop), error)
        self.discard()

    def _call(self, name: str, function: Callable[[], None]) -> None:
        """One transactional call under the error contract."""
        while True:
            started = time.monotonic()
            try:
                function()
            except SERVE_ERRORS as exception:
                failure = _failure(name, exception)
                if failure.verdict is Verdict.RETRY and self._remaining() > 0:
                    time.sleep(RETRY_SECONDS)
                    continue
                raise failure from exception
            self._serve(self._usable())
            elapsed = time.monotonic() - started
            if elapsed > self._settings.request_timeout_seconds:
                raise _FailedError(name, Verdict.REBUILD, f"answered only after {elapsed:.1f} s")
            if self._doubt is not None:
                raise _FailedError(name, Verdict.REBUILD, f"a connection failed: {self._doubt}")
            return

    def _flush(self, producer: Producer) -> None:
        """Wait until every message is with the broker; nothing has been decided yet.

        A message that was refused makes the next transactional call ask for an abort.
        """
        try:
            left = producer.flush(max(self._remaining(), 0))
        except SERVE_ERRORS as exception:
            raise _failure("flush", exception) from exception
        if left:
            raise _FailedError("flush", Verdict.ABORT, f"{left} messages were not taken in time")

    def _serve(self, producer: Producer, timeout_seconds: float = 0) -> None:
        """Let librdkafka tell what happened meanwhile."""
        try:
            producer.poll(timeout_seconds)
        except SERVE_ERRORS as exception:
            raise _failure("poll", exception) from exception

    def _refuse(self, call: str, error: KafkaError) -> None:
        """End a transaction one message of which cannot be sent; always raises."""
        if judge(error) is Verdict.STOP:
            self._give_up(_FailedError(call, Verdict.STOP, error))
        if error.code() == NOT_NOW:
            self._give_up(_FailedError(call, Verdict.ABORT, error))
        # Too large, or for a topic that is not there: sent again it would fail again.
        self.abort()
        message = f"{call}: {error}"
        raise LogError(message)

    def _give_up(self, failure: _FailedError) -> None:
        """End a transaction whose commit has not been asked for; always raises."""
        if failure.verdict is Verdict.RETRY:
            failure.verdict = Verdict.REBUILD
        if failure.verdict is Verdict.ABORT:
            self.abort()
        self._is_open = False
        self._raise(failure)

    def _raise(self, failure: _FailedError) -> None:
        """The failure as the loop knows it; an unusable producer is destroyed."""
        if failure.verdict is Verdict.ABORT:
            raise Aborted(str(failure)) from failure
        self.discard()
        if failure.verdict is Verdict.STOP:
            raise Fenced(str(failure)) from failure
        raise Unknown(str(failure)) from failure

    def _wait_for_room(self, producer: Producer) -> None:
        """Let a full queue drain, as long as the transaction has time."""
        try:
            self._serve(producer, QUEUE_FULL_SECONDS)
        except _FailedError as failure:
            self._give_up(failure)
        if self._remaining() <= 0:
            self._give_up(_FailedError("send", Verdict.ABORT, "the transaction timeout has passed"))

    def _remaining(self) -> float:
        """Seconds until the broker gives this transaction up."""
        return self._began + self._settings.transaction_timeout_seconds - time.monotonic()

    def _usable(self) -> Producer:
        """The producer, when there is one."""
        if self._producer is None:
            message = "the outcome of a transaction is unknown: rewind before going on"
            raise Unknown(message)
        return self._producer

    def _open(self) -> Producer:
        """The producer, when a transaction is open."""
        if not self._is_open:
            message = "Invariant: no transaction is open"
            raise LogError(message)
        return self._usable()

    def _on_error(self, error: KafkaError) -> None:
        """Librdkafka reports a failed connection or request."""
        self._doubt = str(error)


def _failure(call: str, exception: KafkaException | SystemError) -> _FailedError:
    """The failure of a call with its verdict."""
    error = error_of(exception)
    return _FailedError(call, judge(error), error)
