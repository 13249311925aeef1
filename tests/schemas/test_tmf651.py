"""An agreement goes into TMF651 and back unchanged; the schema of our terms is kept up to date.

`python tests/schemas/test_tmf651.py` writes the schema anew, after the vocabulary has changed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from schemas.agreements import Agreement
from schemas.documents import Entries, Entry, Problems, read_yaml
from schemas.tmf651 import SCHEMA_LOCATION, from_tmf651, terms_schema, to_tmf651
from tests.builders import AGREEMENTS
from tests.ops import books
from tests.payment_makers import YEN, paying_dir

ROOT = Path(__file__).parents[2]
PARTNER = {"partner": "ALFA", "name": "Alfa Telecom", "country": "DE"}
# What the standard requires of an Agreement and of what stands in it.
REQUIRED = {
    "": {"agreementItem", "agreementType", "engagedParty", "name"},
    "engagedParty": {"@referredType", "id", "name"},
    "characteristic": {"name", "value"},
}


def entries(text: str) -> list[dict[str, Any]]:
    """The entries of a YAML file as plain dictionaries of text."""
    problems = Problems()
    found: list[dict[str, Any]] = _bare(Entries(0) + read_yaml(text.encode(), "a.yaml", problems))
    assert problems.found == []
    return found


def _bare(value: Any) -> Any:  # noqa: ANN401 - any YAML
    if isinstance(value, (Entry, dict)):
        return {key: _bare(part) for key, part in value.items()}
    return [_bare(part) for part in value] if isinstance(value, list) else value


def examples(directory: Path) -> list[dict[str, Any]]:
    """Agreements with prices and terms of several kinds."""
    terms = (YEN, "tax: {percent: 25}", "tolerance: {absolute: 1}", "deals: []")
    paying = paying_dir(directory, *terms).joinpath("agreements.yaml").read_text()
    return [*entries(AGREEMENTS), *entries(books.AGREEMENTS), *entries(paying)]


def test_an_agreement_goes_there_and_back_unchanged(tmp_path: Path) -> None:
    """Field by field, and means the same."""
    for agreement in examples(tmp_path):
        document = json.loads(json.dumps(to_tmf651(agreement, PARTNER)))
        back = from_tmf651(document)
        assert back == {**agreement, "partner": "ALFA"}
        assert Agreement.model_validate(back).agreement == agreement["agreement"]


def test_what_the_standard_requires_is_there(tmp_path: Path) -> None:
    """Of the agreement, its party and its characteristic; items are at least one."""
    for agreement in examples(tmp_path):
        document = to_tmf651(agreement, PARTNER)
        assert document.keys() >= REQUIRED[""]
        for field in ("engagedParty", "characteristic"):
            [only] = document[field]
            assert only.keys() >= REQUIRED[field]
        assert document["engagedParty"][0]["id"] == "ALFA"
        assert len(document["agreementItem"]) >= 1
        assert "agreementPeriod" not in document  # which would need an end


def test_a_validity_with_both_ends_is_the_period() -> None:
    """A date is midnight in the version's zone."""
    [agreement, _] = entries(AGREEMENTS)
    agreement["versions"][-1]["valid_upto"] = "2026-07-01"
    assert to_tmf651(agreement, PARTNER)["agreementPeriod"] == {
        "startDateTime": "2025-12-31T23:00:00+00:00",
        "endDateTime": "2026-06-30T22:00:00+00:00",
    }


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("characteristic", [], "'ALFA-1' has 0 characteristics weirTerms; it needs one"),
        ("characteristic", [{"name": "weirTerms", "value": {}}], "is not of @type WeirTerms"),
        ("engagedParty", [], "'ALFA-1' has 0 engaged parties as partner; it needs one"),
    ],
)
def test_another_agreement_is_refused(field: str, value: object, said: str) -> None:
    """One without our terms, or without a partner."""
    document = to_tmf651(entries(AGREEMENTS)[0], PARTNER)
    with pytest.raises(ValueError, match=said):
        from_tmf651({**document, field: value})


def test_the_schema_is_that_of_the_models() -> None:
    """To write it anew: python tests/schemas/test_tmf651.py."""
    kept = json.loads((ROOT / SCHEMA_LOCATION).read_text(encoding="utf-8"))
    assert kept == terms_schema()


def test_the_schema_describes_what_files_have(tmp_path: Path) -> None:
    """Every field of the examples is in it, and every single value is text."""
    schema = terms_schema()
    for agreement in examples(tmp_path):
        [characteristic] = to_tmf651(agreement, PARTNER)["characteristic"]
        assert _faults(characteristic["value"], schema, schema) == []
    wrong = {"@type": "WeirTerms", "model": "barter", "versions": [{"version": 1}]}
    assert len(_faults(wrong, schema, schema)) > 2


def _faults(value: Any, part: dict[str, Any], whole: dict[str, Any]) -> list[str]:  # noqa: ANN401
    """Where a value is not what a schema says: as much of a checker as our schema needs."""
    if "$ref" in part:
        return _faults(value, whole["$defs"][part["$ref"].rpartition("/")[2]], whole)
    if "anyOf" in part:
        found = [_faults(value, one, whole) for one in part["anyOf"]]
        return [] if [] in found else min(found, key=len)
    if "const" in part or "enum" in part:
        return [] if value in part.get("enum", [part.get("const")]) else [f"{value!r} unknown"]
    if part["type"] == "string":
        return [] if isinstance(value, str) else [f"{value!r} is no text"]
    if part["type"] == "array":
        return [f for one in value for f in _faults(one, part["items"], whole)]
    fields = part.get("properties", {})
    more = part.get("additionalProperties")
    found_faults = [f"{name} is missing" for name in part.get("required", ()) if name not in value]
    for name, inner in value.items():
        of = fields.get(name) or more
        found_faults += _faults(inner, of, whole) if of else [f"{name} is not known"]
    return found_faults


if __name__ == "__main__":
    text = json.dumps(terms_schema(), indent=1, ensure_ascii=False)
    (ROOT / SCHEMA_LOCATION).write_text(f"{text}\n", encoding="utf-8")
