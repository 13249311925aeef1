"""What Kafka's errors mean to Weir: the one place where librdkafka's codes are read.

For a transaction only one question matters: has the broker answered, or not? Librdkafka calls many
time-outs retriable, but the request it gave up may still arrive, and then it ends whichever
transaction is open. So a time-out is never repeated; see `judge`.
"""

from __future__ import annotations

import logging
from enum import Enum

from confluent_kafka import KafkaError, KafkaException, Message

from streams.log import Fenced, LogError

LOGGER = logging.getLogger("weir.kafka")

# The transaction has failed already: nothing more is taken for it.
NOT_NOW = KafkaError._STATE

END_OF_PARTITION = KafkaError._PARTITION_EOF

# No answer, or an answer that says nothing about this request.
INDEFINITE_CODES = frozenset(
    {
        KafkaError._TIMED_OUT,
        KafkaError._TIMED_OUT_QUEUE,
        KafkaError._MSG_TIMED_OUT,
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._RESOLVE,
        KafkaError._WAIT_COORD,
        KafkaError._OUTDATED,
        KafkaError._DESTROY,
        KafkaError._IN_PROGRESS,
        KafkaError._PREV_IN_PROGRESS,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.NETWORK_EXCEPTION,
    }
)

# A successor with the same transactional id or static member name is at work, or librdkafka has
# given this client up.
FENCED_CODES = frozenset(
    {
        KafkaError._FENCED,
        KafkaError._FATAL,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.PRODUCER_FENCED,
        KafkaError.FENCED_INSTANCE_ID,
    }
)

OUTSIDE_CODES = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})

UNREADABLE_CODES = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.INCONSISTENT_GROUP_PROTOCOL,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError._UNKNOWN_TOPIC,
    }
)


# What a call that serves callbacks may raise; see `error_of`.
SERVE_ERRORS = (KafkaException, SystemError)


class PositionError(LogError):
    """A position is outside its log: messages are gone or were never there. Stop and look."""


class Verdict(Enum):
    """What to do after a failed transactional call."""

    RETRY = "the same call again"
    ABORT = "abort, and read the batch again"
    REBUILD = "destroy the producer: the outcome is unknown"
    STOP = "stop the process: another owner is right"


def error_of(exception: KafkaException | SystemError) -> KafkaError:
    """The error that an exception of the client carries.

    A fatal error surfaces in whichever call serves callbacks. The client sets its exception before
    it runs the callbacks still due, and when one of these stumbles over that, the interpreter
    reports a SystemError with the true exception as its cause: `SERVE_ERRORS` names both.
    """
    cause = exception if isinstance(exception, KafkaException) else exception.__cause__
    if isinstance(cause, KafkaException) and isinstance(cause.args[0], KafkaError):
        return cause.args[0]
    raise exception


def judge(error: KafkaError) -> Verdict:
    """The verdict on an error of a transactional call.

    A time-out is indefinite even where librdkafka calls it retriable or abortable. What is neither
    definite nor named counts as indefinite too.
    """
    if error.code() in FENCED_CODES or error.fatal():
        return Verdict.STOP
    if error.code() in INDEFINITE_CODES:
        return Verdict.REBUILD
    if error.txn_requires_abort():
        return Verdict.ABORT
    if error.retriable():
        return Verdict.RETRY
    return Verdict.REBUILD


def read_failure(error: KafkaError) -> LogError:
    """An error raised by a reading call, as the loop knows it."""
    if error.code() in FENCED_CODES or error.fatal():
        return Fenced(f"this member is fenced: {error}")
    return LogError(f"cannot read: {error}")


def check_read_error(error: KafkaError, message: Message) -> None:
    """Raise when an error among consumed messages means that reading cannot go on.

    What librdkafka mends by itself (a broker restarting, a leader moving, a group to be joined
    again) is logged and left to it.

    Raises:
        Fenced: this member's name is used by another one.
        PositionError: the log does not hold the position.
        LogError: the topic or the group may not be read.
    """
    place = f"{message.topic()}[{message.partition()}]"
    if error.code() in FENCED_CODES or error.fatal():
        raise read_failure(error)
    if error.code() in OUTSIDE_CODES:
        text = f"{place} does not hold the position to read from: {error}"
        raise PositionError(text)
    if error.code() in UNREADABLE_CODES:
        text = f"{place} cannot be read: {error}"
        raise LogError(text)
    LOGGER.warning("reading %s: %s", place, error)
