"""What the masters of a made-up network would tell: the same reference, as their notifications.

A deployment that follows its masters has no files of partners, agreements and keys; the party,
contract and inventory systems tell of them, each in its own dialect of the TM Forum's interfaces,
in pieces: an organization is created and later validated, a product is ordered and later active.
From reference files this makes the notifications that lead to the same reference, dated before the
first usage, so that settling by the files and settling by the notifications come to the same cent.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from schemas.keys import COLUMNS
from schemas.keys import FILE as KEYS_FILE
from schemas.partners import FILE as PARTNERS_FILE
from schemas.reference import AGREEMENTS_FILE
from schemas.tmf651 import to_tmf651

Document = dict[str, Any]

OUTSET = datetime(2025, 11, 3, 8, tzinfo=UTC)
STEP = timedelta(minutes=7)
IN_SERVICE = "2026-01-01T00:00:00Z"
STREAMS = ("party", "agreement", "inventory")


class Told(NamedTuple):
    """A notification and the stream that it is told on."""

    stream: str
    notification: Document


@dataclass
class _Teller:
    """Makes notifications, each a little later than the one before."""

    random: random.Random
    count: int = 0

    def tell(self, stream: str, event: str, key: str, resource: Document) -> Told:
        """A notification in one of both dialects' envelopes."""
        self.count += 1
        at = (OUTSET + self.count * STEP).isoformat().replace("+00:00", "Z")
        envelope = {"eventId": str(self.count), "eventTime": at, "eventType": event}
        if resource.get("@type"):
            envelope |= {"@type": event, "timeOcurred": at}
        return Told(stream, {**envelope, "event": {key: resource}})

    def is_new_dialect(self) -> bool:
        """Whether the next thing is told in the fifth version of its interface."""
        return self.random.random() < 1 / 2


def notifications(reference: Path, seed: int) -> list[Told]:
    """The notifications of all masters, in the order in which they would be told.

    Args:
        reference: a directory of reference files that can be loaded.
        seed: decides the dialects.
    """
    partners = _yaml(reference / PARTNERS_FILE)
    agreements = _yaml(reference / AGREEMENTS_FILE)
    by_name = {partner["partner"]: partner for partner in partners}
    teller = _Teller(random.Random(seed))
    told = [one for partner in partners for one in _partner(teller, partner)]
    for agreement in agreements:
        document = {**to_tmf651(agreement, by_name[agreement["partner"]]), "status": "approved"}
        told.append(teller.tell("agreement", "AgreementCreateEvent", "agreement", document))
    with (reference / KEYS_FILE).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            told += _key(teller, row)
    return told


def write_masters(reference: Path, out: Path, seed: int) -> list[Path]:
    """Write the notifications as JSON Lines, a file a stream, and take the rest of the files over.

    Args:
        reference: see `notifications`; what no master tells (decks, bands, ...) stays there.
        out: gets `STREAM.jsonl` for each stream.
        seed: decides the dialects.

    Returns:
        The files, in the order of `STREAMS`.
    """
    told = notifications(reference, seed)
    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for stream in STREAMS:
        lines = [json.dumps(one.notification) for one in told if one.stream == stream]
        path = out / f"{stream}.jsonl"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        paths.append(path)
    for name in (PARTNERS_FILE, AGREEMENTS_FILE):
        (reference / name).write_text("[]\n", encoding="utf-8")
    (reference / KEYS_FILE).write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    return paths


def _yaml(path: Path) -> Sequence[Any]:
    """Entries with every value as it is written."""
    entries: Sequence[Any] = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506
    return entries


def _partner(teller: _Teller, partner: Mapping[str, str]) -> Iterator[Told]:
    """An organization that is created, then validated, and then plays its role."""
    name, country = partner["partner"], partner.get("country")
    organization: Document = {"id": name, "tradingName": partner["name"], "status": "initialized"}
    fragment: Document = {"id": name, "status": "validated"}
    role: Document = {"id": f"ROLE-{name}", "name": "partner", "status": "active"}
    role["validFor"] = {"startDateTime": IN_SERVICE}
    role["engagedParty"] = {"id": name, "name": partner["name"], "@referredType": "Organization"}
    if teller.is_new_dialect():
        organization |= {"@type": "Organization", "name": partner["name"]}
        fragment["@type"] = "Organization"
        role["@type"] = "PartyRole"
        role["engagedParty"]["@type"] = "PartyRef"
        if country:
            place = {"@type": "GeographicAddressContactMedium", "country": country}
            organization["contactMedium"] = [place]
    elif country:
        address = {"mediumType": "postalAddress", "characteristic": {"country": country}}
        organization["contactMedium"] = [address]
    yield teller.tell("party", "OrganizationCreateEvent", "organization", organization)
    yield teller.tell("party", "OrganizationStateChangeEvent", "organization", fragment)
    yield teller.tell("party", "PartyRoleCreateEvent", "partyRole", role)


def _key(teller: _Teller, row: Mapping[str, str]) -> Iterator[Told]:
    """A product that is ordered and later active, or a resource of the network."""
    start = _moment(row["valid_from"]) or IN_SERVICE
    upto = _moment(row["valid_upto"])
    agreement, is_new = row["agreement"], teller.is_new_dialect()
    if row["kind"] == "product":
        product: Document = {"id": row["key"], "status": "created"}
        fragment: Document = {"id": row["key"], "status": "active", "startDate": start}
        if upto:
            fragment["terminationDate"] = upto
        if is_new:
            product |= {"@type": "Product"}
            fragment |= {"@type": "Product"}
            product["agreementItem"] = [{"agreementId": agreement, "agreementItemId": "1"}]
        else:
            product["agreement"] = [{"id": agreement, "name": agreement}]
        yield teller.tell("inventory", "ProductCreateEvent", "product", product)
        yield teller.tell("inventory", "ProductStateChangeEvent", "product", fragment)
        return
    value = {"kind": row["kind"], "key": row["key"], "agreement": agreement}
    characteristic: Document = {"name": "weirKey", "valueType": "object", "value": value}
    resource: Document = {"id": f"{row['kind']}-{row['key']}", "startOperatingDate": start}
    resource["name"] = resource["href"] = resource["id"]
    resource["resourceStatus"] = "available"
    if upto:
        resource["endOperatingDate"] = upto
    if is_new:
        characteristic["@type"] = "ObjectCharacteristic"
        resource |= {"@type": "LogicalResource", "administrativeState": "unlocked"}
    resource["resourceCharacteristic"] = [characteristic]
    yield teller.tell("inventory", "ResourceCreateEvent", "resource", resource)


def _moment(text: str) -> str:
    """A moment of a reference file as the standard writes it; empty where there is none."""
    return f"{text}T00:00:00Z" if text and "T" not in text else text
