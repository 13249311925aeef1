"""Short makers of changes, as if masters had told them, and of what they load as."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ops.told import Told
from schemas.keys import COLUMNS
from schemas.keys import FILE as KEYS_FILE
from schemas.partners import FILE as PARTNERS_FILE
from schemas.reference import AGREEMENTS_FILE, Reference, load
from state.entities import Entities
from streams.control.changes import Change, Form
from streams.control.derived import Derived
from streams.control.times import parse_time

Json = dict[str, Any]

JANUARY = "2026-01-01"


def change(
    kind: str,
    name: str,
    at: str = JANUARY,
    /,
    form: Form = Form.FULL,
    known_us: int = 0,
    source: str = "",
    **said: Any,  # noqa: ANN401 - any JSON
) -> Change:
    """What a master told of a thing; by default all of it, on 1 January 2026."""
    at_us = parse_time(at)
    return Change(kind, name, at_us, form, said, source or kind, "", f"{kind}/0/0/0", known_us)


def gone(kind: str, name: str, at: str, /, known_us: int = 0) -> Change:
    """The end of a thing."""
    return change(kind, name, at, Form.GONE, known_us)


def part(kind: str, name: str, at: str, /, known_us: int = 0, **said: Any) -> Change:  # noqa: ANN401
    """Some attributes of a thing."""
    return change(kind, name, at, Form.PART, known_us, **said)


def organization(name: str = "ALFA", at: str = JANUARY, /, **said: Any) -> Change:  # noqa: ANN401
    """A carrier in Germany."""
    medium = [{"mediumType": "PostalAddress", "characteristic": {"country": "DE"}}]
    default = {"tradingName": f"{name} Carrier", "contactMedium": medium}
    return change("organization", name, at, **{**default, **said})


def version(number: int = 1, valid_from: str = JANUARY, **said: Any) -> Json:  # noqa: ANN401
    """A version of terms: messages that come in cost 0.004 each."""
    item = {
        "item": "sms-in",
        "role": "ingress",
        "service": "sms",
        "flow": "receivable",
        "price": {"kind": "unit", "per": "event", "amount": "0.004"},
    }
    terms = {"version": str(number), "valid_from": valid_from, "zone": "UTC", "currency": "EUR"}
    return {**terms, "items": [item], **said}


def terms(*versions: Json, **said: Any) -> Json:  # noqa: ANN401
    """The characteristic `weirTerms` of an agreement; one version by default."""
    several = [*versions] or [version()]
    return {"weirTerms": {"@type": "WeirTerms", "model": "wholesale", "versions": several, **said}}


def agreement(
    name: str = "ALFA-1",
    partner: str = "ALFA",
    at: str = JANUARY,
    /,
    known_us: int = 0,
    form: Form = Form.FULL,
    **said: Any,  # noqa: ANN401
) -> Change:
    """An approved agreement with a partner, under its own name as id."""
    engaged = [{"party": partner, "role_id": "", "role": "partner", "name": ""}]
    default: Json = {"name": name, "status": "approved", "engagedParty": engaged}
    default["characteristics"] = terms()
    return change("agreement", name, at, form, known_us, **{**default, **said})


def role(name: str = "R-1", party: str = "ALFA", at: str = JANUARY, /, **said: Any) -> Change:  # noqa: ANN401
    """A role of a party that is live."""
    engaged = [{"party": party, "role_id": "", "role": "", "name": ""}]
    default = {"name": "carrier", "status": "active", "engagedParty": engaged}
    return change("partyRole", name, at, **{**default, **said})


def product(
    name: str = "P-1",
    of: str = "ALFA-1",
    at: str = JANUARY,
    /,
    known_us: int = 0,
    **said: Any,  # noqa: ANN401
) -> Change:
    """A product in service that belongs to an agreement."""
    default = {"status": "active", "agreements": [{"agreement": of, "item": ""}]}
    return change("product", name, at, Form.FULL, known_us, **{**default, **said})


def route(
    name: str,
    key: str,
    of: str,
    at: str = JANUARY,
    /,
    known_us: int = 0,
    **said: Any,  # noqa: ANN401
) -> Change:
    """A service that says whose a route is."""
    told = {"weirKey": {"kind": "route", "key": key, "agreement": of}}
    default = {"state": "active", "characteristics": told}
    return change("service", name, at, Form.FULL, known_us, **{**default, **said})


def entities(*changes: Change) -> Entities:
    """All things after some changes."""
    return known(changes)


def known(changes: Iterable[Change]) -> Entities:
    """The same of any number of changes."""
    found = Entities()
    for one in changes:
        found.add(one)
    return found


def loaded(derived: Derived, files: Mapping[str, str] | None = None) -> Reference:
    """What is derived, loaded beside the operator's files, of which none has anything to say."""
    told = Told.of(derived)
    assert len(told.entries) == len(derived.partners) + len(derived.agreements)
    empty = {PARTNERS_FILE: "[]\n", AGREEMENTS_FILE: "[]\n", KEYS_FILE: ",".join(COLUMNS) + "\n"}
    with tempfile.TemporaryDirectory() as place:
        for name, content in {**empty, **(files or {})}.items():
            Path(place, name).write_text(content, encoding="utf-8")
        told.write(Path(place))
        return load(Path(place))


def reasons(derived: Derived) -> set[tuple[str, str]]:
    """Ids and reasons of all findings."""
    return {(finding.id, finding.reason) for finding in derived.findings}


def plain(value: object) -> object:
    """A value as JSON has it, to compare."""
    return json.loads(json.dumps(value))
