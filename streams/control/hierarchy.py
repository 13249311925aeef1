"""Hierarchy: which organization belongs to which, as their master tells it.

Each organization may have one parent. A chain of parents that comes back to where it began has no
top: it is found, and nothing above the first repetition is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from state.entities import Entities, EntityVersion
from streams.control.derived import Finding
from streams.control.parties import mappings, text
from streams.control.partners import called
from streams.control.periods import since

ORGANIZATION = "organization"
RELATIONSHIP = "organizationParentRelationship"


class Parent(NamedTuple):
    """An organization above another one, and since when it is, in microseconds."""

    id: str
    name: str
    since_us: int


def parent_of(version: EntityVersion) -> str:
    """The id of the parent that a version of an organization names; empty when it has none."""
    for relationship in mappings(version.attributes.get(RELATIONSHIP)):
        for one in mappings(relationship.get(ORGANIZATION)):
            return text(one.get("id"))
    return ""


def parents(entities: Entities, name: str) -> Sequence[Parent]:
    """The organizations above one, the nearest first, up to the top or the first repetition."""
    found: list[Parent] = []
    seen = {name}
    while (above := _above(entities, name)) is not None and above.id not in seen:
        found.append(above)
        seen.add(above.id)
        name = above.id
    return found


def cycle(entities: Entities, name: str) -> Sequence[str]:
    """The ids of the chain of parents that leads back to an organization; none when it does not."""
    chain = [name]
    while (above := _above(entities, chain[-1])) is not None:
        if above.id == name:
            return [*chain, name]
        if above.id in chain:
            return ()
        chain.append(above.id)
    return ()


def cycles(entities: Entities, names: Iterable[str]) -> Sequence[Finding]:
    """A finding for each of some organizations that is above itself."""
    found = []
    for name in names:
        if chain := cycle(entities, name):
            detail = f"is above itself: {' below '.join(chain)}; mend one of these parents"
            found.append(Finding(ORGANIZATION, name, "cycle", detail))
    return found


def _above(entities: Entities, name: str) -> Parent | None:
    """The parent of an organization today, which need not be known itself."""
    newest = entities.latest(ORGANIZATION, name)
    if newest is None or not (above := parent_of(newest)):
        return None
    history = entities.history(ORGANIZATION, name)
    begun = since(history, lambda version: parent_of(version) == above)
    known = entities.latest(ORGANIZATION, above)
    title = "" if known is None else called(known.attributes)
    return Parent(above, title, newest.from_us if begun is None else begun)
