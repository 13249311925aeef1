"""The published examples of notifications are read, all of them, and without loss."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import pytest

from streams.control.changes import Form
from streams.control.resources import BY_NAME
from tests.notifications import STEMS, examples, reading

JOBS = ("ImportJob", "ExportJob")
# Changes that the examples send with everything in them.
FULL_CHANGES = {
    "PartyRoleStateChangeEvent_request",
    "PartyRoleSpecificationStateChangeEvent_request",
    "CancelProductOrderStateChangeEvent_request",
    "CancelProductOrderInformationRequiredEvent_request",
}
CASES = [pytest.param(*case, id=f"{case[0]}-{case[1]}") for case in examples()]


def sent(said: dict[str, Any]) -> list[dict[str, Any]]:
    """The resources in an example: what stands in the event and is no sibling of them."""
    siblings = {"relatedParty", "reportingSystem", "source", "informationRequired"}
    [value] = [v for name, v in said["event"].items() if name not in siblings]
    return value if isinstance(value, list) else [value]


def form(name: str) -> Form:
    """What an example is by its name, or by the list above."""
    if "Delete" in name:
        return Form.GONE
    is_full = "Create" in name or "Batch" in name or name in FULL_CHANGES
    return Form.FULL if is_full else Form.PART


def test_there_are_examples_of_all() -> None:
    """As many as the descriptions have; an empty file would make all tests here pass."""
    found = [api for api, _, _ in examples()]
    assert {api: found.count(api) for api in STEMS} == {
        "TMF620": 24,
        "TMF621": 11,
        "TMF622": 11,
        "TMF632": 8,
        "TMF637": 5,
        "TMF638": 5,
        "TMF639": 4,
        "TMF669": 8,
    }


@pytest.mark.parametrize(("api", "name", "said"), CASES)
def test_an_example_is_read_without_loss(api: str, name: str, said: dict[str, Any]) -> None:
    """None is refused; jobs are counted; every attribute is there, under the name it is kept by.

    What no rule touches is there exactly, with fractions as the text that was sent.
    """
    found = reading(STEMS[api], said)
    assert found.refusals == ()
    if name.startswith(JOBS):
        assert (len(found.changes), sum(found.ignored.values())) == (0, 1)
        return
    assert found.ignored == {}
    resources = json.loads(json.dumps(sent(said)), parse_float=str)
    for change, resource in zip(found.changes, resources, strict=True):
        assert (change.id, change.form) == (resource["id"], form(name))
        rules = {} if change.form is Form.GONE else BY_NAME[change.kind.lower()].rules
        for attribute, value in resource.items():
            kept = [kept for kept, _ in rules.get(attribute, ())]
            assert kept or change.attributes[attribute] == value
            assert set(kept) <= set(change.attributes)


# First-level attributes of the examples that nothing reads. They are kept as they are; one that
# appears here for the first time is a decision to make.
UNREAD = {
    "category": "@type description href isRoot productOffering subCategory version",
    "cancelProductOrder": "@type cancellationReason creationDate href requestedCancellationDate",
    "individual": """@baseType @type birthDate countryOfBirth disability formattedName fullName
        gender href individualIdentification languageAbility legalName maritalStatus middleName
        nationality otherName preferredGivenName skill taxExemptionCertificate""",
    "organization": """@baseType @type href isHeadOffice isLegalEntity nameType
        organizationChildRelationship organizationIdentification organizationType otherName
        taxExemptionCertificate""",
    "partyRole": "@type href",
    "partyRoleSpecification": """@type href partyRoleSpecificationCharacteristic
        permissionSpecificationSet""",
    "product": """@type description href isBundle isCustomerVisible realizingService""",
    "productCatalog": "@type catalogType description href version",
    "productOffering": """@type allowedAction attachment bundledGroupProductOfferingOption
        bundledProductOffering description href isBundle isSellable marketSegment
        prodSpecCharValueUse productOfferingCharacteristic productOfferingRelationship
        productOfferingTerm resourceCandidate serviceCandidate serviceLevelAgreement statusReason
        version""",
    "productOfferingPrice": """@type bundledPopRelationship description href isBundle percentage
        place popRelationship pricingLogicAlgorithm productOfferingTerm
        recurringChargePeriodLength recurringChargePeriodType tax unitOfMeasure version""",
    "productOrder": """@referredtype @type category description expectedCompletionDate href note
        priority productOrderErrorMessage productOrderJeopardyAlert productOrderMilestone
        requestedCompletionDate requestedStartDate""",
    "productSpecification": """@type attachment brand bundledProductSpecification description href
        isBundle productNumber productSpecCharacteristic productSpecificationRelationship
        resourceSpecification serviceSpecification targetProductSchema version""",
    "resource": """@baseType @type allocationStatus attachment availabilityStatus controlStatus
        description href note powerConsumingLevel powerConsumingState resourceOrderItem
        resourceRelationship resourceVersion standbyStatus supportingResource unknownStatus""",
    "service": """@type category description feature hasStarted href isServiceEnabled isStateful
        note serviceOrderItem serviceRelationship serviceType startMode supportingResource
        supportingService""",
    "troubleTicket": """@baseType @schemaLocation @type attachment channel description
        expectedResolutionDate href note priority requestedResolutionDate statusChangeReason
        troubleTicketRelationship troubleTicketSpecification""",
    "troubleTicketSpecification": """@baseType @schemaLocation @type creationDate description href
        specCharacteristic version""",
}


def test_what_nothing_reads_is_known() -> None:
    """The world of the examples is closed: each attribute is read or stands in the list above."""
    found: dict[str, set[str]] = defaultdict(set)
    for api, _, said in examples():
        for change in reading(STEMS[api], said).changes:
            if change.form is not Form.GONE:
                resource = BY_NAME[change.kind.lower()]
                kept = {name for kept in resource.rules.values() for name, _ in kept}
                unread = {name for name in change.attributes if name not in kept}
                found[change.kind] |= unread
    assert found == {kind: set(names.split()) for kind, names in UNREAD.items()}
