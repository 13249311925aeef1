"""Entities: what is known of every thing that masters told about, as of any moment.

An entity is the set of its changes. They are put into one order (by the master's clock, then by
what they say of their last update, then by event id and digest) and gone through: a full image
replaces what was known, a part changes some attributes, an end leaves nothing. What comes out is a
row of versions, each with the time from which and up to which it holds. Since the set decides and
not its order of arrival, a change that comes late, twice or before the one that it builds on leads
to the same versions. And since each change says when it came to be known, the question "what did we
believe then" is the same fold over fewer changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.control.changes import Change, Form

FOREVER_US = 2**63 - 1
ITEM_STATES = "itemStateChange"
ITEMS = "productOrderItem"
NO_SOURCES: Mapping[str, str] = {}


@dataclass(frozen=True)
class EntityVersion:
    """What a thing is from one moment up to another, by the clock of its master.

    Attributes:
        from_us: the first moment, in microseconds since the epoch.
        upto_us: the first moment that it no longer holds, `FOREVER_US` for the last version.
        attributes: all that is known of the thing then.
        is_gone: whether the thing is deleted then.
        is_complete: whether a full image was ever told; parts alone may be lacking something.
        change: the change that made this version.
    """

    from_us: int
    upto_us: int
    attributes: Mapping[str, Any]
    is_gone: bool
    is_complete: bool
    change: Change


@dataclass
class _Entity:
    """The changes of one thing by digest, and its versions once somebody has asked."""

    changes: dict[str, Change] = field(default_factory=dict)
    versions: Sequence[EntityVersion] | None = None


class Entities:
    """All things that masters told about."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, _Entity]] = {}

    def add(self, change: Change) -> bool:
        """Take a change; whether it says anything that was not known."""
        entity = self._known.setdefault(change.kind, {}).setdefault(change.id, _Entity())
        known = entity.changes.get(change.digest)
        entity.changes[change.digest] = change if known is None else known.earliest(change)
        entity.versions = None
        return known is None

    def ids(self, kind: str) -> Sequence[str]:
        """The ids of a kind, sorted."""
        return sorted(self._known.get(kind, ()))

    def kinds(self) -> Sequence[str]:
        """The kinds of things that something is known of, sorted."""
        return sorted(self._known)

    def changes(self, kind: str, name: str) -> Sequence[Change]:
        """All changes of a thing, in the order in which they hold."""
        entity = self._known.get(kind, {}).get(name)
        return [] if entity is None else sorted(entity.changes.values(), key=_order)

    def history(self, kind: str, name: str, known_us: int | None = None) -> Sequence[EntityVersion]:
        """The versions of a thing, one after another; none when nothing is known of it.

        Args:
            kind: see `Change`.
            name: its id.
            known_us: only what was known up to then counts; everything by default.
        """
        entity = self._known.get(kind, {}).get(name)
        if entity is None:
            return ()
        if known_us is not None:
            return versions(c for c in self.changes(kind, name) if c.known_us <= known_us)
        if entity.versions is None:
            entity.versions = versions(self.changes(kind, name))
        return entity.versions

    def first_told(self, kind: str, name: str) -> tuple[int, str]:
        """When and where a thing was told of first, by what things are put in order of arrival."""
        return min(map(_arrival, self._known[kind][name].changes.values()))

    def of_record(
        self, sources: Mapping[str, str] = NO_SOURCES
    ) -> tuple[Entities, Sequence[Change]]:
        """The things as their source of record tells them, and the changes of other sources.

        What is returned is for reading: it shares with these things what no other source told of.

        Args:
            sources: which source is that of a kind. A kind that is not named has for each of its
                things the source that told of it first.
        """
        held, others = Entities(), list[Change]()
        for kind, things in self._known.items():
            for name, entity in things.items():
                changes = entity.changes.values()
                source = sources.get(kind) or min((*_arrival(c), c.source) for c in changes)[-1]
                apart = [change for change in changes if change.source != source]
                if apart:
                    kept = {d: c for d, c in entity.changes.items() if c.source == source}
                    entity, others = _Entity(kept), [*others, *apart]  # noqa: PLW2901 - less of it
                if entity.changes:
                    held._known.setdefault(kind, {})[name] = entity
        return held, sorted(others, key=lambda change: (change.kind, change.id, *_order(change)))

    def at(
        self, kind: str, name: str, at_us: int, known_us: int | None = None
    ) -> EntityVersion | None:
        """What a thing is at a moment; None before its first change and after its end."""
        for version in self.history(kind, name, known_us):
            if version.from_us <= at_us < version.upto_us:
                return None if version.is_gone else version
        return None

    def latest(self, kind: str, name: str) -> EntityVersion | None:
        """What a thing is by its newest change; None when it is gone or unknown."""
        return self.at(kind, name, FOREVER_US - 1)


def _arrival(change: Change) -> tuple[int, str]:
    """When and where a change came to be known."""
    return change.known_us, change.position


def _order(change: Change) -> tuple[int, str, str, str]:
    """By what changes are put into the order in which they hold."""
    updated = change.attributes.get("lastUpdate")
    return change.at_us, str(updated or ""), change.event_id, change.digest


def versions(changes: Iterable[Change]) -> Sequence[EntityVersion]:
    """The versions that changes in their order lead to; of several at one moment the last holds."""
    found: list[EntityVersion] = []
    attributes: Mapping[str, Any] = {}
    is_complete = False
    for change in changes:
        match change.form:
            case Form.FULL:
                attributes, is_complete = _parted(change.attributes), True
            case Form.PART:
                attributes = merged(attributes, change.attributes)
            case Form.GONE:
                attributes, is_complete = {}, False
        if found and found[-1].from_us == change.at_us:
            found.pop()
        is_gone = change.form is Form.GONE
        version = EntityVersion(change.at_us, FOREVER_US, attributes, is_gone, is_complete, change)
        if found:
            last = found[-1]
            found[-1] = EntityVersion(
                last.from_us,
                change.at_us,
                last.attributes,
                last.is_gone,
                last.is_complete,
                last.change,
            )
        found.append(version)
    return tuple(found)


def merged(known: Mapping[str, Any], said: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is known once some attributes have changed; a list that is said replaces the list."""
    found = {**known, **_parted(said)}
    states = {str(s.get("itemId")): s.get("state") for s in _objects(said.get(ITEM_STATES))}
    if states and _objects(found.get(ITEMS)):
        found[ITEMS] = _with_states(found[ITEMS], states)
    return found


def _parted(said: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes of the thing alone; states of items are told beside it and belong in them."""
    return {name: value for name, value in said.items() if name != ITEM_STATES}


def _objects(value: object) -> Sequence[Mapping[str, Any]]:
    """The objects of a list; what a master put there that is none cannot be an item."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _with_states(items: object, states: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The items of an order, which may hold further ones, with the states that were told."""
    found = []
    for known in _objects(items):
        item = dict(known)
        if str(item.get("id")) in states:
            item["state"] = states[str(item["id"])]
        if _objects(item.get(ITEMS)):
            item[ITEMS] = _with_states(item[ITEMS], states)
        found.append(item)
    return found
