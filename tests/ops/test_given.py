"""The names that files give, read without judging the rest."""

from __future__ import annotations

from pathlib import Path

from ops.given import given
from streams.control.derived import Known
from tests.builders import reference_dir


def test_names_of_partners_agreements_and_keys(tmp_path: Path) -> None:
    """Of a key, its kind and itself, however many rows it has."""
    found = given(reference_dir(tmp_path))
    assert found.partners == {"ALFA", "BRAVO"}
    assert found.agreements == {"ALFA-1", "BRAVO-1"}
    assert ("route", "TG-001") in found.keys
    assert ("route", "TG-900") in found.keys
    assert len(found.keys) == 4


def test_what_cannot_be_read_gives_nothing(tmp_path: Path) -> None:
    """Loading says what is wrong with it."""
    assert given(tmp_path) == Known()
    wrong = reference_dir(tmp_path, partners="- {name: x}\n", agreements="{", attribution="a,b\n")
    assert given(wrong) == Known()
