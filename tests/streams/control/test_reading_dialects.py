"""Each attribute that the dialects name or shape differently is read into the same."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.tmf651 import to_tmf651
from streams.control.changes import Form
from tests.notifications import change, notice

ALFA_OLD = {"id": "42", "name": "Alfa", "role": "Partner", "@referredType": "Organization"}
ALFA_REF = {"@type": "PartyRef", "id": "42", "name": "Alfa", "@referredType": "Organization"}
ALFA_NEW = {"role": "partner", "partyOrPartyRole": ALFA_REF}
ALFA = [{"party": "42", "role_id": "", "role": "partner", "name": "Alfa"}]
UNITS_OLD = [{"name": "units", "value": 3, "valueType": "integer"}]
UNITS_NEW = [{**UNITS_OLD[0], "id": "c1", "@type": "IntegerCharacteristic"}]
TIME = "2026-10-01T00:00:00Z"
HELD = {"status": "held", "changeDate": TIME}

# Topic, kind, what the older dialect says, what the newer one says, what both are read into.
FORMS: list[tuple[str, str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("order", "productOrder", {"orderDate": TIME}, {"creationDate": TIME}, {"creationDate": TIME}),
    (
        "order",
        "productOrder",
        {"externalId": "PO-1"},
        {"externalId": [{"owner": "", "externalIdentifierType": "", "id": "PO-1"}]},
        {"externalIdentifier": [{"owner": "", "type": "", "id": "PO-1"}]},
    ),
    (
        "ticket",
        "troubleTicket",
        {"externalId": "T-1", "statusChange": [HELD]},
        {"externalIdentifier": [{"id": "T-1"}], "statusChangeHistory": [HELD]},
        {
            "externalIdentifier": [{"owner": "", "type": "", "id": "T-1"}],
            "statusChangeHistory": [HELD],
        },
    ),
    (
        "catalog",
        "productOfferingPrice",
        {"constraint": [{"id": "c"}]},
        {"policy": [{"id": "c"}]},
        {"policy": [{"id": "c"}]},
    ),
    (
        "inventory",
        "product",
        {"agreement": [{"id": "A-1", "agreementItemId": "2", "name": "ALFA"}]},
        {"agreementItem": [{"agreementId": "A-1", "agreementItemId": "2"}]},
        {"agreements": [{"agreement": "A-1", "item": "2"}]},
    ),
    (
        "party",
        "organization",
        {"externalReference": [{"externalReferenceType": "site", "name": "x"}]},
        {"externalReference": [{"externalIdentifierType": "site", "id": "x"}]},
        {"externalIdentifier": [{"owner": "", "type": "site", "id": "x"}]},
    ),
    (
        "party",
        "organization",
        {"contactMedium": [{"mediumType": "post", "characteristic": {"country": "DE"}}]},
        {"contactMedium": [{"mediumType": "post", "country": "DE"}]},
        {"contactMedium": [{"mediumType": "post", "country": "DE"}]},
    ),
    (
        "party",
        "partyRole",
        {"engagedParty": {**ALFA_OLD, "role": None}},
        {"engagedParty": ALFA_REF},
        {"engagedParty": [{**ALFA[0], "role": ""}]},
    ),
    (
        "agreement",
        "agreement",
        {"engagedParty": [ALFA_OLD]},
        {"engagedParty": [ALFA_NEW]},
        {"engagedParty": ALFA},
    ),
    (
        "inventory",
        "service",
        {"relatedParty": [ALFA_OLD], "serviceCharacteristic": UNITS_OLD},
        {"relatedParty": [ALFA_NEW], "serviceCharacteristic": UNITS_NEW},
        {"relatedParty": ALFA, "characteristics": {"units": 3}},
    ),
    (
        "inventory",
        "resource",
        {
            "operationalState": "enable",
            "administrativeState": "shutdown",
            "place": {"id": "p"},
            "resourceCharacteristic": UNITS_OLD,
        },
        {
            "operationalState": "enabled",
            "administrativeState": "shuttingDown",
            "place": [{"id": "p"}],
            "resourceCharacteristic": UNITS_NEW,
        },
        {
            "operationalState": "enabled",
            "administrativeState": "shuttingDown",
            "place": [{"id": "p"}],
            "characteristics": {"units": 3},
        },
    ),
    (
        "order",
        "productOrder",
        {
            "productOrderItem": [
                {
                    "id": "1",
                    "product": {
                        "agreement": [{"id": "A-1"}],
                        "productCharacteristic": UNITS_OLD,
                    },
                }
            ]
        },
        {
            "productOrderItem": [
                {
                    "id": "1",
                    "product": {
                        "agreementItem": [{"agreementId": "A-1"}],
                        "productCharacteristic": UNITS_NEW,
                    },
                }
            ]
        },
        {
            "productOrderItem": [
                {
                    "id": "1",
                    "product": {
                        "agreements": [{"agreement": "A-1", "item": ""}],
                        "characteristics": {"units": 3},
                    },
                }
            ]
        },
    ),
]


@pytest.mark.parametrize(("stem", "kind", "old", "new", "expected"), FORMS)
def test_both_dialects_are_read_alike(
    stem: str, kind: str, old: dict[str, Any], new: dict[str, Any], expected: dict[str, Any]
) -> None:
    """What is kept has one name and one shape, and the other dialect's names are gone."""
    for said in (old, new):
        told = change(stem, notice(kind, "AttributeValueChangeEvent", {"id": "1", **said}))
        assert told.attributes == {"id": "1", **expected}


def test_the_catalogue_itself_is_renamed() -> None:
    """What the older dialect calls a catalog is the newer one's productCatalog."""
    old = change("catalog", notice("catalog", "CreateEvent", {"id": "1", "name": "Wholesale"}))
    new = change("catalog", notice("productCatalog", "CreateEvent", {"id": 1, "name": "Wholesale"}))
    assert old.key == new.key
    assert old.kind == "productCatalog"


def test_a_partnership_holds_roles() -> None:
    """Its partners are read as roles are."""
    partner = {"id": "r1", "name": "Alfa", "engagedParty": ALFA_OLD, "characteristic": UNITS_OLD}
    told = change("party", notice("partnership", "ChangeEvent", {"id": "1", "partner": [partner]}))
    expected = {"id": "r1", "name": "Alfa", "engagedParty": ALFA, "characteristics": {"units": 3}}
    assert told.attributes["partner"] == [expected]


def test_ids_of_what_is_referred_to_are_text() -> None:
    """So that whatever looks them up finds what was sent under that id, or is told of a fault."""
    item = {"id": 1, "productOffering": {"id": 14277}, "product": {"id": 5}}
    said = {"id": 1, "productOrderItem": [item], "channel": [{"channel": {"id": 2}}]}
    told = change("order", notice("productOrder", "CreateEvent", said)).attributes
    assert told["channel"] == [{"channel": {"id": "2"}}]
    assert told["productOrderItem"] == [
        {"id": "1", "productOffering": {"id": "14277"}, "product": {"id": "5"}}
    ]
    parent = {"organizationParentRelationship": {"organization": {"id": 800}}}
    told = change("party", notice("organization", "CreateEvent", {"id": 128, **parent})).attributes
    assert told["organizationParentRelationship"]["organization"]["id"] == "800"


def test_our_own_agreements_come_back_from_a_notification() -> None:
    """What Weir writes as a TMF651 Agreement is a full image, with its terms unchanged."""
    partner = {"partner": "ALFA", "name": "Alfa Telecom", "country": "DE"}
    item = {"item": "voice", "price": {"rate": "0.0100"}}
    version = {"version": "1", "valid_from": "2026-01-01", "zone": "UTC", "items": [item]}
    agreement = {"agreement": "AG-1", "partner": "ALFA", "model": "a", "versions": [version]}
    document = to_tmf651(agreement, partner)
    told = change("agreement", notice("agreement", "StateChangeEvent", document))
    assert (told.id, told.form) == ("AG-1", Form.FULL)
    terms = told.attributes["characteristics"]["weirTerms"]
    assert (terms["versions"], terms["@type"]) == ([version], "WeirTerms")
    [party] = told.attributes["engagedParty"]
    assert (party["party"], party["role"]) == ("ALFA", "partner")
