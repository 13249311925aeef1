"""Deriving: partners, agreements and keys follow from entities, less what files give."""

from __future__ import annotations

from state.entities import Entities
from streams.control.derived import Key
from streams.control.deriving import Known, derive
from tests.ops.masters import agreement, organization, product


def test_names_of_files_are_not_derived() -> None:
    """An organization, its contract and a product, of which the files give one each."""
    entities = Entities()
    for change in (organization("CASA"), agreement("C-1", "CASA"), product("P-1", "C-1")):
        entities.add(change)
    found = derive(entities)
    assert [entry["partner"] for entry in found.partners] == ["CASA"]
    assert [entry["agreement"] for entry in found.agreements] == ["C-1"]
    assert found.keys == [Key("product", "P-1", "C-1", "", "")]
    files = Known(frozenset({"CASA"}), frozenset({"C-1"}), frozenset({("product", "P-1")}))
    nothing = derive(entities, files)
    assert not [*nothing.partners, *nothing.agreements, *nothing.keys]
