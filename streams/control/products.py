"""Products of an inventory (TMF637): when each is in service, under what, and in how many units.

The product's status and its dates say when (see `in_service`), the first agreement that it refers
to says under what, and the characteristic `units` how many (one when it says nothing). A product
may be handed over at a point of interconnect, which is the usual case, or at an end user: with the
characteristic `demarcation` of `end_user` charging does not start before `endUserAcceptedAt`, where
that is given. A product without an agreement is the operator's own business and no concern of ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from state.entities import Entities, EntityVersion
from streams.control.agreement_names import AgreementNames
from streams.control.derived import Finding
from streams.control.in_service import (
    Dates,
    InService,
    Stage,
    Step,
    concerns,
    cut,
    lacking,
    service,
    unknown_status,
)
from streams.control.values import Values, characteristic, text, word

KIND = "product"
STAGES = {
    "created": Stage.WAITING,
    "pendingactive": Stage.WAITING,
    "active": Stage.RUNNING,
    "pendingterminate": Stage.RUNNING,
    "suspended": Stage.PAUSED,
    "terminated": Stage.ENDED,
    "cancelled": Stage.VOID,
    "aborted": Stage.VOID,
}
"""What a status means, whatever case it is written in."""

UNITS = "units"
UNITS_MAX = 10**9
DEMARCATION = "demarcation"
INTERCONNECT, END_USER = "point_of_interconnect", "end_user"
ACCEPTED = "endUserAcceptedAt"


class Terms(NamedTuple):
    """Under what a product is in service."""

    agreement: str
    units: int


def units_of(values: Values) -> int:
    """How many units a product has.

    Raises:
        ValueError: the characteristic is no whole number from 1 on; the sentence says so.
    """
    said = characteristic(values, UNITS)
    if said is None:
        return 1
    # Numbers with a fraction are kept as the text that was sent, so four units may come as 4.0.
    match = re.fullmatch(r"([1-9][0-9]{0,9})(\.0+)?", text(said), re.ASCII)
    if match is None or int(match[1]) > UNITS_MAX:
        message = f"has {said!r} units; write a whole number from 1 to {UNITS_MAX}"
        raise ValueError(message)
    return int(match[1])


def accepted_at(values: Values) -> str:
    """When an end user accepted a product, as written; empty when charging does not wait for it.

    Raises:
        ValueError: the demarcation is none that we know; the sentence names those there are.
    """
    said = characteristic(values, DEMARCATION)
    demarcation = INTERCONNECT if said is None else word(said)
    if demarcation not in {INTERCONNECT, END_USER}:
        message = f"has the demarcation {said!r}; write {INTERCONNECT} or {END_USER}"
        raise ValueError(message)
    return text(characteristic(values, ACCEPTED)) if demarcation == END_USER else ""


def stage_of(status: str, *, is_complete: bool, has_start: bool) -> Stage | None:
    """What the status of a product means; None when nobody knows.

    A full image without a status leaves it to the dates.
    """
    if status:
        return STAGES.get(status)
    return Stage.RUNNING if is_complete and has_start else Stage.WAITING


def inventoried(
    entities: Entities, names: AgreementNames
) -> tuple[dict[str, Sequence[InService]], Sequence[Finding]]:
    """When each product that an inventory told of is in service, and what was found wrong.

    A product that is known, but never in service, has no intervals; its key is there.
    """
    known: dict[str, Sequence[InService]] = {}
    findings: list[Finding] = []
    for name in entities.ids(KIND):
        known[name], wrong = _product(name, entities.history(KIND, name), names)
        findings += wrong
    return known, findings


def _product(
    name: str, versions: Sequence[EntityVersion], names: AgreementNames
) -> tuple[Sequence[InService], Sequence[Finding]]:
    """The intervals of one product, rising and apart, and what was found wrong with it."""
    steps: list[Step[Terms]] = []
    wrong: Sequence[Finding] = ()
    for version in versions:
        # What an earlier version got wrong, a later one may have put right.
        step, wrong = _step(name, version, steps[-1] if steps else None, names)
        steps.append(step)
    found_service = service(steps)
    rows = [
        InService(name, terms.agreement, span.from_us, span.upto_us, terms.units)
        for span, terms in cut(found_service.spans)
    ]
    told = [*wrong, *lacking(KIND, name, found_service)]
    return rows, told if concerns(steps) else ()


def _step(
    name: str, version: EntityVersion, before: Step[Terms] | None, names: AgreementNames
) -> tuple[Step[Terms], Sequence[Finding]]:
    """A version of a product; what nobody understands of it stays as it was in the one before."""
    from_us, upto_us, values = version.from_us, version.upto_us, version.attributes
    if version.is_gone:
        return Step(from_us, upto_us, Stage.VOID, None, frozenset(), is_complete=False), ()
    findings: list[Finding] = []
    status, start = word(values.get("status")), text(values.get("startDate"))
    stage = stage_of(status, is_complete=version.is_complete, has_start=bool(start))
    if stage is None:
        stage, finding = unknown_status(KIND, name, status, before)
        findings.append(finding)
    entries: frozenset[Terms] | None = None
    try:
        entries = _entries(version, names)
    except ValueError as error:
        detail = f"{error}; what was known before stays"
        findings.append(Finding(KIND, name, "bad_value", detail))
    try:
        accepted = accepted_at(values)
    except ValueError as error:
        accepted = before.dates.accepted if before and before.dates else ""
        detail = f"{error}; what was known before stays"
        findings.append(Finding(KIND, name, "bad_value", detail))
    dates = Dates(start, text(values.get("terminationDate")), accepted)
    return Step(from_us, upto_us, stage, dates, entries, version.is_complete), findings


def _entries(version: EntityVersion, names: AgreementNames) -> frozenset[Terms] | None:
    """Under what a version of a product is in service; None when it is a part without it.

    Raises:
        ValueError: as `units_of`.
    """
    values = version.attributes
    agreement = names.first_of(values)
    if agreement:
        return frozenset({Terms(agreement, units_of(values))})
    return frozenset() if version.is_complete else None
