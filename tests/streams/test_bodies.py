"""Bodies: equal digests for equal events, and different ones for any difference."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codes import Service
from tests.makers import usage
from tests.usage_makers import NOVEMBER_US, message, row

ROWS = st.sampled_from(list(Service)).flatmap(
    lambda service: st.fixed_dictionaries(
        {
            "sequence": st.integers(0, 50),
            "event_id": st.none() | st.sampled_from(["a", "ä" * 300]),
            "direction": st.sampled_from(["in", "out"]),
            "test": st.booleans(),
            "utc_offset_minutes": st.sampled_from([0, 60]),
        }
    ).map(lambda fields: (service, row(service, **fields)))
)


def digest(*, service: Service = Service.VOICE, **fields: Any) -> int:  # noqa: ANN401
    """The digest of one event's body."""
    return int(usage(message(service, row(service, **fields))).body[0])


@given(st.lists(ROWS, min_size=1, max_size=8))
def test_a_body_digest_is_the_events_own(rows: list[tuple[Service, dict[str, Any]]]) -> None:
    """What else is in the batch, before or after, has no part in an event's digest."""
    batch = usage(*(message(service, fields) for service, fields in rows))
    for index, at in enumerate(batch.message.tolist()):
        service, fields = rows[at]
        assert int(batch.body[index]) == int(usage(message(service, fields)).body[0])


def test_a_body_is_all_but_who_counted_it() -> None:
    """Source, epoch and number are the key, not the body; an event id is part of what is said."""
    assert digest(source="a", sequence=1, epoch=0) == digest(source="b", sequence=2, epoch=9)
    assert digest(event_id="a") != digest(event_id="b")


def test_any_difference_shows_in_the_digest() -> None:
    """Null, zero and empty are three things; one text in two fields is two things."""
    different = [
        digest(),
        digest(service=Service.SMS),
        digest(test=True),
        digest(direction="out"),
        digest(duration_ms=61_001),
        digest(release_cause=0),
        digest(partial_sequence=0),
        digest(partial_final=False),
        digest(session_id=""),
        digest(ingress_route="x"),
        digest(egress_route="x"),
        digest(home_network="x"),
        digest(visited_network="x"),
        digest(routing_number="1"),
        digest(calling_number="1"),
        digest(subscriber="1"),
        digest(subscriber_token="1"),  # noqa: S106 - it stands for a person
        digest(started_at=NOVEMBER_US + 1),
        digest(utc_offset_minutes=1),
    ]
    assert all(a != b for a, b in itertools.combinations(different, 2))


@pytest.mark.parametrize("field", ["called_number", "routing_number", "calling_number"])
def test_numbers_and_what_is_none_are_told_apart(field: str) -> None:
    """Length, leading zeros, more than fifteen digits, signs and text: each is another body."""
    texts = ["1", "01", "10", "4" * 15, "4" * 16, "4" * 17, "+49", "49", "x", "", "1,"]
    fields: list[dict[str, Any]] = [{field: text} for text in texts]
    digests = [digest(**each) for each in fields]
    assert all(a != b for a, b in itertools.combinations(digests, 2))


def test_one_number_in_two_fields_is_two_things() -> None:
    """Who called whom shows: exchanged numbers are another event."""
    there, back = ("491701", "491702"), ("491702", "491701")
    one, other = (digest(called_number=a, calling_number=b) for a, b in (there, back))
    assert one != other
