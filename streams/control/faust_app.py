"""Faust on Kafka: the six topics that masters write to, read at least once.

Faust brings the member of a consumer group: who reads which topic, from where, and what happens
when a process joins or ends. It decides nothing. Events go in the order in which they come into one
queue, and all that wait there are taken as one batch to `Intake`, which is not Faust's. An event is
acknowledged when what it leads to is confirmed, and only then; an error ends the process without
acknowledging anything, so that the next one reads the batch again.

Three of Faust's ways are set aside. It acknowledges an event whose handling failed: here streams do
not acknowledge. It acknowledges what it skips while partitions move: here every message has one
more holder, who lets go when it was taken (`HeldTopic`). Its tables, web server, topic creation and
leader election are not used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event as Flag
from typing import Any

import faust

from schemas.topics import CONTROL_PARTITIONS, EXCEPTIONS, REFERENCE
from streams.control.changes import Place
from streams.control.control_hop import ControlHop
from streams.control.intake import Intake
from streams.control.taking import Delta
from streams.kafka_admin import KafkaAppender
from streams.kafka_reader import Bounds, read_through
from streams.kafka_settings import KafkaSettings
from streams.log import LogError, Message, Segment

BATCH_MESSAGES_MAX = 500
WAITING_MESSAGES_MAX = 2_000
COMMIT_SECONDS = 0.5
LOOK_SECONDS = 0.02

Observe = Callable[[Delta, Intake], None]


class HeldTopic(faust.Topic):
    """A topic whose messages are acknowledged when this program says so, and at no other time."""

    def _compile_decode(self) -> None:
        """Faust makes a topic's `decode` here; each message that goes through gets a holder."""
        super()._compile_decode()
        plain: Any = self.decode

        async def held(message: Any, *, propagate: bool = False) -> Any:  # noqa: ANN401
            message.incref()
            return await plain(message, propagate=propagate)

        self.decode = held  # type: ignore[method-assign]


class Member:
    """One member of the group, from its start to its end."""

    def __init__(self, app: Any, intake: Intake, observe: Observe) -> None:  # noqa: ANN401
        """Made within the event loop that it runs in."""
        self._intake = intake
        self._observe = observe
        self._queue: asyncio.Queue[Any] = asyncio.Queue(WAITING_MESSAGES_MAX)
        self._has_learnt = False
        self.app = app
        self.app.on_partitions_assigned.connect(self._assigned)
        topic = self.app.topic(*ControlHop.inputs, value_type=bytes, value_serializer="raw")
        self.app.agent(topic, name=ControlHop.name)(self._gather)

    async def _assigned(self, app: Any, assigned: Any, **_: Any) -> None:  # noqa: ANN401
        """Others may have taken changes in since: learn what, before anything else is taken."""
        self._has_learnt = False

    async def _gather(self, stream: Any) -> None:  # noqa: ANN401
        """Put every event into the queue; this is all that an agent does."""
        async for event in stream.noack().events():
            await self._queue.put(event)

    async def take(self, stop: Flag) -> None:
        """Take in what waits in the queue, batch by batch, until told to stop or Faust has ended.

        Raises:
            LogError: a batch is not confirmed; it was not acknowledged.
        """
        starting = asyncio.create_task(self.app.start())
        while not (stop.is_set() or self.app.crashed or _has_failed(starting)):
            if self._queue.empty():
                await asyncio.sleep(LOOK_SECONDS)
                continue
            count = min(self._queue.qsize(), BATCH_MESSAGES_MAX)
            events = [self._queue.get_nowait() for _ in range(count)]
            if not self._has_learnt:
                self._has_learnt = True
                await asyncio.to_thread(self._intake.learn)
            messages = [(event.message.value, place_of(event.message)) for event in events]
            delta = await asyncio.to_thread(self._intake.take, messages)
            for event in events:
                event.message.ack(self.app.consumer, n=2)
            self._observe(delta, self._intake)
        failure = self.app.crash_reason or (starting.exception() if starting.done() else None)
        if failure is not None:
            message = f"Faust has ended: {failure!r}"
            raise LogError(message) from failure


def _has_failed(starting: asyncio.Task[None]) -> bool:
    """Whether Faust could not be started."""
    return starting.done() and starting.exception() is not None


def place_of(message: Any) -> Place:  # noqa: ANN401 - a message of Faust's
    """Where a message stands; the log's time comes in seconds, told to the thousandth."""
    known_us = round(message.timestamp * 1_000) * 1_000
    return Place(message.topic, message.partition, message.offset, 0, known_us)


def run(settings: KafkaSettings, stop: Flag, observe: Observe) -> None:
    """Take changes in until `stop` is set.

    Args:
        settings: brokers, group, slot and times; any number of processes share the topics.
        stop: set from anywhere.
        observe: told of each batch that is durable.

    Raises:
        LogError: topics are missing, brokers do not answer, or what was written is not confirmed.
    """
    bounds = Bounds(settings, ControlHop.name)
    for topic in (*ControlHop.inputs, REFERENCE.name, EXCEPTIONS.name):
        bounds.partitions(topic)  # says which one is missing, which Faust would wait for

    def rest(topic: str, offset: int) -> tuple[list[Segment], int]:
        span = bounds.of([(topic, 0)])[topic, 0]
        return list(read_through(settings, (topic, 0), span, offset)), span[1]

    # Faust makes a directory for its tables, of which there are none.
    with KafkaAppender(settings) as appender, TemporaryDirectory(prefix="weir-control-") as unused:

        def write(topic: str, messages: Sequence[Message]) -> None:
            appender.append(topic, 0, messages)

        asyncio.run(_run(settings, Intake(rest, write), Path(unused), stop, observe))


async def _run(
    settings: KafkaSettings, intake: Intake, unused: Path, stop: Flag, observe: Observe
) -> None:
    """A member from its start to its end."""
    member = Member(_app(settings, unused), intake, observe)
    try:
        await member.take(stop)
    finally:
        await member.app.stop()


def _app(settings: KafkaSettings, unused: Path) -> Any:  # noqa: ANN401
    """Faust's application, with everything said that it would otherwise choose by itself."""
    # Of two processes with one name in the group each would push the other out, again and again.
    static: Any = {"consumer_group_instance_id": settings.transactional_id(ControlHop.name)}
    return faust.App(
        settings.group(ControlHop.name),
        broker=[f"kafka://{broker.strip()}" for broker in settings.brokers.split(",")],
        broker_client_id=f"{settings.group_prefix}-{ControlHop.name}-{settings.slot}",
        broker_commit_interval=COMMIT_SECONDS,
        broker_heartbeat_interval=settings.session_timeout_seconds / 5,
        broker_max_poll_interval=settings.max_poll_interval_seconds,
        broker_session_timeout=settings.session_timeout_seconds,
        consumer_auto_offset_reset="earliest",
        datadir=str(unused),
        processing_guarantee="at_least_once",
        store="memory://",
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=CONTROL_PARTITIONS,
        Topic=HeldTopic,
        autodiscover=False,
        web_enabled=False,
        **(static if settings.static_member else {}),
    )
