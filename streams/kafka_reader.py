"""Reading outside a group: recovery of state, and the tail that projections and the API follow.

A reader sees committed messages only, so it stops before the first open transaction (the last
stable offset) although the log goes on (the high watermark). A new owner that loaded state up to
there could miss what its predecessor was just committing. `read_through` is therefore given the
high watermark, which counts open transactions too, and does not end before it has passed it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Container, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
)
from confluent_kafka import TopicPartition as KafkaTopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined] # re-exported, unsaid
    AdminClient,
    ListOffsetsResultInfo,
    OffsetSpec,
)

from streams.kafka_errors import END_OF_PARTITION, PositionError, check_read_error
from streams.kafka_segments import CONSUME_MESSAGES, Collector
from streams.kafka_settings import FETCH_WAIT_MS, KafkaSettings
from streams.log import Closeable, LogError, Segment, TopicPartition

LOGGER = logging.getLogger("weir.kafka")

# The end of a log is noticed within this: at leisure when following, at once when recovering.
RECOVER_WAIT_MS = 10

ASK_AGAIN_SECONDS = 0.05
FIRST = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
LAST = OffsetSpec.latest()  # type: ignore[no-untyped-call]


class Bounds:
    """Asks the broker where logs begin and end, open transactions included."""

    def __init__(self, settings: KafkaSettings, name: str) -> None:
        self._timeout_seconds = settings.request_timeout_seconds
        self._configuration = settings.client(name)
        self._admin = AdminClient(self._configuration, logger=LOGGER)
        self._partitions: dict[str, int] = {}

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has; asked once, and again while a new topic gets around."""
        deadline = time.monotonic() + self._timeout_seconds
        while topic not in self._partitions:
            try:
                found = self._admin.list_topics(topic, timeout=self._timeout_seconds).topics[topic]
            except KafkaException as exception:
                message = f"cannot ask for topic {topic}: {exception}"
                raise LogError(message) from exception
            if found.error is None:
                self._partitions[topic] = len(found.partitions)
            elif time.monotonic() > deadline:
                message = f"topic {topic}: {found.error}; create it with `weir topics create`"
                raise LogError(message)
            else:
                time.sleep(ASK_AGAIN_SECONDS)
        return self._partitions[topic]

    def of(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
        """The first offset and the high watermark of each topic partition.

        Both are asked for at once, and again while leaders are moving.
        """
        deadline = time.monotonic() + self._timeout_seconds
        while places:
            try:
                asked = [self._ask(places, spec) for spec in (FIRST, LAST)]
                lows, highs = (
                    {place: future.result().offset for place, future in of_spec.items()}
                    for of_spec in asked
                )
                return {
                    (place.topic, place.partition): (low, highs[place])
                    for place, low in lows.items()
                }
            except KafkaException as exception:
                if time.monotonic() > deadline:
                    message = f"cannot ask for the ends of {len(places)} partitions: {exception}"
                    raise LogError(message) from exception
                time.sleep(ASK_AGAIN_SECONDS)
                # After a broker's restart a client goes on asking with the leader epoch that it
                # remembers, and is refused; a new one has nothing to remember.
                self._admin = AdminClient(self._configuration, logger=LOGGER)
        return {}

    def _ask(
        self, places: Sequence[TopicPartition], spec: OffsetSpec
    ) -> dict[KafkaTopicPartition, Future[ListOffsetsResultInfo]]:
        """Ask for one offset of each topic partition."""
        return self._admin.list_offsets(
            {KafkaTopicPartition(topic, partition): spec for topic, partition in places},
            isolation_level=IsolationLevel.READ_UNCOMMITTED,
            request_timeout=self._timeout_seconds,
        )


class KafkaTail(Closeable):
    """Committed messages of some topic partitions, from given positions, without a group."""

    def __init__(
        self,
        settings: KafkaSettings,
        since: Mapping[TopicPartition, int],
        bounds: Mapping[TopicPartition, tuple[int, int]],
        *,
        fetch_wait_ms: int = FETCH_WAIT_MS,
    ) -> None:
        """Start reading; see `tail`.

        Args:
            settings: where the brokers are.
            since: what to read, each from its next offset; 0 is wherever the log begins.
            bounds: the first offset and the high watermark of each.
            fetch_wait_ms: how long the broker may wait for news before it says there is none.
        """
        self._collector = Collector(sorted({topic for topic, _ in since}), self._on_error)
        self._numbers = frozenset(number for _, number in since)
        self._ends = {place: bounds[place][1] for place in since}
        self.positions = {
            place: check_position(place, offset, bounds[place]) for place, offset in since.items()
        }
        self._consumer = Consumer(
            {
                **settings.reader("tail"),
                "enable.partition.eof": True,
                "fetch.wait.max.ms": fetch_wait_ms,
            },
            logger=LOGGER,
        )
        self._consumer.assign(
            [
                KafkaTopicPartition(topic, number, offset)
                for (topic, number), offset in self.positions.items()
            ]
        )

    @property
    def caught_up(self) -> bool:
        """Whether everything has been read that was in the log when this tail was made.

        Messages of a transaction that was open then are waited for.
        """
        return all(self.positions[place] >= end for place, end in self._ends.items())

    def read(self, messages_max: int, linger_seconds: float) -> list[Segment]:
        """New committed messages; waits up to `linger_seconds` for the first of them."""
        gather(self._consumer, self._collector, self._numbers, messages_max, linger_seconds)
        segments = self._collector.segments()
        self._collector.drop()
        for segment in segments:
            place = (segment.topic, segment.partition)
            self.positions[place] = max(self.positions[place], segment.next_offset)
        return segments

    def close(self) -> None:
        """Stop reading and free resources."""
        self._consumer.close()

    def _on_error(self, error: KafkaError, message: Message) -> None:
        """Handle an error; the end of a partition moves its position over what is never seen."""
        if error.code() != END_OF_PARTITION:
            check_read_error(error, message)
            return
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        if topic is not None and partition is not None and offset is not None:
            place = (topic, partition)
            self.positions[place] = max(self.positions[place], offset)


def tail(
    settings: KafkaSettings,
    topics: Sequence[str],
    since: Mapping[TopicPartition, int] | None = None,
) -> KafkaTail:
    """A reader of all partitions of some topics, from given next offsets or the beginning."""
    bounds = Bounds(settings, "tail")
    places = [(topic, number) for topic in topics for number in range(bounds.partitions(topic))]
    starts = {**dict.fromkeys(places, 0), **(since or {})}
    return KafkaTail(settings, starts, bounds.of(list(starts)))


def check_position(place: TopicPartition, position: int, bounds: tuple[int, int]) -> int:
    """Where to read from: the position, or the beginning of the log for position 0.

    Raises:
        PositionError: the log begins after the position or ends before it.
    """
    low, high = bounds
    if position == 0:
        return low
    if position < low:
        message = (
            f"{place[0]}[{place[1]}] begins at {low}, position {position} is wanted:"
            f" {low - position} messages are gone"
        )
        raise PositionError(message)
    if position > high:
        message = (
            f"{place[0]}[{place[1]}] ends at {high}, position {position} is wanted:"
            " the log was truncated or replaced"
        )
        raise PositionError(message)
    return position


def gather(
    consumer: Consumer,
    collector: Collector,
    owned: Container[int],
    messages_max: int,
    linger_seconds: float,
    wait_seconds: float | None = None,
) -> None:
    """Fill a collector until it is full or `linger_seconds` have passed since the first message.

    The first message is waited for as long, or for `wait_seconds` where they are given. Time is for
    waiting only: while there is more than fits one call, it is taken, however late it is.
    """
    asked = min(CONSUME_MESSAGES, messages_max)
    messages = consumer.consume(asked, 0)
    if not messages:
        messages = consumer.consume(1, linger_seconds if wait_seconds is None else wait_seconds)
    deadline = time.monotonic() + linger_seconds
    while messages:
        collector.add(messages, owned)
        room, left = messages_max - collector.count, deadline - time.monotonic()
        if room <= 0 or (left <= 0 and len(messages) < asked):
            return
        asked = min(CONSUME_MESSAGES, room)
        messages = consumer.consume(asked, max(left, 0))


def read_through(
    settings: KafkaSettings, place: TopicPartition, bounds: tuple[int, int], since: int
) -> Iterator[Segment]:
    """Everything committed in one topic partition from a position to a known high watermark.

    Raises:
        PositionError: the log does not hold the position.
        LogError: an open transaction was neither committed nor aborted in the time it has.
    """
    end = bounds[1]
    if check_position(place, since, bounds) >= end:
        return
    patience_seconds = 2 * settings.transaction_timeout_seconds + settings.request_timeout_seconds
    with KafkaTail(
        settings, {place: since}, {place: bounds}, fetch_wait_ms=RECOVER_WAIT_MS
    ) as reader:
        progress, seen = time.monotonic(), -1
        while not reader.caught_up:
            for segment in reader.read(CONSUME_MESSAGES, RECOVER_WAIT_MS / 1000):
                yield _upto(segment, end)
            if reader.positions[place] > seen:
                progress, seen = time.monotonic(), reader.positions[place]
            elif time.monotonic() - progress > patience_seconds:
                message = (
                    f"{place[0]}[{place[1]}] cannot be read past {seen}, its end is {end}: an open"
                    f" transaction or a silent broker held it up for {patience_seconds} s"
                )
                raise LogError(message)


def _upto(segment: Segment, end: int) -> Segment:
    """The part of a segment before an offset."""
    if segment.next_offset <= end:
        return segment
    count = int(segment.offsets.searchsorted(end))
    return replace(
        segment,
        offsets=segment.offsets[:count],
        keys=segment.keys[:count],
        values=segment.values[:count],
        next_offset=end,
    )
