"""What Kafka's errors mean: the verdicts on transactional calls and on reading."""

# ruff: noqa: SLF001 - librdkafka's own error codes begin with an underscore

from __future__ import annotations

import logging

import pytest
from confluent_kafka import KafkaError, KafkaException, Message

from streams.kafka_errors import (
    PositionError,
    Verdict,
    check_read_error,
    error_of,
    judge,
    read_failure,
)
from streams.log import Fenced, LogError


def error(
    code: int, *, fatal: bool = False, retriable: bool = False, abort: bool = False
) -> KafkaError:
    """An error as librdkafka raises it."""
    return KafkaError(code, "of a test", fatal, retriable, abort)


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        # The broker has answered: again.
        (error(KafkaError.COORDINATOR_LOAD_IN_PROGRESS, retriable=True), Verdict.RETRY),
        (error(KafkaError.CONCURRENT_TRANSACTIONS, retriable=True), Verdict.RETRY),
        # The broker has answered: it did not happen.
        (error(KafkaError.ILLEGAL_GENERATION, abort=True), Verdict.ABORT),
        (error(KafkaError.UNKNOWN_MEMBER_ID, abort=True), Verdict.ABORT),
        # No answer, whatever else librdkafka says of it.
        (error(KafkaError._TIMED_OUT), Verdict.REBUILD),
        (error(KafkaError._TIMED_OUT, retriable=True), Verdict.REBUILD),
        (error(KafkaError._TIMED_OUT, abort=True), Verdict.REBUILD),
        (error(KafkaError._TRANSPORT, retriable=True), Verdict.REBUILD),
        (error(KafkaError.REQUEST_TIMED_OUT, retriable=True), Verdict.REBUILD),
        (error(KafkaError.NETWORK_EXCEPTION, retriable=True), Verdict.REBUILD),
        # Nothing known of it: the careful way.
        (error(KafkaError.UNKNOWN), Verdict.REBUILD),
        # A successor is at work, or librdkafka has given up.
        (error(KafkaError._FENCED, fatal=True), Verdict.STOP),
        (error(KafkaError.INVALID_PRODUCER_EPOCH), Verdict.STOP),
        (error(KafkaError.FENCED_INSTANCE_ID, abort=True), Verdict.STOP),
        (error(KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, fatal=True), Verdict.STOP),
        (error(KafkaError._TIMED_OUT, fatal=True), Verdict.STOP),
    ],
)
def test_verdict(given: KafkaError, verdict: Verdict) -> None:
    """Only the broker's own answer allows a repetition or an abort."""
    assert judge(given) is verdict


def test_error_behind_an_exception() -> None:
    """A fatal error is found where a callback stumbled over it; other failures stay themselves."""
    fatal = error(KafkaError._FENCED, fatal=True)
    assert error_of(KafkaException(fatal)) is fatal
    stumbled = SystemError("returned a result with an exception set")
    stumbled.__cause__ = KafkaException(fatal)
    assert error_of(stumbled) is fatal
    with pytest.raises(SystemError, match="something else"):
        error_of(SystemError("something else"))


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (error(KafkaError.FENCED_INSTANCE_ID), Fenced),
        (error(KafkaError._FATAL, fatal=True), Fenced),
        (error(KafkaError._AUTO_OFFSET_RESET), PositionError),
        (error(KafkaError.OFFSET_OUT_OF_RANGE), PositionError),
        (error(KafkaError.TOPIC_AUTHORIZATION_FAILED), LogError),
        (error(KafkaError.UNKNOWN_TOPIC_OR_PART), LogError),
    ],
)
def test_reading_cannot_go_on(given: KafkaError, kind: type[LogError]) -> None:
    """A position outside the log, a fenced name or a forbidden topic stops the reader."""
    with pytest.raises(LogError) as stopped:
        check_read_error(given, Message(topic="usage.v1", partition=2, error=given))
    assert type(stopped.value) is kind


def test_passing_trouble_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """What librdkafka mends by itself is said and left to it."""
    given = error(KafkaError._MAX_POLL_EXCEEDED)
    with caplog.at_level(logging.WARNING, "weir.kafka"):
        check_read_error(given, Message(topic="usage.v1", partition=2, error=given))
    assert "usage.v1[2]" in caplog.text


def test_raised_read_errors() -> None:
    """An error raised by a reading call stops the process; a fenced one says so."""
    assert type(read_failure(error(KafkaError.FENCED_INSTANCE_ID))) is Fenced
    assert type(read_failure(error(KafkaError._TRANSPORT))) is LogError
