"""The loop that drives everything: read, compute, begin, send, commit, apply.

Both hops run in this loop; what they compute is theirs, what can go wrong is handled here and
nowhere else. A batch becomes visible in one transaction together with the input positions it came
from, and the hop's memory changes only after that transaction has committed. So a crash at any line
leaves either everything of a batch or nothing, and reading again gives the same.

What may happen and what is done:

1. The transaction certainly did not happen (`Aborted`): drop what was computed, read again.
2. Nobody can say whether it happened (`Unknown`): build the writer anew, forget the memory, recover
   it from the changelog at the committed positions, and go on from there.
3. Another owner has taken over (`Fenced`), or an invariant does not hold: stop before committing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event
from typing import Any, Protocol

from streams.log import (
    Aborted,
    Assignment,
    Log,
    Maker,
    Message,
    Messages,
    Outcome,
    Segment,
    TopicPartition,
    Unknown,
)

FIRST_EVENTS_A_MESSAGE = 200


@dataclass
class Work:
    """What a hop made of a batch: messages to send, positions to commit, and its delta to apply.

    `events` is how much there was in the messages read, in whatever the hop bounds its batches by.
    `later` makes messages that nothing else waits for, beside the next batch if the log can.
    """

    delta: Any
    events: int = 0
    outputs: dict[TopicPartition, list[Message]] = field(default_factory=dict)
    later: list[tuple[TopicPartition, Maker]] = field(default_factory=list)
    positions: dict[TopicPartition, int] = field(default_factory=dict)

    def send(self, topic: str, partition: int, *messages: Message) -> None:
        """Add messages to what will be sent."""
        self.outputs.setdefault((topic, partition), []).extend(messages)

    def sends(self) -> Iterator[tuple[TopicPartition, Messages]]:
        """Everything to send, each topic partition in order."""
        yield from self.outputs.items()
        yield from self.later


class Hop(Protocol):
    """What the loop drives: memory per partition, a pure computation, and its effect."""

    @property
    def name(self) -> str:
        """The hop's name; also of its consumer group."""

    @property
    def inputs(self) -> Sequence[str]:
        """The co-partitioned topics it reads."""

    def assign(self, partition: int, positions: Mapping[str, int], log: Log) -> None:
        """Recover the memory of a partition at its committed positions."""

    def revoke(self, partitions: frozenset[int]) -> None:
        """Forget partitions."""

    def prepare(self, segments: Sequence[Segment]) -> Any:  # noqa: ANN401 - the hop's own
        """What can be worked out of a batch without the memory, for `compute`."""

    def compute(self, segments: Sequence[Segment], prepared: Any) -> Work:  # noqa: ANN401
        """What a batch leads to; the memory stays as it is."""

    def apply(self, work: Work) -> None:
        """Change the memory as a committed batch says."""


class Stopwatch:
    """Where the time of a batch goes: nanoseconds by station."""

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self._clock_ns = clock_ns
        self.last_ns = clock_ns()
        self.stations: dict[str, int] = {}

    def start(self) -> None:
        """Begin to count from now."""
        self.last_ns = self._clock_ns()

    def lap(self, station: str) -> None:
        """Put the time since the last lap on a station's account."""
        now = self._clock_ns()
        self.stations[station] = self.stations.get(station, 0) + now - self.last_ns
        self.last_ns = now

    @contextmanager
    def beside(self, station: str) -> Iterator[None]:
        """Put what is done inside on a station's account, beside whatever else is under way."""
        began_ns = self._clock_ns()
        yield
        self.stations[station] = self.stations.get(station, 0) + self._clock_ns() - began_ns


@dataclass(frozen=True)
class Step:
    """What one turn of the loop did, for metrics: `result` is commit, abort, unknown or idle.

    `began_ns` is when the reading of the batch began, by the stopwatch's clock.
    """

    result: str
    segments: Sequence[Segment] = ()
    work: Work | None = None
    began_ns: int = 0


@dataclass(frozen=True)
class UnderWay:
    """A batch whose commit has been asked for and is not answered yet."""

    segments: Sequence[Segment]
    work: Work
    began_ns: int
    outcome: Outcome | None


@dataclass(frozen=True)
class Cadence:
    """How far apart a loop's batches are at least, from where one is computed to where the next is.

    Where a batch's cost lies in what it touches more than in how much it brings, many small ones
    are dear: a loop that is slow pauses for five times as long as its last batch took to compute,
    up to `max_seconds`. What comes after a longer silence is not kept waiting.
    """

    min_seconds: float
    max_seconds: float

    def pause(self, busy_seconds: float) -> float:
        """The pause after a batch that took so long."""
        return max(self.min_seconds, min(5 * busy_seconds, self.max_seconds))


AT_ONCE = Cadence(0, 0)

# What a hop is not ready for is read again so soon, and computed all the same after so long: then
# it ends the process with what is wrong, and does not stand still for ever.
UNREADY_SECONDS = 0.05
UNREADY_SECONDS_MAX = 60.0


def always(_: Any) -> bool:  # noqa: ANN401 - whatever was prepared
    """Whether a hop is ready that needs nothing but its input."""
    return True


class Loop:
    """One hop on one log."""

    def __init__(
        self,
        hop: Hop,
        log: Log,
        stopwatch: Stopwatch,
        batch_events: int,
        linger_seconds: float,
        cadence: Cadence = AT_ONCE,
        pause_until: Event | None = None,
        is_ready: Callable[[Any], bool] = always,
    ) -> None:
        """A loop that reads batches of about `batch_events` or what comes in `linger_seconds`.

        A message may carry one event or thousands; how many messages make a batch follows from
        what the last ones carried, and starts low so that the first batch fits memory too.
        Pauses are for the sake of another loop beside this one; `pause_until` is that one's `idle`.
        What the hop is not ready for, by what it has prepared, waits for what is done `between`;
        not so in a turn whose linger is given, for then nothing is done beside it.
        """
        self.hop = hop
        self.log = log
        self.watch = stopwatch
        self.idle = Event()  # set while there is nothing to do
        self._pause_until = pause_until or Event()
        self._is_ready = is_ready
        self._unready_ns: int | None = None
        self._asked = Event()
        self._batch_events = batch_events
        self._messages_max = max(1, batch_events // FIRST_EVENTS_A_MESSAGE)
        self._linger_seconds = linger_seconds
        self._cadence = cadence
        self._pause_seconds = cadence.min_seconds
        self._computing_ns = self.watch.last_ns
        self._owned: set[int] = set()
        self._under_way: UnderWay | None = None
        self._waiting: SimpleQueue[tuple[Callable[[], None], Event]] = SimpleQueue()

    def between(self, act: Callable[[], None]) -> Event:
        """Have something done between two batches, in the loop's own thread.

        Called from any thread. The event is set once it is done: in the next turn but those that
        pause, when no batch is computed and not yet applied.
        """
        done = Event()
        self._waiting.put((act, done))
        self._asked.set()
        return done

    @property
    def is_busy(self) -> bool:
        """Whether a batch is computed and not yet applied, for its commit is under way."""
        return self._under_way is not None

    def step(self, linger_seconds: float | None = None) -> Step:
        """Read one batch and settle it.

        Where the log commits in the background, the next batch is read and decoded meanwhile; the
        step then tells of the batch before. Nothing is computed before that one is decided and
        applied.
        """
        self.watch.start()
        if linger_seconds is None and (before := self._pause()) is not None:
            return before
        began_ns = self.watch.last_ns
        linger = self._linger_seconds if linger_seconds is None else linger_seconds
        segments = [s for s in self.log.read(self._messages_max, linger) if len(s)]
        self.watch.lap("read")
        prepared = self.hop.prepare(segments) if segments else None
        before = self._finish()
        if before is not None and before.result != "commit":
            return before  # everything read since is read again
        self._act()
        self._follow(self.log.changes())
        if not segments:
            if before is None:
                self.idle.set()
            return before or Step("idle")
        self.idle.clear()
        if linger_seconds is None and self._is_early(prepared):
            self.log.rewind()
            self._asked.wait(UNREADY_SECONDS)
            return before or Step("idle")
        self._computing_ns = self.watch.last_ns
        work = self.hop.compute(segments, prepared)
        self._pace(sum(map(len, segments)), work.events)
        try:
            outcome = self._commit(work)
        except (Aborted, Unknown) as failure:
            return self._recover(failure, UnderWay(segments, work, began_ns, None))
        self._under_way = UnderWay(segments, work, began_ns, outcome)
        return before or (Step("idle") if outcome is not None else self._finish() or Step("idle"))

    def _is_early(self, prepared: Any) -> bool:  # noqa: ANN401 - the hop's own
        """Whether a batch has to wait until the hop is ready for it."""
        if self._is_ready(prepared):
            self._unready_ns = None
            return False
        self.watch.lap("wait")
        now_ns = self.watch.last_ns
        self._unready_ns = now_ns if self._unready_ns is None else self._unready_ns
        return now_ns - self._unready_ns < UNREADY_SECONDS_MAX * 1e9

    def _act(self) -> None:
        """Do what was asked to be done between two batches, in the order of asking."""
        self._asked.clear()
        while not self._waiting.empty():
            act, done = self._waiting.get()
            act()
            done.set()

    def _pause(self) -> Step | None:
        """Wait for the rest of the pause; a commit under way is finished first, and told of."""
        left_seconds = self._pause_seconds - (self.watch.last_ns - self._computing_ns) / 1e9
        if left_seconds <= 0:
            return None
        before = self._finish()
        if before is None:
            self._pause_until.wait(left_seconds)
            self.watch.lap("pause")
        return before

    def _pace(self, messages: int, events: int) -> None:
        """How much to read next, and after which pause, as the batch just computed says."""
        self._messages_max = max(1, self._batch_events * messages // max(messages, events))
        self._pause_seconds = self._cadence.pause((self.watch.last_ns - self._computing_ns) / 1e9)

    def _commit(self, work: Work) -> Outcome | None:
        """Everything of a batch, in one transaction."""
        self.watch.start()
        self.log.begin()
        for (topic, partition), messages in work.sends():
            self.log.send(topic, partition, messages)
        self.watch.lap("send")
        outcome = self.log.commit(work.positions)
        self.watch.lap("commit")
        return outcome

    def _finish(self) -> Step | None:
        """Wait for the commit under way, if there is one, and apply what it committed."""
        batch, self._under_way = self._under_way, None
        if batch is None:
            return None
        try:
            if batch.outcome is not None:
                batch.outcome()
        except (Aborted, Unknown) as failure:
            return self._recover(failure, batch)
        finally:
            self.watch.lap("commit")
        self.hop.apply(batch.work)
        return Step("commit", batch.segments, batch.work, batch.began_ns)

    def _recover(self, failure: Aborted | Unknown, batch: UnderWay) -> Step:
        """Drop a batch that did not happen; after an unknown outcome start from what is there."""
        if isinstance(failure, Aborted):
            self.log.rewind()
            return Step("abort", batch.segments, batch.work, batch.began_ns)
        self.hop.revoke(frozenset(self._owned))
        self._owned.clear()
        self.log.rewind()
        self._follow(self.log.changes())
        return Step("unknown", batch.segments, batch.work, batch.began_ns)

    def _follow(self, change: Assignment | None) -> None:
        """Give up partitions that were lost, recover those gained."""
        if change is None:
            return
        lost = frozenset(change.lost) | (self._owned & change.gained.keys())
        self.hop.revoke(frozenset(lost))
        self._owned -= lost
        for partition, positions in sorted(change.gained.items()):
            self.hop.assign(partition, positions, self.log)
            self._owned.add(partition)

    def close(self) -> None:
        """Leave the group and let go of the memory; a commit under way is waited for by the log."""
        self._under_way = None
        self.log.close()
        self.hop.revoke(frozenset(self._owned))
        self._owned.clear()
