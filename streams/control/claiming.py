"""Claiming: which of two inventories said first that a key is an agreement's.

Only asked where two agreements claim one key for the same time. The claim that came first holds,
because usage may have been settled by it before the other one came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property

from state.entities import Entities
from streams.control.changes import Change
from streams.control.key_rows import Claim, Rank
from streams.control.parties import AGREEMENT, characteristics, mappings, text

KEY = "weirKey"
PRODUCT = "product"

Told = tuple[int, str]  # when and where a claim was told


class FirstClaims:
    """When and where claims were told first; looked up only once somebody asks."""

    def __init__(self, entities: Entities) -> None:
        self._entities = entities

    @cached_property
    def _index(self) -> Mapping[tuple[str, str, str], Told]:
        """The first time that each kind and key was said to belong to a name or an id."""
        found: dict[tuple[str, str, str], Told] = {}
        for kind in self._entities.kinds():
            for name in self._entities.ids(kind):
                for change in self._entities.changes(kind, name):
                    for said in _said(change):
                        told = (change.known_us, change.position)
                        found[said] = min(found.get(said, told), told)
        return found

    def rank(self, ids: Mapping[str, Collection[str]]) -> Rank:
        """What says when and where a claim was told first.

        Of a claim that nobody can find again, it is when its agreement was. `ids` are those under
        which agreements are referred to besides their names.
        """

        def first(claim: Claim) -> Told:
            """The first time that this was claimed."""
            others = sorted(ids.get(claim.agreement, ()))
            known = (self._index.get((*claim[:2], name)) for name in (claim.agreement, *others))
            told = [one for one in known if one is not None]
            if not told:
                told = [self._entities.first_told(AGREEMENT, one) for one in others]
            return min(told, default=(0, ""))

        return first


def _said(change: Change) -> Iterator[tuple[str, str, str]]:
    """The kinds and keys that a change says to belong to an agreement."""
    for one in mappings(characteristics(change.attributes).get(KEY)):
        yield text(one.get("kind")), text(one.get("key")), text(one.get(AGREEMENT))
    if change.kind == PRODUCT:
        for one in mappings(change.attributes.get("agreements")):
            yield PRODUCT, change.id, text(one.get(AGREEMENT))
