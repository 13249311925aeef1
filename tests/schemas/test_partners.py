"""What is known of partners: fields, who is in test, and whom a partner belongs to."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.partners import Partner, check_parents
from schemas.reference import load
from tests.builders import PARTNERS, complaints_of, reference_dir

FULL = PARTNERS.replace(
    "country: NO}",
    "country: NO, test: true, parent: ALFA, segment: mobile networks, tier: gold,"
    " account_manager: Kari Nordmann, payment_days: 30}",
)


def test_every_field_is_kept(tmp_path: Path) -> None:
    """Words as they stand, days as a number."""
    alfa, bravo = load(reference_dir(tmp_path, partners=FULL)).partners
    assert (bravo.test, bravo.parent, bravo.segment) == (True, "ALFA", "mobile networks")
    assert (bravo.tier, bravo.account_manager) == ("gold", "Kari Nordmann")
    assert bravo.payment_days == 30
    assert alfa == Partner(partner="ALFA", name="Alfa Telecom", country="DE")
    assert (alfa.test, alfa.parent, alfa.payment_days) == (False, None, None)


def test_partners_have_a_name_and_perhaps_a_country(tmp_path: Path) -> None:
    """NO is Norway, whatever YAML thinks of it; a country is two capital letters."""
    directory = reference_dir(tmp_path)
    assert [partner.country for partner in load(directory).partners] == ["DE", "NO"]
    partners = "- {partner: ALFA, name: Alfa, country: Germany}\n- {partner: B/1, name: ''}\n"
    found = complaints_of(reference_dir(tmp_path, partners=partners, agreements="[]\n"))
    assert found[-3:] == [
        (
            "partners.yaml:1: country: 'Germany' is not a country; "
            "write two capital letters, for example DE"
        ),
        "partners.yaml:2: name: is not a name; write words on one line",
        (
            "partners.yaml:2: partner: 'B/1' is not a name; "
            "use letters, digits and _ . : - and begin with a letter or digit"
        ),
    ]


@pytest.mark.parametrize(
    ("field", "complaint"),
    [
        ("test: yes", "test: 'yes' is not known; write one of true, false"),
        ("segment: ''", "segment: is empty or goes over several lines; write words on one line"),
        ("tier: [a]", "tier: holds a list or fields; write a single value"),
        ("payment_days: 366", "payment_days: '366' is not a whole number from 0 to 365"),
        ("payment_days: -1", "payment_days: '-1' is not a whole number from 0 to 365"),
        ("parent: NOBODY", "parent: 'NOBODY' is not in partners.yaml; add it there"),
        ("parent: BRAVO", "parent: BRAVO > BRAVO is a circle; end it somewhere"),
        ("segmnt: a", "segmnt: is not known here; write segment"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, field: str, complaint: str) -> None:
    """With what may be written."""
    partners = PARTNERS.replace("country: NO", field)
    found = complaints_of(reference_dir(tmp_path, partners=partners))
    assert found == [f"partners.yaml:2: {complaint}"]


def partner(name: str, parent: str | None = None) -> Partner:
    """A partner that belongs to another."""
    return Partner(partner=name, name=name, parent=parent)


def test_a_circle_of_parents_is_told_once() -> None:
    """Whoever is looked at first; who only leads into one is not told."""
    circle = [partner("A", "B"), partner("B", "C"), partner("C", "B"), partner("D", "A")]
    names = {"A", "B", "C", "D"}
    (told,) = check_parents(circle, names)
    assert told == (circle[1], (("parent",), "B > C > B is a circle; end it somewhere"))
    assert list(check_parents([partner("A", "B"), partner("B")], names)) == []


def test_a_parent_with_mistakes_of_its_own_is_a_partner() -> None:
    """Its name is known though it is no model."""
    assert list(check_parents([partner("A", "B")], {"A", "B"})) == []
