"""A Kafka deployment as commands see it: its topics read to their end, its inputs written.

Commands are no members of any group. They read committed messages up to where the topics end as of
now, open transactions waited for, and log what they ask for as any producer would. Workers carry it
out; a command waits until the accruals say that they cover its request. A deployment keeps no
reference files, so commands are given those that the workers run with.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from ops.asking import Desk
from ops.follow import Follower, copy_files
from ops.reading import POSITION_KEY, NoReferenceError
from schemas.reference import FOLLOWED, load
from schemas.topics import ACCRUE_CHANGELOG, COMMANDS, REFERENCE
from state.tables import Tables, build
from streams.accrual import Book
from streams.contribution import Series
from streams.kafka_admin import KafkaAppender
from streams.kafka_reader import RECOVER_WAIT_MS, Bounds, KafkaTail
from streams.kafka_settings import KafkaSettings
from streams.log import LogError, Message, Segment, TopicPartition
from streams.terms import Terms

READ_MESSAGES = 20_000
READ_SECONDS = 0.02
WAIT_SECONDS = 30.0

Span = tuple[int, int]  # the first offset and the high watermark


class MovingError(LogError):
    """Topics were written all the time, so that there is no one moment to read them as of."""


class Tail(Protocol):
    """A reader of committed messages from given positions."""

    @property
    def positions(self) -> Mapping[TopicPartition, int]:
        """Where it goes on."""

    @property
    def caught_up(self) -> bool:
        """Whether everything was read that was there when it was opened."""

    def read(self, messages_max: int, linger_seconds: float) -> list[Segment]:
        """New messages."""

    def close(self) -> None:
        """Let go."""


class Cluster(Protocol):
    """What commands need of Kafka."""

    @property
    def patience_seconds(self) -> float:
        """How long an open transaction may hold a reader up."""

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""

    def spans(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, Span]:
        """Where topic partitions begin and end now, open transactions included."""

    def tail(
        self, since: Mapping[TopicPartition, int], spans: Mapping[TopicPartition, Span]
    ) -> Tail:
        """A reader from given next offsets; 0 is wherever the log begins."""

    def append(self, topic: str, partition: int, messages: Sequence[Message]) -> None:
        """Write messages durably."""


class KafkaCluster:
    """Genuine Kafka."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._bounds = Bounds(settings, "command")
        self.patience_seconds: float = (
            2 * settings.transaction_timeout_seconds + settings.request_timeout_seconds
        )

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""
        return self._bounds.partitions(topic)

    def spans(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, Span]:
        """Where topic partitions begin and end now, open transactions included."""
        return self._bounds.of(places)

    def tail(
        self, since: Mapping[TopicPartition, int], spans: Mapping[TopicPartition, Span]
    ) -> Tail:
        """A reader that notices the end at once."""
        return KafkaTail(self._settings, since, spans, fetch_wait_ms=RECOVER_WAIT_MS)

    def append(self, topic: str, partition: int, messages: Sequence[Message]) -> None:
        """Write messages durably."""
        with KafkaAppender(self._settings) as appender:
            appender.append(topic, partition, messages)


class GivenBook(Book):
    """The terms of a reference that was given: it may not be the one that the workers run with."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables)
        self._reference_id = tables.reference_id

    def terms(self, series: Series) -> Terms:
        """The terms of a series.

        Raises:
            NoReferenceError: the reference has no such terms.
        """
        try:
            return super().terms(series)
        except KeyError as error:
            msg = (
                f"usage was settled by item {series.item} of {series.agreement} version"
                f" {series.version}, which reference {self._reference_id} does not have: give"
                " --reference with the directory that the workers run with"
            )
            raise NoReferenceError(msg) from error


class _Told:
    """What masters told up to now, to be read once."""

    caught_up = True

    def __init__(self, segments: list[Segment]) -> None:
        self._segments = segments

    def read(self, messages_max: int, linger_seconds: float) -> list[Segment]:
        """All of it, then nothing."""
        found, self._segments = self._segments, []
        return found

    def close(self) -> None:
        """Nothing is held."""


class Deployed(Desk):
    """A Kafka deployment; what is asked of it is waited for."""

    def __init__(
        self,
        cluster: Cluster,
        references: Sequence[Path],
        wait_seconds: float = WAIT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Check the references; the brokers are asked when something is read.

        Args:
            cluster: where the topics are.
            references: directories of reference files; the last one is that in force.
            wait_seconds: how long to wait for workers to answer, and for topics to stand still.
            clock: seconds.

        Raises:
            InvalidReferenceError: reference files cannot be used.
        """
        self._cluster = cluster
        self._wait_seconds = wait_seconds
        self._clock = clock
        self._references = {load(given).reference_id: given for given in references}
        self._newest = load(references[-1]).reference_id if references else None

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""
        return self._cluster.partitions(topic)

    def newest_reference(self) -> str:
        """The id of the reference given, of the last one if there are several."""
        if self._newest is None:
            msg = (
                "a Kafka deployment keeps no reference files: "
                "give --reference with the directory that the workers run with"
            )
            raise NoReferenceError(msg)
        return self._newest

    def reference_of(self, reference_id: str) -> Path:
        """The directory given that has this id."""
        if reference_id not in self._references:
            given = ", ".join(f"{name} ({path})" for name, path in self._references.items())
            msg = (
                f"usage was settled by reference {reference_id}, which is not among those given:"
                f" {given or 'none'}; give its directory with one more --reference, the newest last"
            )
            raise NoReferenceError(msg)
        return self._references[reference_id]

    def snapshot(self, topics: Sequence[str]) -> Iterator[Segment]:
        """Everything in some topics: of one as of now, of several as of one moment.

        Transactions end in one partition a little sooner than in another. So several topics are
        read on until nothing has been written to any of them during a whole pass.
        """
        places = [(topic, n) for topic in topics for n in range(self.partitions(topic))]
        return self._read(places, self._cluster.spans(places), is_moment=len(topics) > 1)

    def _read(
        self,
        places: Sequence[TopicPartition],
        spans: Mapping[TopicPartition, Span],
        *,
        is_moment: bool,
    ) -> Iterator[Segment]:
        deadline = self._clock() + self._wait_seconds
        since: Mapping[TopicPartition, int] = dict.fromkeys(places, 0)
        while True:
            with closing(self._cluster.tail(since, spans)) as tail:
                yield from self._to_end(tail)
                since = dict(tail.positions)
            if not is_moment:
                return
            before, spans = spans, self._cluster.spans(places)
            if all(spans[place][1] == before[place][1] for place in places):
                return
            if self._clock() > deadline:
                msg = (
                    f"workers went on settling for {self._wait_seconds:g} s, and figures are"
                    " compared as of one moment: try again when no usage comes in, or stop them"
                )
                raise MovingError(msg)

    def _to_end(self, tail: Tail) -> Iterator[Segment]:
        """Everything up to where the log ended when the tail was opened."""
        progress, seen = self._clock(), dict(tail.positions)
        while not tail.caught_up:
            yield from tail.read(READ_MESSAGES, READ_SECONDS)
            if tail.positions != seen:
                progress, seen = self._clock(), dict(tail.positions)
            elif self._clock() - progress > self._cluster.patience_seconds:
                msg = (
                    "topics cannot be read to their end: an open transaction or a silent broker"
                    f" held it up for {self._cluster.patience_seconds:g} s"
                )
                raise LogError(msg)

    @cached_property
    def tables(self) -> Tables:
        """The reference given, and what masters told, unless it holds that already."""
        given = self.reference_of(self.newest_reference())
        if (given / FOLLOWED).is_dir():
            return build(load(given))
        follower = Follower(_Told(list(self.read(REFERENCE.name))), given)
        if not follower.hear():
            return build(load(given))
        with tempfile.TemporaryDirectory(prefix="weir-command-") as place:
            copy = Path(place) / "reference"
            copy_files(given, copy)
            return build(follower.join(copy, lambda _: ()))

    @cached_property
    def book(self) -> Book:
        """The terms of all agreements of the reference in force."""
        return GivenBook(self.tables)

    def put(self, topic: str, messages: Mapping[int, Sequence[Message]]) -> None:
        """Log messages, then wait until the accruals cover them."""
        self.unanswered = ""
        places = [(topic, partition) for partition, rows in messages.items() if rows]
        if not places:
            return
        before = self._cluster.spans(places)
        for place in places:
            self._cluster.append(*place, messages[place[1]])
        if not self._is_settled(topic, self._written(places, before)):
            self.unanswered = (
                f"no worker answered within {self._wait_seconds:g} s: the request is on {topic} and"
                " is carried out as soon as workers run; see `weir worker` and `weir doctor`"
            )

    def tell(self, topic: str, messages: Sequence[Message]) -> None:
        """Log what a master tells; the control worker takes it in."""
        self._cluster.append(topic, 0, messages)

    def _written(
        self, places: Sequence[TopicPartition], before: Mapping[TopicPartition, Span]
    ) -> dict[int, int]:
        """The next offset after the last message in each partition.

        The ends of the log would not do: they count markers of transactions, which no hop reads.
        """
        ends: dict[int, int] = {}
        since = {place: before[place][1] for place in places}
        with closing(self._cluster.tail(since, self._cluster.spans(places))) as tail:
            for segment in self._to_end(tail):
                if len(segment):
                    ends[segment.partition] = int(segment.offsets[-1]) + 1
        return ends

    def _is_settled(self, topic: str, ends: Mapping[int, int]) -> bool:
        """Wait until the settlement state stands behind some offsets; whether it came to that."""
        count = self.partitions(ACCRUE_CHANGELOG.name)
        places = [(ACCRUE_CHANGELOG.name, number) for number in range(count)]
        states: dict[int, Mapping[str, Any]] = {}
        deadline = self._clock() + self._wait_seconds
        with closing(
            self._cluster.tail(dict.fromkeys(places, 0), self._cluster.spans(places))
        ) as tail:
            while True:
                for segment in tail.read(READ_MESSAGES, READ_SECONDS):
                    for key, value in zip(segment.keys, segment.values, strict=True):
                        if key == POSITION_KEY and value is not None:
                            states[segment.partition] = json.loads(value)
                if _covers(states, count, topic, ends):
                    return True
                if self._clock() > deadline:
                    return False

    def close(self) -> None:
        """Nothing is held open between calls."""


def _covers(
    states: Mapping[int, Mapping[str, Any]], count: int, topic: str, ends: Mapping[int, int]
) -> bool:
    """Whether the states of the settlement partitions are behind some offsets of an input.

    A command is read by the partition that it is in. Usage is in the accruals once all settlement
    partitions cover it.
    """
    if topic == COMMANDS.name:
        return all(
            states.get(number, {}).get("positions", {}).get(topic, 0) >= upto
            for number, upto in ends.items()
        )
    return all(
        states.get(number, {}).get("covers", {}).get(f"{topic}/{partition}", 0) >= upto
        for number in range(count)
        for partition, upto in ends.items()
    )
