"""What was agreed stays as it was: versions that usage was settled by cannot be changed.

A version of an agreement is what statements refer to and what `weir verify` recomputes by. So a
directory refuses a reference in which such a version is another one or gone. New terms are a new
version with its own `valid_from`. Only the end of the last version may be set or moved: that is how
a new version comes after it. Nor may a partner with whom usage was settled be in test again: its
usage would be excluded for good.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from pydantic import BaseModel

from ops.reading import POSITION_KEY, Stored, kept_references
from schemas.agreements import Agreement, Version
from schemas.documents import Problem
from schemas.partners import FILE as PARTNERS_FILE
from schemas.records import codec
from schemas.reference import AGREEMENTS_FILE, InvalidReferenceError, Reference, load
from schemas.topics import ACCRUALS, ACCRUE_CHANGELOG, CONTRIBUTIONS
from streams.contribution import Series, from_bytes

END = "valid_upto"
ADVICE = (
    "usage was settled by this version, so it stays as it was; put it back and write a new version"
    " with its own valid_from"
)

TEST_ADVICE = (
    "usage was settled with it, and what comes in a test is never tried again; put it back, or end"
    " its keys in attribution.csv"
)

SettledBy = set[tuple[str, int]]  # agreement, version


def refuse_changed_versions(stored: Stored, given: Reference) -> None:
    """Compare a new reference with the one settled by last.

    Raises:
        InvalidReferenceError: a version that usage was settled by is another one or gone.
    """
    problems = refused_changes(stored, given)
    if problems:
        raise InvalidReferenceError(problems)


def refused_changes(stored: Stored, given: Reference) -> list[Problem]:
    """What a new reference changes of the one settled by last, and may not."""
    is_first = not (kept_references(stored.data) / "current").exists()
    if is_first or given.reference_id == stored.newest_reference():
        return []
    settled = settled_versions(stored)
    if not settled:
        return []
    known = load(stored.reference_of(stored.newest_reference()))
    return list(changed_versions(known, given, settled))


def settled_versions(stored: Stored) -> SettledBy:
    """Every version that has accruals, or contributions that are not accrued yet."""
    found: SettledBy = set()
    records = codec("accruals.avsc")
    for _, _, value in stored.latest(ACCRUALS.name):
        message = records.decode(value)
        found.update((message["agreement"], row["version"]) for row in message["rows"])
    accrued = {
        (CONTRIBUTIONS.name, partition): int(json.loads(value)["positions"][CONTRIBUTIONS.name])
        for partition, key, value in stored.latest(ACCRUE_CHANGELOG.name)
        if key == POSITION_KEY and CONTRIBUTIONS.name in json.loads(value)["positions"]
    }
    reader = stored.store.tail([CONTRIBUTIONS.name], accrued)
    while segments := reader.read(1_000, 0):
        for value in (v for s in segments for v in s.values if v is not None):
            series = map(Series.parse, from_bytes(value).sums.series.to_pylist())
            found.update((s.agreement, s.version) for s in series)
    reader.close()
    return found


def changed_versions(before: Reference, after: Reference, settled: SettledBy) -> Iterator[Problem]:
    """What differs in versions that usage was settled by, a line each, and who is in test again."""
    live = _partners(before, settled) - _in_test(before)
    for partner in sorted(live & _in_test(after)):
        yield Problem(PARTNERS_FILE, 0, f"{partner} test", f"is true now; {TEST_ADVICE}")
    now = {a.agreement: a for a in after.agreements}
    for agreement in before.agreements:
        if now.get(agreement.agreement) == agreement:
            continue
        last = agreement.versions[-1].version
        for version in agreement.versions:
            if (agreement.agreement, version.version) not in settled:
                continue
            field = f"{agreement.agreement} version {version.version}"
            found = _version(now.get(agreement.agreement), version.version)
            if found is None:
                yield Problem(AGREEMENTS_FILE, 0, field, f"is gone; {ADVICE}")
                continue
            for name in changed_fields(version, found):
                if not (name == END and version.version == last):
                    yield Problem(AGREEMENTS_FILE, 0, field, f"{name} differs; {ADVICE}")


def _partners(reference: Reference, settled: SettledBy) -> set[str]:
    """The partners with whom usage was settled."""
    names = {name for name, _ in settled}
    return {a.partner for a in reference.agreements if a.agreement in names}


def _in_test(reference: Reference) -> set[str]:
    """The partners in test."""
    return {partner.partner for partner in reference.partners if partner.test}


def _version(agreement: Agreement | None, number: int) -> Version | None:
    versions = () if agreement is None else agreement.versions
    return next((v for v in versions if v.version == number), None)


def changed_fields(before: object, after: object) -> Iterator[str]:
    """The fields in which two models differ, as files name them."""
    return (field.path for field in changed_values(before, after))


class Changed(NamedTuple):
    """A field that differs: where it is as files name it, its name in the model, its values."""

    path: str
    name: str
    before: object
    after: object


def changed_values(
    before: object, after: object, path: str = "", field_name: str = ""
) -> Iterator[Changed]:
    """The same with what stood there and what stands there now."""
    if isinstance(before, BaseModel) and isinstance(after, type(before)):
        for name, field in type(before).model_fields.items():
            label = field.alias or name
            inner = f"{path}.{label}" if path else label
            yield from changed_values(getattr(before, name), getattr(after, name), inner, name)
    elif (
        isinstance(before, tuple)
        and isinstance(after, tuple)
        and len(before) == len(after)
        and all(isinstance(part, BaseModel) for part in before)
    ):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from changed_values(one, other, f"{path}[{index}]", field_name)
    elif before != after:
        yield Changed(path, field_name, before, after)
