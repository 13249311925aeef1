"""Commands' view of Kafka, on a cluster that is an embedded log in disguise.

The log of a data directory answers as brokers would; a worker is whoever drains it. What is read,
where requests go and what is waited for is then the same as on genuine Kafka, without one
(`tests/kafka/test_commands.py` has that).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from ops.deployed import Deployed, MovingError, Span, Tail
from ops.embedded import Embedded
from ops.explain import explain
from ops.explain_event import EventName
from ops.figures import period_rows
from ops.reading import NoReferenceError
from ops.verify import verify
from schemas.reference import InvalidReferenceError, load
from schemas.topics import (
    ACCRUALS,
    COMMANDS,
    QUARANTINE,
    RECYCLE,
    STATEMENTS,
    SUSPENSE,
    USAGE,
    partition_of,
)
from streams.log import LogError, Message, TopicPartition
from tests.ops.books import AGREEMENTS, ALL, MENDED, reference, usage_file
from tests.ops.masters import tell
from tests.ops.test_follow import CASA, gigabytes

PARTITIONS = 3


class Disguised:
    """A cluster on the log of a data directory; with `works` a worker is running."""

    patience_seconds = 5.0

    def __init__(self, weir: Embedded) -> None:
        """Everything in the directory is on the brokers."""
        self.weir = weir
        self.works = True
        self.meanwhile: Callable[[], object] = lambda: None
        self.appended: list[tuple[str, int, int]] = []

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""
        return self.weir.partitions(topic)

    def spans(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, Span]:
        """Where they begin and end; something may happen right before."""
        self.meanwhile()
        return {place: (0, self.weir.store.end(*place)) for place in places}

    def tail(
        self, since: Mapping[TopicPartition, int], spans: Mapping[TopicPartition, Span]
    ) -> Tail:
        """A reader of just these partitions."""
        reader = self.weir.store.tail([], since)
        assert set(reader.positions) == set(since)
        return reader

    def append(self, topic: str, partition: int, messages: Sequence[Message]) -> None:
        """Write, and let the worker see it."""
        self.appended.append((topic, partition, len(messages)))
        self.weir.store.append(topic, partition, messages)
        if self.works:
            self.weir.drain()


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """The reference of the books."""
    return reference(tmp_path / "reference")


@pytest.fixture
def cluster(tmp_path: Path, given: Path) -> Iterator[Disguised]:
    """All events of the books, settled in three partitions of each axis."""
    with Embedded(
        tmp_path / "data", given, usage_partitions=PARTITIONS, settlement_partitions=PARTITIONS
    ) as weir:
        list(weir.ingest(usage_file(tmp_path / "usage.jsonl", ALL)))
        yield Disguised(weir)


@pytest.fixture
def deployed(cluster: Disguised, given: Path) -> Deployed:
    """The deployment that commands see; a look at its clock takes a second."""
    return Deployed(cluster, [given], 10, itertools.count().__next__)


def test_figures_are_those_of_the_log(cluster: Disguised, deployed: Deployed) -> None:
    """Accruals, outcomes and what waits are read as they are in the directory."""
    assert period_rows(deployed.latest(ACCRUALS.name), deployed.book) == period_rows(
        cluster.weir.latest(ACCRUALS.name), cluster.weir.book
    )
    assert deployed.outcomes() == cluster.weir.outcomes()
    assert sum(deployed.outcomes().values()) == 12
    assert deployed.latest(SUSPENSE.name) == cluster.weir.latest(SUSPENSE.name)


def test_an_event_is_explained_without_an_archive(cluster: Disguised, deployed: Deployed) -> None:
    """Legs come from the topic of rated usage."""
    name = EventName.parse("msc-1/1")
    told = explain(deployed, name)
    assert told is not None
    assert told["legs"][0]["charge"] == "0.076000"
    assert told == explain(cluster.weir, name)


def test_several_topics_are_read_as_of_one_moment(cluster: Disguised, deployed: Deployed) -> None:
    """What is written after the first pass has read everything is in the snapshot: it reads on."""
    looks: list[int] = []

    def meanwhile() -> None:
        """Write at the second look, which is the one after the first pass."""
        looks.append(1)
        if len(looks) == 2:
            cluster.weir.append(0, [(b"x", b"late")])

    cluster.meanwhile = meanwhile
    found = [v for s in deployed.snapshot([USAGE.name, ACCRUALS.name]) for v in s.values]
    assert found.count(b"late") == 1
    assert len(looks) == 3


def test_topics_that_never_stand_still_are_given_up(cluster: Disguised, deployed: Deployed) -> None:
    """Figures of several moments would differ from each other and from no mistake."""
    cluster.meanwhile = lambda: cluster.weir.append(0, [(b"x", b"late")])
    assert list(deployed.snapshot([USAGE.name]))
    with pytest.raises(MovingError, match="went on settling for 10 s"):
        list(deployed.snapshot([USAGE.name, ACCRUALS.name]))


def test_a_silent_log_is_not_waited_for_for_ever(
    cluster: Disguised, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An open transaction holds readers up; after a while that is said."""

    class Stuck:
        """A reader that never gets to the end."""

        positions: Mapping[TopicPartition, int] = {}
        caught_up = False

        def read(self, messages_max: int, linger_seconds: float) -> list[object]:
            """Nothing."""
            return []

        def close(self) -> None:
            """Nothing to free."""

    monkeypatch.setattr(cluster, "tail", lambda *_: Stuck())
    with pytest.raises(LogError, match="an open transaction or a silent broker"):
        list(deployed.snapshot([USAGE.name]))


def test_a_close_goes_to_the_partition_of_the_pool(cluster: Disguised, deployed: Deployed) -> None:
    """Its statements are awaited and returned, as in a directory."""
    closed = deployed.close_periods(["W-1", "M-1"], "2024-11")
    assert [d["number"] for d in closed] == ["M-1-000001", "W-1-000001"]
    assert deployed.unanswered == ""
    places = {partition_of(name, PARTITIONS) for name in ("W-1", "M-1")}
    assert {(t, p) for t, p, _ in cluster.appended} == {(COMMANDS.name, p) for p in places}
    assert [d["number"] for d in deployed.statements()] == ["M-1-000001", "W-1-000001"]


def test_without_a_worker_a_request_waits_on_its_topic(
    cluster: Disguised, deployed: Deployed
) -> None:
    """That is said with what to do; once a worker runs it is carried out, once."""
    cluster.works = False
    assert deployed.close_periods(["W-1"], "2024-11") == []
    assert "no worker answered within 10 s: the request is on commands.v1" in deployed.unanswered
    cluster.weir.drain()
    assert [d["number"] for d in deployed.statements()] == ["W-1-000001"]


def test_a_refused_close_has_a_reason(deployed: Deployed) -> None:
    """The workers' reference may have other agreements: what they said of it is found."""
    assert deployed.close_periods(["W-1"], "November") == []
    assert deployed.unanswered == ""
    assert "November" in str(deployed.refusal("W-1", "November"))
    assert deployed.refusal("W-1", "2024-11") is None


def test_suspended_usage_is_asked_for_in_its_partition(
    cluster: Disguised, deployed: Deployed
) -> None:
    """One event can be tried again; the conflicting body is left to people."""
    home = partition_of("msc-1", PARTITIONS)
    assert deployed.recycle() == 1
    assert cluster.appended == [(RECYCLE.name, home, 1)]
    assert deployed.unanswered == ""


def test_refused_records_are_sent_again(cluster: Disguised, deployed: Deployed) -> None:
    """As they came, to the partition they were in: a repeat of what was refused."""
    before = deployed.outcomes()
    assert deployed.replay() == len(deployed.latest(QUARANTINE.name)) == 1
    assert cluster.appended == [(USAGE.name, partition_of("msc-1", PARTITIONS), 1)]
    assert deployed.outcomes() == {**before, ("duplicate", "none"): 2}


def test_nothing_to_ask_for_asks_nothing(cluster: Disguised, deployed: Deployed) -> None:
    """No message is written and nobody is waited for."""
    cluster.works = False
    deployed.put(USAGE.name, {0: []})
    assert (cluster.appended, deployed.unanswered) == ([], "")


def test_verification_needs_every_reference(
    tmp_path: Path, cluster: Disguised, deployed: Deployed, given: Path
) -> None:
    """One that is not among those given is named; the newest is the last one given."""

    def differences(topics: Deployed) -> Sequence[str]:
        """Of the whole deployment."""
        return verify(
            topics.snapshot,
            topics.reference_of,
            topics.newest_reference(),
            topics.partitions(USAGE.name),
            topics.partitions(ACCRUALS.name),
        ).differences

    deployed.close_periods(["W-1"], "2024-11")
    assert differences(deployed) == []
    mended = reference(tmp_path / "mended", MENDED)
    with pytest.raises(NoReferenceError, match=load(given).reference_id + ", which is not among"):
        differences(Deployed(cluster, [mended]))
    both = Deployed(cluster, [given, mended])
    assert both.newest_reference() == load(mended).reference_id
    assert differences(both) == []


def test_references_are_checked_and_asked_for(tmp_path: Path, cluster: Disguised) -> None:
    """Bad files are refused; without any, figures that need no terms can still be read."""
    with pytest.raises(InvalidReferenceError):
        Deployed(cluster, [tmp_path / "nothing"])
    bare = Deployed(cluster, [])
    assert bare.latest(STATEMENTS.name) == []
    with pytest.raises(NoReferenceError, match="give --reference"):
        bare.newest_reference()
    other = reference(tmp_path / "other")
    (other / "agreements.yaml").write_text(AGREEMENTS.replace("voice-in", "calls"))
    wrong = Deployed(cluster, [other])
    with pytest.raises(NoReferenceError, match="item voice-in of W-1 version 1"):
        period_rows(wrong.latest(ACCRUALS.name), wrong.book)


def test_what_masters_told_is_shown_with_the_reference_given(
    cluster: Disguised, deployed: Deployed, given: Path
) -> None:
    """Nobody but the log has it; a reference that a worker kept holds it already."""
    tell(cluster.weir, CASA)
    cluster.weir.append(partition_of("msc-1", PARTITIONS), [gigabytes(50, "P-1")])
    cluster.weir.drain()
    shown = period_rows(deployed.latest(ACCRUALS.name), deployed.book)
    assert ("C-1", "1.000000") in {(row["agreement"], row["amount"]) for row in shown}
    kept = Deployed(cluster, [given, cluster.weir.reference_directory])
    for one in (deployed, kept):
        assert one.tables.reference_id == cluster.weir.reference.reference_id
