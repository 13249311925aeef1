"""Values of either dialect come out in one shape, or are refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from streams.control import shapes
from streams.control.shapes import Reader, Unfit

GOOD: list[tuple[Reader, Any, Any]] = [
    (shapes.text, " as it is ", " as it is "),
    (shapes.identifier, 42, "42"),
    (shapes.state, "aborted ", "aborted"),
    (shapes.state, "deceaded", "deceased"),
    (shapes.state, "inProgress.accepted", "inProgress.accepted"),
    (shapes.things, {"id": "1"}, [{"id": "1"}]),
    (shapes.things, [{"id": "1"}, None], [{"id": "1"}]),
    (
        shapes.period,
        {"startDateTime": "2026-01-01", "endDateTime": None},
        {"startDateTime": "2026-01-01"},
    ),
    (shapes.identifiers, "PO-1", [{"owner": "", "type": "", "id": "PO-1"}]),
    (shapes.identifiers, 17, [{"owner": "", "type": "", "id": "17"}]),
    (
        shapes.identifiers,
        [{"owner": "TMF", "externalIdentifierType": "POnumber", "id": "456"}],
        [{"owner": "TMF", "type": "POnumber", "id": "456"}],
    ),
    (
        # The older dialect's reference has a name for an id.
        shapes.identifiers,
        [{"externalReferenceType": "internetSite", "name": "http://x.example"}],
        [{"owner": "", "type": "internetSite", "id": "http://x.example"}],
    ),
    (
        shapes.agreements,
        [{"id": "A-1", "agreementItemId": "2", "name": "ALFA"}],
        [{"agreement": "A-1", "item": "2"}],
    ),
    (
        shapes.agreements,
        [{"agreementId": "A-1", "agreementItemId": "2", "agreementName": "ALFA"}],
        [{"agreement": "A-1", "item": "2"}],
    ),
    (shapes.agreements, {"name": "ALFA"}, [{"agreement": "ALFA", "item": ""}]),
    (
        shapes.characteristics,
        [{"name": "units", "value": 3, "valueType": "number"}, {"name": "note "}],
        {"units": 3, "note": None},
    ),
    (
        # Told twice alike is told once; true and 1 are not alike.
        shapes.characteristics,
        [{"name": "a", "value": v} for v in (True, 1, True)] + [{"name": "b", "value": [1]}],
        {"a": [True, 1], "b": [1]},
    ),
    (
        shapes.item_states,
        [{"itemId": 1, "state": " completed"}],
        [{"itemId": "1", "state": "completed"}],
    ),
]


@pytest.mark.parametrize(("reader", "value", "expected"), GOOD)
def test_a_value_is_read(reader: Reader, value: object, expected: object) -> None:
    """Each shape that the dialects have, in the one that is kept."""
    assert reader(value, "it") == expected


BAD: list[tuple[Reader, Any, str, str]] = [
    (shapes.text, 5, "bad_shape", "it is a number; send text"),
    (shapes.identifier, True, "bad_shape", "it is true or false; send text"),
    (shapes.state, ["active"], "bad_shape", "it is a list; send text"),
    (shapes.thing, "x", "bad_shape", "it is text; send an object"),
    (shapes.things, "x", "bad_shape", "it is text; send a list of objects"),
    (shapes.things, [{}, "x"], "bad_shape", r"it\[1\] is text; send an object"),
    (shapes.moment_text, "2026-02-30", "bad_time", "it: '2026-02-30' is not a time"),
    (shapes.moment_text, 20260230, "bad_shape", "it is a number; send text"),
    (shapes.period, {"endDateTime": "soon"}, "bad_time", "it.endDateTime: 'soon'"),
    (
        shapes.period,
        {"startDateTime": "2026-02-01", "endDateTime": "2026-01-31"},
        "contradictory_validity",
        "it.endDateTime 2026-01-31 is before it.startDateTime 2026-02-01",
    ),
    (shapes.party, {"role": 5}, "bad_shape", "it.role is a number"),
    (shapes.party, {"partyOrPartyRole": "Alfa"}, "bad_shape", "it.partyOrPartyRole is text"),
    (shapes.party, {"id": []}, "bad_shape", "it.id is a list"),
    (shapes.agreements, [{"href": "x"}], "bad_shape", r"it\[0\] names no agreement"),
    (shapes.characteristics, [{"value": 1}], "bad_shape", r"it\[0\].name is nothing"),
    (shapes.item_states, [{"state": "held"}], "bad_shape", r"it\[0\].itemId is nothing"),
]


@pytest.mark.parametrize(("reader", "value", "reason", "detail"), BAD)
def test_another_shape_is_refused(reader: Reader, value: object, reason: str, detail: str) -> None:
    """The sentence says where, what was found and what to send."""
    with pytest.raises(Unfit, match=detail) as raised:
        reader(value, "it")
    assert raised.value.reason == reason


def test_a_period_may_be_empty_or_open() -> None:
    """Ends are exclusive, so an end at the start is no contradiction; sides may be missing."""
    empty = {"startDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2026-01-01"}
    assert shapes.period(empty, "it") == empty
    assert shapes.period({}, "it") == {}


PARTY_OF = {"party": "42", "role_id": "", "role": "seller", "name": "Alfa"}
ROLE_OF = {"party": "42", "role_id": "r1", "role": "seller", "name": "Alfa"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            # v4: a reference with a role.
            {"id": "42", "name": "Alfa", "role": "Seller", "@referredType": "Organization"},
            PARTY_OF,
        ),
        ({"id": 42, "name": "Alfa", "role": " SELLER"}, PARTY_OF),
        (
            # What is called a reference to a party is one, whatever it refers to.
            {
                "role": "seller",
                "partyOrPartyRole": {
                    "@type": "PartyRef",
                    "id": "42",
                    "name": "Alfa",
                    "@referredType": "LegalEntity",
                },
            },
            PARTY_OF,
        ),
        ({"id": "42", "name": "Alfa", "role": "seller", "@type": "RelatedParty"}, PARTY_OF),
        (
            # v5: a role around a reference to a party.
            {
                "role": "Seller",
                "partyOrPartyRole": {
                    "@type": "PartyRef",
                    "id": "42",
                    "name": "Alfa",
                    "@referredType": "Organization",
                },
            },
            PARTY_OF,
        ),
        (
            # v5: a reference to a role of the party.
            {
                "role": "Seller",
                "partyOrPartyRole": {
                    "@type": "PartyRoleRef",
                    "id": "r1",
                    "name": "Alfa as a seller",
                    "partyId": "42",
                    "partyName": "Alfa",
                },
            },
            ROLE_OF,
        ),
        (
            # Of a role whose party is not said, only the role is known; its id is no party's.
            {"id": "r1", "name": "Alfa", "role": "seller", "@referredType": "Customer"},
            {**ROLE_OF, "party": ""},
        ),
        (
            # v5: the whole role embedded.
            {
                "role": "Seller",
                "partyOrPartyRole": {
                    "@type": "Supplier",
                    "id": "r1",
                    "name": "Alfa as a seller",
                    "engagedParty": {"id": "42", "name": "Alfa", "@type": "PartyRef"},
                },
            },
            ROLE_OF,
        ),
        (
            {"role": "seller", "partyOrPartyRole": {"@type": "Producer", "id": "r1"}},
            {**ROLE_OF, "party": "", "name": ""},
        ),
        (
            # v5: the whole organization embedded.
            {
                "role": "Seller",
                "partyOrPartyRole": {"@type": "Organization", "id": "42", "tradingName": "Alfa"},
            },
            PARTY_OF,
        ),
        (
            {
                "role": "seller",
                "partyOrPartyRole": {
                    "@type": "Individual",
                    "id": "42",
                    "givenName": "Ada",
                    "familyName": "Alfa",
                },
            },
            {**PARTY_OF, "name": "Ada Alfa"},
        ),
        # An engaged party of the newer dialect has no role of its own.
        ({"@type": "PartyRef", "id": "42", "name": "Alfa"}, {**PARTY_OF, "role": ""}),
    ],
)
def test_a_party_comes_out_in_one_shape(value: object, expected: object) -> None:
    """Party id, role id, role and name, whatever the dialect and whatever is embedded."""
    assert shapes.party(value, "it") == expected
    assert shapes.parties(value, "it") == shapes.parties([value], "it") == [expected]


def test_what_has_no_rule_stays_and_null_is_not_said() -> None:
    """Attributes kept under one name are joined; the order of attributes does not matter."""
    rules: shapes.Rules = {
        "characteristic": (("characteristics", shapes.characteristics),),
        "productCharacteristic": (("characteristics", shapes.characteristics),),
        "externalId": (("externalIdentifier", shapes.identifiers),),
        "externalIdentifier": (("externalIdentifier", shapes.identifiers),),
    }
    said = {
        "x-own": {"a": [1]},
        "name": None,
        "productCharacteristic": [{"name": "b", "value": 2}],
        "characteristic": [{"name": "a", "value": 1}],
        "externalIdentifier": [{"id": "1"}, {"id": "2"}],
        "externalId": "1",
    }
    expected = {
        "x-own": {"a": [1]},
        "characteristics": {"a": 1, "b": 2},
        "externalIdentifier": [{"owner": "", "type": "", "id": name} for name in "12"],
    }
    assert shapes.by_rules(said, rules, "it") == expected
    assert shapes.by_rules(dict(reversed(said.items())), rules, "it") == expected


def test_objects_within_objects_are_read_by_rules() -> None:
    """A list of objects may hold such a list again; the place of a fault is named in full."""
    rules: shapes.Rules = {
        "state": (("state", shapes.state),),
        "item": (("item", shapes.things_by(lambda: rules)),),
        "product": (("product", shapes.thing_by(lambda: rules)),),
    }
    said = {"item": [{"item": [{"state": " held "}]}, {"product": {"state": "enable"}}]}
    assert shapes.by_rules(said, rules, "order") == {
        "item": [{"item": [{"state": "held"}]}, {"product": {"state": "enabled"}}]
    }
    with pytest.raises(Unfit, match=r"^order.item\[0\].item\[0\].state is a number"):
        shapes.by_rules({"item": [{"item": [{"state": 1}]}]}, rules, "order")
