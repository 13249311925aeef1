"""The log on Kafka: one consumer and one transactional producer for one hop in one process.

Input positions are committed inside the producer's transaction, together with the group's metadata:
the broker refuses them from a member that is no longer of the current generation, so a process that
slept through a rebalance cannot commit. Ownership is by partition number over all input topics; the
`range` assignor gives a member the same numbers of each, since the topics have equally many. Where
reading starts is always said explicitly, from the committed positions, and checked against the log:
a position that the log does not hold stops the process instead of skipping or repeating usage.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence

from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition

from streams.background import Background, patience
from streams.kafka_errors import SERVE_ERRORS, check_read_error, error_of, read_failure
from streams.kafka_ownership import Ownership
from streams.kafka_reader import Bounds, check_position, gather, read_through
from streams.kafka_segments import Collector
from streams.kafka_settings import KafkaSettings
from streams.kafka_writer import Writer
from streams.log import (
    Aborted,
    Assignment,
    LogError,
    Maker,
    Messages,
    Outcome,
    Segment,
    TopicPartition,
    Unknown,
    made,
)

LOGGER = logging.getLogger("weir.kafka")

SEEK_RETRY_SECONDS = 0.01


class KafkaLog:
    """One hop's view of Kafka; see `streams.log.Log` for the contract of each method."""

    def __init__(
        self, settings: KafkaSettings, hop: str, inputs: Sequence[str], *, overlap: bool = False
    ) -> None:
        """Join the group of a hop and fence the slot's predecessor.

        Args:
            settings: brokers, slot and times.
            hop: names the group and the transactions.
            inputs: the topics read, all with the same number of partitions.
            overlap: commit in the background, so that the next batch can be read meanwhile.

        Raises:
            ValueError: the inputs have different partition counts.
            LogError: a topic does not exist or the brokers do not answer.
            Fenced: this slot may not write.
        """
        self._settings = settings
        self._inputs = tuple(inputs)
        self._bounds = Bounds(settings, hop)
        counts = {topic: self._bounds.partitions(topic) for topic in inputs}
        if len(set(counts.values())) != 1:
            message = f"the inputs of a hop must have one partition count: {counts}"
            raise ValueError(message)
        self._ownership = Ownership()
        self._collector = Collector(self._inputs, check_read_error)
        # Raised from `read`, because an exception inside a group callback would leave the group
        # in the middle of its rebalance.
        self._failure: LogError | None = None
        self._background = Background(hop) if overlap else None
        self._later: list[tuple[str, int, Maker]] = []
        self._writer = Writer(settings, hop)
        self._consumer = Consumer(settings.consumer(hop), logger=LOGGER)
        self._consumer.subscribe(
            list(inputs),
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )

    @property
    def owned(self) -> frozenset[int]:
        """The partition numbers owned now; none while a rebalance is under way."""
        return self._ownership.numbers

    def read(self, messages_max: int, linger_seconds: float) -> list[Segment]:
        """New committed messages of owned partitions; group callbacks run in here only.

        Raises:
            PositionError: a committed position is outside its log.
            Fenced, LogError: reading cannot go on.
        """
        wait_seconds = patience(self._background, linger_seconds)
        member = self._consumer, self._collector, self._ownership
        try:
            gather(*member, messages_max, linger_seconds, wait_seconds)
            if self._failure is not None:
                raise self._failure
            segments = self._collector.segments()
        except SERVE_ERRORS as exception:
            raise read_failure(error_of(exception)) from exception
        finally:
            self._collector.drop()
        self._ownership.delivered(segments)
        return segments

    def changes(self) -> Assignment | None:
        """The change of ownership since the last call; a number may be both lost and gained.

        That is so when its state can no longer be trusted: another member worked on it in between,
        or an outcome was unknown. Drop the state of lost numbers first, then load the gained ones.
        """
        return self._ownership.changes()

    def begin(self) -> None:
        """Open a transaction."""
        self._later = []
        self._writer.begin()

    def send(self, topic: str, partition: int, messages: Messages) -> None:
        """Add messages to the open transaction, in order; see `Log.send`."""
        if self._background is not None and callable(messages):
            self._later.append((topic, partition, messages))
        else:
            self._writer.send(topic, partition, made(messages))

    def commit(self, positions: Mapping[TopicPartition, int]) -> Outcome | None:
        """Commit the messages sent and the input positions as one.

        A commit without positions repeats one that is committed already: only a commit that names a
        position is fenced by the group's generation. That generation is the present one, in which
        the batch was read; what the group decides during a commit in the background is not its.
        """
        strangers = self._ownership.missing(positions)
        fencing = positions or self._ownership.some_position()
        if strangers or not fencing:
            self._writer.abort()
            message = f"not owned any more: {strangers}" if strangers else "no partition is owned"
            raise Aborted(message)
        metadata = self._consumer.consumer_group_metadata()
        if self._background is None:
            self._writer.commit(fencing, metadata)
            self._ownership.committed(positions)
            return None

        later, self._later = self._later, []

        def commit() -> None:
            for topic, partition, make in later:
                self._writer.send(topic, partition, make())
            self._writer.commit(fencing, metadata)
            self._ownership.committed(positions)

        return self._background.start(commit)

    def _settle(self) -> None:
        """Let the commit in the background end, however it does."""
        if self._background is not None:
            self._background.settle()

    def abort(self) -> None:
        """Give up the open transaction; Unknown or Fenced when that fails."""
        self._writer.abort()

    def rewind(self) -> None:
        """Read owned partitions from their committed positions again.

        After Unknown, `changes` then reports every partition lost and gained anew: its state must
        be loaded again. After Aborted it reports those whose positions another member has moved.

        Raises:
            Unknown: the brokers do not answer; call again later.
            Fenced: a successor has taken this slot.
        """
        is_certain = self._writer.is_usable
        if not is_certain:
            self._writer.rebuild()
        if not self.owned:
            if is_certain:
                self._ownership.rewind()
            else:
                self._ownership.lose()
            return
        try:
            self._ownership.refresh(self._committed(self.owned), is_certain=is_certain)
            for (topic, number), offset in self._starts().items():
                self._seek(KafkaTopicPartition(topic, number, offset))
        except KafkaException as exception:
            self._writer.discard()
            message = f"the committed positions cannot be read: {exception}"
            raise Unknown(message) from exception

    def recover(self, topic: str, partition: int, from_offset: int = 0) -> Iterator[Segment]:
        """Everything committed in one partition to its end as of this call.

        Transactions open at the time of the call are waited for, within the time they have.
        """
        place = (topic, partition)
        return read_through(self._settings, place, self._bounds.of([place])[place], from_offset)

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""
        return self._bounds.partitions(topic)

    def close(self) -> None:
        """Abort what is open, give partitions back and free resources."""
        if self._background is not None:
            self._background.close()
        self._writer.close()
        self._consumer.close()

    def _on_assign(self, consumer: Consumer, places: list[KafkaTopicPartition]) -> None:
        """The group hands out partitions: read from the committed positions on."""
        topics: dict[int, set[str]] = {}
        for place in places:
            topics.setdefault(place.partition, set()).add(place.topic)
        numbers = {number for number, owned in topics.items() if len(owned) == len(self._inputs)}
        if len(numbers) != len(topics):
            LOGGER.warning("not all inputs of %s are assigned", sorted(set(topics) - numbers))
        try:
            self._ownership.assign(self._committed(numbers))
            starts = self._starts()
        except (LogError, KafkaException) as error:
            self._ownership.lose()
            self._failure = error if isinstance(error, LogError) else LogError(str(error))
            starts = {}
        consumer.assign(
            [
                KafkaTopicPartition(topic, number, offset)
                for (topic, number), offset in starts.items()
            ]
        )

    def _on_revoke(self, consumer: Consumer, places: list[KafkaTopicPartition]) -> None:
        """The group takes everything back; a transaction under way is decided before."""
        self._settle()
        self._collector.drop()
        self._ownership.revoke()
        consumer.unassign()

    def _on_lost(self, consumer: Consumer, places: list[KafkaTopicPartition]) -> None:
        """The group has gone on without this member."""
        self._settle()
        self._collector.drop()
        self._ownership.lose()
        consumer.unassign()

    def _committed(self, numbers: frozenset[int] | set[int]) -> dict[int, dict[str, int]]:
        """The group's committed next offsets by number and topic; 0 where there is none."""
        committed: dict[int, dict[str, int]] = {number: {} for number in sorted(numbers)}
        asked = [
            KafkaTopicPartition(topic, number) for number in committed for topic in self._inputs
        ]
        answers = (
            self._consumer.committed(asked, 2 * self._settings.transaction_timeout_seconds)
            if asked
            else []
        )
        for answer in answers:
            if answer.error is not None:
                raise KafkaException(answer.error)
            committed[answer.partition][answer.topic] = max(answer.offset, 0)
        return committed

    def _starts(self) -> dict[TopicPartition, int]:
        """Where to read every held topic partition from, each checked to be in its log."""
        starts = self._ownership.starts()
        bounds = self._bounds.of(list(starts))
        return {
            place: check_position(place, offset, bounds[place]) for place, offset in starts.items()
        }

    def _seek(self, place: KafkaTopicPartition) -> None:
        """Move reading of one topic partition, waiting until its fetching has begun."""
        deadline = time.monotonic() + self._settings.request_timeout_seconds
        while True:
            try:
                self._consumer.seek(place)
                return
            except KafkaException:
                if time.monotonic() > deadline:
                    raise
                time.sleep(SEEK_RETRY_SECONDS)
