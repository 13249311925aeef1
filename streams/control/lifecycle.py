"""Lifecycle: how far a partner has come, from its qualification to the day it goes live.

Seven stages, each done or missing. Nobody sets them: they follow from what the masters of parties,
agreements, catalogues and inventories told, so a stage that is missing names what would settle it,
and who has it. Only the last one gates anything: keys of a partner with a role hold while it is
live (`live`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from schemas.moments import OPEN_FROM_S
from state.entities import FOREVER_US, Entities, EntityVersion
from streams.control.contracts import Contract
from streams.control.hierarchy import cycle
from streams.control.key_rows import Claim
from streams.control.live import live
from streams.control.parties import PARTY_KINDS, ROLE, characteristics, mappings, text
from streams.control.periods import SECOND_US, since, told_time, validity

OFFERING = "productOffering"
OFFERED = frozenset({"active", "launched"})
VALIDATED = frozenset({"", "validated"})
LICENCE = "licence"
LICENCE_UPTO = "licenceValidUpto"
CERTIFIED = "certifiedOn"


class Stage(NamedTuple):
    """A step on the way to business with a partner.

    `detail` says what is missing and what would settle it, or by what it is done; `since_us` is
    since when it has been done, in microseconds, and None where that was not told.
    """

    name: str
    done: bool
    detail: str
    since_us: int | None = None


@dataclass(frozen=True)
class Subject:
    """A partner and everything that its stages follow from.

    Attributes:
        entities: the things as their sources of record tell them.
        partner: the partner's name, which is the id of its party.
        role_ids: its roles.
        contracts: its agreements in force.
        claims: what inventories say of keys of its agreements, live or not.
        at_us: the moment asked for, in microseconds; None asks for what was told last.
        given: agreements of it that stand in files, of which only the names are known here.
    """

    entities: Entities
    partner: str
    role_ids: Sequence[str]
    contracts: Sequence[Contract]
    claims: Sequence[Claim]
    at_us: int | None = None
    given: Sequence[str] = ()

    @property
    def at_s(self) -> int | None:
        """The moment asked for in whole seconds."""
        return None if self.at_us is None else self.at_us // SECOND_US

    @cached_property
    def histories(self) -> Sequence[Sequence[EntityVersion]]:
        """The versions of the party and of each of its roles."""
        of_party = [self.entities.history(kind, self.partner) for kind in PARTY_KINDS]
        of_roles = [self.entities.history(ROLE, role_id) for role_id in self.role_ids]
        return [history for history in (*of_party, *of_roles) if history]

    def now(self, history: Sequence[EntityVersion]) -> EntityVersion | None:
        """The version of a thing at the moment asked for."""
        known = [v for v in history if self.at_us is None or v.from_us <= self.at_us]
        return known[-1] if known and not known[-1].is_gone else None

    def covers(self, start_us: int | None, end_us: int | None) -> bool:
        """Whether a period holds at the moment asked for; without one, any period does."""
        begun = self.at_us is None or start_us is None or start_us <= self.at_us
        return begun and (self.at_us is None or end_us is None or self.at_us < end_us)


def stages(subject: Subject) -> Sequence[Stage]:
    """All stages of a partner, in their order."""
    return [
        _qualification(subject),
        _contract(subject),
        _entity(subject),
        _catalogue(subject),
        _integration(subject),
        _certification(subject),
        _go_live(subject),
    ]


def _qualification(subject: Subject) -> Stage:
    """A rating of the partner's credit, and a licence where one is needed."""

    def is_rated(version: EntityVersion) -> bool:
        """Whether a version has a rating that holds."""
        told = [*mappings(version.attributes.get("creditRating"))]
        told += mappings(version.attributes.get("creditProfile"))
        return any(subject.covers(*validity(one)) for one in told)

    def is_licensed(version: EntityVersion) -> bool:
        """Whether a version has a licence that holds, or needs none."""
        said = characteristics(version.attributes)
        if text(said.get(LICENCE)).lower() == "none":
            return True
        until = told_time(said.get(LICENCE_UPTO))
        return until is not None and subject.covers(None, until)

    rated = _first(since(history, is_rated, subject.at_us) for history in subject.histories)
    licensed = _first(since(history, is_licensed, subject.at_us) for history in subject.histories)
    missing = []
    if rated is None:
        missing.append("has no credit rating that is valid; add creditRating or creditProfile")
    if licensed is None:
        words = f"set {LICENCE_UPTO}, or {LICENCE}: none where none is needed"
        missing.append(f"has no licence that is valid; {words}")
    if rated is None or licensed is None:
        return Stage("qualification", done=False, detail="; ".join(missing))
    detail = "its credit is rated and its licence valid"
    return Stage("qualification", done=True, detail=detail, since_us=max(rated, licensed))


def _in_force(subject: Subject) -> Sequence[Contract]:
    """The agreements in force at the moment asked for."""
    at_s = subject.at_s
    return [
        contract
        for contract in subject.contracts
        for versions in [contract.agreement.versions]
        if at_s is None or versions[0].valid_from_s <= at_s < versions[-1].valid_upto_s
    ]


def _contract(subject: Subject) -> Stage:
    """An agreement in force."""
    held = _in_force(subject)
    if not held and subject.given:
        detail = f"{', '.join(subject.given)} in agreements.yaml, which says since when"
        return Stage("contract", done=True, detail=detail)
    if not held:
        detail = "has no agreement in force; have one approved that has terms"
        return Stage("contract", done=False, detail=detail)
    names = ", ".join(contract.name for contract in held)
    begun = min(contract.agreement.versions[0].valid_from_s for contract in held)
    return Stage("contract", True, f"{names} in force", begun * SECOND_US)  # noqa: FBT003 - as read


def _entity(subject: Subject) -> Stage:
    """An organization, or a person, of which all is known, and which is not above itself."""

    def is_valid(version: EntityVersion) -> bool:
        """Whether a version is whole and validated."""
        status = text(version.attributes.get("status")).lower()
        return version.is_complete and status in VALIDATED

    history = next(
        (h for kind in PARTY_KINDS if (h := subject.entities.history(kind, subject.partner))), ()
    )
    begun = since(history, is_valid, subject.at_us)
    newest = subject.now(history)
    if newest is None:
        detail = "its party is not known; have the master of parties send it"
    elif not newest.is_complete:
        detail = "only parts of its party were told; have its master send all of it"
    elif begun is None:
        detail = f"its status is {newest.attributes.get('status')!r}; set it validated"
    elif chain := cycle(subject.entities, subject.partner):
        detail = f"is above itself: {' below '.join(chain)}; mend one of these parents"
    else:
        return Stage("entity", done=True, detail="its party is validated", since_us=begun)
    return Stage("entity", done=False, detail=detail)


def _catalogue(subject: Subject) -> Stage:
    """Prices, and something on offer where offerings are made to single partners."""
    held = _in_force(subject)
    if not held and not subject.given:
        detail = "has no prices, for it has no agreement in force; settle the contract first"
        return Stage("catalogue", done=False, detail=detail)
    since_us = _first(c.agreement.versions[0].valid_from_s * SECOND_US for c in held)
    named = {*subject.given, *(name for c in held for name in (c.id, c.name))}
    offerings = [
        history
        for offering in subject.entities.ids(OFFERING)
        for history in [subject.entities.history(OFFERING, offering)]
        for newest in [subject.now(history)]
        if newest is not None and named & _agreements_of(newest)
    ]
    if not offerings:
        detail = "its items have prices, and the catalogue is open to it"
        return Stage("catalogue", done=True, detail=detail, since_us=since_us)
    offered = _first(since(history, _is_offered, subject.at_us) for history in offerings)
    if offered is None:
        detail = f"none of {len(offerings)} offerings made to it is active; launch one"
        return Stage("catalogue", done=False, detail=detail)
    detail = "its items have prices, and what is offered to it is active"
    latest = offered if since_us is None else max(since_us, offered)
    return Stage("catalogue", done=True, detail=detail, since_us=latest)


def _is_offered(version: EntityVersion) -> bool:
    """Whether a version of an offering can be ordered."""
    return text(version.attributes.get("lifecycleStatus")).lower() in OFFERED


def _agreements_of(version: EntityVersion) -> set[str]:
    """The agreements that an offering is made to, as it refers to them."""
    told = mappings(version.attributes.get("agreement"))
    told = [*told, *mappings(version.attributes.get("agreements"))]
    return {text(one.get(field)) for one in told for field in ("id", "name", "agreement")} - {""}


def _integration(subject: Subject) -> Stage:
    """A key by which its usage is recognised."""
    at_s = subject.at_s
    held = [c for c in subject.claims if at_s is None or c.when.start <= at_s < c.when.end]
    if not held:
        detail = "has no key; have an inventory tell a product, route or range of its agreement"
        return Stage("integration", done=False, detail=detail)
    begun = min(claim.when.start for claim in held)
    first = None if begun == OPEN_FROM_S else begun * SECOND_US
    count = len({claim[:2] for claim in held})
    word = "key" if count == 1 else "keys"
    return Stage("integration", done=True, detail=f"{count} {word} in service", since_us=first)


def _certification(subject: Subject) -> Stage:
    """The day on which a role of it was certified."""
    name = "certification"
    if not subject.role_ids:
        return _by_agreement(subject, name)
    newest = filter(None, map(subject.now, subject.histories))
    days = [told_time(characteristics(version.attributes).get(CERTIFIED)) for version in newest]
    passed = _first(day for day in days if subject.covers(day, None))
    if passed is None:
        detail = f"is not certified; set {CERTIFIED} of its role to the day on which it passed"
        return Stage(name, done=False, detail=detail)
    return Stage(name, done=True, detail="is certified", since_us=passed)


def _go_live(subject: Subject) -> Stage:
    """A role that is live."""
    name = "go_live"
    if not subject.role_ids:
        return _by_agreement(subject, name)
    parts = live(subject.entities, subject.role_ids)
    at_us = FOREVER_US - 1 if subject.at_us is None else subject.at_us
    begun = _first(part.start for part in parts if part.start <= at_us < part.end)
    if begun is None:
        statuses = {
            role_id: None if version is None else version.attributes.get("status")
            for role_id in subject.role_ids
            for version in [subject.now(subject.entities.history(ROLE, role_id))]
        }
        told = ", ".join(f"{role_id} is {status!r}" for role_id, status in statuses.items())
        detail = f"no role of it is live ({told}); set one active, and mind its validFor"
        return Stage(name, done=False, detail=detail)
    return Stage(name, done=True, detail="a role of it is live", since_us=begun)


def _by_agreement(subject: Subject, name: str) -> Stage:
    """A stage of a partner without roles: its agreement stands for it."""
    contract = _contract(subject)
    if not contract.done:
        detail = "has neither a role nor an agreement in force; settle the contract first"
        return Stage(name, done=False, detail=detail)
    detail = "given by its agreement, for it has no role"
    return Stage(name, done=True, detail=detail, since_us=contract.since_us)


def _first(moments: Iterable[int | None]) -> int | None:
    """The earliest of the moments that there are."""
    return min((moment for moment in moments if moment is not None), default=None)
