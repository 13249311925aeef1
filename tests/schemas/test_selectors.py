"""What may be written in `where`, and that what is meant by it is what usage has."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.codes import Service
from schemas.registry import current_schema
from schemas.selectors import (
    CALLING_DIGITS_MAX,
    PRECEDENCE,
    PREFIXES,
    ROLE_KINDS,
    USAGE_COLUMNS,
    Where,
)
from streams.attribution import KEYS
from streams.privacy import CLEAR_DIGITS
from tests.builders import agreement_text, complaints_of, reference_dir

NO_KEYS = "kind,key,agreement,valid_from,valid_upto\n"


def complaint(directory: Path, where: str) -> str:
    """What is wrong with these conditions of an item, from the field on."""
    item = (
        "{item: one, role: ingress, service: voice, flow: receivable,"
        f" price: {{kind: unit, per: event, amount: 1}}, where: {where}}}"
    )
    text = agreement_text(item)
    found = complaints_of(reference_dir(directory, agreements=text, attribution=NO_KEYS))
    return found[0].partition("items[0].")[2] if found else ""


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("{called: [49, 4930], calling: [33]}", ""),
        ("{}", "where: is empty; write a condition, or remove the field"),
        ("", "where: is empty; write a condition, or remove the field"),
        ("{called: }", "where.called: is empty; write at least one value, or remove the field"),
        ("{called: []}", "where.called: is empty; write at least one value, or remove the field"),
        ("{called: 49}", "where.called: must be a list; begin every entry with a dash, '- '"),
        (
            "{called: [+49]}",
            "where.called[0]: '+49' is not 1 to 15 digits; write digits only, without + or spaces",
        ),
        ("{called: [49, 49]}", "where.called: '49' is given twice; keep one of the two"),
        (
            "{calling: [3312345678]}",
            (
                "where.calling[0]: '3312345678' is longer than 9 digits, all that suspense keeps of"
                " a caller; write the prefix with fewer digits"
            ),
        ),
        (
            "{key: [TG-001]}",
            "where.key[0]: 'TG-001' is not a key; write KIND:NAME, for example route:TG-001",
        ),
        ("{caled: [49]}", "where.caled: is not known here; write called"),
        ("{listed: false}", "where.listed: 'false' is not known; write true, or remove the field"),
        (
            "{characteristic: [fibre]}",
            "where.characteristic: must be fields, written name: value",
        ),
        (
            "{characteristic: {access: fibre}}",
            "where.characteristic.access: must be a list; begin every entry with a dash, '- '",
        ),
        (
            "{characteristic: {}}",
            "where.characteristic: is empty; write at least one characteristic, or remove it",
        ),
        ("called", "where: must be fields, written name: value"),
    ],
)
def test_what_where_may_say(tmp_path: Path, where: str, message: str) -> None:
    """Lists of values under known names; anything else is refused with what to write."""
    assert complaint(tmp_path, where) == message


def test_the_fields_are_the_models_in_order_of_precedence() -> None:
    """No field is forgotten, and prefixes are compared in the order in which fields are."""
    assert tuple(Where.model_fields) == PRECEDENCE
    assert tuple(field for field in PRECEDENCE if field in PREFIXES) == PREFIXES


def test_what_conditions_look_at_is_in_usage() -> None:
    """Every column is a field of some family, and every other field is looked up elsewhere."""
    known = {f["name"] for service in Service for f in current_schema(service)["fields"]}
    assert set(USAGE_COLUMNS.values()) <= known
    assert set(PRECEDENCE) - set(USAGE_COLUMNS) == {"key", "characteristic", "listed", "band"}


def test_conditions_know_what_other_modules_do() -> None:
    """As many digits as suspense keeps in clear, and the kinds of key that attribution asks."""
    assert CALLING_DIGITS_MAX == CLEAR_DIGITS
    for role, asked in KEYS.items():
        assert {kind for _, kind, _ in asked} <= set(ROLE_KINDS[role])


def test_conditions_read_well() -> None:
    """In the order of precedence, whatever the order in the file."""
    where = Where.model_validate({"rating_group": ["10", "20"], "key": ["access_point:ap"]})
    assert str(where) == "key access_point:ap, rating_group 10 or 20"
    assert where.conditions == ("key", "rating_group")
    asked = {"access": ["fibre", "copper"], "status": ["active"]}
    where = Where.model_validate({"characteristic": asked})
    assert str(where) == "characteristic access fibre or copper and status active"
