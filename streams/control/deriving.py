"""Deriving: what all entities together come to, as entries and rows of reference files.

A pure function of the entities, so that it does not matter in which order changes came. Names that
an operator's own files give are theirs, and are not derived.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from state.entities import Entities
from streams.control.derived import Derived, Key

TERMS = "weirTerms"


@dataclass(frozen=True)
class Known:
    """Names that reference files give already: partners, agreements, keys by kind and key."""

    partners: frozenset[str] = frozenset()
    agreements: frozenset[str] = frozenset()
    keys: frozenset[tuple[str, str]] = frozenset()


def derive(entities: Entities, files: Known = Known()) -> Derived:
    """Partners, agreements and keys that follow from entities, less what files give."""
    return Derived(
        [entry for entry in _partners(entities) if entry["partner"] not in files.partners],
        [entry for entry in _agreements(entities) if entry["agreement"] not in files.agreements],
        [key for key in _keys(entities) if (key.kind, key.key) not in files.keys],
    )


def _partners(entities: Entities) -> Iterator[Mapping[str, Any]]:
    """A partner for each organization."""
    for name in entities.ids("organization"):
        version = entities.latest("organization", name)
        if version is not None:
            yield {"partner": name, "name": version.attributes.get("name") or name}


def _agreements(entities: Entities) -> Iterator[Mapping[str, Any]]:
    """The terms of each agreement that has some."""
    for name in entities.ids("agreement"):
        version = entities.latest("agreement", name)
        terms = version and version.attributes.get("characteristics", {}).get(TERMS)
        if terms:
            said = {field: value for field, value in terms.items() if field != "@type"}
            yield {**said, "agreement": said.get("agreement", name)}


def _keys(entities: Entities) -> Iterator[Key]:
    """A key for each product that belongs to an agreement."""
    for name in entities.ids("product"):
        version = entities.latest("product", name)
        for given in () if version is None else version.attributes.get("agreements", ()):
            upto = version.attributes.get("terminationDate", "") if version else ""
            yield Key("product", name, given["agreement"], "", upto)
