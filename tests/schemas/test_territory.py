"""What a territory may say, and what is said of one that makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.reference import load
from schemas.territory import Territory
from tests.builders import agreement_text, complaints_of, reference_dir

ITEM = (
    "{item: calls, role: ingress, service: voice, flow: receivable,"
    " price: {kind: unit, per: minute, amount: 1}}"
)
TERMS = "valid_from: 2026-01-01, zone: UTC, currency: EUR, territory: "
KEYS = "kind,key,agreement,valid_from,valid_upto\n"


def directory(path: Path, territory: str) -> Path:
    """A reference with one agreement of this territory."""
    text = agreement_text(ITEM, terms=TERMS + territory)
    return reference_dir(path, agreements=text, attribution=KEYS)


def test_both_lists_are_read_and_told(tmp_path: Path) -> None:
    """Values keep their text; people read them in one line."""
    given = directory(tmp_path, '{called: ["49", 43], networks: [26207]}')
    (version,) = load(given).agreements[0].versions
    assert version.territory == Territory(called=("49", "43"), networks=("26207",))
    assert str(version.territory) == "called 49 or 43, networks 26207"
    assert str(Territory(networks=("1", "2"))) == "networks 1 or 2"


def test_one_list_is_enough(tmp_path: Path) -> None:
    """What is not listed is not asked for; a version without a territory has none."""
    (version,) = load(directory(tmp_path / "a", "{called: [49]}")).agreements[0].versions
    assert version.territory == Territory(called=("49",))
    (version,) = load(reference_dir(tmp_path / "b")).agreements[0].versions
    assert version.territory is None


@pytest.mark.parametrize(
    ("territory", "complaint"),
    [
        ("{}", "territory: is empty; write called, networks or both, or remove the field"),
        ("{called: }", "territory.called: is empty; write at least one value, or remove the field"),
        (
            "{networks: []}",
            "territory.networks: is empty; write at least one value, or remove the field",
        ),
        (
            '{called: ["+49"]}',
            (
                "territory.called[0]: '+49' is not 1 to 15 digits; "
                "write digits only, without + or spaces"
            ),
        ),
        (
            "{called: [49, 43, 49]}",
            "territory.called: '49' is given twice; keep one of the two",
        ),
        (
            "{called: [4930, 43, 49]}",
            "territory.called: '4930' begins with '49', which is listed; remove it",
        ),
        (
            "{networks: [26207, 26207]}",
            "territory.networks: '26207' is given twice; keep one of the two",
        ),
        ("{caled: [49]}", "territory.caled: is not known here; write called"),
    ],
)
def test_a_wrong_territory_is_refused(tmp_path: Path, territory: str, complaint: str) -> None:
    """Nothing, something twice or within another, and what is no prefix of a number."""
    found = complaints_of(directory(tmp_path, territory))
    assert found == [f"agreements.yaml:2: versions[0].{complaint}"]
