"""Partners: the entries of `partners.yaml` that follow from parties and their roles.

A party that is engaged as a partner becomes an entry under its own id, once a full image of it has
come. What a later image lacks does not undo the entry: usage was settled with the partner.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.fields import NAME, NAME_ADVICE
from state.entities import Entities, EntityVersion
from streams.control import parties
from streams.control.derived import Finding
from streams.control.parties import PARTY_KINDS, ROLE, characteristics, mappings, text

COUNTRY = re.compile("[A-Z]{2}")
TEST = "test"

Entry = Mapping[str, Any]


def partners(entities: Entities) -> tuple[Sequence[Entry], Sequence[Finding]]:
    """An entry for each partner of which enough is known, and what others lack; by name."""
    entries: list[Entry] = []
    findings: list[Finding] = []
    held = parties.roles(entities)
    for name in parties.partners(entities):
        kinds = [kind for kind in PARTY_KINDS if entities.history(kind, name)]
        for kind in kinds[1:]:
            detail = f"is an {kinds[0]} already; give one of the two another id"
            findings.append(Finding(kind, name, "double_name", detail))
        for kind in kinds[:1]:
            entry, found = _partner(entities, kind, name, held.get(name, ()))
            entries += [entry] if entry else []
            findings += found
    return entries, findings


def _partner(
    entities: Entities, kind: str, name: str, role_ids: Sequence[str]
) -> tuple[Entry | None, Sequence[Finding]]:
    """The entry of one party, or None, and what it lacks."""
    if re.fullmatch(NAME, name, re.ASCII) is None:
        return None, [Finding(kind, name, "bad_name", f"{name!r} is not a name; {NAME_ADVICE}")]
    history = entities.history(kind, name)
    findings = []
    if not history[-1].is_complete and not history[-1].is_gone:
        detail = "only parts of it were told; have its master send all of it"
        findings.append(Finding(kind, name, "incomplete", detail))
    last = next((version for version in reversed(history) if version.is_complete), None)
    if last is None:
        return None, findings
    entry = {"partner": name, "name": called(last.attributes) or name}
    if country := country_of(last.attributes):
        entry["country"] = country
    if is_test(entities, last, role_ids):
        entry[TEST] = "true"
    return entry, findings


def called(attributes: Mapping[str, Any]) -> str:
    """What people call a party, on one line; empty when it has no name."""
    given = (text(attributes.get(part)) for part in ("givenName", "familyName"))
    names = (attributes.get("tradingName"), attributes.get("name"), " ".join(given))
    printable = ("".join(c if c.isprintable() else " " for c in text(n)) for n in names)
    return next((line for name in printable if (line := " ".join(name.split()))), "")


def country_of(attributes: Mapping[str, Any]) -> str:
    """The country of the first way to reach a party that has one, as two capitals, or empty."""
    told: list[object] = []
    for medium in mappings(attributes.get("contactMedium")):
        told += [medium.get("country")]
        told += [inner.get("country") for inner in mappings(medium.get("characteristic"))]
        told.append(characteristics(medium).get("country"))
    told.append(characteristics(attributes).get("country"))
    return next((text(one) for one in told if COUNTRY.fullmatch(text(one))), "")


def is_test(entities: Entities, party: EntityVersion, role_ids: Sequence[str]) -> bool:
    """Whether a party, or a role of it, is marked as being there for tests only."""
    roles = (entities.latest(ROLE, role_id) for role_id in role_ids)
    for version in (party, *(role for role in roles if role is not None)):
        if str(characteristics(version.attributes).get(TEST)).strip().lower() == "true":
            return True
    return False
