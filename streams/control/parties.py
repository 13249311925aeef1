"""Who is who: parties, the roles that they play, and which of them are partners.

An organization or an individual becomes a partner by what it is engaged in: an agreement, a role, a
partnership. Where a reference leads to a role instead of a party, the role says whose it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from schemas.tmf651 import PARTNER
from state.entities import Entities

PARTY_KINDS = ("organization", "individual")
ROLE = "partyRole"
AGREEMENT = "agreement"
PARTNERSHIP = "partnership"


class Engaged(NamedTuple):
    """A party and the part that it plays, in lower case; empty where none is said."""

    party: str
    role: str


def mappings(value: object) -> Sequence[Mapping[str, Any]]:
    """The objects in what may be one, a list of some, or nothing of use."""
    several = value if isinstance(value, list | tuple) else [value]
    return [one for one in several if isinstance(one, Mapping)]


def text(value: object) -> str:
    """A text without outer blanks; empty for what is none."""
    return value.strip() if isinstance(value, str) else ""


def characteristics(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """The characteristics of a thing by name."""
    found = attributes.get("characteristics")
    return found if isinstance(found, Mapping) else {}


def engaged(entities: Entities, value: object) -> Sequence[Engaged]:
    """The parties that are referred to; those that nobody can tell are left out."""
    found = []
    for one in mappings(value):
        party = text(one.get("party"))
        if not party and text(one.get("role_id")):
            party = role_holder(entities, text(one["role_id"]))
        if not party and not {"party", "role_id"} & {*one}:
            party = text(one.get("id"))
        if party:
            found.append(Engaged(party, text(one.get("role")).lower()))
    return found


def role_holder(entities: Entities, role_id: str) -> str:
    """Whose role this is, by the last that was said of it; empty if nothing was."""
    for version in reversed(entities.history(ROLE, role_id)):
        for one in mappings(version.attributes.get("engagedParty")):
            if party := text(one.get("party")) or text(one.get("id")):
                return party
    return ""


def roles(entities: Entities) -> Mapping[str, Sequence[str]]:
    """The ids of the roles of each party, also of those that have ended."""
    found: dict[str, list[str]] = {}
    for role_id in entities.ids(ROLE):
        if holder := role_holder(entities, role_id):
            found.setdefault(holder, []).append(role_id)
    return found


def partners(entities: Entities) -> Sequence[str]:
    """The parties that are, or once were, engaged as partners, sorted."""
    return sorted({*roles(entities), *_by_agreement(entities), *_by_partnership(entities)})


def _by_agreement(entities: Entities) -> Iterator[str]:
    """The parties that agreements name as partner."""
    for name in entities.ids(AGREEMENT):
        for version in entities.history(AGREEMENT, name):
            for one in engaged(entities, version.attributes.get("engagedParty")):
                if one.role == PARTNER:
                    yield one.party


def _by_partnership(entities: Entities) -> Iterator[str]:
    """The parties that are partners in a partnership."""
    for name in entities.ids(PARTNERSHIP):
        for version in entities.history(PARTNERSHIP, name):
            for partner in mappings(version.attributes.get("partner")):
                for one in engaged(entities, partner.get("engagedParty")):
                    yield one.party
