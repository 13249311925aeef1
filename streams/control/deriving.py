"""Deriving: partners, agreements and keys, out of everything that masters told.

Each part comes from its own module; here they are put together so that they go together. What an
agreement names (its partner, those who receive shares, keys of its conditions) has to be there. So
the newest image of each agreement is tried with those of the others, and one that does not fit
gives way to the image before it until all of them fit. What is derived then always loads, as far
as it can be told without the operator's files: decks, master lists, caps and time bands are theirs,
and an agreement that names one which they lack is found when all is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from schemas.keys import FILE as KEYS_FILE
from schemas.terms_pools import check_pools
from schemas.terms_selectors import key_conditions
from schemas.terms_shares import check_receivers
from state.entities import NO_SOURCES, Entities
from streams.control import contracts, inventory, parties
from streams.control.claiming import FirstClaims
from streams.control.contracts import Contract, Image
from streams.control.derived import NO_FILES, Derived, Finding, Key, Known
from streams.control.hierarchy import cycles
from streams.control.key_rows import Claim, claims, rows
from streams.control.live import in_seconds, live
from streams.control.parties import AGREEMENT
from streams.control.partners import partners
from streams.control.stretches import Stretch

__all__ = ["Known", "Whole", "derive", "whole"]

STAYS = "; what was known before stays in force"

Faults = Mapping[str, Sequence[tuple[str, str]]]  # by id: reasons, each with its sentence


@dataclass(frozen=True)
class Whole:
    """What is derived, and what it was derived from.

    Attributes:
        derived: what the data plane takes over.
        contracts: the agreements that were taken, by name.
        claims: what inventories say of keys, whether or not it holds yet.
        entities: the things as their sources of record tell them.
    """

    derived: Derived
    contracts: Sequence[Contract]
    claims: Sequence[Claim]
    entities: Entities


def derive(
    entities: Entities, files: Known = NO_FILES, sources: Mapping[str, str] = NO_SOURCES
) -> Derived:
    """The partners, agreements and keys that follow from all entities, and what some lack.

    Args:
        entities: all things that masters told about.
        files: what reference files give already, which holds instead.
        sources: the source of record of a kind; see `Entities.of_record`.
    """
    return whole(entities, files, sources).derived


def whole(
    entities: Entities, files: Known = NO_FILES, sources: Mapping[str, str] = NO_SOURCES
) -> Whole:
    """As `derive`, together with what only explanations need."""
    entities, others = entities.of_record(sources)
    findings: set[Finding] = set()
    for change in others:
        detail = f"was also told by {change.source!r}, which is not its source of record; not taken"
        findings.add(Finding(change.kind, change.id, "other_source", detail))
    entries, found = partners(entities)
    findings |= {*found, *cycles(entities, [entry["partner"] for entry in entries])}
    names = {entry["partner"] for entry in entries}
    for name in sorted(names & files.partners):
        kind = next(kind for kind in parties.PARTY_KINDS if entities.history(kind, name))
        detail = "stands in partners.yaml, which holds; remove it there to follow its master"
        findings.add(Finding(kind, name, "other_source", detail))
    keys, found = inventory.keys(entities)
    told, wrong = claims(keys)
    findings |= {*found, *wrong}
    fitting = _Fitting(entities, files, frozenset(names) | files.partners, told)
    chosen, held = fitting.settle()
    derived = Derived(
        [entry for entry in entries if entry["partner"] not in files.partners],
        [contract.entry for contract in chosen],
        held,
        sorted(findings | fitting.findings),
    )
    return Whole(derived, chosen, told, entities)


class _Fitting:
    """Choosing an image of each agreement so that all go together; one use."""

    def __init__(
        self, entities: Entities, files: Known, partners: frozenset[str], told: Sequence[Claim]
    ) -> None:
        self.findings: set[Finding] = set()
        self._first = FirstClaims(entities)
        self._wrong: dict[str, Sequence[tuple[str, str]]] = {}
        self._entities = entities
        self._files = files
        self._partners = partners
        self._told = told
        self._roles = parties.roles(entities)
        self._live: dict[str, Sequence[Stretch] | None] = {}
        self._images: dict[str, Iterator[Image]] = {}
        self._chosen: dict[str, Contract] = {}

    def settle(self) -> tuple[Sequence[Contract], Sequence[Key]]:
        """The contracts, by name, and the keys that hold with them."""
        for name in self._entities.ids(AGREEMENT):
            self._images[name] = contracts.images(self._entities, name)
            self.findings |= {*contracts.state(self._entities, name)}
            self._advance(name)
        while True:
            held, findings = self._rows()
            faults = self._faults(held)
            if not faults:
                self.findings |= {*findings, *self._told_wrong()}
                return sorted(self._chosen.values(), key=lambda c: c.name), held
            for name, reasons in faults.items():
                # Only what is wrong with the newest image is news; older ones are history.
                self._wrong.setdefault(name, reasons)
                self._advance(name)

    def _told_wrong(self) -> Iterator[Finding]:
        """What is wrong with the newest images, and whether older ones stand in for them."""
        for name, reasons in self._wrong.items():
            stays = STAYS if name in self._chosen else ""
            for reason in sorted({reason for reason, _ in reasons}):
                sentences = "; ".join(said for why, said in reasons if why == reason)
                yield Finding(AGREEMENT, name, reason, sentences + stays)

    def _advance(self, name: str) -> None:
        """Take the next older image of an agreement that is right by itself."""
        self._chosen.pop(name, None)
        for image in self._images[name]:
            if image.contract is not None:
                self._chosen[name] = image.contract
                return
            self._wrong.setdefault(name, [("bad_terms", said) for said in image.sentences])

    def _rows(self) -> tuple[Sequence[Key], Sequence[Finding]]:
        """The keys that hold with the contracts chosen."""
        agreements: dict[str, Sequence[Stretch] | None] = dict.fromkeys(self._files.agreements)
        ids: dict[str, set[str]] = {}
        for contract in self._chosen.values():
            agreements.setdefault(contract.name, self._partner_live(contract.agreement.partner))
            ids.setdefault(contract.name, set()).add(contract.id)
        return rows(self._told, agreements, self._files.keys, self._first.rank(ids))

    def _partner_live(self, partner: str) -> Sequence[Stretch] | None:
        """When a partner is live, in seconds; None is always."""
        if partner not in self._live:
            ids = self._roles.get(partner)
            self._live[partner] = None if ids is None else in_seconds(live(self._entities, ids))
        return self._live[partner]

    def _faults(self, held: Sequence[Key]) -> Faults:
        """What does not fit, by agreement."""
        found: dict[str, list[tuple[str, str]]] = {}
        owners: dict[str, str] = {}
        for name in sorted(self._chosen, key=self._arrival):
            contract = self._chosen[name]
            first = owners.setdefault(contract.name, name)
            if contract.name in self._files.agreements:
                detail = (
                    "stands in agreements.yaml, which holds; remove it there to follow its master"
                )
                found.setdefault(name, []).append(("other_source", detail))
            elif first != name:
                detail = (
                    f"has the name {contract.name!r} of agreement {first!r}; rename one of them"
                )
                found.setdefault(name, []).append(("double_name", detail))
            if contract.agreement.partner not in self._partners:
                detail = (
                    f"its partner {contract.agreement.partner!r} is not known;"
                    " have the master of parties send it"
                )
                found.setdefault(name, []).append(("unknown_partner", detail))
        for name, sentence in self._wrong_terms(held):
            found.setdefault(name, []).append(("bad_terms", sentence))
        return found

    def _arrival(self, name: str) -> tuple[tuple[int, str], str]:
        """By what agreements are put in the order in which they came."""
        return self._entities.first_told(AGREEMENT, name), name

    def _wrong_terms(self, held: Sequence[Key]) -> Iterator[tuple[str, str]]:
        """What agreements say of each other and of keys that does not hold, by id."""
        ids = {contract.name: contract.id for contract in self._chosen.values()}
        alone = [c for c in self._chosen.values() if not c.has_master and ids[c.name] == c.id]
        agreements = [c.agreement for c in sorted(alone, key=lambda c: c.name)]
        names = frozenset(ids) | self._files.agreements
        for check in (check_receivers, check_pools):
            for agreement, (path, message) in check(agreements, names):
                yield ids[agreement.agreement], f"{_written(path)}: {message}"
        keys = {f"{kind}:{key}" for kind, key in self._files.keys}
        keys |= {f"{row.kind}:{row.key}" for row in held}
        for contract in self._chosen.values():
            for path, key in key_conditions(contract.agreement):
                if key not in keys:
                    message = f"{key!r} is in no inventory yet, nor in {KEYS_FILE}; add it"
                    yield contract.id, f"{_written(path)}: {message}"


def _written(path: Sequence[str | int]) -> str:
    """A path into an agreement as people write it."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")
