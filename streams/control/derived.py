"""What follows from all entities: the partners, agreements and keys that usage is settled by.

The rows are those of reference files (`docs/reference-files.md`), so that whatever holds for a file
that somebody wrote holds for what a master told. What cannot be had from the entities is a finding:
it names the thing and says what is missing, and what was known before stays in force.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


class Key(NamedTuple):
    """A row of `attribution.csv`; moments are written as there, empty where a side is open."""

    kind: str
    key: str
    agreement: str
    valid_from: str
    valid_upto: str


class Finding(NamedTuple):
    """Something that a thing lacks or that contradicts another one.

    `reason` is a word of `docs/topics.md`, `detail` says what was found and what to do.
    """

    kind: str
    id: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Known:
    """What reference files already give, by name; a master's word on the same is not taken.

    Attributes:
        partners: names in `partners.yaml`.
        agreements: names in `agreements.yaml`.
        keys: kind and key of the rows of `attribution.csv`.
    """

    partners: frozenset[str] = frozenset()
    agreements: frozenset[str] = frozenset()
    keys: frozenset[tuple[str, str]] = frozenset()


NO_FILES = Known()


@dataclass(frozen=True)
class Derived:
    """Entries of `partners.yaml` and `agreements.yaml` with their values as text, and keys."""

    partners: Sequence[Mapping[str, Any]] = ()
    agreements: Sequence[Mapping[str, Any]] = ()
    keys: Sequence[Key] = ()
    findings: Sequence[Finding] = ()
