"""Resources: what Weir reads of each kind of thing, where it is at home, and when it is all there.

A row of `RESOURCES` is one kind: the topic that its notifications come on, the names that senders
use for it, its state, the attributes that are read with the shape they must have
(`streams/control/shapes.py`), and what a full image has. A create is a full image because it says
so. Changes are mostly fragments, but some senders send everything each time, and their event names
do not tell which. So a change counts as full if it has what a create must have *and* what never
changes about the thing: a fragment has no reason to say that. Taking a full image for a part only
keeps an attribute too long; taking a part for a full image would lose all others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from streams.control import shapes
from streams.control.shapes import JsonObject, Reader, Rules


@dataclass(frozen=True)
class Resource:
    """A kind of thing that masters tell about.

    Attributes:
        kind: its TMF name in lower camel case.
        stem: the topic where it is at home, without its version.
        rules: the attributes that are read.
        full: a full image has one attribute of each group.
        state: the attribute that its state is kept in.
        state_aliases: what senders call it, too, where the published files disagree or mix it up.
        spans: pairs of attributes whose times bound something.
        aliases: further names for it, in lower case.
    """

    kind: str
    stem: str
    rules: Rules
    full: Sequence[Sequence[str]]
    state: str = "status"
    state_aliases: Sequence[str] = ()
    spans: Sequence[tuple[str, str]] = ()
    aliases: Sequence[str] = ()

    def read(self, payload: JsonObject) -> JsonObject:
        """The attributes of a payload, each in its one shape.

        Raises:
            Unfit: an attribute that is read has another shape, is no time, or contradicts another.
        """
        found = shapes.by_rules(payload, self.rules, self.kind)
        for other in self.state_aliases:
            if self.state not in found and other in found:
                found[self.state] = found.pop(other)
        for start, end in self.spans:
            shapes.in_order(found, start, end, f"{self.kind}.")
        return found

    def is_full(self, attributes: JsonObject) -> bool:
        """Whether attributes, once read, are all of the thing."""
        return all(any(name in attributes for name in group) for group in self.full)


def _rules(**readers: Reader) -> Rules:
    """Attributes that keep their names."""
    return {name: ((name, reader),) for name, reader in readers.items()}


def _all_as(name: str, reader: Reader, *attributes: str) -> Rules:
    """Attributes that are kept under one name."""
    return dict.fromkeys((name, *attributes), ((name, reader),))


CHARACTERISTICS = _all_as(
    "characteristics",
    shapes.characteristics,
    "characteristic",
    "partyCharacteristic",
    "productCharacteristic",
    "resourceCharacteristic",
    "serviceCharacteristic",
    "troubleTicketCharacteristic",
)
IDENTIFIERS = _all_as("externalIdentifier", shapes.identifiers, "externalId", "externalReference")
STATES = _rules(
    **dict.fromkeys(("status", "state", "lifecycleStatus", "operatingStatus"), shapes.state)
)
# Two dialects name the reference of a product to its agreement differently.
PRODUCT_AGREEMENTS = _all_as("agreements", shapes.agreements, "agreement", "agreementItem")
# Elsewhere the reference has one form; what it comes to stands beside it.
AGREEMENTS: Rules = {
    **_all_as("agreements", shapes.agreements),
    "agreement": (
        ("agreement", shapes.things_by(lambda: REFERENCE)),
        ("agreements", shapes.agreements),
    ),
}
# Whatever is looked up by an id later must be text, for an id that is a list could not be.
REFERENCE: Rules = _rules(id=shapes.identifier, name=shapes.text)
CHANNEL: Rules = {**REFERENCE, **_rules(channel=shapes.thing_by(lambda: REFERENCE))}
_reference = shapes.thing_by(lambda: REFERENCE)
_references = shapes.things_by(lambda: REFERENCE)
_channels = shapes.things_by(lambda: CHANNEL)
COMMON: Rules = {
    **CHARACTERISTICS,
    **IDENTIFIERS,
    **STATES,
    **_rules(
        id=shapes.identifier,
        name=shapes.text,
        lastUpdate=shapes.moment_text,
        validFor=shapes.period,
        relatedParty=shapes.parties,
        engagedParty=shapes.parties,
        # The history of every thing folds these two (`state/entities.py`).
        itemStateChange=shapes.item_states,
        productOrderItem=shapes.things_by(lambda: ITEM),
    ),
}
VALID: Rules = _rules(validFor=shapes.period)
PARTY: Rules = {
    **COMMON,
    **_rules(contactMedium=shapes.media, creditRating=shapes.things_by(lambda: VALID)),
}
ORGANIZATION: Rules = {
    **PARTY,
    **_rules(
        tradingName=shapes.text,
        existsDuring=shapes.period,
        organizationParentRelationship=shapes.thing_by(lambda: _rules(organization=_reference)),
    ),
}
INDIVIDUAL: Rules = {**PARTY, **_rules(givenName=shapes.text, familyName=shapes.text)}
PARTY_ROLE: Rules = {
    **COMMON,
    **AGREEMENTS,
    **_rules(
        role=shapes.text,
        contactMedium=shapes.media,
        creditProfile=shapes.things_by(lambda: VALID),
        partyRoleSpecification=_reference,
    ),
}
PARTNERSHIP: Rules = {
    **COMMON,
    **_rules(partner=shapes.things_by(lambda: PARTY_ROLE), specification=_reference),
}
OFFERING: Rules = {
    **COMMON,
    **AGREEMENTS,
    **_rules(
        productOfferingPrice=_references,
        productSpecification=_reference,
        category=_references,
        channel=_channels,
        place=shapes.things,
    ),
}
PRICE: Rules = {
    **COMMON,
    **_rules(priceType=shapes.text, price=shapes.thing),
    **_all_as("policy", shapes.things, "constraint"),
}
AGREEMENT: Rules = {
    **COMMON,
    **_rules(
        agreementType=shapes.text,
        agreementPeriod=shapes.period,
        completionDate=shapes.period,
        agreementItem=shapes.things_by(
            lambda: _rules(product=_references, productOffering=_references)
        ),
        associatedAgreement=_references,
    ),
}
PRODUCT: Rules = {
    **COMMON,
    **PRODUCT_AGREEMENTS,
    **_rules(
        startDate=shapes.moment_text,
        terminationDate=shapes.moment_text,
        orderDate=shapes.moment_text,
        creationDate=shapes.moment_text,
        productOffering=_reference,
        productSpecification=_reference,
        product=shapes.things_by(lambda: PRODUCT),
        place=shapes.things,
    ),
}
ITEM: Rules = {
    **_rules(
        id=shapes.identifier,
        action=shapes.state,
        state=shapes.state,
        productOffering=_reference,
        product=shapes.thing_by(lambda: PRODUCT),
        productOrderItem=shapes.things_by(lambda: ITEM),
    ),
}
ORDER: Rules = {
    **COMMON,
    **AGREEMENTS,
    **_all_as("creationDate", shapes.moment_text, "orderDate"),
    **_rules(
        completionDate=shapes.moment_text,
        cancellationDate=shapes.moment_text,
        channel=_channels,
    ),
}
CANCEL_ORDER: Rules = {**COMMON, **_rules(productOrder=_reference)}
SERVICE: Rules = {
    **COMMON,
    **_rules(
        startDate=shapes.moment_text,
        endDate=shapes.moment_text,
        serviceSpecification=_reference,
        place=shapes.things,
    ),
}
RESOURCE: Rules = {
    **COMMON,
    **_rules(
        startOperatingDate=shapes.moment_text,
        endOperatingDate=shapes.moment_text,
        resourceSpecification=_reference,
        place=shapes.things,
        **dict.fromkeys(
            (
                "resourceStatus",
                "lifecycleState",
                "operationalState",
                "administrativeState",
                "usageState",
            ),
            shapes.state,
        ),
    ),
}
TICKET: Rules = {
    **COMMON,
    **_rules(
        ticketType=shapes.text,
        severity=shapes.text,
        creationDate=shapes.moment_text,
        resolutionDate=shapes.moment_text,
        statusChangeDate=shapes.moment_text,
        relatedEntity=shapes.things_by(lambda: {**REFERENCE, **_rules(entity=_reference)}),
    ),
    **_all_as("statusChangeHistory", shapes.things, "statusChange"),
}

_PARTY = partial(Resource, stem="party")
_CATALOG = partial(Resource, stem="catalog", state="lifecycleStatus")
_AGREEMENT = partial(Resource, stem="agreement")
_ORDER = partial(Resource, stem="order", state="state", state_aliases=("status",))
_INVENTORY = partial(Resource, stem="inventory")
_TICKET = partial(Resource, stem="ticket")
_LISTED = (("name",), ("lifecycleStatus",), ("lastUpdate",))

RESOURCES: Sequence[Resource] = (
    _PARTY(
        "organization",
        rules=ORGANIZATION,
        full=(("name", "tradingName"), ("status",), ("isLegalEntity", "organizationType")),
    ),
    _PARTY("individual", rules=INDIVIDUAL, full=(("givenName",), ("familyName",), ("status",))),
    _PARTY(
        "partyRole",
        rules=PARTY_ROLE,
        full=(("name",), ("engagedParty",), ("status",)),
        aliases=tuple(t for t in shapes.ROLE_TYPES if t != "partyrole"),
    ),
    _PARTY(
        "partyRoleSpecification",
        rules=COMMON,
        full=(("name",), ("lifecycleStatus",), ("validFor",)),
        state="lifecycleStatus",
        state_aliases=("status",),
    ),
    _PARTY("partnership", rules=PARTNERSHIP, full=(("name",), ("specification",), ("partner",))),
    _PARTY("partnershipSpecification", rules=COMMON, full=(("name",), ("roleSpecification",))),
    _CATALOG(
        "productCatalog",
        rules=COMMON,
        full=(*_LISTED, ("catalogType", "category", "relatedParty")),
        aliases=("catalog",),
    ),
    _CATALOG("category", rules=COMMON, full=(*_LISTED, ("isRoot", "parent", "parentId"))),
    _CATALOG("productOffering", rules=OFFERING, full=(*_LISTED, ("isBundle",))),
    _CATALOG("productOfferingPrice", rules=PRICE, full=(*_LISTED, ("priceType",))),
    _CATALOG(
        "productSpecification",
        rules=COMMON,
        full=(*_LISTED, ("isBundle", "brand", "productSpecCharacteristic")),
    ),
    _AGREEMENT(
        "agreement",
        rules=AGREEMENT,
        full=(("name",), ("agreementType",), ("agreementItem",), ("engagedParty",)),
    ),
    _AGREEMENT("agreementSpecification", rules=COMMON, full=(("name",), ("attachment",))),
    _ORDER(
        "productOrder",
        rules=ORDER,
        full=(("productOrderItem",), ("state",), ("creationDate",)),
    ),
    _ORDER(
        "cancelProductOrder",
        rules=CANCEL_ORDER,
        full=(("productOrder",), ("state",)),
        aliases=("canccelproductorder",),
    ),
    _INVENTORY(
        "product",
        rules=PRODUCT,
        full=(("status",), ("productOffering", "productSpecification"), ("relatedParty",)),
        spans=(("startDate", "terminationDate"),),
    ),
    _INVENTORY(
        "service",
        rules=SERVICE,
        full=(("state",), ("serviceSpecification",), ("category", "serviceType")),
        state="state",
        spans=(("startDate", "endDate"),),
    ),
    _INVENTORY(
        "resource",
        rules=RESOURCE,
        full=(
            ("name",),
            ("resourceSpecification",),
            ("operationalState", "administrativeState", "resourceStatus", "usageState"),
        ),
        state="resourceStatus",
        spans=(("startOperatingDate", "endOperatingDate"),),
        aliases=("logicalresource", "physicalresource"),
    ),
    _TICKET(
        "troubleTicket",
        rules=TICKET,
        full=(("description",), ("severity",), ("ticketType",), ("status",)),
    ),
    _TICKET(
        "troubleTicketSpecification",
        rules=COMMON,
        full=(("name",), ("lifecycleStatus",), ("specCharacteristic", "validFor")),
        state="lifecycleStatus",
    ),
)

BY_NAME: Mapping[str, Resource] = {
    name: resource for resource in RESOURCES for name in (resource.kind.lower(), *resource.aliases)
}
"""Resources by kind and alias in lower case, for keys and types of any case."""

IGNORED = ("importjob", "exportjob")
"""Resources that masters tell about on topics of ours and that nothing follows from."""
