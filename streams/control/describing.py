"""Describing: everything that is known of one partner, for people who look after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schemas.tmf651 import PARTNER
from state.entities import NO_SOURCES, Entities, EntityVersion
from streams.control import parties
from streams.control.contracts import Contract, status_of
from streams.control.derived import NO_FILES, Finding, Known
from streams.control.deriving import Whole, whole
from streams.control.hierarchy import parents
from streams.control.lifecycle import Subject, stages
from streams.control.parties import AGREEMENT, PARTY_KINDS, ROLE, engaged, mappings, text
from streams.control.partners import partners
from streams.control.periods import validity
from streams.control.times import moment

Row = Mapping[str, Any]


def describe(
    entities: Entities,
    partner: str,
    at_us: int | None = None,
    files: Known = NO_FILES,
    sources: Mapping[str, str] = NO_SOURCES,
) -> Mapping[str, Any]:
    """A partner with its stages, parents, roles, agreements, keys and what is wrong with them.

    Args:
        entities: all things that masters told about.
        partner: its name, which is the id of its party.
        at_us: the moment asked for, in microseconds; what was told last by default.
        files: what reference files give already.
        sources: the source of record of a kind.

    Raises:
        KeyError: no master has told of such a partner.
    """
    known = whole(entities, files, sources)
    if partner not in parties.partners(known.entities):
        raise KeyError(partner)
    held = parties.roles(known.entities).get(partner, ())
    contracts = [c for c in known.contracts if c.agreement.partner == partner]
    agreements = [*_agreements(known, partner, contracts)]
    names = {row["agreement"] for row in agreements}
    claims = [claim for claim in known.claims if claim.agreement in names]
    given = sorted(names & files.agreements)
    subject = Subject(known.entities, partner, held, contracts, claims, at_us, given)
    entry = next((e for e in partners(known.entities)[0] if e["partner"] == partner), {})
    told = {field: entry.get(field) for field in ("name", "country", "test")}
    return {
        "partner": partner,
        **told,
        "stages": [
            {
                "stage": stage.name,
                "state": "done" if stage.done else "missing",
                "since": _moment(stage.since_us),
                "detail": stage.detail,
            }
            for stage in stages(subject)
        ],
        "parents": [
            {"organization": above.id, "name": above.name, "since": moment(above.since_us)}
            for above in parents(known.entities, partner)
        ],
        "roles": [_role(known.entities, role_id) for role_id in held],
        "agreements": agreements,
        "keys": [key._asdict() for key in known.derived.keys if key.agreement in names],
        "findings": [f._asdict() for f in _findings(known, partner, held, agreements)],
    }


def _role(entities: Entities, role_id: str) -> Row:
    """A role by what was told of it last."""
    newest = entities.history(ROLE, role_id)[-1]
    start_us, end_us = validity(newest.attributes)
    return {
        "role": role_id,
        "name": newest.attributes.get("name"),
        "status": "deleted" if newest.is_gone else newest.attributes.get("status"),
        "since": moment(newest.from_us),
        "valid_from": _moment(start_us),
        "valid_upto": _moment(end_us),
    }


def _agreements(known: Whole, partner: str, contracts: Sequence[Contract]) -> Iterator[Row]:
    """All agreements of a partner, in force or not, by id."""
    taken = {contract.id: contract for contract in contracts}
    for name in known.entities.ids(AGREEMENT):
        newest = known.entities.history(AGREEMENT, name)[-1]
        if name not in taken and not _is_of(known.entities, newest, partner):
            continue
        contract = taken.get(name)
        versions = () if contract is None else contract.entry["versions"]
        yield {
            "agreement": contract.name if contract else text(newest.attributes.get("name")) or name,
            "id": name,
            "status": "deleted" if newest.is_gone else status_of(newest),
            "taken": "no" if contract is None else "yes",
            "versions": len(versions),
            "valid_from": versions[0]["valid_from"] if versions else None,
            "valid_upto": versions[-1].get("valid_upto") if versions else None,
        }


def _is_of(entities: Entities, version: EntityVersion, partner: str) -> bool:
    """Whether an agreement has this partner."""
    told = engaged(entities, version.attributes.get("engagedParty"))
    return any(one.party == partner and one.role == PARTNER for one in told)


def _findings(
    known: Whole, partner: str, held: Sequence[str], agreements: Sequence[Row]
) -> Iterator[Finding]:
    """The findings about a partner, its roles, its agreements and whatever names these."""
    own = {(kind, partner) for kind in PARTY_KINDS} | {(ROLE, role_id) for role_id in held}
    own |= {(AGREEMENT, row["id"]) for row in agreements}
    names = {row[field] for row in agreements for field in ("id", "agreement")}
    own |= {claim[:2] for claim in known.claims if claim.agreement in names}
    for finding in known.derived.findings:
        place = (finding.kind, finding.id)
        if place in own or _names(known.entities, place, partner, names):
            yield finding


def _names(entities: Entities, place: tuple[str, str], partner: str, names: set[str]) -> bool:
    """Whether a thing refers to a partner or to one of its agreements."""
    for version in entities.history(*place):
        told = engaged(entities, version.attributes.get("relatedParty"))
        agreements = mappings(version.attributes.get("agreements"))
        if partner in {one.party for one in told}:
            return True
        if names & {text(one.get(AGREEMENT)) for one in agreements}:
            return True
    return False


def _moment(us: int | None) -> str | None:
    """A moment as text, where there is one."""
    return None if us is None else moment(us)
