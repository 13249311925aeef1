"""Tests of how columns become messages by partition."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from schemas.codes import Service
from schemas.columns import decode
from schemas.topics import partition_of
from streams.envelopes import Messages, messages, partitions_of
from tests.usage_makers import NOVEMBER_US


def sms(sources: list[str]) -> dict[str, pa.Array]:
    """Messages of these sources, numbered in order."""
    rows = len(sources)
    return {
        "source": pa.array(sources, pa.string()),
        "sequence": pa.array(range(rows), pa.int64()),
        "direction": pa.array(["in"] * rows, pa.string()),
        "started_at": pa.array([NOVEMBER_US] * rows, pa.timestamp("us")),
        "called_number": pa.array(["4930"] * rows, pa.string()),
    }


def contents(out: Messages) -> dict[int, list[list[tuple[str, int]]]]:
    """For each partition the source and sequence of the events in each message."""
    found = {}
    for partition, batch in out.items():
        found[partition] = [
            [
                (s, n)
                for f in decode([value]).families
                for s, n in zip(
                    f.columns["source"].to_pylist(), f.columns["sequence"].to_pylist(), strict=True
                )
            ]
            for _, value in batch
        ]
    return found


def test_envelopes_are_filled_in_order() -> None:
    """Five events, two an envelope: 2 + 2 + 1."""
    out = contents(messages(Service.SMS, sms(["a"] * 5), 1, 2))
    assert out == {0: [[("a", 0), ("a", 1)], [("a", 2), ("a", 3)], [("a", 4)]]}


def test_an_envelope_holds_one_partition_only() -> None:
    """Of four partitions, a belongs to 3 and b to 1 (CRC-32 e8b7be43 and 71beeff9)."""
    out = contents(messages(Service.SMS, sms(["a", "b", "a", "b", "b"]), 4, 10))
    assert out == {3: [[("a", 0), ("a", 2)]], 1: [[("b", 1), ("b", 3), ("b", 4)]]}


def test_single_messages_are_keyed_by_their_source() -> None:
    """A message of one event goes where a producer keyed by source would send it."""
    out = messages(Service.SMS, sms(["a", "b", "a"]), 4, 1)
    assert [key for key, _ in out[3]] == [b"a", b"a"]
    assert [key for key, _ in out[1]] == [b"b"]
    assert contents(out) == {3: [[("a", 0)], [("a", 2)]], 1: [[("b", 1)]]}


def test_no_events_make_no_messages() -> None:
    """Nothing is sent for nothing."""
    assert messages(Service.SMS, sms([]), 4, 10) == {}


def test_partitions_follow_the_source() -> None:
    """The partition of each event is that of its source."""
    assert partitions_of(pa.array(["a", "b", "a"]), 4).tolist() == [3, 1, 3]


@given(
    st.lists(st.sampled_from(["msc-1", "msc-2", "pgw", "é", ""]), max_size=30),
    st.integers(1, 7),
    st.integers(1, 9),
)
def test_every_event_is_sent_once_to_its_home(
    sources: list[str], partitions: int, messages_events: int
) -> None:
    """Any mixture of sources: each event is in one message of its partition, in order."""
    out = contents(messages(Service.SMS, sms(sources), partitions, messages_events))
    sent = [event for batch in out.values() for events in batch for event in events]
    assert sorted(n for _, n in sent) == list(range(len(sources)))
    for partition, batch in out.items():
        assert all(0 < len(events) <= messages_events for events in batch)
        events = [event for part in batch for event in part]
        assert {partition_of(source, partitions) for source, _ in events} == {partition}
        assert [n for _, n in events] == sorted(n for _, n in events)
