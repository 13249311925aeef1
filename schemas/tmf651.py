"""TMF651: where an agreement of ours stands in an Agreement of the TM Forum's interface.

An Agreement has parties, a period and characteristics. Our terms are one characteristic, named
`weirTerms`, whose value is an object of our own type with exactly the fields of `agreements.yaml`.
What the standard has a place for stands there too: the partner is the engaged party, the names of
items are agreement items, and a validity with both ends is the agreement period. Nothing is
computed here, entries are moved: so an agreement goes there and back unchanged.

The JSON schema of the terms is `docs/weir-terms.json`. Every single value in it is text, as it is
in the files: 0.10 is exactly that decimal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from schemas.agreements import Agreement
from schemas.moments import parse_moment

Document = dict[str, Any]

TERMS = "weirTerms"
TYPE = "WeirTerms"
SCHEMA_LOCATION = "docs/weir-terms.json"
PARTNER = "partner"


def to_tmf651(agreement: Mapping[str, Any], partner: Mapping[str, Any]) -> Document:
    """An entry of `agreements.yaml`, and that of its partner, as a TMF651 Agreement.

    Args:
        agreement: with its values as text; it has been checked.
        partner: the entry of `partners.yaml`.
    """
    versions = agreement["versions"]
    names = dict.fromkeys(item["item"] for version in versions for item in version.get("items", ()))
    value = {k: v for k, v in agreement.items() if k not in {"agreement", "partner"}}
    document: Document = {
        "@type": "Agreement",
        "id": agreement["agreement"],
        "name": agreement["agreement"],
        "agreementType": agreement["model"],
        "version": versions[-1]["version"],
        "engagedParty": [
            {
                "id": partner["partner"],
                "name": partner["name"],
                "role": PARTNER,
                "@referredType": "Organization",
            }
        ],
        "agreementItem": [
            {"termOrCondition": [{"id": name, "description": f"item {name} of {TERMS}"}]}
            for name in names
        ],
        "characteristic": [
            {
                "name": TERMS,
                "valueType": "object",
                "value": {"@type": TYPE, "@schemaLocation": SCHEMA_LOCATION, **value},
            }
        ],
    }
    first, last = versions[0], versions[-1]
    if last.get("valid_upto"):
        document["agreementPeriod"] = {
            "startDateTime": _instant(first["valid_from"], first["zone"]),
            "endDateTime": _instant(last["valid_upto"], last["zone"]),
        }
    return document


def from_tmf651(document: Mapping[str, Any]) -> Document:
    """The entry of `agreements.yaml` in a TMF651 Agreement.

    Raises:
        ValueError: the agreement has no terms of ours, or no partner; the sentence says which.
    """
    name = document.get("name")
    found = [c for c in document.get("characteristic", ()) if c.get("name") == TERMS]
    if len(found) != 1:
        msg = f"agreement {name!r} has {len(found)} characteristics {TERMS}; it needs one"
        raise ValueError(msg)
    value = found[0].get("value")
    if not isinstance(value, dict) or value.get("@type") != TYPE:
        msg = f"agreement {name!r}: the value of {TERMS} is not of @type {TYPE}"
        raise ValueError(msg)
    parties = [p["id"] for p in document.get("engagedParty", ()) if p.get("role") == PARTNER]
    if len(parties) != 1:
        msg = f"agreement {name!r} has {len(parties)} engaged parties as {PARTNER}; it needs one"
        raise ValueError(msg)
    terms = {key: part for key, part in value.items() if not key.startswith("@")}
    return {"agreement": name, "partner": parties[0], **terms}


def _instant(text: str, zone: str) -> str:
    """A boundary as the standard writes it."""
    return datetime.fromtimestamp(parse_moment(text).seconds(zone), UTC).isoformat()


class _WithoutDefaults(GenerateJsonSchema):
    """Defaults are what values mean, not what files have: the documentation says them."""

    def encode_default(self, dft: Any) -> None:  # noqa: ANN401 - pydantic's signature
        """Nothing."""


def terms_schema() -> Document:
    """The JSON schema of the value of `weirTerms`: the agreement without its name and partner."""
    schema = Agreement.model_json_schema(schema_generator=_WithoutDefaults)
    defined = {name: _plain(part) for name, part in schema.pop("$defs").items()}
    terms = _plain(schema)
    for field in ("agreement", "partner"):
        del terms["properties"][field]
        terms["required"].remove(field)
    terms["properties"] |= {"@type": {"const": TYPE}, "@schemaLocation": {"type": "string"}}
    terms["description"] = "The terms of an agreement: versions, their items and deals."
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, "title": TYPE, **terms, "$defs": defined}


def _plain(part: Mapping[str, Any]) -> Document:
    """A schema of what files have, from one of what they mean: every single value is text."""
    if "$ref" in part or "const" in part or "enum" in part:
        return {key: part[key] for key in ("$ref", "const", "enum") if key in part}
    for several in ("anyOf", "oneOf"):
        if several in part:
            return _choice([_plain(one) for one in part[several] if one.get("type") != "null"])
    if "prefixItems" in part or part.get("type") == "array":
        return {"type": "array", "items": _plain(part.get("items") or {})}
    if "properties" in part:
        found = {"type": "object"}
        if "description" in part:
            found["description"] = " ".join(part["description"].split())
        fields = {name: _plain(of) for name, of in part["properties"].items()}
        required = {"required": [*part["required"]]} if part.get("required") else {}
        return {**found, "properties": fields, **required, "additionalProperties": False}
    if isinstance(of := part.get("additionalProperties"), dict):
        return {"type": "object", "additionalProperties": _plain(of)}
    return {"type": "string"}


def _choice(parts: Sequence[Document]) -> Document:
    """One of several, each named once."""
    different: list[Document] = []
    for part in parts:
        if part not in different:
            different.append(part)
    return different[0] if len(different) == 1 else {"anyOf": different}
