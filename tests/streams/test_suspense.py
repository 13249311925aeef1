"""What could not be settled is kept with its reason, readable and ready to be tried again."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas.codes import Reason, Service
from schemas.columns import decode
from schemas.records import codec
from state.tables import Tables
from streams.framing import framed
from streams.privacy import Tokens
from streams.suspense import (
    missing,
    quarantined_event,
    quarantined_messages,
    suspended,
    suspense_ids,
)
from streams.usage import UsageBatch, read_usage
from tests import builders
from tests.makers import segment, usage
from tests.usage_makers import message, row, rows_of

TOKENS = Tokens(b"key")


@pytest.fixture(name="tables")
def _tables(tmp_path: Path) -> Tables:
    keys = f"{builders.ATTRIBUTION}product,PORT-7,ALFA-1,2026-12-01,\n"
    return builders.tables(builders.reference_dir(tmp_path, attribution=keys))


def waits_as(reason: Reason = Reason.NO_ITEM, **fields: Any) -> str:  # noqa: ANN401
    """The suspense id of one event."""
    return id_of(usage(message(Service.SMS, row(**fields))), reason)


def id_of(batch: UsageBatch, reason: Reason) -> str:
    """The suspense id of the first event of a batch."""
    [found] = suspense_ids(batch, np.array([0]), np.array([reason], np.int8))
    return found


def test_an_id_says_who_waits() -> None:
    """Source, epoch and number, or source and event id; a conflict has its digest besides."""
    assert waits_as(source="msc-1", epoch=2, sequence=7) == "msc-1/2/7"
    assert waits_as(source="pos-1", sequence=None, event_id="a") == "pos-1//a"
    batch = usage(message(Service.SMS, row(sequence=7)))
    conflict = id_of(batch, Reason.CONFLICTING_BODY)
    assert conflict == f"msc-1/0/7#{int(batch.body[0]):016x}"


def test_no_two_events_wait_under_one_id() -> None:
    """Names that hold the marks of an id are escaped: each of these is an event of its own."""
    ids = [
        waits_as(source="a/", epoch=0, sequence=1),
        waits_as(source="a", sequence=None, event_id="0/1"),
        waits_as(source="a/0", epoch=1, sequence=2),
        waits_as(source="a%2F", epoch=0, sequence=1),
        waits_as(source="a", sequence=None, event_id="b#1"),
        waits_as(source="a", sequence=None, event_id="b%231"),
    ]
    assert all(a != b for a, b in combinations(ids, 2))
    assert ids[:2] == ["a%2F/0/1", "a//0%2F1"]


@pytest.mark.parametrize(
    ("reason", "service", "fields", "text"),
    [
        (Reason.UNKNOWN_ROUTE, Service.SMS, {"ingress_route": "TG-9"}, "route:TG-9"),
        # The first route is known, so it is the second one that is missing.
        (
            Reason.UNKNOWN_ROUTE,
            Service.SMS,
            {"ingress_route": "TG-001", "egress_route": "TG-8"},
            "route:TG-8",
        ),
        # Its only row begins in December 2026, the event is of November.
        (Reason.NOT_ENTITLED, Service.CIRCUIT, {"product_instance": "PORT-7"}, "product:PORT-7"),
        (Reason.UNKNOWN_NETWORK, Service.SMS, {"home_network": "99999"}, "network:99999"),
        (Reason.UNKNOWN_PRODUCT, Service.CIRCUIT, {"product_instance": "P"}, "product:P"),
        # Nine digits of the number that prices go by: the routing number where there is one.
        (Reason.NO_RATE, Service.VOICE, {"called_number": "180912345678"}, "prefix:180912345"),
        (Reason.NO_RATE, Service.VOICE, {"routing_number": "44"}, "prefix:44"),
        (Reason.NO_ITEM, Service.SMS, {}, "no_item"),
    ],
)
def test_what_is_missing_is_named(
    tables: Tables, reason: Reason, service: Service, fields: dict[str, Any], text: str
) -> None:
    """Whoever mends reference reads what to add, in the words of its files."""
    batch = usage(message(service, row(service, **fields)))
    assert missing(batch, np.array([0]), np.array([reason], np.int8), tables) == [text]


def test_a_suspended_event_keeps_all_but_people(tables: Tables) -> None:
    """Position, digest and fields come back; the subscriber as nine digits and a token."""
    fields: dict[str, Any] = {"subscriber": "491701234567", "calling_number": "493012345678"}
    batch = usage(message(Service.SMS, row(sequence=5, ingress_route="TG-9", **fields)))
    rows, why = np.array([0]), np.array([Reason.UNKNOWN_ROUTE], np.int8)
    name = id_of(batch, Reason.UNKNOWN_ROUTE)
    kept = framed(batch, rows, TOKENS)
    ((key, value),) = suspended(batch, rows, [name], why, tables, kept)
    record = codec("suspense.avsc").decode(value or b"")
    assert (key, record["suspense_id"]) == (b"msc-1/0/5", "msc-1/0/5")
    assert (record["reason"], record["missing"]) == ("unknown_route", "route:TG-9")
    assert record["body"] % 2**64 == int(batch.body[0])
    (again,) = rows_of(decode([record["usage"]]))
    assert (again["subscriber"], again["calling_number"]) == ("491701234000", "493012345000")
    assert again["subscriber_token"] == TOKENS.of("491701234567")
    assert (again["ingress_route"], again["sequence"]) == ("TG-9", 5)


def test_a_quarantined_event_says_which_figure_was_refused() -> None:
    """The record stays as it came, and stands under its position on the log."""
    sent = message(Service.VOICE, row(Service.VOICE, duration_ms=-5))
    batch = usage(sent)
    key, value = quarantined_event(batch, 0, "usage.v1", sent)
    record = codec("quarantine.avsc").decode(value or b"")
    assert key == b"usage.v1/0/0/0"
    assert (record["reason"], record["message"]) == ("negative_quantity", sent)
    assert "duration_ms=-5" in record["detail"]


def test_bytes_that_do_not_decode_are_kept_as_they_are() -> None:
    """Of two segments the second one's message is kept with its own key and position."""
    good = message(Service.SMS, row())
    segments = [segment([good]), segment([good, b"??", None], start=10, keys=[None, b"k", None])]
    refused = read_usage(segments, 1)[1]
    found = [
        (p, codec("quarantine.avsc").decode(v or b""))
        for p, (_, v) in quarantined_messages(segments, refused)
    ]
    kept = sorted((p, r["offset"], r["reason"], r["key"], r["message"]) for p, r in found)
    assert kept == [(0, 11, "bad_magic", b"k", b"??"), (0, 12, "bad_magic", None, b"")]
