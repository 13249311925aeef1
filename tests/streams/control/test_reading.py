"""A notification becomes a change, and whatever else comes becomes a refusal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.control.changes import Form, Place
from streams.control.reading import read

PLACE = Place("party.v1", 0, 17, 0, 5)


def test_a_notification_becomes_a_change() -> None:
    """Kind and attributes are the resource's; 2026-01-01 is 20,454 days after 1970-01-01."""
    told = {
        "eventType": "OrganizationCreateEvent",
        "eventTime": "2026-01-01T00:00:00Z",
        "event": {"organization": {"id": "1", "name": "Alfa"}},
    }
    (change,) = read(json.dumps(told).encode(), PLACE).changes
    assert (change.kind, change.id, change.form) == ("organization", "1", Form.FULL)
    assert change.at_us == 20_454 * 86_400_000_000
    assert change.position == "party.v1/0/17/0"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"\xff{", "malformed"),
        (b"[]", "malformed"),
        (b'{"event": {}}', "no_payload"),
        (b'{"event": {"organization": {"id": "1"}}}', "no_time"),
    ],
)
def test_what_cannot_be_read_is_refused(value: bytes, reason: str) -> None:
    """With a reason and the bytes."""
    (refusal,) = read(value, PLACE).refusals
    assert (refusal.reason, refusal.message) == (reason, value)


@given(st.binary())
def test_no_bytes_make_it_fail(value: bytes) -> None:
    """Everything that comes ends somewhere."""
    found = read(value, PLACE)
    assert len(found.changes) + len(found.refusals) == 1
