"""The oracle reads usage bytes: what is an event, what is not, and what cannot be true."""

from __future__ import annotations

import zlib

import pytest

from ops.oracle_usage import Fault, Identity, Usage, fault_of, read_message, read_schemas
from tests.ops.oracle_makers import datum, envelope, event, framed, unreadable

KNOWN = read_schemas()


def read_one(message: bytes) -> Usage:
    """The only event of a message, which must be usage."""
    (usage,) = read_message(message, KNOWN)
    assert isinstance(usage, Usage)
    return usage


def reasons(message: bytes) -> list[str]:
    """Why a message is refused; `usage` for what is an event."""
    return [e.reason if isinstance(e, Fault) else "usage" for e in read_message(message, KNOWN)]


@pytest.mark.parametrize("service", ["voice", "sms", "data", "bandwidth", "circuit", "transaction"])
def test_every_family_is_read(service: str) -> None:
    """One event a message: the family stands in the schema id, the fields in the datum."""
    usage = read_one(event(service, source="feed", sequence=7))
    assert usage.service == service
    assert usage.identity == ("feed", 0, 7)


def test_a_field_may_be_null_or_foreign() -> None:
    """A field that is null and one that the family does not have are both not given."""
    usage = read_one(event("voice", ingress_route="TG-1"))
    assert usage.text("ingress_route") == "TG-1"
    assert usage.text("egress_route") is None
    assert usage.text("access_point") is None


def test_an_envelope_holds_events_in_order() -> None:
    """Each event of an envelope is an event of its own, with the same bytes as if sent alone."""
    message = envelope("sms", datum("sms", sequence=1), datum("sms", sequence=2))
    events = read_message(message, KNOWN)
    assert [e.identity for e in events] == [("msc-1", 0, 1), ("msc-1", 0, 2)]
    alone = read_one(event("sms", sequence=2))
    assert isinstance(events[1], Usage)
    assert events[1].body == alone.body


def test_an_envelope_may_be_empty_or_say_its_size() -> None:
    """Avro lets an array be empty, come in blocks, and give the size of a block."""
    assert read_message(envelope("sms"), KNOWN) == []
    body = datum("sms")
    # -1 as zigzag is 1; the size follows as a zigzag long of two bytes, low seven bits first.
    size = 2 * len(body)
    sized = bytes([1, size & 0x7F | 0x80, size >> 7]) + body + bytes([2]) + body + b"\x00"
    assert reasons(framed(102, sized)) == ["usage", "usage"]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "bad_magic"),
        (b"\x00\x00\x00\x00", "bad_magic"),
        (b"\x01" + event("sms")[1:], "bad_magic"),
        (framed(99, datum("sms")), "unknown_schema"),
        (framed(0, datum("sms")), "unknown_schema"),
        (framed(109, datum("sms")), "unknown_schema"),
        (framed(2**24 + 2, datum("sms")), "unknown_schema"),
        (event("sms")[:-1], "undecodable"),
        (event("sms") + b"\x00", "undecodable"),
        (envelope("sms", datum("sms"))[:-1], "undecodable"),
        (envelope("sms", datum("sms")) + b"\x00", "undecodable"),
        (envelope("sms", datum("sms"), datum("sms")[:-3]), "undecodable"),
        # The source is two bytes that are not UTF-8.
        (framed(2, b"\x04\xff\xff" + datum("sms", source="ab")[3:]), "undecodable"),
        # Direction follows source, epoch, sequence (1) and no event id: an enum index of -1.
        (
            event("sms").replace(b"msc-1\x00\x02\x02\x00\x00", b"msc-1\x00\x02\x02\x00\x01"),
            "undecodable",
        ),
        # Epoch is an int: 2^31 as a zigzag is 80 80 80 80 10.
        (event("sms").replace(b"msc-1\x00", b"msc-1\x80\x80\x80\x80\x10"), "undecodable"),
    ],
)
def test_what_does_not_decode_is_refused_whole(message: bytes, reason: str) -> None:
    """A message is one fault, with one reason, when any part of it cannot be read."""
    assert reasons(message) == [reason]


@pytest.mark.parametrize(
    ("message", "reason", "identity"),
    [
        (unreadable("file-1", 0, "unknown_service"), "unknown_service", ("file-1", 0, 0)),
        (unreadable("file-1", 9, "negative_quantity"), "negative_quantity", ("file-1", 0, 9)),
        (unreadable("file-1", 9, "no_rate"), "unreadable_line", ("file-1", 0, 9)),
        (unreadable("file-1", 9, "strange"), "unreadable_line", ("file-1", 0, 9)),
        (unreadable("", 9, "unreadable_line"), "unreadable_line", None),
        (unreadable("file-1", -1, "unreadable_line"), "unreadable_line", None),
    ],
)
def test_an_unreadable_line_keeps_its_reason(
    message: bytes, reason: str, identity: Identity | None
) -> None:
    """An adapter's reason stands if it is one of quarantine; the row is the identity."""
    (fault,) = read_message(message, KNOWN)
    assert fault == Fault(reason, identity, "a;b;c")


@pytest.mark.parametrize(
    ("sequence", "event_id", "identity"),
    [
        (0, None, ("msc-1", 3, 0)),
        (2**43 - 2, "x", ("msc-1", 3, 2**43 - 2)),
        (2**43 - 1, "x", ("msc-1", "x")),
        (-1, "x", ("msc-1", "x")),
        (None, "x", ("msc-1", "x")),
        (2**43 - 1, None, None),
        (None, "", None),
        (None, None, None),
    ],
)
def test_identity_is_the_number_else_the_id(
    sequence: int | None, event_id: str | None, identity: Identity | None
) -> None:
    """A sequence in range identifies with source and epoch; else the id does with the source."""
    usage = read_one(event("voice", epoch=3, sequence=sequence, event_id=event_id))
    assert usage.identity == identity


@pytest.mark.parametrize(
    ("service", "fields", "reason"),
    [
        ("voice", {}, None),
        ("voice", {"source": ""}, "no_source"),
        ("voice", {"sequence": None}, "no_identity"),
        ("voice", {"duration_ms": -1}, "negative_quantity"),
        ("voice", {"duration_ms": 2**44 - 1}, None),
        ("voice", {"duration_ms": 2**44}, "quantity_overflow"),
        ("sms", {"units": -1}, "negative_quantity"),
        ("data", {"volume_up_bytes": -1, "volume_down_bytes": 5}, "negative_quantity"),
        ("data", {"volume_up_bytes": 2**43, "volume_down_bytes": 2**43}, "quantity_overflow"),
        ("data", {"volume_up_bytes": 2**43, "volume_down_bytes": 2**43 - 1}, None),
        ("circuit", {"units": 2**44}, "quantity_overflow"),
        ("transaction", {"units": -1}, "negative_quantity"),
        # A refund has a negative amount.
        ("transaction", {"retail_amount_micros": 1 - 2**44}, None),
        ("transaction", {"retail_amount_micros": -(2**44)}, "quantity_overflow"),
        ("transaction", {"retail_amount_micros": 2**44}, "quantity_overflow"),
        ("voice", {"started_at": "1999-12-31T23:59:59.999999+00:00"}, "impossible_time"),
        ("voice", {"started_at": "2000-01-01T00:00:00+00:00"}, None),
        ("voice", {"started_at": "2099-12-31T23:59:59.999999+00:00"}, None),
        ("voice", {"started_at": "2100-01-01T00:00:00+00:00"}, "impossible_time"),
        ("voice", {"started_at": 2**62}, "impossible_time"),
        ("voice", {"utc_offset_minutes": 900}, None),
        ("voice", {"utc_offset_minutes": -901}, "impossible_time"),
        ("circuit", {"ended_at": "2026-11-10T11:59:59.999999+00:00"}, "impossible_time"),
        ("bandwidth", {"ended_at": "2026-11-10T12:00:00+00:00"}, None),
        ("voice", {"called_number": ""}, "invalid_number"),
        ("voice", {"called_number": "+4915112345678"}, "invalid_number"),
        ("voice", {"called_number": "1234567890123456"}, "invalid_number"),
        ("voice", {"called_number": "123456789012345"}, None),
        ("sms", {"called_number": "49151\u0661"}, "invalid_number"),
        ("voice", {"routing_number": "49 151"}, "invalid_number"),
        ("sms", {"routing_number": "49x"}, "invalid_number"),
        # A subscriber may be known otherwise than by digits; no range has it then.
        ("data", {"subscriber": "26201x"}, None),
    ],
)
def test_an_event_that_cannot_be_true_is_refused(
    service: str, fields: dict[str, object], reason: str | None
) -> None:
    """Each check, at its bound: the last value that passes and the first that fails."""
    assert fault_of(read_one(event(service, **fields)), 0, 1) == reason


def test_an_event_belongs_to_the_partition_of_its_source() -> None:
    """CRC-32 of the source modulo the partitions; elsewhere a repeat would not be seen."""
    usage = read_one(event("voice", source="msc-1"))
    right = zlib.crc32(b"msc-1") % 4
    found = [fault_of(usage, partition, 4) for partition in range(4)]
    assert found == [None if p == right else "wrong_partition" for p in range(4)]


def test_the_first_check_that_fails_gives_the_reason() -> None:
    """An event wrong in several ways is refused for the one that stands first."""
    usage = read_one(event("voice", sequence=None, duration_ms=-1, called_number="x"))
    assert fault_of(usage, 0, 1) == "no_identity"
