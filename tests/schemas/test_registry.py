"""Tests of the schema ids, of the types that schemas keep to, and of how they may change."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.schema import parse

from schemas import registry
from schemas.codes import Direction, Service
from schemas.registry import (
    ENVELOPE_OFFSET,
    UNREADABLE_ID,
    VERSIONS,
    current_id,
    current_schema,
    frame,
    read_schema,
    wire_schemas,
)

SCHEMAS = Path(registry.__file__).parent
# Every schema as it was published, one file a version; files are added, never changed.
PUBLISHED = sorted((SCHEMAS / "history").glob("*.avsc"))
FAMILY_FILES = [*(file for _, file in VERSIONS.values()), "usage_unreadable.avsc"]

Schema = dict[str, Any]


def readable(reader: Schema, writer: Schema) -> bool:
    """Whether Avro's own rules let a reader's schema read what a writer's schema wrote."""
    checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]
    result = checker.get_compatibility(parse(json.dumps(reader)), parse(json.dumps(writer)))
    return result.compatibility is SchemaCompatibilityType.compatible


def field(schema: Schema, name: str) -> Schema:
    """One field of a record."""
    found: Schema = next(f for f in schema["fields"] if f["name"] == name)
    return found


def test_ids_are_the_published_ones() -> None:
    """The ids stand in stored messages: families 1 to 6, envelopes 100 above, 9 unreadable."""
    first = {
        1: Service.VOICE,
        2: Service.SMS,
        3: Service.DATA,
        4: Service.BANDWIDTH,
        5: Service.CIRCUIT,
        6: Service.TRANSACTION,
    }
    assert {i: wire_schemas()[i].service for i in first} == first
    assert {i: wire_schemas()[i + ENVELOPE_OFFSET].service for i in first} == first
    assert wire_schemas()[UNREADABLE_ID].service is None


def test_the_newest_version_of_a_family_is_the_one_readers_expect() -> None:
    """A family's highest id names its current schema."""
    for service in Service:
        versions = [i for i, (family, _) in VERSIONS.items() if family is service]
        assert current_id(service) == max(versions)
        assert current_schema(service) == wire_schemas()[max(versions)].schema


def test_an_envelope_holds_an_array_of_its_family() -> None:
    """Many events of one family travel as one record with one array."""
    wire = wire_schemas()[current_id(Service.SMS) + ENVELOPE_OFFSET]
    assert wire.envelope
    assert [f["name"] for f in wire.schema["fields"]] == ["events"]
    assert field(wire.schema, "events")["type"]["items"] == current_schema(Service.SMS)


def test_the_frame_is_a_zero_byte_and_the_id() -> None:
    """Confluent's framing: magic byte 0, then the id in four bytes, most significant first."""
    assert frame(101) == b"\x00\x00\x00\x00\x65"


def test_an_id_that_does_not_fit_one_byte_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The decoder reads the frame as Avro integers of one byte; a larger id must not slip in."""
    wire_schemas.cache_clear()
    monkeypatch.setitem(registry.VERSIONS, 28, (Service.SMS, "usage_sms.avsc"))  # 28 + 100 > 127
    with pytest.raises(ValueError, match="no longer fits one byte"):
        wire_schemas()
    wire_schemas.cache_clear()


@pytest.mark.parametrize("file", FAMILY_FILES)
def test_schemas_keep_to_the_types_every_decoder_reads(file: str) -> None:
    """Text, whole numbers, booleans, microseconds, the direction; null only as an absent default.

    No float and no double, so that no amount can be one; no nesting, maps, bytes or decimals.
    """
    simple = {"string", "int", "long", "boolean"}
    for f in read_schema(file)["fields"]:
        kind = f["type"]
        if isinstance(kind, list):
            assert kind[0] == "null", f["name"]
            assert len(kind) == 2, f["name"]
            assert f["default"] is None, f["name"]
            kind = kind[1]
        if isinstance(kind, dict) and kind["type"] == "enum":
            assert kind["symbols"] == [d.label for d in Direction]
        elif isinstance(kind, dict):
            assert kind == {"type": "long", "logicalType": "timestamp-micros"}, f["name"]
        else:
            assert kind in simple, f["name"]
        assert f["doc"], f"{f['name']} says nothing about itself"


@pytest.mark.parametrize("service", list(Service))
def test_every_family_begins_with_the_same_fields(service: Service) -> None:
    """Who counted it, its number, which way and when: the same for any kind of usage."""
    assert [f["name"] for f in current_schema(service)["fields"]][:8] == [
        "source",
        "epoch",
        "sequence",
        "event_id",
        "direction",
        "started_at",
        "utc_offset_minutes",
        "test",
    ]


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda p: p.stem)
def test_todays_readers_read_every_published_version(published: Path) -> None:
    """What any producer ever wrote can be read for ever: new fields have defaults."""
    newest = read_schema(f"{published.stem.partition('.')[0]}.avsc")
    assert readable(newest, json.loads(published.read_text()))


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda p: p.stem)
def test_yesterdays_readers_read_what_is_written_today(published: Path) -> None:
    """During an upgrade old and new workers run together: no field without default disappears."""
    newest = read_schema(f"{published.stem.partition('.')[0]}.avsc")
    assert readable(json.loads(published.read_text()), newest)


def test_every_version_on_the_wire_is_frozen() -> None:
    """A schema behind an id does not change but for its words of explanation.

    A new version is a new file and a new id, so a change to a file in use fails here.
    """
    frozen = [json.loads(p.read_text(), object_hook=without_doc) for p in PUBLISHED]
    for file in FAMILY_FILES:
        schema = json.loads(json.dumps(read_schema(file)), object_hook=without_doc)
        assert schema in frozen, file


def without_doc(node: Schema) -> Schema:
    """A part of a schema without its documentation."""
    return {key: value for key, value in node.items() if key != "doc"}


def changed(what: str) -> Schema:
    """The schema of a message with one change."""
    schema = copy.deepcopy(current_schema(Service.SMS))
    fields = schema["fields"]
    if what == "a field with a default is added":
        fields.append({"name": "campaign", "type": ["null", "string"], "default": None})
    elif what == "a field without default is added":
        fields.append({"name": "campaign", "type": "string"})
    elif what == "a required field is removed":
        fields.remove(field(schema, "called_number"))
    elif what == "a type is narrowed":
        field(schema, "units")["type"] = "int"
    return schema


@pytest.mark.parametrize(
    ("what", "old_by_new", "new_by_old"),
    [
        ("a field with a default is added", True, True),
        ("a field without default is added", False, True),
        ("a required field is removed", True, False),
        ("a type is narrowed", False, True),
    ],
)
def test_the_compatibility_check_can_fail(what: str, *, old_by_new: bool, new_by_old: bool) -> None:
    """A change that would break a reader is found in the direction in which it breaks."""
    old, new = current_schema(Service.SMS), changed(what)
    assert readable(new, old) is old_by_new
    assert readable(old, new) is new_by_old
