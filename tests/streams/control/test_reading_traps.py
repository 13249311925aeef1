"""One test for each trap of notifications that the published interface descriptions hold.

Both dialects are in use, and little of what a notification says of itself can be relied on. The
numbers are those of the table in `docs/control-plane.md`.
"""

from __future__ import annotations

import pytest

from streams.control.changes import Form
from streams.control.reading import read
from tests.notifications import AT, AT_US, change, folded, notice, place, reading, refusal

AGREEMENT = {"id": "A-1", "name": "ALFA", "agreementType": "interconnect"}


@pytest.mark.parametrize("spelling", ["timeOcurred", "timeOccurred", "eventTime", "EVENTTIME"])
def test_trap_1_spellings_of_the_time(spelling: str) -> None:
    """Each is read; eventTime, when the change was made known, comes first."""
    said = {"eventType": "AgreementCreateEvent", "event": {"agreement": AGREEMENT}, spelling: AT}
    assert change("agreement", said).at_us == AT_US
    both = {"timeOcurred": "2026-10-31T00:00:00Z", **said, "eventTime": AT}
    assert change("agreement", both).at_us == AT_US


def test_trap_2_a_fragment_is_merged() -> None:
    """A state change tells the state; what it does not tell stays."""
    create = change("agreement", notice("agreement", "CreateEvent", AGREEMENT))
    later = notice("agreement", "StateChangeEvent", {"id": "A-1", "status": "approved"})
    part = change("agreement", {**later, "eventTime": "2026-11-02T00:00:00Z"})
    assert part.form is Form.PART
    known = folded(create, part).latest("agreement", "A-1")
    assert known is not None
    assert known.attributes == {**AGREEMENT, "status": "approved"}


def test_trap_3_a_fragment_before_its_create() -> None:
    """It is known, as incomplete, and completed by the create."""
    later = notice("agreement", "StateChangeEvent", {"id": "A-1", "status": "approved"})
    part = change("agreement", {**later, "eventTime": "2026-11-02T00:00:00Z"})
    entities = folded(part)
    alone = entities.latest("agreement", "A-1")
    entities.add(change("agreement", notice("agreement", "CreateEvent", AGREEMENT)))
    whole = entities.latest("agreement", "A-1")
    assert alone is not None
    assert whole is not None
    assert (alone.is_complete, whole.is_complete) == (False, True)
    assert whole.attributes == {**AGREEMENT, "status": "approved"}


def test_trap_4_full_images_and_deletes_are_told_by_content() -> None:
    """A state change with everything is full; a delete with everything is a delete."""
    role = {
        "id": "r1",
        "name": "Reseller",
        "status": "active",
        "engagedParty": {"@type": "PartyRef", "id": "42"},
    }
    assert change("party", notice("partyRole", "StateChangeEvent", role)).form is Form.FULL
    assert change("party", notice("partyRole", "DeleteEvent", role)).form is Form.GONE
    fragment = {"id": "r1", "status": "active", "name": "Reseller"}
    assert change("party", notice("partyRole", "StateChangeEvent", fragment)).form is Form.PART


def test_trap_5_what_is_missing_or_null_in_a_fragment_is_unchanged() -> None:
    """Only a full image takes an attribute away; a list in a fragment replaces the list."""
    first = {**AGREEMENT, "status": "approved", "agreementItem": [{"id": "1"}, {"id": "2"}]}
    create = change("agreement", notice("agreement", "CreateEvent", first))
    said = {"id": "A-1", "status": None, "agreementItem": [{"id": "3"}]}
    event = notice("agreement", "AttributeValueChangeEvent", said)
    part = change("agreement", {**event, "eventTime": "2026-11-02"})
    again = {**notice("agreement", "CreateEvent", AGREEMENT), "eventTime": "2026-11-03"}
    entities = folded(create, part, change("agreement", again))
    found = [version.attributes for version in entities.history("agreement", "A-1")]
    assert found == [first, {**first, "agreementItem": [{"id": "3"}]}, AGREEMENT]


def test_trap_6_states_of_items_reach_the_items() -> None:
    """The published state change carries them beside the order; they are part of the items."""
    item = {"id": "1", "action": "add", "state": "acknowledged"}
    order = {"id": "9693", "state": "acknowledged", "productOrderItem": [item]}
    create = change("order", notice("productOrder", "CreateEvent", order))
    states = [{"itemId": 1, "state": "completed "}]
    said = {"id": "9693", "state": "completed", "itemStateChange": states}
    event = {**notice("productOrder", "StateChangeEvent", said), "eventTime": "2026-11-02"}
    known = folded(change("order", event), create).latest("productOrder", "9693")
    assert known is not None
    assert known.attributes["productOrderItem"] == [{**item, "state": "completed"}]
    assert known.attributes["state"] == "completed"


def test_trap_7_the_order_of_arrival_does_not_matter() -> None:
    """There are no version numbers: an older event that comes late changes nothing newer."""
    said = [
        {**notice("agreement", event, {"id": "A-1", **body}), "eventTime": f"2026-11-0{day}"}
        for day, event, body in [
            (1, "CreateEvent", AGREEMENT),
            (2, "StateChangeEvent", {"status": "in process"}),
            (3, "StateChangeEvent", {"status": "approved"}),
        ]
    ]
    told = [change("agreement", one, offset) for offset, one in enumerate(said)]
    expected = [dict(v.attributes) for v in folded(*told).history("agreement", "A-1")]
    late = folded(told[2], told[0], told[1]).history("agreement", "A-1")
    assert [dict(v.attributes) for v in late] == expected


def test_trap_8_event_ids_are_unique_at_best_for_their_source() -> None:
    """The same id of two systems is two events; the same event again is the same change."""
    event = notice("agreement", "CreateEvent", AGREEMENT, eventId=966)
    one = change("agreement", {**event, "reportingSystem": {"id": "759", "name": "APP-745"}}, 1)
    again = change("agreement", {**event, "source": {"id": 759}}, 2)
    other = change("agreement", {**event, "reportingSystem": {"name": "APP-745"}}, 3)
    assert (one.event_id, one.source, other.source) == ("966", "759", "APP-745")
    assert one.key == again.key != other.key


@pytest.mark.parametrize(
    ("stem", "name", "kind"),
    [
        ("catalog", "Category", "category"),
        ("catalog", "catalog", "productCatalog"),
        ("catalog", "ProductOfferingPrice", "productOfferingPrice"),
        ("order", "canccelProductOrder", "cancelProductOrder"),
        ("inventory", "PhysicalResource", "resource"),
        ("party", "ORGANIZATION", "organization"),
    ],
)
def test_trap_9_names_of_payloads_vary(stem: str, name: str, kind: str) -> None:
    """In case and spelling; the kind is always the same."""
    said = {"eventTime": AT, "eventType": "?", "event": {name: {"id": "1"}}}
    assert change(stem, said).kind == kind


def test_trap_10_siblings_are_no_payload() -> None:
    """An event may hold other things with an id beside its resource."""
    siblings = {
        "relatedParty": [{"id": "p1", "@type": "Organization"}],
        "reportingSystem": {"id": "123", "@type": "Resource"},
        "source": {"id": "124"},
        "informationRequired": {"op": "add", "path": "cancellationReason", "id": "5"},
    }
    event = {"eventTime": AT, "eventType": "ProductCreateEvent"}
    told = change("inventory", {**event, "event": {**siblings, "product": {"id": "pr-1"}}})
    assert (told.kind, told.id, told.source) == ("product", "pr-1", "123")
    # And without the resource there is nothing that could be taken for it.
    assert refusal("inventory", {**event, "event": siblings}).reason == "no_payload"


def test_trap_11_event_types_are_not_relied_on() -> None:
    """Topic, payload name and content decide what it is; an unknown name is no harm."""
    named = {"productCatalog": {"id": "1", "@type": "ProductCatalog"}}
    said = {"eventTime": AT, "eventType": "CategoryCreateEvent", "event": named}
    assert change("catalog", said).kind == "productCatalog"
    assert change("catalog", {**said, "eventType": "CXJAD"}).form is Form.PART
    assert change("catalog", {**said, "eventType": None}).form is Form.PART
    # Under an unknown name the type of the content says what it is, and else that of the event.
    typed = {"eventTime": AT, "event": {"order": {"id": "1", "@type": "ProductOrder"}}}
    assert change("order", typed).kind == "productOrder"
    bare = {"eventTime": AT, "event": {"order": {"id": "1"}}}
    by_event = {**bare, "eventType": "ProductOrderStateChangeEvent"}
    assert change("order", by_event).kind == "productOrder"
    assert refusal("order", {**bare, "eventType": "CXJAD"}).reason == "unknown_event"
    # The published descriptions send a specification of a role under the name of the role.
    spec = {"id": "5713", "name": "Reseller"}
    event = {**notice("partyRole", "?", spec), "eventType": "PartyRoleSpecificationCreateEvent"}
    assert change("party", event).kind == "partyRoleSpecification"
    typed = notice("partyRole", "CreateEvent", {**spec, "@type": "PartyRoleSpecification"})
    assert change("party", typed).kind == "partyRoleSpecification"


def test_trap_12_batches_are_flattened_and_one_bad_element_loses_no_other() -> None:
    """Lists of notifications, of events and of resources; each element has a row of its own."""
    products = [{"id": "a"}, {"name": "no id"}, [{"id": "b"}]]
    several = [notice("product", "CreateEvent", products), 5, notice("product", "CreateEvent", [])]
    several.append({"eventTime": AT, "event": [{"product": {"id": "c"}}, None]})
    found = reading("inventory", several)
    assert [(c.id, c.position) for c in found.changes] == [
        ("a", "inventory.v1/0/7/0"),
        ("b", "inventory.v1/0/7/2"),
        ("c", "inventory.v1/0/7/5"),
    ]
    assert [(r.reason, r.position) for r in found.refusals] == [
        ("no_id", "inventory.v1/0/7/1"),
        ("malformed", "inventory.v1/0/7/3"),
        ("no_payload", "inventory.v1/0/7/4"),
        ("no_payload", "inventory.v1/0/7/6"),
    ]


def test_trap_13_related_parties_have_one_shape_and_are_no_party_update() -> None:
    """Both dialects come out alike; a whole organization within an order is only a reference."""
    old = {"id": "42", "name": "Alfa", "role": "Seller", "@referredType": "Organization"}
    full = {"@type": "Organization", "id": "42", "name": "Alfa", "status": "validated"}
    new = {"role": "Seller", "partyOrPartyRole": full}
    expected = [{"party": "42", "role_id": "", "role": "seller", "name": "Alfa"}]
    for party in (old, new):
        said = notice("productOrder", "CreateEvent", {"id": "1", "relatedParty": [party]})
        assert change("order", said).attributes["relatedParty"] == expected


def test_trap_14_the_id_of_a_role_is_not_that_of_a_party() -> None:
    """A reference to a role names the party beside its own id."""
    inner = {"@type": "PartyRoleRef", "id": "r1", "partyId": "42", "partyName": "Alfa"}
    party = {"role": "partner", "partyOrPartyRole": inner}
    said = notice("agreement", "CreateEvent", {"id": "1", "engagedParty": [party]})
    expected = [{"party": "42", "role_id": "r1", "role": "partner", "name": "Alfa"}]
    assert change("agreement", said).attributes["engagedParty"] == expected


def test_trap_15_roles_are_compared_in_lower_case() -> None:
    """Free text in any case and with blanks is one word."""
    said = [{"id": "1", "role": "Seller "}, {"id": "2", "role": "distributor"}]
    told = change("order", notice("productOrder", "CreateEvent", {"id": "1", "relatedParty": said}))
    assert [p["role"] for p in told.attributes["relatedParty"]] == ["seller", "distributor"]


def test_trap_16_external_ids_have_one_shape() -> None:
    """Text, lists and references of three names are all `externalIdentifier`."""
    expected = [{"owner": "", "type": "", "id": "PO-1"}]
    for stem, kind, name, value in [
        ("order", "productOrder", "externalId", "PO-1"),
        ("order", "productOrder", "externalId", [{"id": "PO-1"}]),
        ("ticket", "troubleTicket", "externalIdentifier", [{"id": "PO-1"}]),
        ("party", "organization", "externalReference", [{"name": "PO-1"}]),
    ]:
        told = change(stem, notice(kind, "CreateEvent", {"id": "1", name: value}))
        assert told.attributes == {"id": "1", "externalIdentifier": expected}


@pytest.mark.parametrize(
    ("stem", "kind", "said", "expected"),
    [
        ("inventory", "product", {"status": "aborted "}, {"status": "aborted"}),
        ("party", "individual", {"status": "deceaded"}, {"status": "deceased"}),
        ("order", "productOrder", {"state": "inProgress.accepted"}, None),
        ("order", "productOrder", {"state": "partial"}, None),
        ("order", "productOrder", {"status": "held"}, {"state": "held"}),
        ("ticket", "troubleTicketSpecification", {"lifecycleStatus": "Active"}, None),
        ("inventory", "resource", {"operationalState": "enable"}, {"operationalState": "enabled"}),
    ],
)
def test_trap_17_spellings_of_states(
    stem: str, kind: str, said: dict[str, str], expected: dict[str, str] | None
) -> None:
    """Blanks go, the older dialect's misspellings become the newer one's words, the rest stays."""
    told = change(stem, notice(kind, "StateChangeEvent", {"id": "1", **said}))
    assert told.attributes == {"id": "1", **(expected or said)}


def test_trap_18_a_full_price_in_an_offering_is_a_price() -> None:
    """A reference is none; one that is refused, or has no id, is counted and loses no other."""
    prices = [
        {"id": "p1", "@type": "ProductOfferingPriceRef", "name": "Monthly"},
        {"id": "p2", "priceType": "recurring", "price": {"unit": "EUR", "value": 9.99}},
        {"id": "p3", "priceType": 5},
        {"priceType": "recurring"},
    ]
    said = {"id": "o1", "lastUpdate": "2026-10-01", "productOfferingPrice": prices}
    found = reading("catalog", notice("productOffering", "AttributeValueChangeEvent", said))
    offering, price = found.changes
    assert (offering.kind, offering.form) == ("productOffering", Form.PART)
    assert (price.kind, price.id, price.form) == ("productOfferingPrice", "p2", Form.FULL)
    assert (price.at_us, price.position) == (AT_US, "catalog.v1/0/7/1")
    assert price.attributes["price"] == {"unit": "EUR", "value": "9.99"}
    [refused] = found.refusals
    assert (refused.reason, refused.position) == ("bad_shape", "catalog.v1/0/7/2")
    assert found.ignored == {"price_without_id": 1}
    gone = reading("catalog", notice("productOffering", "DeleteEvent", said))
    assert [c.form for c in gone.changes] == [Form.GONE]


def test_trap_19_order_items_nest() -> None:
    """Items within items, and products within them, are read like those at the top."""
    leaf = {
        "id": 2,
        "state": "partial ",
        "product": {
            "id": "pr-1",
            "agreement": [{"id": "A-1", "agreementItemId": "1"}],
            "productCharacteristic": [{"name": "units", "value": 2}],
        },
    }
    order = {"id": "1", "productOrderItem": [{"id": "1", "productOrderItem": [leaf]}]}
    told = change("order", notice("productOrder", "CreateEvent", order))
    [inner] = told.attributes["productOrderItem"][0]["productOrderItem"]
    assert (inner["id"], inner["state"]) == ("2", "partial")
    assert inner["product"] == {
        "id": "pr-1",
        "agreements": [{"agreement": "A-1", "item": "1"}],
        "characteristics": {"units": 2},
    }


def test_trap_20_money_is_exact() -> None:
    """What is written with a fraction stays the text that it is; whole numbers stay numbers."""
    event = b'{"eventTime":"%s","event":{"productOfferingPrice":{"id":"1","price":' % AT.encode()
    price = b'{"unit":"EUR","value":0.10000000000000000001,"percentage":1E-2,"units":12}}}}'
    [told] = read(event + price, place("catalog")).changes
    assert told.attributes["price"] == {
        "unit": "EUR",
        "value": "0.10000000000000000001",
        "percentage": "1E-2",
        "units": 12,
    }


def test_trap_21_dates() -> None:
    """Offsets, decimals and bare dates are read; one invalid time parks the notification."""
    event = notice("agreement", "CreateEvent", AGREEMENT)
    for written in ("2026-11-01T08:00:00-04:00", "2026-11-01T12:00:00.000Z"):
        assert change("agreement", {**event, "eventTime": written}).at_us == AT_US
    midnight_us = AT_US - 12 * 3_600_000_000
    assert change("agreement", {**event, "eventTime": "2026-11-01"}).at_us == midnight_us
    for bad in ("2019-04-30T015:21:05.112Z", 1_793_534_400):
        refused = refusal("agreement", {**event, "eventTime": bad})
        assert refused.reason == "bad_time"
        assert refused.detail.startswith("agreement A-1: eventtime")
    bad_date = notice("product", "CreateEvent", {"id": "1", "startDate": "2026-02-30"})
    assert refusal("inventory", bad_date).detail.startswith("product 1: product.startDate: ")


def test_trap_22_ends_of_periods_may_be_missing_or_far() -> None:
    """They stay as they are; only an end before its start is refused."""
    far = {"startDateTime": "2026-01-01", "endDateTime": "9999-12-31T23:59:59Z"}
    for period in (far, {"startDateTime": "2026-01-01"}, {"endDateTime": "2026-01-01"}, {}):
        said = notice("partyRole", "CreateEvent", {"id": "1", "validFor": period})
        assert change("party", said).attributes["validFor"] == period


def test_trap_23_extensions_are_kept_and_no_location_is_followed() -> None:
    """A subclass with attributes of its own is its base; the location is only text."""
    said = {
        "id": "1",
        "@type": "FirewallProduct",
        "@baseType": "Product",
        "@schemaLocation": "http://localhost:1/never.json",
        "throughput": {"value": 10},
    }
    told = change("inventory", {"eventTime": AT, "event": {"item": said}})
    assert (told.kind, told.attributes) == ("product", said)


def test_trap_24_a_type_may_be_missing() -> None:
    """The older dialect often leaves it out; topic and name say what it is."""
    said = {"id": "1", "state": "active", "serviceSpecification": {"id": "s"}, "category": "CFS"}
    told = change("inventory", notice("service", "StateChangeEvent", said))
    assert (told.kind, told.form) == ("service", Form.FULL)


def test_trap_25_a_create_of_what_exists_is_an_update() -> None:
    """Sent again after a repair it is the newest image, and takes away what it does not say."""
    first = change("agreement", notice("agreement", "CreateEvent", {**AGREEMENT, "version": "1"}))
    event = {**notice("agreement", "CreateEvent", AGREEMENT), "eventTime": "2026-11-02"}
    history = folded(first, change("agreement", event)).history("agreement", "A-1")
    assert [v.attributes.get("version") for v in history] == ["1", None]
