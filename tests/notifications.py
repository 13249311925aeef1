"""Notifications as master systems send them, and what they are read into."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from state.entities import Entities
from streams.control.changes import Change, Place, Refusal
from streams.control.reading import Reading, read

KNOWN_US = 1_793_600_000_000_000
AT = "2026-11-01T12:00:00Z"
AT_US = 1_793_534_400_000_000  # 2026-11-01T12:00:00Z
EXAMPLES = Path(__file__).parent / "data" / "tmf"
STEMS = {
    "TMF620": "catalog",
    "TMF621": "ticket",
    "TMF622": "order",
    "TMF632": "party",
    "TMF637": "inventory",
    "TMF638": "inventory",
    "TMF639": "inventory",
    "TMF669": "party",
}


def place(stem: str, offset: int = 7) -> Place:
    """The place of a message on the topic of a master."""
    return Place(f"{stem}.v1", 0, offset, 0, KNOWN_US)


def notice(kind: str, event: str, payload: object, **envelope: Any) -> dict[str, Any]:  # noqa: ANN401
    """A notification about a resource; `event` is the end of its type."""
    event_type = f"{kind[0].upper()}{kind[1:]}{event}"
    return {"eventTime": AT, "eventType": event_type, "event": {kind: payload}, **envelope}


def reading(stem: str, said: object, offset: int = 7) -> Reading:
    """What a message of this JSON on a topic is read into."""
    return read(json.dumps(said).encode(), place(stem, offset))


def change(stem: str, said: object, offset: int = 7) -> Change:
    """The one change that a message tells; nothing else may come of it."""
    found = reading(stem, said, offset)
    assert (found.refusals, found.ignored) == ((), {})
    [one] = found.changes
    return one


def refusal(stem: str, said: object) -> Refusal:
    """The one refusal that a message gets; nothing else may come of it."""
    found = reading(stem, said)
    assert (found.changes, found.ignored) == ((), {})
    [one] = found.refusals
    return one


def folded(*changes: Change) -> Entities:
    """What is known after some changes."""
    entities = Entities()
    for one in changes:
        entities.add(one)
    return entities


def examples() -> list[tuple[str, str, dict[str, Any]]]:
    """The published notifications: API, name and notification."""
    return [
        (api, name, value)
        for api in STEMS
        for name, value in json.loads((EXAMPLES / f"{api}.json").read_bytes()).items()
    ]
