"""Contracts: the entries of `agreements.yaml` that follow from TMF651 agreements.

An agreement is told in images, one after the other: drafted, approved, amended, ended. The newest
image that is approved, whole and right is what is in force; one that is not leaves in force what
was known before, and says why. An end, by status or because the agreement is deleted, closes the
last version, for usage was settled by it and stays settled.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from schemas.agreements import Agreement
from schemas.documents import DEPTH_MAX, Entries, Entry, Value, locate
from schemas.moments import LAST_YEAR
from schemas.reference import explain
from schemas.terms import findings as terms_findings
from schemas.terms_selectors import check_surcharges
from schemas.tmf651 import PARTNER, TERMS, from_tmf651
from state.entities import Entities, EntityVersion
from streams.control.derived import Finding
from streams.control.parties import AGREEMENT, characteristics, engaged, text
from streams.control.periods import SECOND_US, validity
from streams.control.times import moment, parse_time

IN_FORCE = frozenset({"approved", "active", "inforce", "in force", "signed"})
ENDED = frozenset({"terminated", "cancelled", "canceled", "expired", "ended", "closed"})
"""What statuses mean, in lower case; TMF651 leaves them to each master."""

NEVER_S = parse_time(f"{LAST_YEAR}-01-01") // SECOND_US
CHECKED_KEPT = 8_192


@dataclass(frozen=True)
class Contract:
    """An image of an agreement that can be in force by itself.

    `entry` is as in `agreements.yaml`, `agreement` what it means. `id` is the id of the agreement,
    which need not be its name.
    """

    id: str
    entry: Mapping[str, Any]
    agreement: Agreement

    @property
    def name(self) -> str:
        """The name of the agreement in reference files."""
        return self.agreement.agreement

    @property
    def has_master(self) -> bool:
        """Whether a version builds on a master price list, which only files have."""
        return any(version.master is not None for version in self.agreement.versions)


@dataclass(frozen=True)
class Image:
    """An approved image: the contract that it says, or the sentences why it says none."""

    contract: Contract | None
    sentences: Sequence[str] = ()


def status_of(version: EntityVersion) -> str:
    """The status of an agreement in lower case; one that is not said counts as approved."""
    status = version.attributes.get("status")
    return "approved" if status is None else str(status).strip().lower()


def images(entities: Entities, name: str) -> Iterator[Image]:
    """The approved and whole images of an agreement, the newest first, as they hold today."""
    history = entities.history(AGREEMENT, name)
    for index in range(len(history) - 1, -1, -1):
        version = history[index]
        if version.is_complete and status_of(version) in IN_FORCE:
            yield _image(entities, name, version, _end(history[index + 1 :]))


def state(entities: Entities, name: str) -> Sequence[Finding]:
    """What keeps the newest image of an agreement from being taken, its terms apart."""
    newest = entities.history(AGREEMENT, name)[-1]
    if newest.is_gone:
        return ()
    if not newest.is_complete:
        detail = "only parts of it were told; have its master send all of it"
        return [Finding(AGREEMENT, name, "incomplete", detail)]
    status = status_of(newest)
    if status in IN_FORCE:
        return ()
    words = ", ".join(sorted(IN_FORCE))
    detail = f"has the status {status!r}, so nothing of this image is taken; one of {words} is"
    return [Finding(AGREEMENT, name, "not_approved", detail)]


def _image(entities: Entities, name: str, version: EntityVersion, end: _End | None) -> Image:
    """What one image says, its last version closed where the agreement has ended since."""
    attributes = version.attributes
    called = text(attributes.get("name")) or name
    parties = engaged(entities, attributes.get("engagedParty"))
    document = {
        "name": called,
        "engagedParty": [{"id": p.party, "role": p.role} for p in parties if p.role == PARTNER],
        "characteristic": [
            {"name": TERMS, "value": value}
            for key, value in characteristics(attributes).items()
            if key == TERMS
        ],
    }
    try:
        said = json.dumps(_textual(from_tmf651(document)), ensure_ascii=False, sort_keys=True)
    except ValueError as error:
        return Image(None, [str(error)])
    agreement, sentences = _checked(said)
    if agreement is not None and end is not None:
        closed = _closed(json.loads(said), agreement, end)
        if closed is None:
            return Image(None, ["ended before it began, so it was never in force"])
        said = json.dumps(closed, ensure_ascii=False, sort_keys=True)
        agreement, sentences = _checked(said)
    if agreement is None:
        return Image(None, sentences)
    return Image(Contract(name, json.loads(said), agreement))


@dataclass(frozen=True)
class _End:
    """When an agreement has ended; a deletion ends it whatever else its terms say."""

    at_us: int
    is_gone: bool


def _end(later: Sequence[EntityVersion]) -> _End | None:
    """The end that the images after one tell of."""
    for version in later:
        if version.is_gone:
            return _End(version.from_us, is_gone=True)
        if version.is_complete and status_of(version) in ENDED:
            _, told = validity(version.attributes, "agreementPeriod")
            return _End(version.from_us if told is None else told, is_gone=False)
    return None


def _closed(entry: dict[str, Any], agreement: Agreement, end: _End) -> dict[str, Any] | None:
    """An entry whose last version ends; None when it would end before the first one begins.

    An end that the terms give themselves stays, unless the agreement is deleted before it.
    """
    last = agreement.versions[-1]
    if last.valid_upto is not None and not end.is_gone:
        return entry
    second = -(-end.at_us // SECOND_US)
    if second >= NEVER_S or second >= last.valid_upto_s:
        return entry
    begun = zip(entry["versions"], agreement.versions, strict=True)
    kept = [written for written, version in begun if version.valid_from_s < second]
    if not kept:
        return None
    versions = [*kept[:-1], {**kept[-1], "valid_upto": moment(end.at_us)}]
    return {**entry, "versions": versions}


def _textual(value: object, depth: int = 0) -> Any:  # noqa: ANN401 - any JSON
    """Terms with every single value as text, as files have them; ValueError where they cannot.

    A fraction is text already: whoever read the notification has kept it as it was sent.
    """
    if depth > DEPTH_MAX:
        msg = f"is nested more than {DEPTH_MAX} deep; write it flatter"
        raise ValueError(msg)
    match value:
        case Mapping():
            return {_textual(str(k)): _textual(v, depth + 1) for k, v in value.items()}
        case list() | tuple():
            return [_textual(one, depth + 1) for one in value]
        case bool():
            return "true" if value else "false"
        case None:
            return None
        case _:
            said = str(value)
            if not said.isprintable():
                msg = f"{said!r} has characters that cannot be printed; remove them"
                raise ValueError(msg)
            return said


@lru_cache(CHECKED_KEPT)
def _checked(said: str) -> tuple[Agreement | None, Sequence[str]]:
    """The agreement that an entry means, or all that is wrong with it.

    With a master price list its items are not all here: such an agreement is checked as a whole
    where the files are, when it is loaded.
    """
    entry = located(json.loads(said))
    try:
        agreement = Agreement.model_validate(entry)
    except ValidationError as error:
        details = error.errors(include_url=False)
        found = [(detail["loc"], explain(detail)) for detail in details]
    else:
        has_master = any(version.master is not None for version in agreement.versions)
        found = [] if has_master else [*terms_findings(agreement), *check_surcharges(agreement)]
        if not found:
            return agreement, ()
    return None, tuple(f"{locate(entry, path)[1]}: {message}" for path, message in found)


def located(value: Any) -> Value:  # noqa: ANN401 - any JSON
    """JSON as what a YAML file would hold, so that the field of a mistake can be named."""
    if isinstance(value, dict):
        entry = Entry(0)
        for key, inner in value.items():
            entry[key], entry.lines[key] = located(inner), 0
        return entry
    if isinstance(value, list):
        entries = Entries(0)
        entries += [located(inner) for inner in value]
        entries.lines = [0] * len(value)
        return entries
    return None if value is None else str(value)
