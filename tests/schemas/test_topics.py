"""Tests of the topics' names, axes and partitioner."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.topics import TOPICS, Topic, partition_of


def test_every_topic_is_listed_once() -> None:
    """A topic that is not in the list would not be created."""
    names = [topic.name for topic in TOPICS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda t: t.name)
def test_a_topic_carries_its_version_in_its_name(topic: Topic) -> None:
    """What a topic holds changes incompatibly only under a new name."""
    assert re.fullmatch(r"[a-z]+(\.[a-z]+)*\.v\d+", topic.name)
    assert topic.axis in {"usage", "settlement", "control"}


def test_compacted_topics_are_those_that_hold_state() -> None:
    """Streams keep every message; state keeps the latest of each key, so it has a key."""
    compacted = {topic.name for topic in TOPICS if topic.compacted}
    assert compacted == {
        "suspense.v1",
        "quarantine.v1",
        "rate.changelog.v1",
        "accruals.v1",
        "accrue.changelog.v1",
        "statements.v1",
        "reference.v1",
    }
    assert all(topic.key != "-" for topic in TOPICS if topic.compacted)


@pytest.mark.parametrize(
    ("key", "crc"),
    [
        ("123456789", 0xCBF43926),  # the check value that defines CRC-32
        ("", 0),
        ("msc-1", 0xE56F643F),
    ],
)
def test_the_partition_is_the_crc32_of_the_key(key: str, crc: int) -> None:
    """A plain producer with `partitioner=consistent` reaches the same partition."""
    assert partition_of(key, 2**32) == crc
    assert partition_of(key, 6) == crc % 6


@given(st.text(), st.integers(1, 1_000))
def test_every_key_has_a_partition(key: str, partitions: int) -> None:
    """Any name, in any script, is somewhere among the partitions."""
    assert 0 <= partition_of(key, partitions) < partitions
