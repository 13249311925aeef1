"""Services and resources that usage is recognised by (TMF638, TMF639): routes, ranges and the like.

Trunk groups, ranges of numbers, access points, networks and sales channels are services or
resources of an inventory. One that usage names carries the characteristic `weirKey`, an object or a
list of them, which says as what it is recognised and whose it is:

    {"kind": "route", "key": "TG-001", "agreement": "ALFA-1"}

It holds while the thing is in service: by the state of a service, by what the states of a resource
do not rule out, and by their dates (see `in_service`).
"""

from __future__ import annotations

from collections.abc import Sequence

from schemas.agreements import OWN_NAME
from state.entities import Entities, EntityVersion
from streams.control.agreement_names import AgreementNames
from streams.control.derived import Finding
from streams.control.in_service import (
    Dates,
    Span,
    Stage,
    Step,
    concerns,
    lacking,
    service,
    unknown_status,
)
from streams.control.keying import Holding, problem
from streams.control.values import Values, characteristic, members, text, word

SERVICE = "service"
RESOURCES = ("logicalResource", "physicalResource", "resource")
KINDS = (*RESOURCES, SERVICE)
CHARACTERISTIC = "weirKey"

SERVICE_STAGES = {
    "feasibilitychecked": Stage.WAITING,
    "designed": Stage.WAITING,
    "reserved": Stage.WAITING,
    "inactive": Stage.WAITING,
    "active": Stage.RUNNING,
    "suspended": Stage.PAUSED,
    "terminated": Stage.ENDED,
}
"""What the state of a service means, whatever case it is written in."""

RULED_OUT = {
    "administrativeState": {"locked"},
    "operationalState": {"disable", "disabled"},
    "resourceStatus": {"reserved", "suspended"},
}
"""The states in which a resource is not in service, in the spellings of both dialects."""


def held(
    entities: Entities, names: AgreementNames
) -> tuple[dict[Holding, list[Span]], Sequence[Finding]]:
    """Which agreement holds which key when, and what was found wrong."""
    spans: dict[Holding, list[Span]] = {}
    findings: list[Finding] = []
    for kind in KINDS:
        for name in entities.ids(kind):
            steps: list[Step[Holding]] = []
            wrong: Sequence[Finding] = ()
            for version in entities.history(kind, name):
                # What an earlier version got wrong, a later one may have put right.
                step, wrong = _step(kind, name, version, steps[-1] if steps else None, names)
                steps.append(step)
            in_service = service(steps)
            for holding, of_holding in in_service.spans.items():
                spans.setdefault(holding, []).extend(of_holding)
            told = [*wrong, *lacking(kind, name, in_service)]
            findings += [f for f in told if f.reason == "bad_key" or concerns(steps)]
    return spans, findings


def _step(
    kind: str,
    name: str,
    version: EntityVersion,
    before: Step[Holding] | None,
    names: AgreementNames,
) -> tuple[Step[Holding], Sequence[Finding]]:
    """A version of a service or resource, and what was found wrong with it."""
    from_us, upto_us, values = version.from_us, version.upto_us, version.attributes
    if version.is_gone:
        return Step(from_us, upto_us, Stage.VOID, None, frozenset(), is_complete=False), ()
    findings: list[Finding] = []
    dates, stage = _service(version) if kind == SERVICE else _resource(values)
    if stage is None:
        stage, finding = unknown_status(kind, name, word(values.get("state")), before)
        findings.append(finding)
    holdings: frozenset[Holding] | None = None
    if version.is_complete or characteristic(values, CHARACTERISTIC) is not None:
        holdings, sentences = _holdings(values, names)
        findings += [Finding(kind, name, "bad_key", sentence) for sentence in sentences]
    step = Step(from_us, upto_us, stage, dates, holdings, version.is_complete)
    return step, findings


def _service(version: EntityVersion) -> tuple[Dates, Stage | None]:
    """The dates of a service and what its state means; an image without one leaves it to them."""
    values = version.attributes
    dates = Dates(text(values.get("startDate")), text(values.get("endDate")))
    if state := word(values.get("state")):
        return dates, SERVICE_STAGES.get(state)
    return dates, Stage.RUNNING if version.is_complete and dates.start else Stage.WAITING


def _resource(values: Values) -> tuple[Dates, Stage]:
    """The dates of a resource and what its states mean: in service unless one rules it out."""
    dates = Dates(text(values.get("startOperatingDate")), text(values.get("endOperatingDate")))
    if word(values.get("lifecycleState")) == "planned":
        return dates, Stage.WAITING
    is_out = any(word(values.get(name)) in states for name, states in RULED_OUT.items())
    return dates, Stage.PAUSED if is_out else Stage.RUNNING


def _holdings(values: Values, names: AgreementNames) -> tuple[frozenset[Holding], Sequence[str]]:
    """The keys that a thing is recognised by, and a sentence for each that cannot be one."""
    said = characteristic(values, CHARACTERISTIC)
    found: dict[tuple[str, str], str] = {}
    sentences: list[str] = []
    objects = members(said)
    count = len(said) if isinstance(said, list) else 1
    if said is not None and len(objects) < count:
        sentences.append(f"{CHARACTERISTIC} is no object; write kind, key and agreement")
    for one in objects:
        kind, key, agreement = (text(one.get(name)) for name in ("kind", "key", "agreement"))
        agreement = agreement if agreement == OWN_NAME else names.resolve(agreement)
        if sentence := problem(kind, key, agreement):
            sentences.append(sentence)
        elif found.setdefault((kind, key), agreement) != agreement:
            sentences.append(f"{kind} {key!r} is given to two agreements; the first one holds it")
    return frozenset((*pair, agreement) for pair, agreement in found.items()), sentences
