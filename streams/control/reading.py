"""Reading notifications: bytes that a master sent become changes, refusals, or are passed over.

A notification is an envelope (what happened and when) around the resource that it happened to. It
is read without asking anybody: the same bytes always lead to the same changes, whatever was read
before, so that reading again is never a risk. Nothing that is sent can make it fail.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from streams.control.changes import Change, Form, Place, Refusal


@dataclass(frozen=True)
class Reading:
    """What a message came to.

    `ignored` counts by name what was understood and says nothing that Weir keeps.
    """

    changes: Sequence[Change] = ()
    refusals: Sequence[Refusal] = ()
    ignored: Mapping[str, int] = field(default_factory=Counter)


def read(value: bytes | None, place: Place) -> Reading:
    """What a message of a control topic says; never raises, whatever the bytes are."""
    if value is None:
        return Reading(ignored=Counter({"empty": 1}))
    try:
        said = json.loads(value, parse_float=str)
    except (ValueError, RecursionError):
        return _refused("malformed", "is no JSON: mend the sender and send it again", value, place)
    event = said.get("event") if isinstance(said, dict) else None
    if not isinstance(said, dict) or not isinstance(event, dict):
        return _refused("malformed", "is no object with an event in it", value, place)
    resources = [(k, v) for k, v in event.items() if isinstance(v, dict) and v.get("id")]
    if len(resources) != 1:
        return _refused("no_payload", "has no resource with an id in its event", value, place)
    at_us = _moment_us(said.get("eventTime"))
    if at_us is None:
        return _refused("no_time", "has no eventTime that can be read", value, place)
    kind, attributes = resources[0]
    return Reading([_change(kind, attributes, said, at_us, place)])


def _change(
    kind: str, attributes: Mapping[str, Any], said: Mapping[str, Any], at_us: int, place: Place
) -> Change:
    """The change of one resource."""
    name = str(said.get("eventType", ""))
    ends = {"CreateEvent": Form.FULL, "DeleteEvent": Form.GONE}
    form = next((form for end, form in ends.items() if name.endswith(end)), Form.PART)
    return Change(
        kind=kind,
        id=str(attributes["id"]),
        at_us=at_us,
        form=form,
        attributes=attributes,
        source=place.topic.partition(".")[0],
        event_id=str(said.get("eventId", "")),
        position=str(place),
        known_us=place.known_us,
    )


def _moment_us(text: object) -> int | None:
    """A moment in microseconds since the epoch."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _refused(reason: str, detail: str, value: bytes, place: Place) -> Reading:
    """A message that is not taken."""
    return Reading(refusals=[Refusal(reason, detail, str(place), place.known_us, value)])
