"""Tests of the way from Avro bytes to columns and back."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import columns, registry
from schemas.codes import Reason, Service
from schemas.columns import (
    Unreadable,
    arrow_schema,
    conform,
    decode,
    encode,
    encode_envelopes,
    encode_unreadable,
    records_codec,
)
from schemas.registry import ENVELOPE_OFFSET, current_id, current_schema, frame
from streams.files_avro import zigzag
from tests.usage_makers import NOVEMBER_US, datum, message, ordered, row, rows_of

SMS = current_id(Service.SMS)
SMS_ENVELOPE = SMS + ENVELOPE_OFFSET

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LONGS = st.integers(-(2**63), 2**63 - 1)
INTS = st.integers(-(2**31), 2**31 - 1)


def values_of(avro: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - Avro types are JSON
    """Any value of an Avro type of the allowed subset."""
    if isinstance(avro, list):
        return st.none() | values_of(avro[1])
    if isinstance(avro, dict):
        return st.sampled_from(avro["symbols"]) if avro["type"] == "enum" else LONGS
    by_type: dict[str, st.SearchStrategy[Any]] = {
        "string": TEXTS,
        "int": INTS,
        "long": LONGS,
        "boolean": st.booleans(),
    }
    return by_type[avro]


def events_of(service: Service) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Some events of a family with any values at all."""
    fields = current_schema(service)["fields"]
    return st.lists(
        st.fixed_dictionaries({f["name"]: values_of(f["type"]) for f in fields}),
        min_size=1,
        max_size=4,
    )


def columns_of(service: Service, rows: list[dict[str, Any]]) -> dict[str, pa.Array]:
    """Events as columns."""
    return {f.name: pa.array([r[f.name] for r in rows], f.type) for f in arrow_schema(service)}


def same(service: Service, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events in the form and order of `rows_of`."""
    return ordered({"service": service.label, **r} for r in rows)


@given(st.data(), st.sampled_from(Service))
def test_events_come_back_as_they_were_sent(data: st.DataObject, service: Service) -> None:
    """Any event of any family survives the wire, with every field."""
    rows = data.draw(events_of(service))
    decoded = decode(encode(service, columns_of(service, rows)).to_pylist())
    assert decoded.refused == ()
    assert rows_of(decoded) == same(service, rows)


@given(st.data(), st.sampled_from(Service))
def test_an_envelope_means_its_events(data: st.DataObject, service: Service) -> None:
    """Envelopes and single messages are two ways to send the same events."""
    rows = data.draw(events_of(service))
    cuts = data.draw(st.lists(st.integers(0, len(rows))))
    offsets = np.array([0, *sorted(cuts), len(rows)], np.int32)
    sent = columns_of(service, rows)
    envelopes = decode(encode_envelopes(service, sent, offsets).to_pylist())
    singles = decode(encode(service, sent).to_pylist())
    assert rows_of(envelopes) == rows_of(singles) == same(service, rows)


@given(st.data(), st.sampled_from(Service))
def test_another_encoder_writes_the_same_bytes(data: st.DataObject, service: Service) -> None:
    """Mediation may use any Avro library: an independent one agrees byte for byte."""
    rows = data.draw(events_of(service))
    ours = encode(service, columns_of(service, rows)).to_pylist()
    assert ours == [message(service, r) for r in rows]


def test_each_event_knows_its_message_and_its_place() -> None:
    """Message 0 is an envelope of two calls, message 1 a message, message 2 another call."""
    calls = columns_of(Service.VOICE, [_full(Service.VOICE, sequence=n) for n in (7, 8, 9)])
    envelope = encode_envelopes(Service.VOICE, calls, np.array([0, 2], np.int32)).to_pylist()
    single = encode(Service.VOICE, {n: c.slice(2) for n, c in calls.items()}).to_pylist()
    decoded = decode([*envelope, message(Service.SMS, row(sequence=1)), *single])
    places = {
        (f.service, s.as_py()): (m, r)
        for f in decoded.families
        for s, m, r in zip(f.columns["sequence"], f.message.tolist(), f.row.tolist(), strict=True)
    }
    assert places == {
        (Service.VOICE, 7): (0, 0),
        (Service.VOICE, 8): (0, 1),
        (Service.SMS, 1): (1, 0),
        (Service.VOICE, 9): (2, 0),
    }


def _full(service: Service, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    """A row with every field."""
    defaults = {f["name"]: f.get("default") for f in current_schema(service)["fields"]}
    return defaults | row(service, **fields)


GOOD = datum(Service.SMS, row())
# GOOD begins: 06 "msc-1" is 0a 6d 73 63 2d 31, epoch 00, sequence 02 02, event_id 00, direction 00.
SOURCE_END = 6
BAD: dict[str, tuple[bytes | None, Reason, str]] = {
    "no value": (None, Reason.BAD_MAGIC, "shorter"),
    "nothing": (b"", Reason.BAD_MAGIC, "shorter"),
    "four bytes": (b"\x00\x00\x00\x00", Reason.BAD_MAGIC, "shorter"),
    "another first byte": (b"\x01\x00\x00\x00\x02" + GOOD, Reason.BAD_MAGIC, "first byte is 1"),
    "JSON": (b'{"service": "sms"}', Reason.BAD_MAGIC, "first byte is 123"),
    "an id of zero": (frame(0) + GOOD, Reason.UNKNOWN_SCHEMA, "id 0 "),
    "an unknown id": (frame(50) + GOOD, Reason.UNKNOWN_SCHEMA, "id 50 "),
    "an id above one byte": (frame(200) + GOOD, Reason.UNKNOWN_SCHEMA, "id 200 "),
    "a long id ending in a known one": (frame(258) + GOOD, Reason.UNKNOWN_SCHEMA, "id 258 "),
    "a long id ending in zero": (frame(256) + GOOD, Reason.UNKNOWN_SCHEMA, "id 256 "),
    "a frame without a datum": (frame(SMS), Reason.UNDECODABLE, ""),
    "a datum cut short": (frame(SMS) + GOOD[:-3], Reason.UNDECODABLE, ""),
    "another family's datum": (
        frame(SMS) + datum(Service.BANDWIDTH, row(Service.BANDWIDTH)),
        Reason.UNDECODABLE,
        "",
    ),
    "a text of negative length": (frame(SMS) + b"\x01" + GOOD[1:], Reason.UNDECODABLE, ""),
    "a text longer than the message": (
        frame(SMS) + b"\xfe\xff\xff\xff\x0f" + GOOD[1:],
        Reason.UNDECODABLE,
        "",
    ),
    "a text that is not UTF-8": (
        frame(SMS) + GOOD[:1] + b"\xff" + GOOD[2:],
        Reason.UNDECODABLE,
        "UTF8",
    ),
    "a branch that the union lacks": (
        frame(SMS) + GOOD[: SOURCE_END + 1] + b"\x04" + GOOD[SOURCE_END + 2 :],
        Reason.UNDECODABLE,
        "",
    ),
    "a direction that does not exist": (
        frame(SMS) + GOOD[: SOURCE_END + 4] + b"\x04" + GOOD[SOURCE_END + 5 :],
        Reason.UNDECODABLE,
        "",
    ),
    "a number of eleven bytes": (
        frame(SMS) + GOOD[: SOURCE_END + 2] + b"\xff" * 11 + b"\x01" + GOOD[SOURCE_END + 3 :],
        Reason.UNDECODABLE,
        "",
    ),
    "an int of more than 32 bits": (
        frame(SMS) + GOOD[:SOURCE_END] + b"\xff\xff\xff\xff\xff\xff\x01" + GOOD[SOURCE_END + 1 :],
        Reason.UNDECODABLE,
        "",
    ),
    "a byte behind the datum": (frame(SMS) + GOOD + b"\x00", Reason.UNDECODABLE, "bytes"),
    "two datums in one message": (frame(SMS) + GOOD + GOOD, Reason.UNDECODABLE, "bytes"),
    "a byte behind the envelope": (
        frame(SMS_ENVELOPE) + zigzag(1) + GOOD + b"\x00\x00",
        Reason.UNDECODABLE,
        "bytes",
    ),
    "an envelope of too many": (
        # One is announced where two stand: the second would be read as a count of five more.
        frame(SMS_ENVELOPE) + zigzag(1) + GOOD + GOOD + b"\x00",
        Reason.UNDECODABLE,
        "",
    ),
    "an envelope cut short": (
        frame(SMS_ENVELOPE) + zigzag(2) + GOOD + GOOD[:-1],
        Reason.UNDECODABLE,
        "",
    ),
    "an envelope of too few": (
        frame(SMS_ENVELOPE) + zigzag(3) + GOOD + GOOD + b"\x00",
        Reason.UNDECODABLE,
        "",
    ),
    "an envelope of untold many": (
        frame(SMS_ENVELOPE) + zigzag(2**61) + GOOD + b"\x00",
        Reason.UNDECODABLE,
        "",
    ),
    "an envelope with a text that is not UTF-8": (
        frame(SMS_ENVELOPE) + zigzag(1) + GOOD[:1] + b"\xff" + GOOD[2:] + b"\x00",
        Reason.UNDECODABLE,
        "UTF8",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_message_is_refused_alone(name: str) -> None:
    """One message at fault is named with its index and a reason; its neighbours are taken."""
    bad, reason, said = BAD[name]
    good = [frame(SMS) + datum(Service.SMS, row(sequence=n)) for n in range(4)]
    decoded = decode([*good[:3], bad, good[3]])
    assert [(r.message, r.reason) for r in decoded.refused] == [(3, reason)]
    assert said in decoded.refused[0].detail
    taken = {
        (m, s.as_py())
        for f in decoded.families
        for m, s in zip(f.message.tolist(), f.columns["sequence"], strict=True)
    }
    assert taken == {(0, 0), (1, 1), (2, 2), (4, 3)}


@given(st.lists(st.sampled_from(["good", "envelope", "line", *BAD]), max_size=20))
def test_any_mixture_is_sorted_out(kinds: list[str]) -> None:
    """Every message of a batch ends in exactly one of the three results, whatever is beside it."""
    line = encode_unreadable([Unreadable(0, "file:1", 5, "unreadable_line", "x")])[0].as_py()
    envelope = frame(SMS_ENVELOPE) + zigzag(2) + GOOD + GOOD + b"\x00"
    made = {"good": frame(SMS) + GOOD, "envelope": envelope, "line": line}
    decoded = decode([made[kind] if kind in made else BAD[kind][0] for kind in kinds])
    events = sorted(m for f in decoded.families for m in f.message.tolist())
    assert events == sorted(
        [i for i, k in enumerate(kinds) if k in ("good", "envelope")]
        + [i for i, k in enumerate(kinds) if k == "envelope"]
    )
    assert [u.message for u in decoded.unreadable] == [
        i for i, k in enumerate(kinds) if k == "line"
    ]
    assert sorted((r.message, r.reason) for r in decoded.refused) == [
        (i, BAD[k][1]) for i, k in enumerate(kinds) if k in BAD
    ]


@given(st.binary(max_size=40), st.sampled_from([*range(1, 7), 9, *range(101, 107)]))
def test_random_bytes_never_stop_a_batch(noise: bytes, schema_id: int) -> None:
    """Whatever stands behind a frame, the message before it is taken and every text is text."""
    decoded = decode([frame(SMS) + GOOD, frame(schema_id) + noise])
    assert (0, 0) in {(int(m), 0) for f in decoded.families for m in f.message}
    for family in decoded.families:
        for column in family.columns.values():
            column.to_pylist()


def test_an_envelope_may_be_empty_or_in_parts() -> None:
    """An array of Avro may be empty, come in several blocks, and state a block's size."""
    empty = frame(SMS_ENVELOPE) + b"\x00"
    parts = frame(SMS_ENVELOPE) + zigzag(2) + GOOD + GOOD + zigzag(1) + GOOD + b"\x00"
    # -1 announces one event and then its size; zigzag of -1 is 1.
    sized = frame(SMS_ENVELOPE) + b"\x01" + zigzag(len(GOOD)) + GOOD + b"\x00"
    decoded = decode([empty, parts, sized])
    assert decoded.refused == ()
    assert [m for f in decoded.families for m in f.message.tolist()] == [1, 1, 1, 2]
    assert [r for f in decoded.families for r in f.row.tolist()] == [0, 1, 2, 0]


def test_no_messages_are_no_events() -> None:
    """An empty batch is in order."""
    decoded = decode([])
    assert (decoded.families, decoded.unreadable, decoded.refused) == ((), (), ())


def test_unreadable_lines_come_back() -> None:
    """A line that an adapter could not read keeps its identity, its reason and its text."""
    lines = [
        Unreadable(0, "file:ab", 0, "unreadable_line", "é\n"),
        Unreadable(1, "file:ab", 7, "unknown_service", ""),
    ]
    assert list(decode(encode_unreadable(lines).to_pylist()).unreadable) == lines
    assert len(encode_unreadable([])) == 0


def test_defaults_are_filled_in() -> None:
    """Columns with a default may be left out; the schema's own default stands in for them."""
    given_columns = {
        "source": pa.array(["a"]),
        "direction": pa.array(["out"]),
        "started_at": pa.array([NOVEMBER_US], pa.timestamp("us")),
        "called_number": pa.array(["49"]),
    }
    batch = conform(Service.SMS, given_columns)
    assert batch.schema.names == [f["name"] for f in current_schema(Service.SMS)["fields"]]
    (event,) = batch.to_pylist()
    assert (event["epoch"], event["units"], event["test"], event["sequence"]) == (0, 1, False, None)


def test_a_required_column_cannot_be_left_out() -> None:
    """A message has a called number; without one there is nothing to send."""
    with pytest.raises(KeyError, match="sms usage needs the field called_number"):
        conform(
            Service.SMS,
            {
                "source": pa.array(["a"]),
                "direction": pa.array(["in"]),
                "started_at": pa.array([0], pa.timestamp("us")),
            },
        )


def test_a_column_of_no_field_is_refused() -> None:
    """A misspelt column must not vanish silently."""
    with pytest.raises(KeyError, match="sms usage has no field egress_rout"):
        conform(Service.SMS, {"egress_rout": pa.array(["TG-1"])})


@pytest.fixture
def next_version(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The world after messages have got a new field: id 7, with a default."""
    newer = copy.deepcopy(current_schema(Service.SMS))
    newer["fields"].append({"name": "campaign", "type": ["null", "string"], "default": None})
    newer["fields"].append({"name": "priority", "type": "int", "default": 3})
    read_schema = registry.read_schema
    monkeypatch.setattr(
        registry, "read_schema", lambda file: newer if file == "newer" else read_schema(file)
    )
    monkeypatch.setitem(registry.VERSIONS, 7, (Service.SMS, "newer"))
    things = [*vars(registry).values(), *vars(columns).values()]
    forget = [thing.cache_clear for thing in things if hasattr(thing, "cache_clear")]
    for clear in forget:
        clear()
    yield 7
    for clear in forget:
        clear()


def test_an_older_writers_messages_stay_readable(next_version: int) -> None:
    """Messages and envelopes under the old id get the new fields' defaults."""
    old = frame(SMS) + GOOD
    envelope = frame(SMS_ENVELOPE) + zigzag(2) + GOOD + GOOD + b"\x00"
    new = encode(
        Service.SMS,
        {
            "source": pa.array(["msc-2"]),
            "direction": pa.array(["in"]),
            "started_at": pa.array([NOVEMBER_US], pa.timestamp("us")),
            "called_number": pa.array(["4930"]),
            "priority": pa.array([9]),
        },
    )
    assert new[0].as_py()[:5] == frame(next_version)
    decoded = decode([old, envelope, new[0].as_py()])
    assert decoded.refused == ()
    seen = {r["source"]: (r["campaign"], r["priority"]) for r in rows_of(decoded)}
    assert seen == {"msc-1": (None, 3), "msc-2": (None, 9)}
    assert sum(len(f) for f in decoded.families) == 4


def test_records_of_our_own_topics_come_back() -> None:
    """Weir's own records have no frame: one schema, both ways."""
    schema = {
        "type": "record",
        "name": "Pair",
        "fields": [{"name": "key", "type": "string"}, {"name": "count", "type": "long"}],
    }
    encode_records, decode_records = records_codec(schema)
    batch = pa.RecordBatch.from_arrays(
        [pa.array(["a", "b"]), pa.array([1, -2])],
        schema=pa.schema(
            [
                pa.field("key", pa.string(), nullable=False),
                pa.field("count", pa.int64(), nullable=False),
            ]
        ),
    )
    back = decode_records(encode_records(batch).to_pylist())
    assert back.to_pylist() == [{"key": "a", "count": 1}, {"key": "b", "count": -2}]
