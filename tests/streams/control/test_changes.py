"""A change says the same on the log as in memory; told again it is the same message."""

from __future__ import annotations

from dataclasses import replace

from streams.control.changes import Change, Form, Place, Refusal

CHANGE = Change(
    kind="organization",
    id="42",
    at_us=1_764_547_200_000_000,
    form=Form.PART,
    attributes={"name": "Müller", "creditRating": [{"ratingScore": 3, "limit": "10.50"}]},
    source="party",
    event_id="569",
    position=str(Place("party.v1", 0, 17, 0, 5)),
    known_us=5,
)


def test_a_change_comes_back_as_it_was() -> None:
    """Text beyond ASCII, numbers and nested values included."""
    assert Change.from_bytes(CHANGE.to_bytes()) == CHANGE


def test_told_again_it_has_the_same_key_and_its_first_place() -> None:
    """Position and time of arrival say nothing of the thing; the earlier ones are kept."""
    again = replace(CHANGE, position="party.v1/0/99/0", known_us=9)
    assert again.key == CHANGE.key
    assert again.earliest(CHANGE) == CHANGE == CHANGE.earliest(again)


def test_what_is_said_tells_changes_apart() -> None:
    """The time since when it is so, the form and every attribute count."""
    others = [
        replace(CHANGE, at_us=CHANGE.at_us + 1),
        replace(CHANGE, form=Form.FULL),
        replace(CHANGE, attributes={"name": "Muller"}),
        replace(CHANGE, event_id="570"),
    ]
    assert len({c.key for c in [CHANGE, *others]}) == 5


def test_a_refusal_keeps_what_was_sent() -> None:
    """Whatever bytes they are."""
    refusal = Refusal("malformed", "is not JSON; mend the sender", "party.v1/0/3/0", 7, b"\xff{")
    assert Refusal.from_bytes(refusal.to_bytes()) == refusal
    assert refusal.key == b"party.v1/0/3/0"
