"""Which agreement is meant by a reference: things name agreements by name or by id.

Usage is settled under the *name* of an agreement, or under its id when it has no name. A product,
a route or an order refers to it by either, also by a name that it had before. What nobody has told
of stays as it is written: it may be an agreement of a reference file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from state.entities import Entities
from streams.control.values import Values, members, text, word

KIND = "agreement"
PARTNER = "partner"


class AgreementNames:
    """The agreements that masters told of, by all that they are called by."""

    def __init__(self, entities: Entities) -> None:
        self._by_id: dict[str, str] = {}
        self._by_old_name: dict[str, str] = {}
        self._parties: dict[str, dict[str, str]] = {}
        for name in entities.ids(KIND):
            images = [v.attributes for v in entities.history(KIND, name) if not v.is_gone]
            if images:
                self._add(name, images)
        self._names = frozenset(self._by_id.values())
        self._engaged = {party for parties in self._parties.values() for party in parties}

    def _add(self, own_id: str, images: Sequence[Mapping[str, Any]]) -> None:
        """Note an agreement: its newest image names it, older ones are what it was called."""
        name = text(images[-1].get("name")) or own_id
        self._by_id[own_id] = name
        for image in images:
            if old := text(image.get("name")):
                self._by_old_name[old] = name
        parties = self._parties.setdefault(name, {})
        for engaged in members(images[-1].get("engagedParty")):
            if party := text(engaged.get("party")):
                parties[party] = word(engaged.get("role"))

    def resolve(self, reference: str) -> str:
        """The name of the agreement that is meant: by name first, else by id, else as written."""
        if reference in self._names:
            return reference
        found = self._by_id.get(reference)
        return found or self._by_old_name.get(reference, reference)

    def first_of(self, values: Values) -> str:
        """The agreement that a thing is under, the first that it refers to; empty for none."""
        for one in references(values):
            return self.resolve(one[0])
        return ""

    def all_of(self, values: Values) -> frozenset[str]:
        """All agreements that a thing refers to, by whatever it calls them."""
        return frozenset(self.resolve(name) for one in references(values) for name in one)

    def partner(self, agreement: str) -> str:
        """The partner of an agreement: engaged as such, or the only party; empty if unknown."""
        parties = self._parties.get(agreement, {})
        partners = [party for party, role in parties.items() if role == PARTNER]
        if not partners and len(parties) == 1:
            return next(iter(parties))
        return partners[0] if partners else ""

    def is_engaged(self, party: str, agreement: str | None = None) -> bool:
        """Whether a party is engaged in an agreement, or in any at all."""
        if agreement is None:
            return party in self._engaged
        return party in self._parties.get(agreement, {})

    def has_parties(self, agreement: str) -> bool:
        """Whether it is known who is engaged in an agreement."""
        return bool(self._parties.get(agreement))


def references(values: Values) -> Sequence[Sequence[str]]:
    """What a thing calls each agreement that it refers to: what the reader made of it, or as sent.

    The reader leaves `agreements` on products; orders and offerings have `agreement` as it is sent,
    with `id` and `name`.
    """
    read = [[text(one.get("agreement"))] for one in members(values.get("agreements"))]
    sent = [[text(one.get("id")), text(one.get("name"))] for one in members(values.get(KIND))]
    named = [[name for name in one if name] for one in [*read, *sent]]
    return [one for one in named if one]
