"""Rows of keys: whose a key is and when, once everybody's claims have been put together.

Inventories say which keys belong to which agreement. A row holds what `attribution.csv` may hold,
for an agreement that there is, while its partner is live; and where two agreements claim a key for
the same time, it is whose claim came first. What is not taken is a finding, never silence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from schemas.agreements import OWN_NAME
from schemas.codes import KeyKind
from schemas.fields import DIGITS, DIGITS_ADVICE
from schemas.keys import KEY_LENGTH_MAX, RANGE_ADVICE, RANGE_DIGITS_MAX, RANGES, kind_of
from schemas.moments import FIRST_YEAR, LAST_YEAR, OPEN_FROM_S, OPEN_UPTO_S, parse_moment
from streams.control.derived import Finding, Key
from streams.control.periods import SECOND_US
from streams.control.stretches import Stretch, common, united, without
from streams.control.times import moment, parse_time

FIRST_S = parse_time(f"{FIRST_YEAR + 1}-01-01") // SECOND_US
LAST_S = parse_time(f"{LAST_YEAR}-01-01") // SECOND_US
MOMENTS_KEPT = 65_536


class Claim(NamedTuple):
    """What a master says of a key: an agreement has it in a stretch of seconds."""

    kind: str
    key: str
    agreement: str
    when: Stretch


Rank = Callable[[Claim], tuple[int, str]]
"""When and where a claim was told of first."""


def claims(keys: Iterable[Key]) -> tuple[Sequence[Claim], Sequence[Finding]]:
    """The rows that a file may hold, and what is wrong with the others."""
    found, findings = [], []
    for row in keys:
        try:
            found.append(_claim(row))
        except ValueError as error:
            findings.append(Finding(row.kind, row.key, "bad_key", str(error)))
    return found, findings


def _claim(row: Key) -> Claim:
    """A row as it is meant; ValueError where a file could not hold it."""
    code = _kind(row.kind)
    plain = row.key.isascii() and row.key.isprintable()
    if not plain and any(unicodedata.category(c).startswith("C") for c in row.key):
        msg = f"{row.key!r} has characters that cannot be printed; remove them"
        raise ValueError(msg)
    if not 0 < len(row.key) <= KEY_LENGTH_MAX or row.key != row.key.strip():
        msg = f"{row.key!r} is not a key; write 1 to {KEY_LENGTH_MAX} letters, none blank outside"
        raise ValueError(msg)
    if code in RANGES:
        if re.fullmatch(DIGITS, row.key, re.ASCII) is None:
            raise ValueError(f"{row.key!r} {DIGITS_ADVICE}")
        if len(row.key) > RANGE_DIGITS_MAX:
            raise ValueError(f"{row.key!r} {RANGE_ADVICE}")
    start = _second(row.valid_from) if row.valid_from else OPEN_FROM_S
    end = _second(row.valid_upto) if row.valid_upto else OPEN_UPTO_S
    return Claim(row.kind, row.key, row.agreement, Stretch(start, end))


@cache
def _kind(label: str) -> KeyKind:
    """The kind of key that a word names."""
    return KeyKind(kind_of(label))


@lru_cache(MOMENTS_KEPT)
def _second(text: str) -> int:
    """The second that a moment in a row is; many rows have the same ones."""
    return parse_moment(text).seconds("UTC")


@lru_cache(MOMENTS_KEPT)
def _text(second: int) -> str:
    """A second as a row has it."""
    return moment(second * SECOND_US)


def rows(
    told: Sequence[Claim],
    agreements: Mapping[str, Sequence[Stretch] | None],
    given: frozenset[tuple[str, str]],
    rank: Rank,
) -> tuple[Sequence[Key], Sequence[Finding]]:
    """The rows that hold, sorted, and findings for all that does not.

    Args:
        told: what masters say.
        agreements: when the partner of each agreement is live, in seconds; None is always.
        given: kind and key of rows that files have; they hold instead.
        rank: which of two claims came first.
    """
    findings: set[Finding] = set()
    held: dict[tuple[str, str], list[Claim]] = {}
    for claim in told:
        kind, key, name, when = claim
        live = None if name == OWN_NAME else agreements.get(name)
        parts = united([when]) if live is None else common([when], live)
        if (kind, key) in given:
            detail = "stands in attribution.csv, which holds; remove it there to follow its master"
            findings.add(Finding(kind, key, "other_source", detail))
        elif name != OWN_NAME and name not in agreements:
            detail = f"belongs to {name!r}, which is no agreement in force; see what it lacks"
            findings.add(Finding(kind, key, "unknown_agreement", detail))
        elif live is not None and not parts:
            detail = f"belongs to {name!r}, whose partner is not live then; set a role of it active"
            findings.add(Finding(kind, key, "not_live", detail))
        else:
            held.setdefault((kind, key), []).extend(claim._replace(when=part) for part in parts)
    found: list[Key] = []
    for claimed in held.values():
        settled, contested = _settled(claimed, rank)
        found += settled
        findings |= contested
    return sorted(found), sorted(findings)


def _settled(claimed: Sequence[Claim], rank: Rank) -> tuple[Sequence[Key], set[Finding]]:
    """The rows of one key: a moment is his who claimed it first."""
    owners: dict[str, list[Claim]] = {}
    for claim in claimed:
        owners.setdefault(claim.agreement, []).append(claim)
    names = sorted(owners)
    if len(names) > 1:
        first = {name: min(map(rank, owners[name])) for name in names}
        names.sort(key=lambda name: (first[name], name))
    found: list[Key] = []
    findings: set[Finding] = set()
    taken: Sequence[Stretch] = ()
    for name in names:
        kind, key = claimed[0].kind, claimed[0].key
        wanted = united(claim.when for claim in owners[name])
        left = without(wanted, taken) if taken else wanted
        if left != wanted:
            detail = f"is claimed by {name!r} too, while another has it; end one of the two claims"
            findings.add(Finding(kind, key, "two_owners", detail))
        found += [Key(kind, key, name, *_written(part)) for part in left if _is_writable(part)]
        taken = united([*taken, *left])
    return found, findings


def _is_writable(part: Stretch) -> bool:
    """Whether a file can say it: centuries ahead it cannot, and nobody means them."""
    return part.start < LAST_S and part.end > FIRST_S


def _written(part: Stretch) -> tuple[str, str]:
    """Both ends as a file has them; empty where they are open."""
    start = "" if part.start < FIRST_S else _text(part.start)
    end = "" if part.end >= LAST_S else _text(part.end)
    return start, end
