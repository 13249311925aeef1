"""Two items of equal precedence are refused, with the lines of both; so are idle conditions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import complaints_of, reference_dir

KEYS = "kind,key,agreement,valid_from,valid_upto\nroute,TG-1,ALFA-1,,\nproduct,P-1,ALFA-1,,\n"
CHARACTERISTICS = """\
kind,key,name,value,valid_from,valid_upto
route,TG-1,access,fibre,,
route,TG-1,status,active,,
"""
HEAD = """\
- agreement: ALFA-1
  partner: ALFA
  model: wholesale
  versions:
    - version: 1
      valid_from: 2026-01-01
      zone: UTC
      currency: EUR
      items:
"""
FIRST_LINE = HEAD.count("\n") + 1
EACH = "{kind: unit, per: event, amount: 1}"


def item(
    name: str, more: str = "", *, service: str = "voice", role: str = "ingress", price: str = EACH
) -> str:
    """One item on one line."""
    usage = f"role: {role}, service: {service}, flow: receivable"
    return f"        - {{item: {name}, {usage}, price: {price}{more}}}\n"


def complaints(directory: Path, *items: str) -> list[str]:
    """What is wrong with these items, as line, field within the version, and message."""
    text = HEAD + "".join(items)
    known = {"characteristics.csv": CHARACTERISTICS}
    found = complaints_of(reference_dir(directory, agreements=text, attribution=KEYS, others=known))
    return [c.removeprefix("agreements.yaml:").replace("versions[0].", "") for c in found]


def test_equal_precedence_is_refused_with_both_lines(tmp_path: Path) -> None:
    """Both list 49: which of the two would be paid is nobody's guess."""
    found = complaints(
        tmp_path,
        item("eu", ", where: {called: [49, 33]}"),
        item("any"),
        item("de", ", where: {called: [4930, 49]}"),
    )
    told = "with equal precedence (both: called 49); give one another condition"
    assert found == [
        f"{FIRST_LINE}: items[0].where: covers the same usage as item 'de' {told}",
        f"{FIRST_LINE + 2}: items[2].where: covers the same usage as item 'eu' {told}",
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("where: {called: [49]}", "where: {called: [4917]}"),  # the longer prefix wins
        ("where: {called: [49]}", "where: {calling: [49]}"),  # called goes before calling
        ("where: {called: [49]}", "direction: in"),  # a condition goes before none
        ("where: {called: [49]}", "where: {called: [49], calling: [33]}"),
        ("where: {called: [49]}, direction: in", "where: {called: [49]}, direction: out"),
        (
            "where: {visited_network: [26201], home_network: [20801]}",
            "where: {visited_network: [26201], home_network: [24201]}",
        ),
        ("where: {key: [route:TG-1]}", "where: {called: [49]}"),
        (
            "where: {characteristic: {access: [fibre]}}",
            "where: {characteristic: {access: [copper]}}",
        ),
        (
            "where: {characteristic: {access: [fibre], status: [active]}}",
            "where: {characteristic: {access: [copper], status: [active]}}",
        ),
    ],
)
def test_items_that_something_tells_apart_are_fine(tmp_path: Path, one: str, other: str) -> None:
    """Other fields, other values in one field, another direction, another length."""
    assert complaints(tmp_path, item("one", f", {one}"), item("other", f", {other}")) == []


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (
            [item("one"), item("two", ", where: {rating_group: [1]}")],
            "items[1].where.rating_group: voice usage has no rating_group; remove it",
        ),
        (
            [item("one", ", where: {key: [product:P-1]}")],
            "items[0].where.key[0]: 'product:P-1' makes no leg of role ingress; write route:NAME",
        ),
        (
            [item("one", ", where: {key: [route:TG-2]}")],
            "items[0].where.key[0]: 'route:TG-2' is not in attribution.csv; add it there",
        ),
        (
            [item("one", ", where: {characteristic: {colour: [red]}}")],
            (
                "items[0].where.characteristic.colour: is given to no key in characteristics.csv;"
                " add it there"
            ),
        ),
        (
            [item("one", ", where: {listed: true}")],
            "items[0].where.listed: is for prices of kind deck; remove it",
        ),
        (
            [item("one", ", surcharge: yes")],
            "items[0].surcharge: 'yes' is not known; write one of true, false",
        ),
        (
            [item("one", service="sms"), item("two", ", surcharge: true")],
            (
                "items[1].surcharge: has nothing to be added to: no item prices ingress voice in;"
                " add one"
            ),
        ),
    ],
)
def test_conditions_that_could_never_hold_are_refused(
    tmp_path: Path, items: list[str], message: str
) -> None:
    """Fields that the usage lacks, keys that make no such leg, surcharges on nothing."""
    assert complaints(tmp_path, *items)[0].partition(": ")[2] == message


def test_two_characteristics_may_both_hold(tmp_path: Path) -> None:
    """A key that is fibre and active meets both conditions: nothing says which goes first."""
    found = complaints(
        tmp_path,
        item("one", ", where: {characteristic: {access: [fibre, copper]}}"),
        item("two", ", where: {characteristic: {status: [active]}}"),
    )
    assert [line.partition("(both: ")[2].partition(")")[0] for line in found] == [
        "characteristic access fibre and status active",
        "characteristic access fibre and status active",
    ]


def test_thousands_of_items_are_compared_quickly(tmp_path: Path) -> None:
    """Each with a prefix of its own and a route in common: only sharers are compared."""
    items = [
        item(f"to-{n}", f", where: {{key: [route:TG-1], called: [{n}]}}") for n in range(1, 3_001)
    ]
    assert complaints(tmp_path, *items) == []
