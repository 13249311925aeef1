"""Changes and entities for the tests of what follows from them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from state.entities import FOREVER_US, Entities
from streams.control.changes import Change, Form

DAY_US = 86_400 * 1_000_000
START = datetime(2026, 1, 1, tzinfo=UTC)
START_US = 20_454 * DAY_US
"""2026-01-01T00:00:00Z, which is day 0 of the tests: day 20,454 of the epoch."""


def day_us(day: int) -> int:
    """The beginning of a day of the tests, in microseconds since the epoch."""
    return START_US + day * DAY_US


def day_text(day: int) -> str:
    """The same as masters write it."""
    return (START + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ")


def day_of(at_us: int) -> int | None:
    """The day of the tests that begins at a moment; None for an open end."""
    return None if at_us == FOREVER_US else (at_us - START_US) // DAY_US


def told(
    kind: str,
    name: str,
    day: int,
    attributes: dict[str, Any],
    form: Form = Form.FULL,
) -> Change:
    """What a master told of a thing on a day; known as soon as it was so."""
    place = f"{kind}/0/{day}/0"
    return Change(kind, name, day_us(day), form, attributes, "master", "", place, day_us(day))


def known(changes: Iterable[Change]) -> Entities:
    """What is known after some changes."""
    entities = Entities()
    for change in changes:
        entities.add(change)
    return entities


def agreement(name: str, *parties: str, own_id: str = "") -> Change:
    """An agreement of some parties, the first of them as partner."""
    engaged = [
        {"party": party, "role": "partner" if number == 0 else "operator"}
        for number, party in enumerate(parties)
    ]
    return told("agreement", own_id or name, 0, {"name": name, "engagedParty": engaged})
