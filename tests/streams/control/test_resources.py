"""What is read of each resource stands in one table, and the documentation shows all of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streams.control.resources import BY_NAME, COMMON, RESOURCES, Resource
from streams.control.shapes import Unfit

PAGE = Path(__file__).parents[3] / "docs" / "control-plane.md"


def named(resource: Resource) -> str:
    """The name of a resource, as that of its test."""
    return resource.kind


def test_every_kind_and_alias_names_one_resource() -> None:
    """No two resources claim the same name, whatever its case."""
    names = [name for r in RESOURCES for name in (r.kind.lower(), *r.aliases)]
    assert len(names) == len(set(names)) == len(BY_NAME)
    assert all(name == name.lower() for name in names)


@pytest.mark.parametrize("resource", RESOURCES, ids=named)
def test_a_full_image_has_one_of_each_group(resource: Resource) -> None:
    """Every group is needed, and any of its attributes will do."""
    whole = {group[0]: "x" for group in resource.full}
    assert resource.is_full(whole)
    for group in resource.full:
        without = {name: said for name, said in whole.items() if name not in group}
        assert not resource.is_full(without)
        assert all(resource.is_full({**without, name: "x"}) for name in group)


@pytest.mark.parametrize("resource", RESOURCES, ids=named)
def test_a_state_change_is_no_full_image(resource: Resource) -> None:
    """The name, the state and the time of the change alone are a fragment of anything."""
    said = {"id": "1", "name": "x", "lastUpdate": "2026-11-01", resource.state: "active"}
    assert not resource.is_full(resource.read(said))


def test_a_state_under_another_name_is_the_state() -> None:
    """Unless the resource has its own, which holds then."""
    order = BY_NAME["productorder"]
    assert order.read({"status": "held "}) == {"state": "held"}
    both = {"status": "x", "state": "held"}
    assert order.read(both) == both
    # A service has a state; what else a sender calls its status is an attribute of the sender's.
    assert BY_NAME["service"].read({"status": "x"}) == {"status": "x"}


def test_a_fault_names_the_resource() -> None:
    """So that a sender finds it."""
    with pytest.raises(Unfit, match=r"^productOrder.productOrderItem\[0\].product is text"):
        BY_NAME["productorder"].read({"productOrderItem": [{"product": "x"}]})


@pytest.mark.parametrize("resource", RESOURCES, ids=named)
def test_the_page_shows_what_is_read(resource: Resource) -> None:
    """Kind, aliases and attributes, each set as code in the row of the resource."""
    text = PAGE.read_text(encoding="utf-8")
    [row] = re.findall(rf"^\| `{resource.kind}` .*$", text, re.MULTILINE)
    common = set(re.findall(r"`([\w.]+)`", text.split("## What is read")[1].split("###")[0]))
    shown = {word.lower() for word in [*re.findall(r"`([\w.]+)`", row), *common]}
    own = {name for name in resource.rules if resource.rules[name] != COMMON.get(name)}
    groups = {name for group in resource.full for name in group}
    assert {name.lower() for name in own | groups | set(resource.aliases)} <= shown
    assert set(COMMON) <= common
